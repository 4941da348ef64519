"""What all visitors see: immutable, read at one moment."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from agents.data.ledger import Command, Heartbeat, Message
from agents.data.ledger.breaker import BreakerState
from agents.domain.cycle import DeskState
from agents.domain.zones import ZoneAnalysis
from ui.trading import Agreement, Order, Refusal


@dataclass(frozen=True)
class ChartCandle:
    """One candle in rupees and contracts; times are seconds since 1970 UTC."""

    opened_at: int
    closed_at: int
    open: float
    high: float
    low: float
    close: float
    volume: int = 0


@dataclass(frozen=True)
class Profile:
    """Volume by price over the candles that a zone lives, in rupees, and its levels."""

    rows: tuple[tuple[float, float], ...]
    row_height: float
    poc: float
    val: float
    vah: float
    source: str


@dataclass(frozen=True)
class Band:
    """An order block or a gap that still lives, in rupees; `kind` is "order block" or "gap"."""

    kind: str
    side: str
    low: float
    high: float
    known_at: int


@dataclass(frozen=True)
class CycleRow:
    """One pass of the trade cycle, as the table shows it; `record` is the whole of it as JSON."""

    cycle_id: str
    at: datetime
    decision: str
    reason: str
    detail: str
    record: dict[str, Any] = field(default_factory=dict, hash=False)  # Any: whatever JSON can hold


@dataclass(frozen=True)
class VerdictRow:
    """A judge's word on a zone with what became of the zone since: held is None while nothing did.

    `call` holds model, prompt, latency in seconds, cost in US dollars, facts and reply where a model was asked.
    """

    zone_id: str
    at: datetime
    side: str
    low: float
    high: float
    judge: str
    verdict: str
    probability: float
    reason: str
    outcome: str
    since: str
    call: dict[str, Any] = field(default_factory=dict, hash=False)  # Any: as above


@dataclass(frozen=True)
class Snapshot:
    """The market and its analysis, from one short visit to the store. `now` is the market's clock.

    `minutes` are one-minute candles of the last sessions, `candles` those of the analysis, both with the one in
    progress last. `prices` holds the last premium of each contract that was asked for. `problem` says why nothing could
    be read, `is_busy` that somebody else had the store.
    """

    instrument: str
    mode: str
    is_simulated: bool
    now: datetime
    is_open: bool = False
    next_open: datetime | None = None
    last_price: Decimal | None = None
    last_price_at: datetime | None = None
    previous_close: Decimal | None = None
    candles: tuple[ChartCandle, ...] = ()
    minutes: tuple[ChartCandle, ...] = ()
    analysis: ZoneAnalysis | None = None
    profile: Profile | None = None
    bands: tuple[Band, ...] = ()
    cycles: tuple[CycleRow, ...] = ()
    verdicts: tuple[VerdictRow, ...] = ()
    prices: dict[str, Decimal] = field(default_factory=dict, hash=False)
    problem: str = ""
    is_busy: bool = False


@dataclass(frozen=True)
class Feed:
    """What the feed says of itself; `silent` are seconds since its last word or packet, whichever is older."""

    connected: bool
    expected: bool
    silent: float
    trouble: str
    facts: dict[str, Any] = field(default_factory=dict, hash=False)  # Any: JSON


@dataclass(frozen=True)
class DeskView:
    """The desk as the ledger and the files of its processes tell it. `guardian_age` is in seconds, None before any.

    `limits` are those in force, `limits_of_settings` what they would be had nobody tightened any; both are empty before
    a guardian has said them. `seen_alerts` tells by an alert's number who has seen it. `guardian_age` and the feed's
    silence were measured at `read_at`. `started_at` is when the desk began that runs now, None where none does.
    """

    state: DeskState | None = None
    reason: str = ""
    since: datetime | None = None
    commands: tuple[Command, ...] = ()
    alerts: tuple[Message, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    orders: tuple[Order, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    agreement: Agreement = field(default_factory=Agreement)
    limits: dict[str, float] = field(default_factory=dict, hash=False)
    limits_of_settings: dict[str, float] = field(default_factory=dict, hash=False)
    seen_alerts: dict[int, str] = field(default_factory=dict, hash=False)
    feed: Feed | None = None
    services: tuple[dict[str, Any], ...] = ()  # Any: JSON
    started_at: datetime | None = None
    breakers: tuple[BreakerState, ...] = ()
    guardian_age: float | None = None
    read_at: datetime | None = None
    problem: str = ""


@dataclass(frozen=True)
class Picture:
    """Market and desk at one moment of this machine's clock; `number` counts the pictures of a hub."""

    market: Snapshot
    desk: DeskView
    as_of: datetime
    number: int
