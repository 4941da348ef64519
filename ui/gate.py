"""Who may come in: a middleware in front of every page, route and socket of the dashboard.

Without a password or a provider the dashboard is for this machine only, and the gate still refuses other machines,
foreign names (a page of another site that had its name point here) and pages of other sites. With one of them, nothing
is served to anybody who did not sign in. All that can be done is done over the socket: routes are only looked at.
"""

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agents.domain.errors import ConfigError
from ui.entrance import LOGIN, Entrance
from ui.headers import (
    is_fetched_by_others,
    is_of_this_machine,
    is_same_origin,
    name_in,
    said_in,
    with_protection,
)
from ui.visitor import HEADER

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
OPEN_PATHS = frozenset({"/healthz"})
_POLICY_VIOLATION = 1008
_HEADER = HEADER.lower().encode()


def resolved(name: str) -> Sequence[str]:
    """Return the addresses behind a name, none where there are none."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(name, None)]
    except (OSError, UnicodeError):
        return ()


def check_address(address: str | None, *, is_guarded: bool, resolve: Callable[[str], Sequence[str]] = resolved) -> None:
    """Refuse to listen beyond this machine where nobody would have to sign in.

    Parameters
    ----------
    address : str or None
        What is listened to; None and "" mean every address.
    is_guarded : bool
        Whether there is a password or a provider.
    resolve : callable
        Returns the addresses behind a name.

    Raises
    ------
    ConfigError
        If `address`, or one behind its name, is none of loopback and nothing guards it.
    """
    if is_guarded or (address and _is_loopback(address, resolve)):
        return
    raise ConfigError(
        f"the dashboard may not listen on {address or 'every address'} without a password; set "
        "ZONEDESK_DASHBOARD_PASSWORD, or --server.address 127.0.0.1 and reach it through an SSH tunnel"
    )


def _is_loopback(address: str, resolve: Callable[[str], Sequence[str]]) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        found = resolve(address)
    return bool(found) and all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)


class Gate:
    """ASGI middleware.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    entrance : Entrance or None
        Lets people in; None where nobody has to sign in.
    hosts : frozenset of str
        Names under which the dashboard may be asked, besides those of this machine.
    public : str or None
        The dashboard's address behind a proxy.
    """

    def __init__(
        self, app: ASGIApp, *, entrance: Entrance | None, hosts: frozenset[str], public: str | None = None
    ) -> None:
        self._app = app
        self._entrance = entrance
        self._public = public
        own = {urlsplit(public).hostname or ""} if public else set()
        self._hosts = {name.lower() for name in hosts} | LOCAL_NAMES | own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a socket, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a socket for as long as its cookie holds."""
        said = said_in(scope)
        closed = not self._may_come(scope, said) or not is_same_origin(said, self._public)
        if closed or not self._is_let_in(said):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return

        async def received() -> Message:
            nonlocal closed
            message = await receive()
            if message["type"] == "websocket.receive" and not closed and not self._is_let_in(said):
                closed = True
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "sign in again"})
            return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION} if closed else message

        async def sent(message: Message) -> None:
            if not closed:
                await send(message)

        await self._app(self._introduced(scope, said), received, sent)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        said, ended = said_in(scope), False
        refusal = await self._refusal(Request(scope, receive), said)

        async def sent(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                found = with_protection(message.get("headers", ()), scope["path"], said.get("host", ""))
                await send({**message, "headers": found})
            elif not ended:
                # A stream is long: it ends with the cookie, like a socket.
                ended = refusal is None and bool(message.get("more_body")) and self._is_shut(scope, said)
                await send({"type": "http.response.body", "body": b""} if ended else message)

        app = self._app if refusal is None else refusal
        await app(self._introduced(scope, said), receive, sent)

    async def _refusal(self, request: Request, said: Mapping[str, str]) -> Response | None:
        """Return the answer of the gate itself, None where the page may answer."""
        refused = self._turned_away(request.scope, said)
        if refused is not None:
            return refused
        if self._entrance is not None and self._entrance.has(request.url.path):
            return await self._entrance.answer(request)
        if request.method not in {"GET", "HEAD"}:
            return PlainTextResponse("nothing is changed here", status_code=405, headers={"allow": "GET, HEAD"})
        return _to_sign_in(request, said) if self._is_shut(request.scope, said) else None

    def _turned_away(self, scope: Scope, said: Mapping[str, str]) -> Response | None:
        """Return the answer to those who could not even sign in, None to all others."""
        if name_in(said.get("host", "")).lower() not in self._hosts:
            return PlainTextResponse("the dashboard is not known under this name", status_code=400)
        if not self._may_come(scope, said):
            cure = "set ZONEDESK_DASHBOARD_PASSWORD, or come through an SSH tunnel"
            return PlainTextResponse(
                f"without a password the dashboard is for its own machine; {cure}", status_code=403
            )
        if ("origin" in said and not is_same_origin(said, self._public)) or is_fetched_by_others(said):
            return PlainTextResponse("this came from another site", status_code=403)
        return None

    def _may_come(self, scope: Scope, said: Mapping[str, str]) -> bool:
        """Whether the sender and the name that it uses are ours; strangers may come where they have to sign in."""
        known = name_in(said.get("host", "")).lower() in self._hosts
        return known and (self._entrance is not None or is_of_this_machine(scope))

    def _is_let_in(self, said: Mapping[str, str]) -> bool:
        return self._entrance is None or self._entrance.user_of(said) is not None

    def _is_shut(self, scope: Scope, said: Mapping[str, str]) -> bool:
        return scope["path"] not in OPEN_PATHS and not self._is_let_in(said)

    def _introduced(self, scope: Scope, said: Mapping[str, str]) -> Scope:
        """Return a request that names its user in a header which only the gate can write."""
        user = self._entrance.user_of(said) if self._entrance is not None else None
        headers = [pair for pair in scope["headers"] if pair[0].lower() != _HEADER]
        if user is not None:
            headers.append((_HEADER, quote(user, safe="@").encode()))
        return {**scope, "headers": headers}


def _to_sign_in(request: Request, said: Mapping[str, str]) -> Response:
    """Return the way to the entrance for a person, a plain refusal for a program."""
    path, query = request.url.path, f"?{request.url.query}" if request.url.query else ""
    if path != "/" and "text/html" not in said.get("accept", ""):
        return PlainTextResponse("sign in first", status_code=401)
    to = "" if path == "/" and not query else f"?to={quote(f'{path}{query}', safe='')}"
    return RedirectResponse(f"{LOGIN}{to}", status_code=303)
