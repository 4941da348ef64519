"""The gate's own pages: signing in with the password or with a provider, and signing out."""

import asyncio
import html
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ui.attempts import Attempts
from ui.oidc import FLOW_SECONDS, Oidc
from ui.oidc_provider import SignInError
from ui.passwords import Password
from ui.tickets import Tickets

LOGIN, START, BACK, LOGOUT = "/login", "/login/start", "/login/back", "/logout"
FLOW_COOKIE = "zonedesk_flow"
SHARED_NAME = "dashboard"  # of everybody who knows the password
_PAGES = frozenset({LOGIN, START, BACK, LOGOUT})
_LONGEST_FORM = 4096
_LONGEST_PATH = 512
_MOST_FIELDS = 10
_FORM_SECONDS = 10.0
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">{head}
<meta name="viewport" content="width=device-width"><title>{title} · zonedesk</title>
<style>body{{font:16px system-ui,sans-serif;background:#131722;color:#D1D4DC;display:grid;
 place-items:center;min-height:90vh;margin:0 1rem}}
main{{display:grid;gap:.8rem;width:min(20rem,100%);overflow-wrap:anywhere}}form{{display:grid;gap:.8rem}}
input,button,.way{{font:inherit;padding:.5rem;border-radius:4px;border:1px solid #8A90A0}}
input{{background:#1E222D;color:inherit}}button,.way{{background:#2456E0;color:#fff;text-align:center}}
a{{color:#7EA2FF}}:focus-visible{{outline:3px solid #7EA2FF;outline-offset:2px}}</style></head><body><main>
<h1>zonedesk</h1><p role="status">{said}</p>{body}</main></body></html>"""
_TYPED = """<form method="post" action="/login"><input type="hidden" name="to" value="{to}">
<label for="password">Password of the dashboard</label>
<input id="password" name="password" type="password" autocomplete="current-password" autofocus required>
<button>Sign in</button></form>"""
_PROVIDER = '<a class="way" href="/login/start?to={to}">Sign in with {name}</a>'
_SIGN_OUT = (
    '<form method="post" action="/logout"><button>Sign out</button></form><p><a href="/">Back to the desk</a></p>'
)


class Ways(NamedTuple):
    """How one may come in: at least one of them is not None."""

    password: Password | None
    oidc: Oidc | None


class Entrance:
    """Answers the gate's own pages.

    Parameters
    ----------
    tickets : Tickets
        What whoever comes in is given.
    ways : Ways
        How one comes in.
    elapsed : callable
        Returns seconds that only grow.
    """

    def __init__(self, tickets: Tickets, ways: Ways, elapsed: Callable[[], float]) -> None:
        self.tickets = tickets
        self._ways = ways
        self._attempts = Attempts(elapsed)

    def user_of(self, said: Mapping[str, str]) -> str | None:
        """Return who asks by the cookie of a request, None for a stranger."""
        found = (self.tickets.user_of(ticket) for ticket in self.tickets.in_cookies(said.get("cookie", "")))
        return next((user for user in found if user is not None), None)

    def has(self, path: str) -> bool:
        """Whether a page is the entrance's own."""
        return path in _PAGES

    async def answer(self, request: Request) -> Response:
        """Answer a page that `has` it."""
        path, method = request.url.path, request.method
        if method not in {"GET", "HEAD", "POST"} or (method == "POST" and path in {START, BACK}):
            return _page("Not possible", "This page is only looked at.", "", 405)
        if path == LOGOUT:
            return self._logout(request)
        if path == LOGIN:
            return await self._password(request) if method == "POST" else self._choice("", _query(request, "to"))
        if self._ways.oidc is None:
            return self._choice("No provider is set up; sign in with the password.", "", 404)
        try:
            step = self._start if path == START else self._back
            return await step(request, self._ways.oidc)
        except SignInError as error:
            return self._choice(str(error), "", 403)

    def _choice(self, said: str, to: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """Return the page that offers the ways in."""
        to = own_path(to)
        ways = []
        if self._ways.oidc is not None:
            ways.append(_PROVIDER.format(to=html.escape(quote(to, safe="")), name=html.escape(self._ways.oidc.name)))
        if self._ways.password is not None:
            ways.append(_TYPED.format(to=html.escape(to)))
        return _page("Sign in", said, "".join(ways), status, headers)

    async def _password(self, request: Request) -> Response:
        form = await _form(request)
        to = form.get("to", "")
        if self._ways.password is None:
            return self._choice("There is no password; sign in with the provider.", to, 404)
        # Counted before it is looked at: attempts that run at the same time count too.
        attempt = self._attempts.begin(request.client.host if request.client else "")
        if isinstance(attempt, int):
            said = f"Too many attempts; wait {attempt} seconds. Until then the right password is not taken either."
            return self._choice(said, to, 429, {"retry-after": str(attempt)})
        if not await self._ways.password.opens(form.get("password", "")):
            return self._choice("That is not the password.", to, 401)
        self._attempts.forgive(attempt)
        answer = RedirectResponse(own_path(to), status_code=303)
        self.tickets.put(answer, SHARED_NAME, scheme=request.url.scheme)
        return answer

    async def _start(self, request: Request, oidc: Oidc) -> Response:
        to = own_path(_query(request, "to"))
        if request.headers.get("host", "").lower() != urlsplit(oidc.redirect).netloc.lower():
            # The provider leads back to one name only, and the cookie below must be known there.
            base = oidc.redirect.removesuffix(BACK)
            return RedirectResponse(f"{base}{START}?to={quote(to, safe='')}", status_code=303)
        address, browser = await asyncio.to_thread(oidc.start, to)
        answer = RedirectResponse(address, status_code=303)
        answer.set_cookie(
            FLOW_COOKIE, browser, max_age=FLOW_SECONDS, path=LOGIN, httponly=True, samesite="lax",
            secure=self.tickets.encrypted or request.url.scheme == "https",
        )  # fmt: skip
        return answer

    async def _back(self, request: Request, oidc: Oidc) -> Response:
        query = {name: value[:_LONGEST_FORM] for name, value in request.query_params.items()}
        user, to = await asyncio.to_thread(oidc.finish, query, request.cookies.get(FLOW_COOKIE, ""))
        # Not a redirection: it would still count as coming from the provider, and the new cookie would not be sent.
        head = f'<meta http-equiv="refresh" content="0;url={html.escape(own_path(to))}">'
        answer = _page("Signed in", f"Signed in as {user}.", '<p><a href="/">To the desk</a></p>', head=head)
        answer.delete_cookie(FLOW_COOKIE, path=LOGIN)
        self.tickets.put(answer, user, scheme=request.url.scheme)
        return answer

    def _logout(self, request: Request) -> Response:
        if request.method != "POST":
            user = self.user_of({"cookie": request.headers.get("cookie", "")})
            if user is None:
                return RedirectResponse(LOGIN, status_code=303)
            return _page("Sign out", f"You are signed in as {user}.", _SIGN_OUT)
        for ticket in self.tickets.in_cookies(request.headers.get("cookie", "")):
            self.tickets.strike(ticket)
        answer = RedirectResponse(LOGIN, status_code=303)
        self.tickets.remove(answer)
        return answer


def own_path(to: str) -> str:
    """Return a path of the dashboard to go on to; "/" where the words would lead anywhere else."""
    if not to.startswith("/") or to.startswith("//") or len(to) > _LONGEST_PATH:
        return "/"
    if "\\" in to or not to.isascii() or not to.isprintable() or urlsplit(to).path in _PAGES:
        return "/"
    return to


def _query(request: Request, name: str) -> str:
    return request.query_params.get(name, "")


async def _form(request: Request) -> dict[str, str]:
    """Return a form's fields; none where it is too long, has too many, comes too slowly, or is no form."""
    body = b""
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LONGEST_FORM:
                    return {}
        found = parse_qs(body.decode("utf-8", errors="replace"), max_num_fields=_MOST_FIELDS)
    except (TimeoutError, ValueError):
        return {}
    return {name: values[0] for name, values in found.items()}


def _page(
    title: str, said: str, body: str, status: int = 200, headers: Mapping[str, str] | None = None, *, head: str = ""
) -> Response:
    text = _PAGE.format(title=html.escape(title), said=html.escape(said), body=body, head=head)
    told = {"content-security-policy": _POLICY, "cache-control": "no-store", **(headers or {})}
    return HTMLResponse(text, status_code=status, headers=told)
