"""Swings and the closes that broke them, for whoever draws them: of candles that are known, and of no others."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics_ext import Break, structure_breaks, swings


class Swing(NamedTuple):
    """A candle that tops (`is_high`) or bottoms its neighbours; positions among the candles, the level in ticks."""

    at: int
    is_high: bool
    level: int
    known: int


class StructureBreak(NamedTuple):
    """A close beyond a swing's level. `turns` says that it goes against the break before it."""

    at: int
    is_up: bool
    level: int
    swing_at: int
    turns: bool


class Turning(NamedTuple):
    """Swings in the order in which they became known, and breaks in theirs."""

    swings: tuple[Swing, ...]
    breaks: tuple[StructureBreak, ...]


def turning_points(high: Sequence[int], low: Sequence[int], close: Sequence[int], *, half_length: int) -> Turning:
    """Return the swings and structure breaks of finished candles.

    Parameters
    ----------
    high, low, close : sequence of int, shape (n_candles,)
        Prices in ticks, ``low <= close <= high``.
    half_length : int
        Candles on each side of a swing, at least 1.

    Returns
    -------
    Turning
        Empty without candles. More candles only add to it.

    Raises
    ------
    ValueError
        If the columns differ in length, or `half_length` is below 1.
    """
    if not len(high):
        return Turning((), ())
    tops, bottoms, closes = (np.asarray(column, dtype=np.int64) for column in (high, low, close))
    found = swings(tops, bottoms, half_length=half_length)
    broken = structure_breaks(closes, found)
    columns = (found.index, found.kind, found.level, found.confirmed)
    turned = tuple(Swing(at, kind > 0, level, known) for at, kind, level, known in _rows(columns))
    rows = _rows((broken.at, broken.direction, broken.level, broken.swing, broken.kind))
    breaks = tuple(
        StructureBreak(at, direction > 0, level, turned[swing].at, kind == Break.CHOCH)
        for at, direction, level, swing, kind in rows
    )
    return Turning(turned, breaks)


def _rows(columns: Sequence[NDArray[np.integer]]) -> Iterator[tuple[int, ...]]:
    return zip(*(column.tolist() for column in columns), strict=True)
