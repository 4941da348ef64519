"""Who may come in: a middleware in front of every page, route and socket of the dashboard.

Without a password the dashboard is for this machine only, and the gate still refuses foreign names (a page of another
site that had its name point here) and foreign origins. With one, nothing is served before the password was given.
"""

import hmac
import html
import ipaddress
from collections import deque
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agents.domain.errors import ConfigError
from ui.passwords import COOKIE, COOKIE_SECONDS, Locker

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1"})
OPEN_PATHS = frozenset({"/healthz"})
LOGIN = "/login"
MOST_ATTEMPTS = 5
ATTEMPT_SECONDS = 60.0
_LONGEST_FORM = 4096
_POLICY_VIOLATION = 1008
_HEADERS = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>zonedesk</title>
<style>body{{font:16px system-ui,sans-serif;background:#131722;color:#D1D4DC;display:grid;
 place-items:center;height:90vh}}
form{{display:grid;gap:.8rem;width:18rem}}input,button{{font:inherit;padding:.5rem;border-radius:4px;
 border:1px solid #5D6270}}
input{{background:#1E222D;color:inherit}}button{{background:#2962FF;color:#fff}}</style></head><body><main>
<form method="post" action="/login"><h1>zonedesk</h1><p role="status">{said}</p>
<label for="password">Password of the dashboard</label>
<input id="password" name="password" type="password" autocomplete="current-password" autofocus required>
<button>Sign in</button></form></main></body></html>"""


def check_address(address: str | None, *, has_password: bool) -> None:
    """Refuse to listen beyond this machine without a password.

    Raises
    ------
    ConfigError
        If `address` is none of loopback (None means every address) and there is no password.
    """
    if has_password or _is_loopback(address):
        return
    raise ConfigError(
        f"the dashboard may not listen on {address or 'every address'} without a password; "
        "set ZONEDESK_DASHBOARD_PASSWORD, or --server.address 127.0.0.1 and reach it through an SSH tunnel"
    )


def _is_loopback(address: str | None) -> bool:
    if address == "localhost":
        return True
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class Gate:
    """ASGI middleware.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    locker : Locker or None
        Knows the password and signs cookies; None where there is no password.
    hosts : frozenset of str
        Names under which the dashboard may be asked.
    elapsed : callable
        Returns seconds that only grow.
    """

    def __init__(
        self, app: ASGIApp, *, locker: Locker | None, hosts: frozenset[str], elapsed: Callable[[], float]
    ) -> None:
        self._app = app
        self._locker = locker
        self._hosts = hosts | LOCAL_NAMES
        self._elapsed = elapsed
        self._failures: deque[float] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a socket, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        if self._is_known(headers) and _is_same_origin(headers) and self._is_let_in(headers):
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        headers = _headers(scope)
        refusal = await self._refusal(Request(scope, receive), headers)
        await (self._app if refusal is None else refusal)(scope, receive, sent)

    async def _refusal(self, request: Request, headers: Mapping[str, str]) -> Response | None:
        """Return the answer of the gate itself, None where the page may answer."""
        path = request.url.path
        if not self._is_known(headers):
            return PlainTextResponse("the dashboard is not known under this name", status_code=400)
        if request.method not in {"GET", "HEAD", "OPTIONS"} and not _is_same_origin(headers):
            return PlainTextResponse("this came from another site", status_code=403)
        if self._locker is not None and path == LOGIN:
            return await self._login(request, self._locker)
        if path in OPEN_PATHS or self._is_let_in(headers):
            return None
        if path == "/" or "text/html" in headers.get("accept", ""):
            return RedirectResponse(LOGIN, status_code=303)
        return PlainTextResponse("sign in first", status_code=401)

    async def _login(self, request: Request, locker: Locker) -> Response:
        if request.method != "POST":
            return _form("")
        now = self._elapsed()
        while self._failures and now - self._failures[0] >= ATTEMPT_SECONDS:
            self._failures.popleft()
        if len(self._failures) >= MOST_ATTEMPTS:
            wait = str(int(ATTEMPT_SECONDS - (now - self._failures[0])) + 1)
            return _form(f"Too many attempts; wait {wait} seconds.", status=429, headers={"retry-after": wait})
        # Counted before it is looked at: attempts that run at the same time count too.
        self._failures.append(now)
        if not await locker.opens(await _password(request)):
            return _form("That is not the password.", status=401)
        self._failures.pop()
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(
            COOKIE, locker.ticket(), max_age=COOKIE_SECONDS, httponly=True, samesite="strict", path="/",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer

    def _is_known(self, headers: Mapping[str, str]) -> bool:
        return _name(headers.get("host", "")) in self._hosts

    def _is_let_in(self, headers: Mapping[str, str]) -> bool:
        if self._locker is None:
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._locker.knows(cookie.value)


def _headers(scope: Scope) -> Mapping[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _name(host: str) -> str:
    """Return the name in a Host header without its port, "" where it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a page of the dashboard, or from no page at all."""
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return hmac.compare_digest(urlsplit(origin).netloc.lower(), headers.get("host", "").lower())
    except (ValueError, TypeError):
        return False


async def _password(request: Request) -> str:
    """Return the password of a login form; "" where the form is too long or holds none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return ""
    return parse_qs(body.decode("utf-8", errors="replace")).get("password", [""])[0]


def _form(said: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return HTMLResponse(_PAGE.format(said=html.escape(said)), status_code=status, headers=dict(headers or {}))
