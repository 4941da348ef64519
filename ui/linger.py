"""Hears out who closes a page right after a click: what was asked is written down before the page counts as closed.

Streamlit ends whatever a session does as soon as its socket closes, and with it a click that waits for a refresh of the
page to end. A halt must not be lost because somebody closed the window.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGERS = 1.0
"""Seconds; a click waits for no longer than one refresh of a fragment takes."""
_AT_ONCE = frozenset({1008, 1012})  # shut out by the gate, or the server itself ends


class Lingering:
    """ASGI middleware: tells of a closed socket a moment later, and lets what is still sent to it fall.

    Parameters
    ----------
    app : ASGIApp
        Who serves the socket.
    seconds : float
        How much later.
    """

    def __init__(self, app: ASGIApp, seconds: float = LINGERS) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a socket."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        is_gone = False

        async def received() -> Message:
            nonlocal is_gone
            message = await receive()
            if message["type"] == "websocket.disconnect":
                is_gone = True
                if message.get("code") not in _AT_ONCE:
                    await asyncio.sleep(self._seconds)
            return message

        async def sent(message: Message) -> None:
            nonlocal is_gone
            if is_gone:
                return
            try:
                await send(message)
            except OSError:  # the server knows already that nobody listens
                is_gone = True

        await self._app(scope, received, sent)
