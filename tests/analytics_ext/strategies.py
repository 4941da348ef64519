"""Random candles for the kernels' tests.

Prices move over few ticks, so that equal highs, equal lows, doji candles and touching zones are frequent: ties are
where two definitions part.
"""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Int64s = NDArray[np.int64]


class Candles(NamedTuple):
    """Five columns of a run of candles: prices in ticks, volume in contracts, all int64 of shape (n,)."""

    open: Int64s
    high: Int64s
    low: Int64s
    close: Int64s
    volume: Int64s

    @property
    def length(self) -> int:
        """Number of candles."""
        return int(self.high.shape[0])

    def cut(self, start: int, stop: int) -> "Candles":
        """Return candles `start` to `stop - 1`."""
        return Candles(*(column[start:stop] for column in self))

    def shifted(self, ticks: int) -> "Candles":
        """Return the candles with every price moved by `ticks`."""
        return Candles(self.open + ticks, self.high + ticks, self.low + ticks, self.close + ticks, self.volume)

    def scaled(self, factor: int) -> "Candles":
        """Return the candles with every price multiplied by a positive whole number."""
        return Candles(self.open * factor, self.high * factor, self.low * factor, self.close * factor, self.volume)

    def mirrored(self, about: int = 0) -> "Candles":
        """Return the candles upside down: every price P becomes about - P, so highs become lows."""
        return Candles(about - self.open, about - self.low, about - self.high, about - self.close, self.volume)

    def joined(self, other: "Candles") -> "Candles":
        """Return these candles followed by `other`."""
        return Candles(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def random_candles(n: int, seed: int, *, step: int = 2, wick: int = 2, start: int = 500) -> Candles:
    """Return `n` candles of a random walk.

    Parameters
    ----------
    n : int
        Number of candles.
    seed : int
        Seed of the generator; equal seeds give equal candles.
    step : int
        Largest move of the open from the last close, and of the close from the open, in ticks.
    wick : int
        Largest distance of the high and the low from the body, in ticks.
    start : int
        First price, in ticks.
    """
    generator = np.random.default_rng(seed)
    gap = generator.integers(-step, step + 1, n)
    body = generator.integers(-step, step + 1, n)
    close = start + np.cumsum(gap + body)
    open_ = close - body
    high = np.maximum(open_, close) + generator.integers(0, wick + 1, n)
    low = np.minimum(open_, close) - generator.integers(0, wick + 1, n)
    return Candles(open_, high, low, close, generator.integers(0, 1000, n))


@st.composite
def candle_runs(
    draw: st.DrawFn, min_size: int = 1, max_size: int = 60, *, highest: int = 12, lowest: int = 0
) -> Candles:
    """Candles whose prices are drawn from the few ticks `lowest` to `highest`, in any order (gaps included)."""
    n = draw(st.integers(min_size, max_size))
    price = st.integers(lowest, highest)
    rows = draw(st.lists(st.tuples(price, price, price, price, st.integers(0, 50)), min_size=n, max_size=n))
    table = np.array(rows, dtype=np.int64).reshape(n, 5)
    ordered = np.sort(table[:, :4], axis=1)
    # The two middle prices are open and close, in the order in which they were drawn.
    rising = table[:, 0] <= table[:, 1]
    open_ = np.where(rising, ordered[:, 1], ordered[:, 2])
    close = np.where(rising, ordered[:, 2], ordered[:, 1])
    return Candles(open_, ordered[:, 3].copy(), ordered[:, 0].copy(), close, table[:, 4].copy())


@st.composite
def walks(draw: st.DrawFn, min_size: int = 1, max_size: int = 200) -> Candles:
    """Candles of a seeded random walk over few ticks: longer runs, with trends, that still shrink in length."""
    n = draw(st.integers(min_size, max_size))
    step = draw(st.integers(1, 4))
    wick = draw(st.integers(0, 3))
    return random_candles(n, draw(st.integers(0, 2**32 - 1)), step=step, wick=wick)


def any_candles(min_size: int = 1, max_size: int = 120) -> st.SearchStrategy[Candles]:
    """Return both kinds of run: few ticks in any order, and random walks."""
    return st.one_of(candle_runs(min_size, min(max_size, 60)), walks(min_size, max_size))
