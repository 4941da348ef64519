"""The market feed's WebSocket: carries requests into the hub and frames out of it; decides nothing about either."""

import asyncio
import contextlib
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from exchange.channels import Channel, FeedRules
from exchange.clock import Millis
from exchange.core import Core
from exchange.hub import Hub
from exchange.sockets import WIRE, Wire

PATHS: Final = ("/feed", "/")
CHECK_EVERY: Final[Millis] = 1_000
SHORTEST_WAIT, LONGEST_WAIT = 0.02, 0.25


class Connection:
    """A channel and the socket it belongs to; `wire` is None under a server that cannot misbehave."""

    def __init__(self, channel: Channel, socket: WebSocket) -> None:
        self.channel = channel
        self.owed = asyncio.Event()
        self._socket = socket
        self._wire: Wire | None = socket.scope.get(WIRE)

    async def read(self, feed: "Feed") -> None:
        """Take requests until the client leaves."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                self.channel.closing = True
                self.channel.outbox.clear()
                self.owed.set()
                return
            feed.request(self, message.get("text") or message.get("bytes") or b"")

    async def write(self, core: Core) -> None:
        """Send what is owed until the channel ends."""
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                for frame in self.channel.take(core.clock.now()):
                    await self._socket.send_bytes(frame)
                if self.channel.closing and not self.channel.outbox:
                    break
                await self.owed.wait()
                self.owed.clear()
            await self._end()

    def look(self) -> None:
        """Let the socket follow the channel: wake its writer, play deaf, give up on a client that does not read."""
        channel = self.channel
        if self._wire is not None:
            self._wire.deaf = channel.deaf
            if channel.waiting > channel.rules.backlog:
                channel.closing = True
                channel.outbox.clear()
                self._wire.reset()
        if channel.outbox or channel.closing:
            self.owed.set()

    async def _end(self) -> None:
        if self.channel.resetting and self._wire is not None:
            self._wire.reset()
        elif self._socket.client_state is not WebSocketState.DISCONNECTED:
            await self._socket.close()


class Feed:
    """Serves the hub; a task of its own moves the hub on while anyone is connected.

    Parameters
    ----------
    core : Core
        The exchange.
    rules : FeedRules, optional
        Passed to the hub.
    """

    def __init__(self, core: Core, rules: FeedRules | None = None) -> None:
        self.hub = Hub(core, rules)
        self._core = core
        self._open: dict[int, Connection] = {}
        self._pump: asyncio.Task[None] | None = None

    def routes(self) -> list[BaseRoute]:
        """Return the feed's routes; its paths are ``/feed`` and, as the live host has it, the root."""
        return [WebSocketRoute(path, self.serve) for path in PATHS]

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until it ends."""
        client_id, token = socket.query_params.get("clientId", ""), socket.query_params.get("token", "")
        refused = self._core.faults.strike("feed_refused", client_id)
        if refused is not None:
            await socket.send_denial_response(Response(status_code=int(refused["status"])))
            return
        await socket.accept()
        channel = self.hub.connect(client_id, token, self._core.settle())
        connection = self._open[channel.number] = Connection(channel, socket)
        self._look()
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())
        reader = asyncio.create_task(connection.read(self))
        try:
            await connection.write(self._core)
        finally:
            reader.cancel()
            self._open.pop(channel.number, None)
            self.hub.leave(channel)

    def request(self, connection: Connection, message: str | bytes) -> None:
        """Pass a request on, and see at once what it brings."""
        self.hub.request(connection.channel, message, self._core.settle())
        self._look()

    async def _run(self) -> None:
        """Move the hub on at the end of each window, or as often as is worth it when market time runs fast."""
        checked_at = self._core.clock.real()
        while self._open:
            now = self._core.settle()
            for _ in self.hub.steps(now):
                self._look()
                await asyncio.sleep(0)
            if self._core.clock.real() - checked_at >= CHECK_EVERY:
                checked_at = self._core.clock.real()
                self.hub.check(now)
            self._look()
            step = self.hub.rules.conflate
            wait = self._core.clock.real_delay(step - self._core.clock.now() % step)
            await asyncio.sleep(min(max(wait, SHORTEST_WAIT), LONGEST_WAIT))

    def _look(self) -> None:
        for connection in list(self._open.values()):
            connection.look()


def routes(core: Core, rules: FeedRules | None = None) -> list[BaseRoute]:
    """Return the routes of a feed of its own; use `Feed.routes` to keep hold of the feed."""
    return Feed(core, rules).routes()
