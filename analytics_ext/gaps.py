"""Fair value gaps: where they open, and how later candles fill them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analytics_ext import _gaps
from analytics_ext._inputs import Float64s, Int8s, Int64s, at_least, candles, directions, int64s, same_length


class FairValueGaps(NamedTuple):
    """One entry per gap, ordered by `confirmed`; bars are positions in the candles, -1 where it has not happened.

    Attributes
    ----------
    direction : ndarray of int8
        +1 for a bullish gap, which lies below the price when it opens, -1 for a bearish one.
    bottom, top : ndarray of int64
        Edges in ticks, ``bottom < top``. Price comes back to a bullish gap from above: its near edge is `top`.
    origin, confirmed : ndarray of int64
        First and last of the gap's three candles, ``confirmed == origin + 2``. The gap is known at `confirmed`.
    touched : ndarray of int64
        First later bar that trades inside the gap, beyond its near edge; reaching the edge itself is no touch.
    half_filled, filled : ndarray of int64
        First later bar that has reached at least half way, and the far edge.
    inverted : ndarray of int64
        First later bar that closes beyond the far edge.
    """

    direction: Int8s
    bottom: Int64s
    top: Int64s
    origin: Int64s
    confirmed: Int64s
    touched: Int64s
    half_filled: Int64s
    filled: Int64s
    inverted: Int64s


def fair_value_gaps(
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    *,
    open: ArrayLike | None = None,  # noqa: A002 - the field's word
    directional_middle: bool = False,
) -> FairValueGaps:
    """Find every three-candle gap and the bars that fill it, in one pass over the candles.

    Candles k-2, k-1, k leave a bullish gap if the low of k is above the high of k-2, a bearish one if the high of k
    is below the low of k-2. Gaps across session boundaries count.

    Parameters
    ----------
    high, low, close : array_like of int, shape (n_candles,)
        Prices in ticks, ``low <= close <= high``.
    open : array_like of int, shape (n_candles,), optional
        Opening prices in ticks, needed for `directional_middle`.
    directional_middle : bool
        Keep only gaps whose middle candle closes in their direction: above its open for a bullish gap, below it for
        a bearish one.

    Returns
    -------
    FairValueGaps
        Known at ``confirmed``; each event is known at its own bar, so more candles only replace -1.

    Raises
    ------
    ValueError
        If a column is empty, of another length, not whole numbers, has high < low, or an open or close outside the
        candle, or if `directional_middle` is set without `open`.

    Notes
    -----
    Linear time: gaps that wait for an event lie on a stack in order of price, because price has to pass the newer
    ones to get to the older.
    """
    if directional_middle and open is None:
        raise ValueError("open: is needed when directional_middle is set; pass the opening prices")
    tops, bottoms, opens, closes, _ = candles(high, low, open=open, close=close)
    assert closes is not None  # it was passed
    signed_bar = _gaps.find(tops, bottoms, closes if opens is None else opens, closes, directional_middle)
    direction, columns = _gaps.follow(tops, bottoms, closes, signed_bar)
    return FairValueGaps(direction, *columns)


def fill_fraction(gaps: FairValueGaps, high: ArrayLike, low: ArrayLike, at: int) -> Float64s:
    """Return how much of each gap is filled as of the close of bar `at`.

    Parameters
    ----------
    gaps : FairValueGaps
        Gaps of these candles.
    high, low : array_like of int, shape (n_candles,)
        Prices in ticks, ``low <= high``.
    at : int
        Position of the last bar that may be looked at, ``0 <= at < n_candles``.

    Returns
    -------
    ndarray of float64, shape (n_gaps,)
        In [0, 1]: the furthest that any bar after `confirmed` has come into the gap, over the gap's height. 1 exactly
        when the gap is filled; 0 for gaps not confirmed before `at`. Never decreases with `at`.

    Raises
    ------
    ValueError
        If a column is empty, of another length, not whole numbers or has high < low, if `at` is not one of the
        candles, or if a column of `gaps` is of another length, holds a gap without height, or is not ordered by
        `confirmed`.
    """
    tops, bottoms, *_ = candles(high, low)
    at_least("at", at, 0)
    if at >= tops.shape[0]:
        raise ValueError(f"at: is bar {at}, but there are only {tops.shape[0]} candles")
    return _gaps.deepest(tops, bottoms, *_checked(gaps), at)


def _checked(gaps: FairValueGaps) -> tuple[Int8s, Int64s, Int64s, Int64s]:
    """Return direction, bottom, top and confirmed, which a caller may have built himself, as the loop needs them."""
    direction = directions("gaps.direction", gaps.direction)
    bottom = int64s("gaps.bottom", gaps.bottom, allow_empty=True)
    top = int64s("gaps.top", gaps.top, allow_empty=True)
    confirmed = int64s("gaps.confirmed", gaps.confirmed, allow_empty=True)
    same_length(["gaps.direction", "gaps.bottom", "gaps.top", "gaps.confirmed"], [direction, bottom, top, confirmed])
    if np.any(top <= bottom):
        raise ValueError(f"gaps.top[{np.argmax(top <= bottom)}]: is not above gaps.bottom")
    if np.any(confirmed < 0):
        raise ValueError(f"gaps.confirmed[{np.argmax(confirmed < 0)}]: is not a bar")
    early = np.flatnonzero(confirmed[1:] < confirmed[:-1])
    if early.size:
        raise ValueError(f"gaps.confirmed[{early[0] + 1}]: is before its predecessor; order the gaps by confirmed")
    return direction, bottom, top, confirmed
