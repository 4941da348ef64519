"""Swings, and the closes that break them."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analytics_ext import _structure
from analytics_ext._inputs import Int8s, Int64s, at_least, candles, directions, int64s, same_length


class Swings(NamedTuple):
    """One entry per swing, ordered by `confirmed`, a high before a low of the same bar.

    Attributes
    ----------
    kind : ndarray of int8
        +1 for a swing high, -1 for a swing low.
    index : ndarray of int64
        Bar of the extreme.
    level : ndarray of int64
        Its high or low in ticks.
    confirmed : ndarray of int64
        Bar at whose close the swing is known, ``index + half_length``.
    """

    kind: Int8s
    index: Int64s  # type: ignore[assignment]  # a column's name weighs more here than the method of tuples it hides
    level: Int64s
    confirmed: Int64s


class Break(IntEnum):
    """What a broken level says of the trend."""

    BOS = 0
    """Break of structure: in the direction of the last break, or the first of all."""
    CHOCH = 1
    """Change of character: against the direction of the last break."""


class StructureBreaks(NamedTuple):
    """One entry per break, ordered by `at`.

    Attributes
    ----------
    direction : ndarray of int8
        +1 for a close above a swing high, -1 for a close below a swing low.
    kind : ndarray of int8
        A `Break`.
    level : ndarray of int64
        Level broken, in ticks.
    swing : ndarray of int64
        Position of the broken swing in the swings given.
    at : ndarray of int64
        Bar whose close breaks it, at which the break is known.
    """

    direction: Int8s
    kind: Int8s
    level: Int64s
    swing: Int64s
    at: Int64s


def swings(high: ArrayLike, low: ArrayLike, *, half_length: int) -> Swings:
    """Find the fractal swings: bars that top, or bottom, everything within `half_length` bars on both sides.

    A swing high is above every high of the `half_length` bars before it and not below any of the `half_length` bars
    after it, so that of equal highs the first one wins; a swing low is the mirror image. One bar may be both. Bars
    nearer than `half_length` to either end are no swings.

    Parameters
    ----------
    high, low : array_like of int, shape (n_candles,)
        Prices in ticks, ``low <= high``.
    half_length : int
        Bars on each side, at least 1.

    Returns
    -------
    Swings
        Each known at its `confirmed`; more candles only add swings.

    Raises
    ------
    ValueError
        If a column is empty, of another length, not whole numbers or has high < low, or `half_length` is below 1.
    """
    at_least("half_length", half_length, 1)
    tops, bottoms, *_ = candles(high, low)
    # Longer than the candles is as good as any longer: no bar has such neighbourhoods.
    kind, columns = _structure.find(tops, bottoms, min(int(half_length), tops.shape[0]))
    return Swings(kind, *columns)


def structure_breaks(close: ArrayLike, swings: Swings) -> StructureBreaks:
    """Find the closes beyond the last known swing high or low.

    At each bar, the close is compared with the level of the last swing high and the last swing low confirmed on an
    earlier bar. A close beyond the level, not on it, breaks it; a level is broken once. Only then do swings confirmed
    at this bar replace their predecessors, broken or not.

    Parameters
    ----------
    close : array_like of int, shape (n_candles,)
        Closing prices in ticks.
    swings : Swings
        Swings of the same candles, as `swings` returns them. Those confirmed after the last candle are ignored.

    Returns
    -------
    StructureBreaks
        Each known at its `at`. With swings of other candles both sides may break on one bar: the high comes first.

    Raises
    ------
    ValueError
        If `close` is empty or not whole numbers, or the swings differ in length, hold a kind other than +1 and -1,
        or are not ordered by `confirmed`.
    """
    closes = int64s("close", close)
    kind = directions("swings.kind", swings.kind)
    level = int64s("swings.level", swings.level, allow_empty=True)
    confirmed = int64s("swings.confirmed", swings.confirmed, allow_empty=True)
    same_length(["swings.kind", "swings.level", "swings.confirmed"], [kind, level, confirmed])
    late = np.flatnonzero(confirmed[1:] < confirmed[:-1])
    if late.size:
        raise ValueError(f"swings.confirmed[{late[0] + 1}]: is before its predecessor; order the swings by confirmed")
    direction, change, columns = _structure.breaks(closes, kind, level, confirmed)
    return StructureBreaks(direction, change, *columns)
