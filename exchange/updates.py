"""The WebSocket that tells a client of its orders, from whichever platform they came.

A client says who it is in its first message and gets no answer to that. It hears what happens from then on; what
happened while it was away is never told again.
"""

import asyncio
import contextlib
import json
from collections import deque
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from exchange.accounts import TokenRefusedError
from exchange.alerts import Style, login_of, message
from exchange.clock import Millis
from exchange.core import Core
from exchange.dialects import dumps
from exchange.orders import Order
from exchange.services import Event
from exchange.sockets import WIRE, Wire

PATH: Final = "/order-update"
LOGIN_WITHIN: Final = 30.0
SHORTEST_WAIT, LONGEST_WAIT = 0.001, 0.25  # the clock may be moved while a late message waits
LONGEST_BACKLOG: Final = 10_000
REFUSED: Final = b"\x0a\x00\x32\x00\x00\x00\x00\x00\x28\x03"  # a binary frame, as live: reason 808 at its end
STYLES: Final[dict[str, Style]] = {"camel": "camel", "pascal": "pascal", "both": "both"}


class Mailbox:
    """What one connection is owed, in the order in which it will be sent; faults delay, double, swap and drop.

    Parameters
    ----------
    core : Core
        Market and faults.
    client_id : str
        Whose orders these are.
    style : {"camel", "pascal", "both"}
        How keys are spelt.
    """

    def __init__(self, core: Core, client_id: str, style: Style = "camel") -> None:
        self.client_id = client_id
        self.owed = asyncio.Event()
        self.resetting = False
        self._core = core
        self._style: Style = style
        self._out: deque[tuple[Millis, bytes]] = deque()
        self._held: bytes | None = None

    def hear(self, event: Event) -> None:
        """Take an event ``order`` in, if it is about this client."""
        order = event.detail
        if event.client_id != self.client_id or not isinstance(order, Order):
            return
        strike = self._core.faults.strike
        if strike("updates_reset", self.client_id) is not None:
            self.resetting = True
            self.owed.set()
            return
        if strike("updates_dropped", self.client_id) is not None:
            return
        text = self._worded(order)
        delayed = strike("updates_delayed", self.client_id)
        due = event.at + (0 if delayed is None else round(float(delayed["seconds"]) * 1000))
        if strike("updates_reordered", self.client_id) is not None and self._held is None:
            self._held = text
            return
        self._put(due, text)
        if self._held is not None:
            self._put(due, self._held)
            self._held = None
        if strike("updates_duplicated", self.client_id) is not None:
            self._put(due, text)

    def take(self, now: Millis) -> list[bytes]:
        """Return what is due, and keep the rest."""
        ready = [text for due, text in self._out if due <= now]
        self._out = deque((due, text) for due, text in self._out if due > now)
        return ready

    @property
    def next_due(self) -> Millis | None:
        """When the next delayed message is due, or None."""
        return min((due for due, _ in self._out), default=None)

    def _put(self, due: Millis, text: bytes) -> None:
        self._out.append((due, text))
        if len(self._out) > LONGEST_BACKLOG:
            self.resetting = True
        self.owed.set()

    def _worded(self, order: Order) -> bytes:
        case = self._core.faults.strike("updates_case", self.client_id)
        foreign = self._core.faults.strike("updates_foreign", self.client_id)
        style = self._style if case is None else STYLES.get(str(case["style"]), self._style)
        contract = order.contract
        last = self._core.market.top_of_book(contract.security_id, contract.segment, self._core.now).ltp
        return dumps(message(order, last, style, "" if foreign is None else str(foreign["source"])), "java")


class Updates:
    """Serves the sockets.

    Parameters
    ----------
    core : Core
        The exchange.
    style : {"camel", "pascal", "both"}, optional
        How keys are spelt; camelCase is what the live server does.
    """

    def __init__(self, core: Core, style: Style = "camel") -> None:
        self.style: Style = style
        self.mailboxes: list[Mailbox] = []
        self._core = core
        core.subscribe("order", self._hear)

    def routes(self) -> list[BaseRoute]:
        """Return the route ``/order-update``."""
        return [WebSocketRoute(PATH, self.serve)]

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until it ends."""
        refused = self._core.faults.strike("updates_refused", "*")
        if refused is not None:
            await socket.send_denial_response(Response(status_code=int(refused["status"])))
            return
        await socket.accept()
        client_id = await self._login(socket)
        if client_id is None:
            return
        box = Mailbox(self._core, client_id, self.style)
        self.mailboxes.append(box)
        reader = asyncio.create_task(_until_gone(socket))
        writer = asyncio.create_task(self._write(socket, box))
        try:
            await asyncio.wait([reader, writer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.mailboxes.remove(box)
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)

    def _hear(self, event: Event) -> None:
        for box in list(self.mailboxes):
            box.hear(event)

    async def _login(self, socket: WebSocket) -> str | None:
        """Return whose connection this is; one that does not say so rightly is told in a binary frame, and closed."""
        with contextlib.suppress(WebSocketDisconnect, TimeoutError, ValueError, KeyError):
            text = await asyncio.wait_for(socket.receive_text(), LOGIN_WITHIN)
            login = login_of(json.loads(text))
            if login is not None:
                client_id, token = login
                with contextlib.suppress(TokenRefusedError):
                    self._core.accounts.authenticate(token, self._core.clock.real(), client_id=client_id)
                    return client_id
        if socket.client_state is not WebSocketState.DISCONNECTED:
            with contextlib.suppress(WebSocketDisconnect):
                await socket.send_bytes(REFUSED)
                await socket.close()
        return None

    async def _write(self, socket: WebSocket, box: Mailbox) -> None:
        """Send what is owed until the connection is to be reset or the client has gone."""
        with contextlib.suppress(WebSocketDisconnect):
            while not box.resetting:
                for text in box.take(self._core.clock.now()):
                    await socket.send_text(text.decode())
                wait = None
                if box.next_due is not None:
                    wait = self._core.clock.real_delay(box.next_due - self._core.clock.now())
                    wait = min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(box.owed.wait(), wait)
                box.owed.clear()
            wire: Wire | None = socket.scope.get(WIRE)
            if wire is None:
                await socket.close()
            else:
                wire.reset()


async def _until_gone(socket: WebSocket) -> None:
    """Read and ignore what the client still says."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
