"""The control API: faults, clock, clients, limits and what happened; on a port of its own, guarded by a token.

Nothing of it exists at the live broker. Requests carry ``Authorization: Bearer <token>``; bodies and answers are JSON.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any, Final

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exchange.accounts import Account, RefusedError
from exchange.bookshown import book_shown
from exchange.clock import Span, ist, to_millis
from exchange.control_bodies import (
    ChangeBody,
    ClientBody,
    ClockBody,
    LimitsBody,
    MoveBody,
    OrderBody,
    ScriptBody,
    TokenBody,
)
from exchange.core import Core
from exchange.faults import CATALOGUE, FaultBox, FaultUnknownError, Script
from exchange.feed import Feed
from exchange.market import UnknownInstrumentError
from exchange.orders import Origin, Ticket
from exchange.snapshots import account_shown, clock_shown, exchange_shown

BEARER: Final = "Bearer "
EVENTS_SHOWN: Final = 1_000

Answer = Mapping[str, Any] | list[Any]  # Any: JSON


class ControlError(ValueError):
    """The control API cannot do what was asked; the message says why."""


class Control:
    """What the control API does.

    Parameters
    ----------
    core : Core
        The exchange.
    faults : FaultBox
        The core's faults.
    feed : Feed, optional
        Whose connections are shown.
    """

    def __init__(self, core: Core, faults: FaultBox, feed: Feed | None = None) -> None:
        self._core = core
        self._faults = faults
        self._feed = feed

    def state(self, _: Request, __: bytes) -> Answer:
        """Return everything at once; no token, PIN or secret is part of it."""
        channels = self._feed.hub.channels if self._feed is not None else []
        return {**exchange_shown(self._core, channels), "faults": [script.state() for script in self._faults.scripts()]}

    def book(self, _: Request, __: bytes) -> Answer:
        """Return orders, trades, positions and money of all clients, exact, for comparisons."""
        self._core.settle()
        return book_shown(self._core)

    def events(self, request: Request, _: bytes) -> Answer:
        """Return the latest events, oldest first, of one kind if the query names it."""
        kind = request.query_params.get("kind")
        found = [event for event in self._core.events if kind in (None, event.kind)]
        return [
            {"kind": event.kind, "at": event.at, "client_id": event.client_id, "detail": str(event.detail)}
            for event in found[-EVENTS_SHOWN:]
        ]

    def clock(self, _: Request, __: bytes) -> Answer:
        """Return what the clock shows."""
        return clock_shown(self._core)

    def set_clock(self, _: Request, raw: bytes) -> Answer:
        """Set the market's clock. Set back or to another date, the exchange begins anew, without orders."""
        asked, clock, before = ClockBody.model_validate_json(raw), self._core.clock, self._core.now
        if asked.mode == "real":
            clock.use_real()
        elif asked.mode == "open":
            clock.keep_open(lambda on: _span(self._core, on), asked.on or ist(before).date(), speed=asked.speed)
        elif asked.at is None:
            raise ControlError(
                "mode set needs a moment with its zone, such as 2026-11-23T09:15:00+05:30; give it as at"
            )
        else:
            clock.set(to_millis(asked.at), speed=asked.speed)
        now = clock.now()
        if now < before or ist(now).date() != ist(before).date():
            self._core.restart(now)
        self._core.settle()
        return clock_shown(self._core)

    def move_clock(self, _: Request, raw: bytes) -> Answer:
        """Move the market's clock forward."""
        self._core.clock.move(round(MoveBody.model_validate_json(raw).seconds * 1000))
        self._core.settle()
        return clock_shown(self._core)

    def clients(self, _: Request, __: bytes) -> Answer:
        """Return the clients."""
        return [account_shown(account) for account in self._core.accounts.all()]

    def add_client(self, _: Request, raw: bytes) -> Answer:
        """Take a client in."""
        asked = ClientBody.model_validate_json(raw)
        account = Account(asked.client_id, asked.name, opening_balance=asked.opening_balance)
        self._core.accounts.add(account)
        return account_shown(account)

    def change_client(self, request: Request, raw: bytes) -> Answer:
        """Change what a client may do."""
        account = self._account(request)
        for name, value in ChangeBody.model_validate_json(raw).model_dump(exclude_none=True).items():
            setattr(account, name, value)
        return account_shown(account)

    def issue_token(self, request: Request, raw: bytes) -> Answer:
        """Mint a token for a client; the only answer that holds one."""
        account = self._account(request)
        asked = TokenBody.model_validate_json(raw or b"{}")
        life = round(asked.hours * 3_600_000)
        return {"access_token": self._core.accounts.issue(account.client_id, self._core.clock.real(), life=life)}

    def revoke_token(self, request: Request, _: bytes) -> Answer:
        """End a client's token without telling anyone."""
        account = self._account(request)
        self._core.accounts.revoke(account.client_id)
        return account_shown(account)

    def foreign_order(self, request: Request, raw: bytes) -> Answer:
        """Send an order of a client as if typed into the broker's own application."""
        account, asked = self._account(request), OrderBody.model_validate_json(raw)
        contract = self._core.market.contract(asked.security_id, asked.segment, ist(self._core.settle()).date())
        ticket = Ticket(
            side=asked.side,
            segment=asked.segment,
            product=asked.product,
            kind=asked.kind,
            validity="DAY",
            security_id=asked.security_id,
            quantity=asked.quantity,
            price=asked.price,
            trigger=0,
        )
        order = self._core.venue.place(Origin(account.client_id, "N", "FAST"), ticket, contract)
        return {"order_id": order.order_id}

    def set_limits(self, _: Request, raw: bytes) -> Answer:
        """Enforce rate limits from now on, whatever was asked before, or do not."""
        self._core.limits.forget()
        self._core.limits.enforced = LimitsBody.model_validate_json(raw).enforced
        return {"enforced": self._core.limits.enforced}

    def _account(self, request: Request) -> Account:
        client_id = str(request.path_params["client_id"])
        account = self._core.accounts.find(client_id)
        if account is None:
            raise ControlError(f"there is no client {client_id}; POST /clients adds one")
        return account


class FaultControl:
    """What the control API does with faults.

    Parameters
    ----------
    faults : FaultBox
        The core's.
    """

    def __init__(self, faults: FaultBox) -> None:
        self._faults = faults

    def catalogue(self, _: Request, __: bytes) -> Answer:
        """Return what can be scripted."""
        return {name: {**fault._asdict(), "parameters": dict(fault.parameters)} for name, fault in CATALOGUE.items()}

    def add_fault(self, _: Request, raw: bytes) -> Answer:
        """Put a script in force."""
        script = Script(**ScriptBody.model_validate_json(raw).model_dump())
        self._faults.add(script)
        return script.state()

    def scripts(self, _: Request, __: bytes) -> Answer:
        """Return the scripts and how often they struck."""
        return [script.state() for script in self._faults.scripts()]

    def clear_faults(self, _: Request, __: bytes) -> Answer:
        """Take all scripts out."""
        self._faults.clear()
        return []

    def remove_fault(self, request: Request, _: bytes) -> Answer:
        """Take one script out."""
        number = int(request.path_params["number"])
        if not self._faults.remove(number):
            raise ControlError(f"there is no script {number}; GET /faults lists them")
        return {"number": number}


def create_app(core: Core, token: str, feed: Feed | None = None) -> Starlette:
    """Return the control application.

    Parameters
    ----------
    core : Core
        The exchange; its faults must be a `FaultBox`.
    token : str
        What requests must carry.
    feed : Feed, optional
        Whose connections are shown.

    Raises
    ------
    ControlError
        If the token is empty or the core's faults cannot be scripted.
    """
    if not token:
        raise ControlError("the control API needs a token; make one up and pass it")
    if not isinstance(core.faults, FaultBox):
        raise ControlError("the exchange's faults cannot be scripted; build its core with a FaultBox")
    table = _table(Control(core, core.faults, feed), FaultControl(core.faults))
    return Starlette(routes=[Route(path, _guarded(core, token, act), methods=[method]) for method, path, act in table])


def _table(api: Control, faults: FaultControl) -> list[tuple[str, str, Callable[[Request, bytes], Answer]]]:
    """Return method, path and what answers."""
    return [
        ("GET", "/state", api.state),
        ("GET", "/book", api.book),
        ("GET", "/events", api.events),
        ("GET", "/faults", faults.scripts),
        ("GET", "/faults/catalogue", faults.catalogue),
        ("POST", "/faults", faults.add_fault),
        ("DELETE", "/faults", faults.clear_faults),
        ("DELETE", "/faults/{number:int}", faults.remove_fault),
        ("GET", "/clock", api.clock),
        ("PUT", "/clock", api.set_clock),
        ("POST", "/clock/move", api.move_clock),
        ("GET", "/clients", api.clients),
        ("POST", "/clients", api.add_client),
        ("PATCH", "/clients/{client_id}", api.change_client),
        ("POST", "/clients/{client_id}/token", api.issue_token),
        ("DELETE", "/clients/{client_id}/token", api.revoke_token),
        ("POST", "/clients/{client_id}/orders", api.foreign_order),
        ("PUT", "/limits", api.set_limits),
    ]


def _span(core: Core, on: date) -> Span | None:
    hours = core.market.hours(on)
    return (hours.open_at, hours.close_at) if hours is not None else None


def _guarded(
    core: Core, token: str, act: Callable[[Request, bytes], Answer]
) -> Callable[[Request], Awaitable[Response]]:
    expected = f"{BEARER}{token}".encode()

    async def endpoint(request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return JSONResponse({"error": "the control token is missing or wrong"}, 401)
        try:
            answer = act(request, await request.body())
            core.journal.commit()
            return JSONResponse(answer)
        except ValidationError as error:
            return JSONResponse({"error": error.errors(include_url=False, include_context=False)}, 422)
        except (ControlError, FaultUnknownError, RefusedError, UnknownInstrumentError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 422)

    return endpoint
