"""From an HTTP request to a call of the core and back: who asks, may they ask now, what do they ask.

Routes are tables of `Route`: a function of the core and a `Call` that returns a `Reply` or raises `ApiError`.
Everything about HTTP stays here.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from exchange.accounts import Account, TokenRefusedError
from exchange.clock import Millis
from exchange.envelopes import (
    ApiError,
    Reply,
    data_authentication_failed,
    data_rate_limited,
    input_error,
    invalid_token,
    rate_limited,
)
from exchange.limits import LimitClass

if TYPE_CHECKING:
    from exchange.core import Core

Body = Mapping[str, Any]  # Any: what clients send is checked field by field by the route
Service = Literal["java", "go"]

SECURITY_HEADERS = {"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "SAMEORIGIN"}


@dataclass(frozen=True)
class Call:
    """One admitted request. `now` is the market's time, `real_at` the machine's."""

    account: Account
    body: Body
    path: Mapping[str, str]
    query: Mapping[str, str]
    now: Millis
    real_at: Millis
    ip: str
    token: str


@dataclass(frozen=True)
class Route:
    """One row of a route table; `service` decides how a bad token and a full bucket are told."""

    method: str
    path: str
    answer: "Callable[[Core, Call], Reply | Awaitable[Reply]]"
    limit: LimitClass
    service: Service = "java"


def http_routes(core: "Core", table: Sequence[Route]) -> list[HttpRoute]:
    """Return the table as Starlette's routes under ``/v2``, several methods of a path each on their own."""
    return [HttpRoute(f"/v2{row.path}", _endpoint(core, row), methods=[row.method]) for row in table]


def response(reply: Reply) -> Response:
    """Return a reply as HTTP."""
    return Response(
        reply.body, reply.status, SECURITY_HEADERS, media_type=None if not reply.body else reply.content_type
    )


def _endpoint(core: "Core", row: Route) -> Any:  # Any: Starlette takes any coroutine function
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            answer = row.answer(core, admitted(core, row, request, raw))
            reply = answer if isinstance(answer, Reply) else await answer
        except ApiError as error:
            reply = error.reply
        core.journal.commit()
        return response(reply)

    return endpoint


def admitted(core: "Core", row: Route, request: Request, raw: bytes) -> Call:
    """Return the call that a request makes, once its token, its rate and its body are in order.

    Raises
    ------
    ApiError
        In this order: the token is not in force, the client asks too often, the body is not a JSON object.
    """
    real_at, now = core.clock.real(), core.settle()
    token = request.headers.get("access-token", "")
    client_id = request.headers.get("client-id") or request.headers.get("dhanclientid", "")
    try:
        account = core.accounts.authenticate(token, real_at, client_id=client_id)
    except TokenRefusedError as error:
        raise (data_authentication_failed() if row.service == "go" else invalid_token()) from error
    if not core.limits.admits(account.client_id, row.limit, real_at):
        raise data_rate_limited() if row.service == "go" else rate_limited()
    ip = request.client.host if request.client else ""
    return Call(account, _body(raw), request.path_params, request.query_params, now, real_at, ip, token)


def _body(raw: bytes) -> Body:
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise input_error() from error
    if not isinstance(body, dict):
        raise input_error()
    return body
