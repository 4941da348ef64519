"""Profile, tokens, addresses and the instrument master."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from exchange.accounts import IpFlag, RefusedError, TokenRefusedError
from exchange.calls import Call, Route, response
from exchange.clock import Millis, ist
from exchange.contracts import Contract
from exchange.envelopes import ApiError, Reply, input_error, invalid_token, ip_error, java
from exchange.master import compact_csv, detailed_csv

if TYPE_CHECKING:
    from exchange.core import Core

DATA_PLAN_DAYS = 30


def profile(core: "Core", call: Call) -> Reply:  # noqa: ARG001 - every route is told the core
    """Answer /profile."""
    account = call.account
    valid = ist(call.real_at + DATA_PLAN_DAYS * 86_400_000)
    return java(
        {
            "dhanClientId": account.client_id,
            "tokenValidity": ist(account.token_ends).strftime("%d/%m/%Y %H:%M"),
            "activeSegment": "E, D, C, M, ",
            "ddpi": "Deactive",
            "mtf": "Deactive",
            "dataPlan": "Active" if account.data_plan else "Deactive",
            "dataValidity": valid.strftime("%Y-%m-%d %H:%M:%S.0"),
        }
    )


def renew(core: "Core", call: Call) -> Reply:
    """Answer /RenewToken; the old token is dead when the answer is made."""
    try:
        token = core.accounts.renew(call.token, call.account.client_id, call.real_at)
    except TokenRefusedError as error:
        raise invalid_token() from error
    except RefusedError as error:
        raise input_error(str(error)) from error
    account = call.account
    return java({"dhanClientId": account.client_id, "accessToken": token, "expiryTime": _expiry(account.token_ends)})


def set_ip(core: "Core", call: Call) -> Reply:  # noqa: ARG001 - every route is told the core
    """Answer /ip/setIP."""
    return _write_ip(call, call.account.set_ip)


def modify_ip(core: "Core", call: Call) -> Reply:  # noqa: ARG001 - every route is told the core
    """Answer /ip/modifyIP."""
    return _write_ip(call, call.account.modify_ip)


def listed_ips(core: "Core", call: Call) -> Reply:  # noqa: ARG001 - every route is told the core
    """Answer /ip/getIP; without any address it is an error that calls itself a success."""
    account = call.account
    if not account.ips:
        return ip_error()
    changed = {flag: str(ist(at).date()) for flag, at in account.ips_changed.items()}
    matches = call.ip in account.ips.values()
    return java(
        {
            "modifyDateSecondary": changed.get("SECONDARY"),
            "secondaryIP": account.ips.get("SECONDARY"),
            "modifyDatePrimary": changed.get("PRIMARY"),
            "primaryIP": account.ips.get("PRIMARY"),
            "detectedIP": call.ip,
            "ipMatchStatus": "MATCH" if matches else "MISMATCH",
            "ordersAllowed": account.orders_allowed(call.ip),
        }
    )


def _write_ip(call: Call, write: Callable[[IpFlag, str, Millis], None]) -> Reply:
    flag = call.body.get("ipFlag")
    if flag not in {"PRIMARY", "SECONDARY"}:
        raise input_error()
    try:
        write(flag, str(call.body.get("ip", "")), call.real_at)
    except RefusedError as error:
        raise input_error(str(error)) from error
    return java({"message": "IP saved successfully", "status": "SUCCESS"})


def open_routes(core: "Core") -> list[HttpRoute]:
    """Return what needs no token: the instrument master, and how to get a token."""

    def contracts(segment: str = "") -> list[Contract]:
        listed = core.market.contracts(ist(core.settle()).date())
        return [one for one in listed if segment in {"", one.segment}]

    async def compact(_: Request) -> Response:
        return response(Reply(200, compact_csv(contracts()).encode(), "text/csv"))

    async def detailed(_: Request) -> Response:
        return response(Reply(200, detailed_csv(contracts()).encode(), "text/csv"))

    async def of_segment(request: Request) -> Response:
        listed = contracts(request.path_params["segment"])
        found = Reply(200, detailed_csv(listed).encode(), "text/csv")
        return response(found if listed else input_error().reply)

    async def token(request: Request) -> Response:
        reply = _generated(core, request)
        core.journal.commit()
        return response(reply)

    async def renew_by_post(_: Request) -> Response:
        return response(input_error().reply)

    return [
        HttpRoute("/api-data/api-scrip-master.csv", compact),
        HttpRoute("/api-data/api-scrip-master-detailed.csv", detailed),
        HttpRoute("/v2/instrument/{segment}", of_segment),
        HttpRoute("/app/generateAccessToken", token, methods=["POST"]),
        HttpRoute("/v2/RenewToken", renew_by_post, methods=["POST"]),
    ]


def _generated(core: "Core", request: Request) -> Reply:
    """Answer /app/generateAccessToken, whose secrets come in the query."""
    query = request.query_params
    client_id = query.get("dhanClientId", "")
    try:
        minted = core.accounts.generate(client_id, query.get("pin", ""), query.get("totp", ""), core.clock.real())
    except RefusedError as error:
        return java({"status": "error", "message": str(error)}, 400)
    account = core.accounts.find(client_id)
    if account is None:
        raise ApiError(input_error().reply)
    return java(
        {
            "dhanClientId": client_id,
            "dhanClientName": account.name,
            "dhanClientUcc": f"PAPER{client_id[-4:]}",
            "givenPowerOfAttorney": False,
            "accessToken": minted,
            "expiryTime": _expiry(account.token_ends),
        }
    )


def _expiry(at: Millis) -> str:
    """Return the end of a token as the login host prints it: IST without a zone, with milliseconds."""
    return ist(at).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}"


ROUTES = (
    Route("GET", "/profile", profile, "other"),
    Route("GET", "/RenewToken", renew, "other"),
    Route("POST", "/ip/setIP", set_ip, "other"),
    Route("PUT", "/ip/modifyIP", modify_ip, "other"),
    Route("GET", "/ip/getIP", listed_ips, "other"),
)
