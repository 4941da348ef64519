"""What the desk needs from the outside, in the desk's own words. Adapters translate at the edge."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from agents.domain.calls import LlmCall, Permit
from agents.domain.candles import Candles
from agents.domain.cycle import Approval, CycleRecord, DeskState
from agents.domain.evidence import SetupEvidence, SetupVerdict, ZoneEvidence
from agents.domain.market import OptionChain, Quote, Session
from agents.domain.metrics import declared
from agents.domain.orders import SuperOrder, Trade
from agents.domain.zones import ZoneAnalysis, ZoneVerdict


class Clock(Protocol):
    """The only source of the present."""

    def now(self) -> datetime:
        """Return the market's present moment, aware, never going back."""
        ...


class Calendar(Protocol):
    """When the exchange trades."""

    def session(self, on: date) -> Session | None:
        """Return the session of that date, None when the exchange is closed."""
        ...

    def sessions(self, first: date, last: date) -> Sequence[Session]:
        """Return the sessions from `first` to `last`, both included, in order."""
        ...


class MarketData(Protocol):
    """Prices as known at a moment. Each call raises `DataError` rather than answering with nothing."""

    def quote(self, instrument: str, now: datetime) -> Quote:
        """Return the last price seen by `now`. Raises `MissingDataError` where there is none."""
        ...

    def minutes(self, instrument: str, after: datetime, until: datetime) -> Candles:
        """Return the one-minute candles that closed in (after, until]; empty when none did."""
        ...

    def chain(self, underlying: str, now: datetime, *, min_minutes: int) -> OptionChain:
        """Return the chain of the nearest expiry at least `min_minutes` away. Raises `MissingDataError` if none."""
        ...


class Analyses(Protocol):
    """What the fifteen-minute analysis left behind."""

    def latest(self, instrument: str, now: datetime) -> ZoneAnalysis | None:
        """Return the last analysis known by `now`, with the zones live at its candle; None before the first."""
        ...


class Judge(Protocol):
    """Speaks on zones and setups.

    A failed call is a verdict with an outcome other than `ok`, never an exception, except
    `RecordedReplyMissingError` from a replay.
    """

    @property
    def name(self) -> str:
        """Return who speaks: "rules", "openai:<model>", "recorded:<model>"."""
        ...

    def judge_zones(self, evidence: Sequence[ZoneEvidence], known_at: datetime) -> Sequence[ZoneVerdict]:
        """Return one verdict for each zone, in order."""
        ...

    def judge_setup(self, evidence: SetupEvidence) -> SetupVerdict:
        """Return the verdict on a setup."""
        ...


class Broker(Protocol):
    """Each call does the whole thing or raises `BrokerError`; no silent drops."""

    def settle(self, now: datetime) -> None:
        """Bring our own book up to `now`; nothing to do where the broker keeps the book."""
        ...

    def place(self, order: SuperOrder, approval: Approval) -> SuperOrder:
        """Send once, keyed by `order.correlation_id`. Raises `OrderRejectedError` or `OrderUnknownError`."""
        ...

    def orders(self, on: date) -> Sequence[SuperOrder]:
        """Return the super orders placed on that date, oldest first."""
        ...

    def trades(self, on: date, *, since: date | None = None) -> Sequence[Trade]:
        """Return the round trips that ended on that date, or from `since` to it, by exit, with costs."""
        ...


class Ledger(Protocol):
    """What must survive: the desk's state and the record of every cycle."""

    def desk_state(self) -> DeskState:
        """Return what the desk may do. Unreadable means HALTED."""
        ...

    def set_desk_state(self, state: DeskState, reason: str, *, by: str, at: datetime | None = None) -> None:
        """Set what the desk may do, with who asked for it and why."""
        ...

    def equity(self) -> Decimal:
        """Return the rupees that risk is measured against."""
        ...

    def record_cycle(self, record: CycleRecord) -> None:
        """Keep the record of a cycle; the same `cycle_id` is kept once."""
        ...


class CallLog(Protocol):
    """Every question ever put to a model, with its reply; nothing in it is changed or removed."""

    def record_call(self, call: LlmCall) -> None:
        """Keep a call. An older call with the same key stays."""
        ...

    def find_call(
        self, key: str, at: datetime, *, max_age: timedelta | None = None, only_ok: bool = True
    ) -> LlmCall | None:
        """Return the call with that key asked nearest to `at`, at most `max_age` before it; None if there is none."""
        ...

    def spent_today(self) -> Decimal:
        """Return the US dollars that calls have cost since midnight in India."""
        ...


class Breaker(Protocol):
    """Keeps everyone away from a dependency that keeps failing; its state is shared by all processes."""

    def enter(self) -> Permit | None:
        """Return leave to try once, None while the breaker is open or someone else is probing."""
        ...

    def succeeded(self, permit: Permit) -> None:
        """Say that the dependency answered."""
        ...

    def failed(self, permit: Permit) -> None:
        """Say that the dependency did not answer."""
        ...


class Metrics(Protocol):
    """Where measurements go. Only a name or a label that is not declared raises: nothing fails for want of counting."""

    def record(self, name: str, value: float = 1.0, /, **labels: str) -> None:
        """Keep one value of a metric declared in `agents.domain.metrics`. Raises `ValueError` if it is not."""
        ...


class NullMetrics:
    """Keeps nothing, and refuses what is not declared."""

    def record(self, name: str, value: float = 1.0, /, **labels: str) -> None:  # noqa: ARG002 - the port's signature
        """Check the name and the labels."""
        declared(name, labels)
