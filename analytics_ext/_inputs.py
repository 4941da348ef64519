"""What every kernel accepts: checked once here, so that the loops need not look."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics_ext import _checks

Int64s: TypeAlias = NDArray[np.int64]
Int8s: TypeAlias = NDArray[np.int8]
Float64s: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

# Prices beyond this are not prices; below it no sum of two prices and no row times ticks can overflow.
LARGEST_TICKS = 2**40
# A candle's volume in fixed point (16 bits) fits in 63 bits; the profile bounds the sum of many itself.
LARGEST_VOLUME = 2**42
# How far off the grid a price may lie, in ticks, before it is refused: room for float error, not for bad data.
OFF_GRID = 1e-6


def int64s(name: str, values: ArrayLike, *, allow_empty: bool = False) -> Int64s:
    """Return `values` as a contiguous one-dimensional int64 array, copying only when it must.

    Raises
    ------
    ValueError
        If `values` is empty (unless allowed), not one-dimensional, or holds a NaN, an infinity or a fraction.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one dimension, got shape {array.shape}")
    if array.size == 0:
        if not allow_empty:
            raise ValueError(f"{name}: is empty; pass at least one candle")
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(array) | (array != np.rint(array)))
        if bad.size:
            raise ValueError(
                f"{name}[{bad[0]}]: {array[bad[0]]} is not a whole number; convert prices with ticks() first"
            )
    elif array.dtype.kind not in "iub":
        raise ValueError(f"{name}: expected whole numbers, got dtype {array.dtype}")
    return np.ascontiguousarray(array, dtype=np.int64)


def directions(name: str, values: ArrayLike) -> Int8s:
    """Return `values` as a contiguous int8 array of +1 and -1; it may be empty.

    Raises
    ------
    ValueError
        If a value is neither +1 nor -1, or `values` is not one-dimensional.
    """
    whole = int64s(name, values, allow_empty=True)
    bad = np.flatnonzero(np.abs(whole) != 1)
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}]: must be +1 or -1, got {whole[bad[0]]}")
    return whole.astype(np.int8)


def float64s(name: str, values: ArrayLike, *, allow_empty: bool = False) -> Float64s:
    """Return `values` as a contiguous one-dimensional finite float64 array.

    Raises
    ------
    ValueError
        If `values` is empty (unless allowed), not one-dimensional, or holds a NaN or an infinity.
    """
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one dimension, got shape {array.shape}")
    if array.size == 0 and not allow_empty:
        raise ValueError(f"{name}: is empty; pass at least one value")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}]: {array[bad[0]]} is not finite")
    return array


def same_length(names: Sequence[str], arrays: Sequence[np.ndarray]) -> None:
    """Refuse columns of unequal length, naming the first that differs."""
    for name, array in zip(names, arrays, strict=True):
        if array.shape[0] != arrays[0].shape[0]:
            raise ValueError(
                f"{name}: has {array.shape[0]} candles, {names[0]} has {arrays[0].shape[0]}; pass equal lengths"
            )


def _refuse(name: str, bad: Bools, why: str) -> None:
    where = np.flatnonzero(bad)
    if where.size:
        raise ValueError(f"{name}[{where[0]}]: {why}")


def candles(
    high: ArrayLike,
    low: ArrayLike,
    *,
    open: ArrayLike | None = None,  # noqa: A002 - the field's word
    close: ArrayLike | None = None,
    volume: ArrayLike | None = None,
) -> tuple[Int64s, Int64s, Int64s | None, Int64s | None, Int64s | None]:
    """Check the columns of a run of candles and return them as int64 arrays.

    Returns
    -------
    tuple
        high, low, open, close, volume; the last three are None where they were not given.

    Raises
    ------
    ValueError
        If a column is empty, of another length, has high < low, an open or close outside the candle, a negative
        volume, or a price beyond 2**40 ticks.
    """
    names = ["high", "low"]
    columns = [int64s("high", high), int64s("low", low)]
    for name, values in (("open", open), ("close", close), ("volume", volume)):
        if values is not None:
            names.append(name)
            columns.append(int64s(name, values))
    same_length(names, columns)
    found = dict(zip(names, columns, strict=True))
    top, bottom = found["high"], found["low"]
    # The kernels say whether all is well, in one pass; only when it is not do we look for the candle to name.
    if not _checks.sound_range(top, bottom, LARGEST_TICKS):
        _refuse("high", top < bottom, "is below low; repair or drop the candle")
        _refuse("high", top > LARGEST_TICKS, "is beyond 2**40 ticks")
        _refuse("low", bottom < -LARGEST_TICKS, "is beyond -2**40 ticks")
    for name in ("open", "close"):
        if name in found and not _checks.sound_inside(found[name], top, bottom):
            _refuse(name, (found[name] > top) | (found[name] < bottom), "lies outside [low, high]")
    if "volume" in found and not _checks.sound_amounts(found["volume"], LARGEST_VOLUME):
        _refuse("volume", found["volume"] < 0, "is negative")
        _refuse("volume", found["volume"] > LARGEST_VOLUME, "is beyond 2**42 contracts")
    return top, bottom, found.get("open"), found.get("close"), found.get("volume")


def at_least(name: str, value: int, least: int) -> int:
    """Return `value` as an int, refusing fractions and anything below `least`."""
    if isinstance(value, bool) or int(value) != value or value < least:
        raise ValueError(f"{name}: must be a whole number of at least {least}, got {value!r}")
    return int(value)


def one_of(name: str, value: str, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`."""
    if value not in choices:
        raise ValueError(f"{name}: must be one of {', '.join(choices)}; got {value!r}")
    return value


def fraction(name: str, value: float) -> float:
    """Return `value` if it lies in (0, 1]."""
    if not 0.0 < value <= 1.0:
        raise ValueError(f"{name}: must lie in (0, 1], got {value!r}")
    return float(value)


def ticks(prices: ArrayLike, tick_size: float, *, snap: bool = False) -> Int64s:
    """Convert prices to whole ticks by rounding to nearest.

    Parameters
    ----------
    prices : array_like of float, shape (n,)
        Prices in rupees.
    tick_size : float
        Rupees per tick, ``> 0``.
    snap : bool
        Round prices that are off the grid instead of refusing them.

    Returns
    -------
    ndarray of int64, shape (n,)
        Prices in ticks.

    Raises
    ------
    ValueError
        If a price is not finite, or lies off the grid by more than 1e-6 of a tick and `snap` is False.
    """
    if not (np.isfinite(tick_size) and tick_size > 0):
        raise ValueError(f"tick_size: must be a positive number, got {tick_size!r}")
    exact = float64s("prices", prices, allow_empty=True) / tick_size
    whole = np.rint(exact)
    _refuse("prices", np.abs(whole) > LARGEST_TICKS, "is beyond 2**40 ticks")
    if not snap:
        _refuse(
            "prices", np.abs(exact - whole) > OFF_GRID, f"is not a multiple of {tick_size}; pass snap=True to round it"
        )
    return whole.astype(np.int64)
