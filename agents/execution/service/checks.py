"""The desk's risk rules as the guardian asks them: once more, on the book just reconciled and on the prices of now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from agents.data.calendar import NseCalendar
from agents.data.ledger import Ledger
from agents.domain.cycle import Veto
from agents.domain.errors import MissingDataError
from agents.domain.values import IST
from agents.execution.controls import standing as desk_standing
from agents.execution.guardian.ports import Quotes, Standing, TradeRequest
from agents.execution.risk import Account, Conditions, Limits, load_limits, load_special_days, vetoes
from agents.execution.risk.special_days import SpecialDays
from agents.ports import Calendar
from agents.settings import Settings


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
        The desk's state, and the equity, whatever a request says of it.
    home : Path
        The mode's folder, where a HALT file may lie.
    quotes : callable
        Returns the guardian's prices.
    """

    def __init__(
        self, rules: RuleBook, calendar: Calendar, ledger: Ledger, home: Path, quotes: Callable[[], Quotes]
    ) -> None:
        self._rules = rules
        self._calendar = calendar
        self._ledger = ledger
        self._home = home
        self._quotes = quotes

    def vetoes(self, request: TradeRequest, standing: Standing, now: datetime) -> Sequence[Veto]:
        """Return every rule that forbids the trade; see the protocol. Raises what ledger and quotes raise."""
        session = self._calendar.session(now.astimezone(IST).date())
        if session is None:
            raise MissingDataError(f"{now:%Y-%m-%d} has no session; nothing is bought")
        account = Account(min(standing.equity, self._ledger.equity()), standing.orders, standing.trades)
        return vetoes(
            request.setup,
            request.order.lots,
            account,
            self._rules.limits,
            now=now,
            session=session,
            conditions=self._conditions(request, now),
        )

    def _conditions(self, request: TradeRequest, now: datetime) -> Conditions:
        """Return what surrounds the trade at this moment. Raises `MissingDataError` where there is no price."""
        setup, quotes = request.setup, self._quotes()
        index, book = quotes.underlying(setup.instrument), quotes.book(setup.contract)
        bid, ask = _number(book.bid), _number(book.ask)
        state, halted = desk_standing(self._ledger, self._home)
        event, factor = self._rules.days.look(now.astimezone(IST).date())
        return Conditions(
            freshness=self._rules.limits.sending,
            speed=self._rules.speed,
            index_age=_age(index.at, now),
            quote_age=_age(book.at, now),
            chain_age=_age(setup.decided_at, now),  # the setup was made on the chain of that moment
            last=float(book.ltp),
            middle=None if bid is None or ask is None else (bid + ask) / 2,
            spread=None if bid is None or ask is None else ask - bid,
            index_move=abs(float(index.ltp / setup.spot) - 1.0),
            lower_circuit=_number(book.lower_circuit),
            upper_circuit=_number(book.upper_circuit),
            state=state,
            halted=halted,
            event=event,
            event_factor=factor,
        )


def rules_of(settings: Settings, speed: float) -> RuleBook:
    """Return the rules of a desk. Raises `ConfigError` if its files of limits or special days are wrong."""
    limits = load_limits(settings)
    days = load_special_days(settings.data_dir, beyond=limits.event_factor)
    return RuleBook(limits, days, max(1, round(speed)))


def desk_checks(settings: Settings, ledger: Ledger, speed: float, quotes: Callable[[], Quotes]) -> RiskChecks:
    """Return the checks of a desk. Raises as `rules_of`."""
    return RiskChecks(rules_of(settings, speed), NseCalendar(), ledger, settings.home, quotes)


def _age(at: datetime, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds())


def _number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)
