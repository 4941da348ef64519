"""What a simulated session is made of, as columns: whole ticks of `TICK` rupees, whole seconds since 1970 UTC."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from exchange.paths import Float64s, Int64s

TICK = 0.05
TICKS_PER_POINT = 20
SESSION_SECONDS = 375 * 60


@dataclass(frozen=True, eq=False)
class Hours:
    """The minutes of one session: when each opens, and from when the index stands still.

    `opened_at` has shape (n_minutes,), ascending. Futures and options trade in all of them; the index has candles only
    for minutes that open before `index_until`.
    """

    opened_at: Int64s
    index_until: int

    @classmethod
    def between(cls, open_at: int, close_at: int) -> "Hours":
        """Return one unbroken stretch of minutes, the index moving in all of them."""
        return cls(np.arange(open_at, close_at, 60, dtype=np.int64), close_at)


@dataclass(frozen=True)
class Expiry:
    """When a contract ends: its date, and the second at which it is settled."""

    on: date
    at: int


@dataclass(frozen=True, eq=False)
class MinuteCandles:
    """One-minute candles of one instrument: int64 columns of the same length, prices in ticks, volume in contracts."""

    opened_at: Int64s
    open: Int64s
    high: Int64s
    low: Int64s
    close: Int64s
    volume: Int64s
    open_interest: Int64s

    def __len__(self) -> int:
        """Return the number of candles."""
        return len(self.opened_at)


@dataclass(frozen=True)
class OptionCandles:
    """One contract with its candles of the session."""

    expiry_on: date
    strike: int
    option_type: str
    candles: MinuteCandles


@dataclass(frozen=True, eq=False)
class ChainColumns:
    """All snapshots of all chains of a session as columns of one length, by time, expiry, strike and right.

    `expiry` counts in the expiries that were asked for. A bid of 0 means that nobody bids. Volume is the session's so
    far and `open_interest_change` is against the previous session, both in contracts; `iv` is a fraction.
    """

    at: Int64s
    expiry: Int64s
    strike: Int64s
    call: Int64s
    bid: Int64s
    ask: Int64s
    bid_quantity: Int64s
    ask_quantity: Int64s
    ltp: Int64s
    open_interest: Int64s
    open_interest_change: Int64s
    volume: Int64s
    iv: Float64s


def to_ticks(prices: Float64s) -> Int64s:
    """Return prices in index points as whole ticks, at least one."""
    return np.asarray(np.maximum(np.rint(prices * TICKS_PER_POINT), 1), dtype=np.int64)


def on_grid(prices: Int64s, step: int) -> Int64s:
    """Return whole prices as the nearest multiples of `step`, at least one step; halves go up.

    It is monotone, so a high stays the highest, and leaves alone what is on the grid.
    """
    return np.asarray(np.maximum((prices + step // 2) // step, 1) * step, dtype=np.int64)


def candles(opened_at: Int64s, ohlc: Float64s, volume: Int64s, interest: Int64s, *, step: int = 1) -> MinuteCandles:
    """Return candles on the tick grid; rounding is monotone, so a high stays the highest.

    Parameters
    ----------
    opened_at : ndarray of int64, shape (n_minutes,)
    ohlc : ndarray of float64, shape (n_minutes, 4)
        Index points.
    volume, interest : ndarray of int64, shape (n_minutes,)
        Contracts.
    step : int
        The contract's own tick, in ticks of `TICK`.
    """
    ticks = on_grid(to_ticks(ohlc), step)
    return MinuteCandles(opened_at, ticks[:, 0], ticks[:, 1], ticks[:, 2], ticks[:, 3], volume, interest)


@dataclass(frozen=True, eq=False)
class Walk:
    """The path of one session that its index, future and options share.

    `prices` has shape (n_minutes + 1,): before the first minute and after each. `ohlc` has shape (n_minutes, 4) and
    `basis`, the future's distance from fair value, shape (n_minutes,); all three in index points. `close_before` and
    `volatility` come from the session before.
    """

    on: date
    opened_at: Int64s
    close_before: float
    volatility: float
    prices: Float64s
    ohlc: Float64s
    basis: Float64s
    lot_size: int

    def lots_traded(self, draw: np.random.Generator, per_minute: float) -> Int64s:
        """Return lots of each minute: busy at both ends of the session and in fast minutes, shape (n_minutes,)."""
        place = self.passed(self.opened_at)
        clock = 0.65 + 1.9 * np.exp(-place * 16.0) + 0.9 * np.exp(-np.maximum(1.0 - place, 0.0) * 14.0)
        typical = self.volatility / np.sqrt(375.0)
        fast = 0.6 + np.abs(np.diff(np.log(self.prices))) / typical * 0.6
        lots = per_minute * clock * fast * np.exp(draw.normal(0.0, 0.35, len(place)))
        return np.asarray(np.maximum(lots, 1.0), dtype=np.int64)

    def passed(self, at: Int64s) -> Float64s:
        """Return how much of a usual session has passed at each moment, shape of `at`."""
        return np.asarray((at - self.opened_at[0]) / SESSION_SECONDS, dtype=np.float64)
