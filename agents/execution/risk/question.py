"""What a rule is asked, and how it answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agents.domain.checks import Check, CheckWord
from agents.domain.market import Session
from agents.domain.orders import TradeSetup
from agents.execution.risk.account import Account
from agents.execution.risk.conditions import Conditions
from agents.execution.risk.limits import Limits

DIGITS = 4
LARGEST = 1e12


@dataclass(frozen=True)
class Question:
    """Whether this setup may be bought now, in this size."""

    setup: TradeSetup
    lots: int
    account: Account
    limits: Limits
    now: datetime
    session: Session
    conditions: Conditions

    @property
    def risk(self) -> Decimal:
        """Rupees that the trade loses at its stop, with costs."""
        setup = self.setup
        return (setup.premium_entry - setup.premium_stop + setup.costs_per_unit) * setup.lot_size * self.lots

    def share(self, of_equity: float) -> Decimal:
        """Return a share of equity in rupees."""
        return self.account.equity * Decimal(str(of_equity))


Rule = Callable[[Question], Iterator[Check]]
Number = float | Decimal


def at_most(rule: str, value: Number, limit: Number, text: str) -> Check:
    """Return the check of a number that may be as large as its limit; `text` is said when it is larger."""
    return verdict(rule, value, limit, text, passes=value <= limit)


def below(rule: str, value: Number, limit: Number, text: str) -> Check:
    """Return the check of a number that must stay below its limit."""
    return verdict(rule, value, limit, text, passes=value < limit)


def at_least(rule: str, value: Number, limit: Number, text: str) -> Check:
    """Return the check of a number that must reach its limit."""
    return verdict(rule, value, limit, text, passes=value >= limit)


def verdict(rule: str, value: Number, limit: Number, text: str, *, passes: bool) -> Check:
    """Return a check that passes or forbids; a rule that passes has nothing to say."""
    word = CheckWord.PASS if passes else CheckWord.FORBID
    return Check(rule=rule, word=word, limit=_figure(limit), value=_figure(value), text="" if passes else text)


def shrunk(rule: str, value: Number, limit: Number, text: str) -> Check:
    """Return the check of a rule that makes the trade smaller."""
    return Check(rule=rule, word=CheckWord.SHRINK, limit=_figure(limit), value=_figure(value), text=text)


def unknown(rule: str, text: str) -> Check:
    """Return the check of a rule whose number is not known."""
    return Check(rule=rule, word=CheckWord.UNKNOWN, limit=None, value=None, text=text)


def forbidden(rule: str, text: str) -> Check:
    """Return the check of a rule that says no without a number."""
    return Check(rule=rule, word=CheckWord.FORBID, limit=None, value=None, text=text)


def _figure(number: Number) -> float:
    return round(min(max(float(number), -LARGEST), LARGEST), DIGITS)
