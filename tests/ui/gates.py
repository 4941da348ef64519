"""A gate with nothing but a page and a socket behind it, for tests of who may come in."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from starlette.websockets import WebSocket
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ui.entrance import Entrance, Ways
from ui.gate import Gate
from ui.oidc import Oidc
from ui.passwords import Password, signing_key
from ui.tickets import Tickets
from ui.visitor import HEADER

PASSWORD = "correct horse"
KEY = b"k" * 32
BASE = "http://127.0.0.1:8501"
STREAM = "ws://127.0.0.1:8501/_stcore/stream"
OWN = {"origin": BASE}
QUICK = {"n": 2, "r": 1, "p": 1}  # for hashing: how dear a real attempt is has a test of its own


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"inside {request.headers.get(HEADER, 'nobody')}")


async def echo(socket: WebSocket) -> None:
    """Answer each word with the user's name, until the socket is closed."""
    await socket.accept()
    async for _ in socket.iter_text():
        await socket.send_text(f"inside {socket.headers.get(HEADER, 'nobody')}")


def entrance(
    time: Time,
    password: str | None = PASSWORD,
    *,
    key: bytes = KEY,
    oidc: Oidc | None = None,
    encrypted: bool = False,
    struck: Path | None = None,
) -> Entrance:
    known = Password(password, KEY, QUICK) if password else None
    signs = signing_key(key, known.hash if known else b"")
    tickets = Tickets(signs, time, struck=struck, encrypted=encrypted)
    return Entrance(tickets, Ways(known, oidc), time)


def client(
    within: Entrance | None,
    *,
    public: str | None = None,
    base: str = BASE,
    sender: str = "127.0.0.1",
    proxied: bool = False,
) -> TestClient:
    """A visitor of the gate who follows no redirection; `proxied`, a proxy says from where they come."""

    async def stream(_request: Request) -> StreamingResponse:
        async def words() -> AsyncIterator[str]:
            for number in range(3):
                yield f"inside {number}\n"

        return StreamingResponse(words())

    routes = [
        Route("/api/stream", stream),
        Route("/{path:path}", page, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
        WebSocketRoute("/_stcore/stream", echo),
    ]
    gate = Middleware(Gate, entrance=within, hosts=frozenset({"desk.lan"}), public=public)
    app: ASGIApp = Starlette(routes=routes, middleware=[gate])
    if proxied:
        trusting: Any = ProxyHeadersMiddleware  # Any: Starlette and uvicorn have two words for one thing
        app = trusting(app, trusted_hosts="127.0.0.1")
    return TestClient(app, base_url=base, follow_redirects=False, client=(sender, 50_000))


def signed_in(within: Entrance, user: str = "dashboard") -> TestClient:
    """A visitor who has a ticket."""
    visitor = client(within)
    visitor.cookies.set(within.tickets.cookie, within.tickets.issue(user))
    return visitor
