"""What the guardian touches besides the broker: no threads, clock or chance of its own, for the simulator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from pydantic import AwareDatetime

from agents.domain.cycle import DeskState, Veto
from agents.domain.evidence import SetupVerdict
from agents.domain.market import Quote
from agents.domain.orders import SuperOrder, Trade, TradeSetup
from agents.domain.values import Frozen, Rupees
from agents.execution.gateway import Funds, OrderGateway, OrderUpdate, PositionRow
from agents.ports import Calendar

REQUEST = "trade_request"
ANSWER = "trade_answer"
ORDER_EVENT = "order_event"
GUARDIAN_EVENT = "guardian_event"


class TradeRequest(Frozen):
    """Somebody asks for a trade: the payload of an event `REQUEST` whose key is the setup's id.

    `order` is the planned super order of `setup`, `verdict` the judge's word on it, `equity` the rupees of its sizing,
    `zones_at` the last candle of the zones. The guardian refuses what is older than `request_good_for`.
    """

    setup: TradeSetup
    order: SuperOrder
    verdict: SetupVerdict
    cycle_id: str
    equity: Rupees
    asked_at: AwareDatetime
    zones_at: AwareDatetime | None = None


class AnswerKind(StrEnum):
    """What became of a trade request. UNKNOWN: it was sent and no reply came; it is being looked for."""

    PLACED = "placed"
    REFUSED = "refused"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class TradeAnswer(Frozen):
    """The guardian's one answer to a request: the payload of an event `ANSWER` whose key is the request's key.

    REFUSED carries the vetoes (nothing was sent), REJECTED the broker's message, PLACED the broker's order id.
    """

    setup_id: str
    outcome: AnswerKind
    correlation_id: str = ""
    order_id: str = ""
    vetoes: tuple[Veto, ...] = ()
    detail: str = ""
    at: AwareDatetime


class TopOfBook(Frozen):
    """The best prices of a contract in rupees, with their age, the day's band and the units `offered` where known."""

    contract: str
    at: AwareDatetime
    ltp: Rupees
    bid: Rupees | None = None
    ask: Rupees | None = None
    lower_circuit: Rupees | None = None
    upper_circuit: Rupees | None = None
    offered: int | None = None


class JournalEvent(Protocol):
    """One appended fact."""

    @property
    def seq(self) -> int:
        """Return its place in the log."""
        ...

    @property
    def key(self) -> str | None:
        """Return its identity within its kind."""
        ...

    @property
    def payload(self) -> Mapping[str, Any]:  # Any: whatever JSON can hold
        """Return what was appended."""
        ...


class Journal(Protocol):
    """Appended events; the ledger's log is one.

    Calls raise a `TradingError` when the disk is full or the journal busy. Whether a failed append is there nobody
    knows; appending it again with its key settles it.
    """

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> object:  # Any: as above
        """Add an event that survives a crash before this returns.

        The same kind, key and payload again returns the first event. Raises `InvariantViolationError` if the kind and
        key are there with another payload.
        """
        ...

    def events(self, kind: str | None = None, *, after: int = 0) -> Sequence[JournalEvent]:
        """Return the events of a kind with ``seq > after``, in order."""
        ...


class Updates(Protocol):
    """The order-update stream, as far as it goes: duplicated, reordered and lost hints are all expected."""

    def drain(self) -> Sequence[OrderUpdate]:
        """Return what was heard since the last call, and forget it. A new connection also yields a hint."""
        ...


class Quotes(Protocol):
    """Prices as they stand, from the live feed, and over REST when asked for."""

    def book(self, contract: str) -> TopOfBook:
        """Return the freshest known best prices. Raises `MissingDataError` where there are none."""
        ...

    def underlying(self, name: str) -> Quote:
        """Return the freshest known price of an index. Raises `MissingDataError` where there is none."""
        ...

    def refresh(self, names: Sequence[str]) -> None:
        """Read these over REST once for the calls above. Raises `BrokerUnavailableError` when that failed."""
        ...


class CommandKind(StrEnum):
    """What a person may ask of the guardian. PAUSE: no new trades; HALT: nothing new at all; FLATTEN: sell and halt."""

    HALT = "halt"
    PAUSE = "pause"
    RESUME = "resume"
    FLATTEN = "flatten"


class Command(Frozen):
    """A person's order to the guardian. `id` names it once, so that a double click is one command."""

    id: str
    kind: CommandKind
    by: str
    asked_at: AwareDatetime


class Controls(Protocol):
    """The person's hand on the desk. All calls but `halted` may raise a `TradingError`, which counts as halted."""

    def halted(self) -> str:
        """Return why the HALT file stops entries, "" when it does not. An unreadable file stops them."""
        ...

    def desk_state(self) -> DeskState:
        """Return what the desk may do."""
        ...

    def set_desk_state(self, state: DeskState, reason: str) -> None:
        """Change what the desk may do; it must survive a crash before this returns."""
        ...

    def commands(self) -> Sequence[Command]:
        """Return the commands that were not acknowledged, oldest first."""
        ...

    def acknowledge(self, command_id: str, outcome: str) -> None:
        """Say that a command was carried out, and how. Saying it twice is harmless."""
        ...


class Lease(Protocol):
    """The right to be the one guardian of the account."""

    def valid(self) -> bool:
        """Return whether this process holds the right at this moment; renewing it is the adapter's work."""
        ...


class Severity(StrEnum):
    """How loudly to say it."""

    INFO = "info"
    WARN = "warn"
    CRITICAL = "critical"


class Notifier(Protocol):
    """Tells a person. It keeps repeats of one `dedupe_key` apart by itself, and never raises."""

    def alert(self, severity: Severity, dedupe_key: str, text: str) -> None:
        """Tell it."""
        ...


class Clock(Protocol):
    """The present, twice: what the market's clock says, and a stopwatch that no correction of the clock moves."""

    def now(self) -> datetime:
        """Return the market's present moment, aware. It may step either way when the machine's clock is set."""
        ...

    def elapsed(self) -> float:
        """Return seconds since some moment; they only ever grow, and at the true pace."""
        ...

    def counter(self) -> str:
        """Return what `elapsed` is read from: readings compare under one name only, and under "" never."""
        ...


@dataclass(frozen=True)
class Standing:
    """The account as reconciled with the broker, for the pre-trade checks. Orders and trades are this session's.

    `orders` are PLANNED while unresolved; `trades` are closed round trips, oldest first, costs included.
    """

    equity: Decimal
    orders: tuple[SuperOrder, ...]
    trades: tuple[Trade, ...]
    positions: tuple[PositionRow, ...]
    funds: Funds | None
    reconciled_at: datetime


class Checks(Protocol):
    """The pre-trade rules, run once more on the guardian's own book."""

    def vetoes(self, request: TradeRequest, standing: Standing, now: datetime) -> Sequence[Veto]:
        """Return every rule that forbids the trade, empty when none does. Pure but for the quotes it may look at."""
        ...


@dataclass(frozen=True)
class GuardianPorts:
    """Everything a guardian is given."""

    gateway: OrderGateway
    journal: Journal
    updates: Updates
    quotes: Quotes
    controls: Controls
    lease: Lease
    notifier: Notifier
    clock: Clock
    calendar: Calendar
    checks: Checks
