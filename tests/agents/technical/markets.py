"""Candles for the technical agent's tests: sessions of 25 candles, with gaps overnight, trends and pauses."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
from hypothesis import strategies as st

from agents.domain.candles import Candles, Int64s
from agents.settings import Settings
from tests.analytics_ext.strategies import Candles as Columns
from tests.analytics_ext.strategies import walks

TICK = Decimal("0.05")
PER_SESSION = 25
FIRST_DAY = (date(2024, 1, 1) - date(1970, 1, 1)).days
OPEN_SECONDS = 3 * 3600 + 45 * 60  # 09:15 in India
SMALL = Settings(half_length=2, window=40, row_ticks=4)


def from_columns(columns: Columns, *, minutes: int = 15, instrument: str = "NIFTY", first_day: int = 0) -> Candles:
    """Return the columns as candles of consecutive sessions; volume is that of the columns."""
    number = np.arange(columns.length)
    session = FIRST_DAY + first_day + number // PER_SESSION
    opened = session * 86_400 + OPEN_SECONDS + (number % PER_SESSION) * minutes * 60
    return Candles(
        instrument=instrument,
        tick_size=TICK,
        minutes=minutes,
        opened_at=opened,
        closed_at=opened + minutes * 60,
        open=columns.open,
        high=columns.high,
        low=columns.low,
        close=columns.close,
        volume=columns.volume,
        session=session,
    )


def market(n_sessions: int, seed: int, *, volume: bool = False) -> Candles:
    """Return a market whose range comes in bursts, so that every family of finding occurs."""
    n = n_sessions * PER_SESSION
    draw = np.random.default_rng(seed)
    scale = np.exp(np.repeat(draw.normal(0, 0.6, n // 5 + 1), 5)[:n])
    body = np.rint(draw.standard_t(3, n) * 40 * scale).astype(np.int64)
    gap = np.where(np.arange(n) % PER_SESSION == 0, np.rint(draw.normal(0, 150, n)), np.rint(draw.normal(0, 2, n)))
    close = 440_000 + np.cumsum(body + gap.astype(np.int64))
    opened = close - body
    high = np.maximum(opened, close) + np.rint(draw.exponential(15, n) * scale).astype(np.int64)
    low = np.minimum(opened, close) - np.rint(draw.exponential(15, n) * scale).astype(np.int64)
    traded = draw.integers(1, 10_000, n) if volume else np.zeros(n, dtype=np.int64)
    return from_columns(Columns(opened, high, low, close, traded))


def markets(min_size: int = 20, max_size: int = 160) -> st.SearchStrategy[Candles]:
    """Candles over few ticks, so that ties are frequent; without volume, as an index."""
    return walks(min_size, max_size).map(
        lambda columns: from_columns(columns._replace(volume=np.zeros(columns.length, dtype=np.int64)))
    )


def time_of(candles: Candles, position: int) -> datetime:
    """Return when a candle closed."""
    return datetime.fromtimestamp(int(candles.closed_at[position]), tz=UTC)


def ints(*values: int) -> Int64s:
    """Return whole numbers as a column."""
    return np.array(values, dtype=np.int64)
