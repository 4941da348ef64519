"""The desk's risk rules as the guardian asks them: once more, on the book just reconciled and on the prices of now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from agents.data.calendar import NseCalendar
from agents.data.ledger import Ledger
from agents.domain.cycle import Veto
from agents.domain.errors import DataError, MissingDataError
from agents.domain.orders import Trade
from agents.domain.values import IST
from agents.execution.guardian.ports import Quotes, Standing, TradeRequest
from agents.execution.request import RequestBroker
from agents.execution.risk import Account, Limits, load_limits, load_special_days, sending, vetoes
from agents.execution.risk.special_days import SpecialDays
from agents.execution.risk.tightened import tightened
from agents.execution.service.outside import LookOutside
from agents.ports import Calendar, Clock
from agents.settings import Settings

INDIA_VIX: Final = "INDIAVIX"
Earlier = Callable[[date, date], Sequence[Trade]]


@dataclass(frozen=True)
class RuleBook:
    """What the rules are: limits, the list of special days, and how many market seconds pass in one."""

    limits: Limits
    days: SpecialDays
    speed: int


class RiskChecks:
    """Implements `agents.execution.guardian.ports.Checks`.

    Parameters
    ----------
    rules : RuleBook
        What the account may risk.
    calendar : Calendar
        The sessions.
    ledger : Ledger
        The equity, whatever a request says of it.
    quotes : callable
        Returns the guardian's prices.
    outside : callable
        Returns what is known besides: the desk's state, clock, account, requests.
    earlier : callable
        Returns the round trips from one date to another.
    """

    def __init__(
        self,
        rules: RuleBook,
        calendar: Calendar,
        ledger: Ledger,
        quotes: Callable[[], Quotes],
        *,
        outside: LookOutside,
        earlier: Earlier,
    ) -> None:
        self._rules = rules
        self._calendar = calendar
        self._ledger = ledger
        self._quotes = quotes
        self._outside = outside
        self._earlier = earlier
        self._known: tuple[date, Sequence[Trade]] | None = None

    def vetoes(self, request: TradeRequest, standing: Standing, now: datetime) -> Sequence[Veto]:
        """Return every rule that forbids the trade; see the protocol. Raises what ledger and quotes raise."""
        on = now.astimezone(IST).date()
        session = self._calendar.session(on)
        if session is None:
            raise MissingDataError(f"{on} has no session; nothing is bought")
        limits = tightened(self._rules.limits, self._ledger)
        quotes, equity = self._quotes(), min(standing.equity, self._ledger.equity())
        conditions = sending(
            request.setup,
            quotes,
            limits=limits,
            now=now,
            speed=self._rules.speed,
            days=self._rules.days,
            zones_at=request.zones_at,
            outside=self._outside(now),
            vix=_vix(quotes),
        )
        return vetoes(
            request.setup,
            request.order.lots,
            Account(equity, standing.orders, standing.trades, self._before(on)),
            limits,
            now=now,
            session=session,
            conditions=conditions,
        )

    def _before(self, on: date) -> Sequence[Trade]:
        """Return the round trips of earlier sessions, which a day does not change."""
        if self._known is None or self._known[0] != on:
            self._known = on, self._earlier(self._rules.limits.looked_back_from(on), on - timedelta(days=1))
        return self._known[1]


def rules_of(settings: Settings, speed: float) -> RuleBook:
    """Return the rules of a desk. Raises `ConfigError` if its files of limits or special days are wrong."""
    limits = load_limits(settings)
    days = load_special_days(settings.data_dir, beyond=limits.event_factor)
    return RuleBook(limits, days, max(1, round(speed)))


def desk_checks(
    settings: Settings,
    ledger: Ledger,
    speed: float,
    quotes: Callable[[], Quotes],
    *,
    clock: Clock,
    outside: LookOutside,
) -> RiskChecks:
    """Return the checks of a desk. Raises as `rules_of`."""
    book = RequestBroker(ledger, clock, _nobody_waits, settings.brokerage_rupees)
    return RiskChecks(
        rules_of(settings, speed),
        NseCalendar(),
        ledger,
        quotes,
        outside=outside,
        earlier=lambda first, last: book.trades(last, since=first),
    )


def _vix(quotes: Quotes) -> float | None:
    """Return India VIX, None where the broker lists none, as a paper exchange, or shows no price of it."""
    try:
        return float(quotes.underlying(INDIA_VIX).ltp)
    except DataError:
        return None


def _nobody_waits(seconds: float) -> None:
    raise MissingDataError(f"the checks only read the ledger; nobody waits {seconds} s for an answer here")
