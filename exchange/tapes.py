"""From minute candles to prints: a path inside each candle that opens, closes and turns where the candle says.

The path of a candle depends on nothing after it. Every print lies within its candle, its high and low are touched, the
first print is the open and the last the close, and the prints' quantities add up to the candle's volume. All that hangs
on one index turns together, puts the other way round, so that calls and puts agree on the forward inside a minute too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from exchange.clock import Millis
from exchange.columns import MinuteCandles, on_grid
from exchange.contracts import Contract
from exchange.listings import PAISE_A_TICK
from exchange.market import Candle, Print

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]
Bools = NDArray[np.bool_]

FEWEST, MOST = 6, 30
INDEX_PRINTS = 120
MINUTE = 60_000
WITHIN = 0.5  # prints keep to the first half of their slots, so that two are never closer than half a slot
NOISE = 0.12  # of the candle's range
MINUTES_A_DAY = 1440
FINEST = INDEX_PRINTS  # places in a minute at which the noise of an index is known


@dataclass(frozen=True, eq=False)
class Tape:
    """The prints of one instrument in one session, prices in paise, and what its candles say besides.

    All but the last two arrays have a place for each print; those two have one for each candle, and `row` says to which
    candle a print belongs. Hundreds of tapes are held at once, hence the narrow columns.
    """

    contract: Contract
    at: Int64s
    price: Int32s
    quantity: Int32s
    volume: Int64s
    turnover: Int64s
    high: Int32s
    low: Int32s
    row: Int32s
    open_interest: Int64s
    opened_at: Int64s

    def last(self, now: Millis) -> int:
        """Return the place of the latest print at or before a moment, -1 when there is none yet."""
        return int(np.searchsorted(self.at, now, side="right")) - 1

    def prints(self, after: Millis, until: Millis) -> Sequence[Print]:
        """Return the prints with ``after < at <= until``."""
        start, end = self.last(after) + 1, self.last(until) + 1
        columns = (self.at, self.price, self.quantity, self.volume)
        return [Print(*row) for row in zip(*(column[start:end].tolist() for column in columns), strict=True)]

    def candles(self, start: Millis, end: Millis, now: Millis) -> Sequence[Candle]:
        """Return the candles that open in ``[start, end)`` made of the prints up to `now`."""
        upto = self.last(now) + 1
        begun = int(self.row[upto - 1]) + 1 if upto else 0  # every candle has at least one print
        first, past = (min(int(place), begun) for place in np.searchsorted(self.opened_at, [start, end]))
        if first >= past:
            return []
        bounds = np.searchsorted(self.row[:upto], np.arange(first, past + 1))
        starts, ends = bounds[:-1], bounds[1:] - 1
        shown = slice(int(starts[0]), int(ends[-1]) + 1)
        within = starts - starts[0]
        columns = (
            self.opened_at[first:past],
            self.price[starts],
            np.maximum.reduceat(self.price[shown], within),
            np.minimum.reduceat(self.price[shown], within),
            self.price[ends],
            np.add.reduceat(self.quantity[shown].astype(np.int64), within),
            self.open_interest[first:past],
        )
        return [Candle(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def tape(contract: Contract, candles: MinuteCandles, seed: int) -> Tape:
    """Return the prints of a session.

    Parameters
    ----------
    contract : Contract
        Whose; its tick and lot are kept.
    candles : MinuteCandles
        In ticks of 0.05 rupees and whole seconds.
    seed : int
        Which path; the session's date and the contract's id are mixed in.
    """
    opened = candles.opened_at * 1000
    ohlc = np.stack([candles.open, candles.high, candles.low, candles.close], axis=1) * PAISE_A_TICK
    ohlc = on_grid(ohlc, contract.tick)
    n_prints = _prints_a_minute(contract, candles)
    day = int(candles.opened_at[0]) // 86_400 if len(candles) else 0
    draw = np.random.default_rng([seed, day, contract.security_id])
    beat = _beat(seed, day, contract.underlying_id).of(candles.opened_at, falls=contract.option_type == "PE")
    prices, needed = _paths(beat, ohlc, n_prints, contract.tick)
    offsets = (np.arange(n_prints) + draw.random((len(candles), n_prints)) * WITHIN) * (MINUTE / n_prints)
    quantity, kept = _quantities(draw, candles.volume, needed, contract)
    at = (opened[:, None] + offsets.astype(np.int64))[kept]
    price, size = prices[kept], quantity[kept]
    row = np.broadcast_to(np.arange(len(candles))[:, None], kept.shape)[kept]
    return Tape(
        contract,
        at,
        price.astype(np.int32),
        size.astype(np.int32),
        np.cumsum(size),
        np.cumsum(size * price),
        np.maximum.accumulate(price).astype(np.int32),
        np.minimum.accumulate(price).astype(np.int32),
        row.astype(np.int32),
        candles.open_interest,
        opened,
    )


def _prints_a_minute(contract: Contract, candles: MinuteCandles) -> int:
    if contract.kind == "INDEX":
        return INDEX_PRINTS
    typical = int(np.median(candles.volume)) // contract.lot_size if len(candles) else 0
    return min(max(typical // 4, FEWEST), MOST)


@dataclass(frozen=True, eq=False)
class _Beat:
    """How an index moves inside minutes, a row each.

    `turns`: when, in shares of the minute, the earlier first; `lot`: a number in [0, 1) that says which way it goes
    first; `noise`: at `FINEST` places. `falls`: it is followed upside down.
    """

    turns: Float64s
    lot: Float64s
    noise: Float64s
    falls: bool = False

    def of(self, opened_at: Int64s, *, falls: bool) -> "_Beat":
        """Return the rows of minutes that open at seconds since 1970."""
        rows = opened_at // 60 % MINUTES_A_DAY
        return _Beat(self.turns[rows], self.lot[rows], self.noise[rows], falls)

    def up_first(self, opened: Float64s, closed: Float64s) -> Bools:
        """Return which candles touch their high before their low: falling ones more often than rising ones."""
        way = -1.0 if self.falls else 1.0
        rises_first = self.lot < 0.5 + 0.35 * np.sign(way * (opened - closed))
        return np.asarray(rises_first != self.falls, dtype=np.bool_)

    def wobble(self, n_prints: int) -> Float64s:
        """Return the noise at each print, in shares of the candle's range."""
        shown = self.noise[:, np.arange(n_prints) * FINEST // n_prints] * NOISE
        return -shown if self.falls else shown


@lru_cache(maxsize=8)
def _beat(seed: int, day: int, underlying_id: int) -> _Beat:
    draw = np.random.default_rng([seed, day, underlying_id])
    turns = np.sort(draw.random((MINUTES_A_DAY, 2)), axis=1)
    return _Beat(turns, draw.random(MINUTES_A_DAY), draw.normal(0.0, 1.0, (MINUTES_A_DAY, FINEST)))


def _paths(beat: _Beat, ohlc: Int64s, n_prints: int, tick: int) -> tuple[Int64s, Bools]:
    """Return prices of shape (n_candles, n_prints), and which of them the candle cannot do without."""
    n_candles = len(ohlc)
    opened, high, low, closed = (ohlc[:, column].astype(np.float64) for column in range(4))
    first = 1 + np.floor(beat.turns[:, 0] * (n_prints - 3)).astype(np.int64)
    second = np.maximum(1 + np.floor(beat.turns[:, 1] * (n_prints - 2)).astype(np.int64), first + 1)
    up_first = beat.up_first(opened, closed)
    early, late = np.where(up_first, high, low), np.where(up_first, low, high)
    places = np.stack([np.zeros(n_candles, dtype=np.int64), first, second, np.full(n_candles, n_prints - 1)], axis=1)
    turns = np.stack([opened, early, late, closed], axis=1)
    wobble = beat.wobble(n_prints) * (high - low)[:, None]
    slots = np.arange(n_prints)
    leg = (slots >= places[:, 1:2]).astype(np.int64) + (slots >= places[:, 2:3])
    start, end = np.take_along_axis(places, leg, axis=1), np.take_along_axis(places, leg + 1, axis=1)
    from_, to = np.take_along_axis(turns, leg, axis=1), np.take_along_axis(turns, leg + 1, axis=1)
    prices = from_ + (to - from_) * (slots - start) / (end - start) + wobble
    prices = np.clip(np.rint(prices / tick) * tick, low[:, None], high[:, None]).astype(np.int64)
    np.put_along_axis(prices, places, turns.astype(np.int64), axis=1)
    return prices, _needed(places, turns, n_prints)


def _needed(places: Int64s, turns: Float64s, n_prints: int) -> Bools:
    """Return which prints make the candle: its open, each extreme that is neither open nor close, its close."""
    opened, closed = turns[:, 0], turns[:, 3]
    keep = np.ones(turns.shape, dtype=bool)
    for column in (1, 2):
        keep[:, column] = (turns[:, column] != opened) & (turns[:, column] != closed)
    keep[:, 3] = (closed != opened) | keep[:, 1] | keep[:, 2]
    needed = np.zeros((len(places), n_prints), dtype=bool)
    np.put_along_axis(needed, places, keep, axis=1)
    return needed


def _quantities(draw: np.random.Generator, volume: Int64s, needed: Bools, contract: Contract) -> tuple[Int64s, Bools]:
    """Return how the candle's volume falls to its prints, and which prints there are.

    A candle with fewer lots than prints keeps only those it needs; each print gets a lot and the rest is dealt out. An
    index, and a candle whose prints outnumber its lots, has prints without a quantity.
    """
    lots = volume // contract.lot_size
    many = (lots >= needed.shape[1])[:, None] | (contract.kind == "INDEX")
    kept = needed | many
    weights = draw.exponential(1.0, needed.shape) * kept
    each = np.minimum(lots[:, None], kept.sum(axis=1, keepdims=True)) >= kept.cumsum(axis=1)
    base = (each & kept).astype(np.int64)
    left = lots - base.sum(axis=1)
    shares = np.cumsum(weights, axis=1)
    dealt = np.diff(np.floor(shares / shares[:, -1:] * left[:, None]).astype(np.int64), axis=1, prepend=0)
    quantity = (base + dealt) * contract.lot_size
    odd = volume - quantity.sum(axis=1)
    quantity[np.arange(len(volume)), kept.shape[1] - 1 - np.argmax(kept[:, ::-1], axis=1)] += odd
    return quantity, kept
