"""The account's statement over HTTP: what the money was at the ends of a range of dates, and each session's bill.

A session's bill is what its trades, charges and settlements moved together. Sessions that this process has not seen end
are part of the balance that a statement opens with.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from starlette.routing import Route as HttpRoute

from exchange.calls import Call, Route, http_routes
from exchange.clock import ist
from exchange.dialects import Json
from exchange.envelopes import Reply, input_error, java
from exchange.services import Event

if TYPE_CHECKING:
    from exchange.core import Core

DATE_FORMAT = "%b %d, %Y"
NO_DATE = "Jan 01, 1970"
BILL = "F&O BILL"


class Balance(NamedTuple):
    """What a client had when a session began and when it ended, in paise."""

    on: date
    opening: int
    closing: int


class Statements:
    """The balances of all clients, session by session.

    Parameters
    ----------
    core : Core
        Whose ledgers are read at each close.
    """

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._balances: dict[str, list[Balance]] = {}
        core.subscribe("session_closed", self._keep)
        core.subscribe("restarted", lambda _: self._balances.clear())

    def of(self, client_id: str) -> Sequence[Balance]:
        """Return a client's balances, oldest first, the present session's as it stands."""
        ledger, today = self._core.ledgers.of(client_id), ist(self._core.now).date()
        past = [one for one in self._balances.get(client_id, ()) if one.on < today]
        return [*past, Balance(today, ledger.opening, ledger.cash)]

    def _keep(self, event: Event) -> None:
        assert isinstance(event.detail, date)
        for ledger in self._core.ledgers:
            kept = self._balances.setdefault(ledger.client_id, [])
            kept.append(Balance(event.detail, ledger.opening, ledger.cash))


def routes(core: "Core") -> list[HttpRoute]:
    """Return the routes of statements."""
    statements = Statements(core)

    def report(_: "Core", call: Call) -> Reply:
        return java(_report(statements.of(call.account.client_id), call))

    return http_routes(core, [Route("GET", "/ledger", report, "other")])


def _report(balances: Sequence[Balance], call: Call) -> list[Json]:
    """Return the rows of GET /ledger?from-date=&to-date=, the closing balance first, as recorded."""
    try:
        first, last = (date.fromisoformat(call.query.get(name, "")) for name in ("from-date", "to-date"))
    except ValueError as error:
        raise input_error() from error
    within = [one for one in balances if first <= one.on <= last]
    before = [one.closing for one in balances if one.on < first]
    opening = within[0].opening if within else (before[-1] if before else balances[0].opening)
    closing = within[-1].closing if within else opening
    moved = [one for one in reversed(within) if one.closing != one.opening]
    return [
        _row(call, "CLOSING BALANCE", closing, closing),
        *(_row(call, BILL, one.closing - one.opening, one.closing, one.on) for one in moved),
        _row(call, "OPENING BALANCE", opening, opening),
    ]


def _row(call: Call, what: str, amount: int, balance: int, on: date | None = None) -> Json:
    """Return one row; all amounts are text."""
    return {
        "dhanClientId": call.account.client_id,
        "narration": what,
        "voucherdate": on.strftime(DATE_FORMAT) if on else NO_DATE,
        "exchange": "NSE_FNO",
        "voucherdesc": what,
        "vouchernumber": on.strftime("FB%Y%m%d") if on else "",
        "debit": f"{max(-amount, 0) / 100:.2f}",
        "credit": f"{max(amount, 0) / 100:.2f}",
        "runbal": f"{balance / 100:.2f}",
    }
