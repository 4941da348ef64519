"""What the first page shows, read at one moment."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agents.domain.zones import ZoneAnalysis


@dataclass(frozen=True)
class ChartCandle:
    """One analysis candle in rupees; times are seconds since 1970 UTC."""

    opened_at: int
    closed_at: int
    open: float
    high: float
    low: float
    close: float


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
class CycleRow:
    """One pass of the trade cycle, as the table shows it."""

    at: datetime
    decision: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Snapshot:
    """Everything on the page, from one short visit to the store. `now` is the market's clock."""

    instrument: str
    mode: str
    is_simulated: bool
    now: datetime
    last_price: Decimal | None = None
    last_price_at: datetime | None = None
    candles: tuple[ChartCandle, ...] = ()
    analysis: ZoneAnalysis | None = None
    profile: Profile | None = None
    cycles: tuple[CycleRow, ...] = ()
    problem: str = ""
