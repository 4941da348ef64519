"""The desk that a cycle works at, and how a cycle ends early."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agents.domain.cycle import Reason
from agents.domain.evidence import SetupVerdict
from agents.domain.orders import TradeSetup
from agents.domain.values import content_id
from agents.execution.risk import Limits, SpecialDays, Track
from agents.options import ContractRules
from agents.ports import Analyses, Broker, Calendar, Judge, Ledger, MarketData
from agents.settings import Settings

RUN_TAKES = timedelta(seconds=12)  # of the machine's time, at most, from the price or the chain to the decision


def _no_track(verdict: SetupVerdict, setup: TradeSetup) -> Track | None:  # noqa: ARG001 - no record is kept here
    return None


@dataclass(frozen=True)
class Desk:
    """Everything a cycle may touch: the ports, the calendar, and what is allowed.

    `pace` is how many market seconds pass in a second: more than 1 in a simulated market only. `known_by` goes into the
    records: what `market` leaves out because it was stored later.
    """

    settings: Settings
    calendar: Calendar
    market: MarketData
    analyses: Analyses
    judge: Judge
    broker: Broker
    ledger: Ledger
    rules: ContractRules = field(default_factory=ContractRules)
    limits: Limits = field(default_factory=Limits)
    days: SpecialDays | None = None
    track: Callable[[SetupVerdict, TradeSetup], Track | None] = _no_track
    halted: Callable[[], str] = str  # why a person's HALT file stops the desk, "" when there is none
    pace: int = 1
    known_by: datetime | None = None


def good_for(usual: timedelta, pace: int) -> timedelta:
    """Return how old prices and chains may be: a run takes seconds to start, and in them `pace` times as many pass."""
    return max(usual, RUN_TAKES * pace)


class SkipError(Exception):
    """The cycle ends here, for a named reason; never leaves `run_cycle`."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def cycle_name(instrument: str, now: datetime) -> str:
    """Return the identity of the cycle of `instrument` at `now`."""
    return content_id("cycle", {"instrument": instrument, "at": int(now.timestamp())})
