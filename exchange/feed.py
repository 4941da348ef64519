"""The market feed's WebSocket: carries requests into the hub and frames out of it; decides nothing about either."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from exchange.channels import Channel, FeedRules
from exchange.clock import Millis
from exchange.core import Core
from exchange.hub import Hub
from exchange.sockets import WIRE, FrameWire

_log = logging.getLogger(__name__)

PATHS: Final = ("/feed", "/")
CHECK_EVERY: Final[Millis] = 1_000
SHORTEST_WAIT, LONGEST_WAIT = 0.02, 0.25


class Connection:
    """A channel and the socket it belongs to; `wire` is None under a server that cannot misbehave."""

    def __init__(self, channel: Channel, socket: WebSocket) -> None:
        self.channel = channel
        self.owed = asyncio.Event()
        self._socket = socket
        self._wire: FrameWire | None = socket.scope.get(WIRE)

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
                if not await self._send(self.channel.take(core.clock.now())):
                    return
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

    async def _send(self, frames: Sequence[bytes]) -> bool:
        """Send frames; return False when the client has gone."""
        if self._wire is not None:
            return await self._wire.write_frames(frames)
        for frame in frames:
            await self._socket.send_bytes(frame)
        return True

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
        self._asked: deque[Callable[[Millis], None]] = deque()
        self._woken = asyncio.Event()
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
        channel = await self._connected(client_id, token)
        connection = self._open[channel.number] = Connection(channel, socket)
        connection.look()
        reader = asyncio.create_task(connection.read(self))
        try:
            await connection.write(self._core)
        finally:
            reader.cancel()
            self._open.pop(channel.number, None)
            self.hub.leave(channel)

    def request(self, connection: Connection, message: str | bytes) -> None:
        """Pass a request on; it has its turn once everything before it has been sent."""
        self._in_turn(lambda now: self.hub.request(connection.channel, message, now))

    async def _connected(self, client_id: str, token: str) -> Channel:
        """Return a new connection of the hub, made in its turn."""
        made: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()

        def connect(now: Millis) -> None:
            channel = self.hub.connect(client_id, token, now)
            if made.cancelled():
                self.hub.leave(channel)
            else:
                made.set_result(channel)

        self._in_turn(connect)
        return await made

    def _in_turn(self, action: Callable[[Millis], None]) -> None:
        self._asked.append(action)
        self._woken.set()
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())
            self._pump.add_done_callback(self._stopped)

    async def _run(self) -> None:
        """Move the hub on at the end of each window, or as often as is worth it when market time runs fast.

        What a catch-up takes long for is done in steps, so that neither orders nor charts ever wait for all of it.
        """
        checked_at = self._core.clock.real()
        while self._open or self._asked:
            now = self._core.settle()
            for _ in self.hub.steps(now):
                self._look()
                await asyncio.sleep(0)
            while self._asked:
                self._asked.popleft()(now)
            if self._core.clock.real() - checked_at >= CHECK_EVERY:
                checked_at = self._core.clock.real()
                self.hub.check(now)
            self._look()
            await self._pause()

    async def _pause(self) -> None:
        """Wait for the end of the window, or for somebody who asks."""
        step = self.hub.rules.conflate
        wait = self._core.clock.real_delay(step - self._core.clock.now() % step)
        alarm = asyncio.get_running_loop().call_later(min(max(wait, SHORTEST_WAIT), LONGEST_WAIT), self._woken.set)
        await self._woken.wait()
        self._woken.clear()
        alarm.cancel()

    def _stopped(self, pump: asyncio.Task[None]) -> None:
        """End all connections when the hub failed: a feed that stands and says nothing is worse than none."""
        if pump.cancelled() or pump.exception() is None:
            return
        _log.error("the market feed failed and ends its connections", exc_info=pump.exception())
        for connection in self._open.values():
            connection.channel.closing = True
        self._look()

    def _look(self) -> None:
        for connection in list(self._open.values()):
            connection.look()


def routes(core: Core, rules: FeedRules | None = None) -> list[BaseRoute]:
    """Return the routes of a feed of its own; use `Feed.routes` to keep hold of the feed."""
    return Feed(core, rules).routes()
