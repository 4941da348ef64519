"""Volume at price: rows, point of control, value area and nodes.

A row is an interval of `row` ticks whose edges never move: row ``r`` holds the ticks ``r * row`` to
``(r + 1) * row - 1``, also below zero. Volumes are counted in fixed point, `UNITS_PER_CONTRACT` units to a contract:
sums are exact, so the order of the candles does not matter and a window that slides gives the same bits as one that is
counted afresh.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from analytics_ext import _profile
from analytics_ext._inputs import LARGEST_TICKS, Int64s, at_least, candles, float64s, int64s, one_of
from analytics_ext._inputs import fraction as part_of_one

SpreadRule: TypeAlias = Literal["overlap", "touch"]
AreaRule: TypeAlias = Literal["two_row", "one_row"]

UNITS_PER_CONTRACT = 2**16
LARGEST_ROWS = 2**21
LARGEST_TOTAL_VOLUME = 2**46
# Fractions are compared exactly; eighteen decimals leave their products inside 128 bits.
LARGEST_DENOMINATOR = 10**18

_SPREADS: Sequence[SpreadRule] = ("overlap", "touch")
_AREAS: Sequence[AreaRule] = ("two_row", "one_row")


class VolumeProfile(NamedTuple):
    """Volume per row; ``rows[i]`` belongs to row ``first_row + i``, in units of 1/65536 contract."""

    first_row: int
    rows: Int64s


class ValueArea(NamedTuple):
    """Positions of the lowest row of the value area, of its fullest row, and of its highest row."""

    val: int
    poc: int
    vah: int


class RollingValueArea(NamedTuple):
    """Rows of the point of control and of the value area's edges, one entry per candle."""

    poc: Int64s
    val: Int64s
    vah: Int64s


class Nodes(NamedTuple):
    """Positions of the rows that stand out, ascending."""

    high_nodes: Int64s
    low_nodes: Int64s


class _Grid(NamedTuple):
    row: int
    first_row: int
    n_rows: int


def _grid(high: Int64s, low: Int64s, row: int) -> _Grid:
    """Lay the rows under the candles."""
    row = at_least("row", row, 1)
    if row > LARGEST_TICKS:
        raise ValueError(f"row: must be at most 2**40 ticks, got {row}")
    first_row = int(low.min()) // row
    n_rows = int(high.max()) // row - first_row + 1
    if n_rows > LARGEST_ROWS:
        raise ValueError(f"row: {row} ticks give {n_rows} rows, more than {LARGEST_ROWS}; pass larger rows")
    return _Grid(row, first_row, n_rows)


def _countable(volume: Int64s) -> Int64s:
    """Refuse volumes whose sum in units could overflow; the exact sum is only taken where the bound leaves doubt."""
    if int(volume.max()) * volume.size > LARGEST_TOTAL_VOLUME:
        total = volume.sum(dtype=np.float64)
        if total > LARGEST_TOTAL_VOLUME:
            raise ValueError(f"volume: sums to {total:.0f} contracts, more than 2**46; pass fewer candles at a time")
    return volume


def _ratio(value: float) -> tuple[int, int]:
    """Read a fraction as the decimal it prints as, so that 0.7 of 10 rows is 7 and not the float below it."""
    exact = Fraction(repr(part_of_one("fraction", value))).limit_denominator(LARGEST_DENOMINATOR)
    return max(exact.numerator, 1), exact.denominator


def volume_profile(
    high: ArrayLike, low: ArrayLike, volume: ArrayLike, *, row: int, spread: SpreadRule = "overlap"
) -> VolumeProfile:
    """Spread each candle's volume over the rows between its low and its high, and add up.

    Parameters
    ----------
    high, low : array_like of int, shape (n,)
        Prices in ticks, ``low <= high``.
    volume : array_like of int, shape (n,)
        Contracts, ``>= 0``.
    row : int
        Height of a row in ticks, ``>= 1``.
    spread : {"overlap", "touch"}
        `overlap` shares by the part of ``[low, high]`` that lies in a row; a candle inside one row gives it
        everything. `touch` gives equal parts to all rows from that of the low to that of the high. What does not divide
        evenly (less than a unit per row) goes to the lowest row of the candle.

    Returns
    -------
    VolumeProfile
        ``first_row`` is the row of the lowest low, ``rows`` (int64) reaches to the row of the highest high and sums to
        exactly ``65536 * volume.sum()``.

    Raises
    ------
    ValueError
        If the candles are refused (see `candles`), a parameter is out of range, more than 2**21 rows would be needed,
        or the volume sums to more than 2**46 contracts.
    """
    tops, bottoms, _, _, volumes = candles(high, low, volume=volume)
    by_touch = one_of("spread", spread, _SPREADS) == "touch"
    assert volumes is not None
    grid = _grid(tops, bottoms, row)
    floor = grid.first_row * grid.row
    rows = _profile.volume_profile(tops, bottoms, _countable(volumes), grid.row, floor, grid.n_rows, by_touch)
    return VolumeProfile(grid.first_row, rows)


def value_area(rows: ArrayLike, *, fraction: float = 0.70, rule: AreaRule = "two_row") -> ValueArea:
    """Find the rows around the fullest one that hold a part of the volume.

    The walk starts at the fullest row (the lowest of several). While the rows held have less than `fraction` of the
    total, it compares the next rows above with the next below and takes those with more volume; equal volumes: above.
    A side without rows is not taken; a side with one row left counts the missing one as empty.

    Parameters
    ----------
    rows : array_like of int, shape (n_rows,)
        Volume per row, whole numbers ``>= 0`` in any unit, ascending in price.
    fraction : float
        Part of the volume to hold, in (0, 1], read as the decimal it prints as and compared without rounding.
    rule : {"two_row", "one_row"}
        How many rows are compared and taken at a time.

    Returns
    -------
    ValueArea
        Positions ``val <= poc <= vah`` in `rows`. Without any volume all three are 0.

    Raises
    ------
    ValueError
        If `rows` is empty, has a negative or broken number, sums to 2**62 or more, or a parameter is out of range.
    """
    counts = int64s("rows", rows)
    if (counts < 0).any():
        raise ValueError(f"rows[{int(np.argmax(counts < 0))}]: is negative; volumes start at 0")
    if counts.sum(dtype=np.float64) >= 2.0**62:
        raise ValueError("rows: sum to 2**62 or more; pass them in a larger unit")
    numerator, denominator = _ratio(fraction)
    two_row = one_of("rule", rule, _AREAS) == "two_row"
    return ValueArea(*_profile.value_area(counts, numerator, denominator, two_row))


def rolling_value_area(
    high: ArrayLike,
    low: ArrayLike,
    volume: ArrayLike,
    *,
    window: int,
    row: int,
    spread: SpreadRule = "overlap",
    fraction: float = 0.70,
    rule: AreaRule = "two_row",
) -> RollingValueArea:
    """Follow the value area of the last `window` candles.

    Entry ``t`` is what `volume_profile` and `value_area` give for candles ``max(0, t - window + 1)`` to ``t``, bit for
    bit. It develops from the first candle on: with a window as long as the run it is the developing value area.

    Parameters
    ----------
    high, low : array_like of int, shape (n,)
        Prices in ticks, ``low <= high``.
    volume : array_like of int, shape (n,)
        Contracts, ``>= 0``.
    window : int
        Number of candles to count, ``>= 1``.
    row : int
        Height of a row in ticks, ``>= 1``.
    spread, fraction, rule
        As for `volume_profile` and `value_area`.

    Returns
    -------
    RollingValueArea
        `poc`, `val`, `vah` (int64, shape (n,)) as row numbers: row ``r`` starts at ``r * row`` ticks. While the window
        holds no volume all three are the row of its lowest low.

    Raises
    ------
    ValueError
        As for `volume_profile` and `value_area`, or if `window` is out of range.
    """
    tops, bottoms, _, _, volumes = candles(high, low, volume=volume)
    length = min(at_least("window", window, 1), tops.shape[0])
    by_touch = one_of("spread", spread, _SPREADS) == "touch"
    two_row = one_of("rule", rule, _AREAS) == "two_row"
    numerator, denominator = _ratio(fraction)
    assert volumes is not None
    grid = _grid(tops, bottoms, row)
    floor = grid.first_row * grid.row
    areas = _profile.rolling_value_area(
        tops,
        bottoms,
        _countable(volumes),
        length,
        grid.row,
        floor,
        grid.n_rows,
        by_touch,
        numerator,
        denominator,
        two_row,
    )
    areas += grid.first_row
    return RollingValueArea(*areas)


def profile_nodes(rows: ArrayLike, *, quantile: float = 0.8) -> Nodes:
    """Find the rows that hold clearly more, or clearly less, volume than their neighbours.

    A high node has more than the row below, at least as much as the row above, and at least the `quantile` of all rows
    with volume. A low node is the mirror image: less than the row below, at most the row above, and at most the
    ``1 - quantile``. The first and the last row have only one neighbour and are never nodes.

    Parameters
    ----------
    rows : array_like of float or int, shape (n_rows,)
        Volume per row, finite, ``>= 0``, ascending in price; compared as float64.
    quantile : float
        In (0, 1]; interpolated linearly between rows.

    Returns
    -------
    Nodes
        Positions in `rows` (int64).

    Raises
    ------
    ValueError
        If `rows` is empty, has a negative or broken number, or `quantile` is out of range.
    """
    counts = float64s("rows", rows)
    if (counts < 0).any():
        raise ValueError(f"rows[{int(np.argmax(counts < 0))}]: is negative; volumes start at 0")
    share = part_of_one("quantile", quantile)
    occupied = counts[counts > 0]
    if occupied.size == 0:
        return Nodes(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    below, here, above = counts[:-2], counts[1:-1], counts[2:]
    most, least = np.quantile(occupied, share), np.quantile(occupied, 1.0 - share)
    high_nodes = np.flatnonzero((here > below) & (here >= above) & (here >= most)) + 1
    low_nodes = np.flatnonzero((here < below) & (here <= above) & (here <= least)) + 1
    return Nodes(high_nodes.astype(np.int64), low_nodes.astype(np.int64))
