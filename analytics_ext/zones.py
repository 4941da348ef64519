"""Supply and demand zones: the pause before an explosive move, and the range that says what explosive is."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analytics_ext import _zones
from analytics_ext._inputs import Float64s, Int8s, Int64s, at_least, candles


class BaseKind(IntEnum):
    """The moves before and after a base: R is a rally, D a drop, B the base."""

    RBR = 0
    DBR = 1
    DBD = 2
    RBD = 3


class SupplyDemand(NamedTuple):
    """Zones in order of `confirmed`; one entry per zone, levels in ticks, candles by position."""

    direction: Int8s
    kind: Int8s
    bottom: Int64s
    top: Int64s
    origin: Int64s
    confirmed: Int64s
    strength: Float64s


def average_true_range(high: ArrayLike, low: ArrayLike, close: ArrayLike, *, length: int = 14) -> Float64s:
    """Smooth the true range as Wilder does.

    The first value is the mean of the true ranges of candles 1 to `length`; each later one moves by one part in
    `length` towards the new true range.

    Parameters
    ----------
    high, low, close : array_like of int, shape (n,)
        Prices in ticks, ``low <= close <= high``.
    length : int
        Candles, ``>= 1``.

    Returns
    -------
    ndarray of float64, shape (n,)
        Ticks; NaN for the first `length` candles.

    Raises
    ------
    ValueError
        If the candles are refused (see `candles`) or `length` is out of range.

    References
    ----------
    .. [1] J. Welles Wilder, *New Concepts in Technical Trading Systems*, 1978.
    """
    tops, bottoms, _, closes, _ = candles(high, low, close=close)
    assert closes is not None
    return _zones.average_true_range(tops, bottoms, closes, min(at_least("length", length, 1), tops.shape[0]))


def explosive_zones(
    open: ArrayLike,  # noqa: A002 - the field's word
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    *,
    body_atr: float = 0.75,
    atr_length: int = 14,
) -> SupplyDemand:
    """Find the bases between two explosive moves.

    A candle is explosive if it has a body of at least `body_atr` times the average true range, itself included. All
    others, and those whose range is not known yet, are pauses. The pauses between two explosive candles are a base; the
    last explosive candle before it tells the move in, the first one after it the move out, and confirms the zone. A
    base left by a rally is demand, from its lowest low to its highest body edge; a base left by a drop is supply, from
    its lowest body edge to its highest high.

    Parameters
    ----------
    open, high, low, close : array_like of int, shape (n,)
        Prices in ticks.
    body_atr : float
        Body of an explosive candle in average true ranges, ``> 0``.
    atr_length : int
        Candles of the average true range, ``>= 1``.

    Returns
    -------
    SupplyDemand
        `direction` (+1 demand, -1 supply), `kind` (a `BaseKind`), `bottom`, `top`, `origin` (first candle of the base),
        `confirmed` (first candle of the move out), `strength` (body of that candle in average true ranges).

    Raises
    ------
    ValueError
        If the candles are refused (see `candles`) or a parameter is out of range.
    """
    tops, bottoms, opens, closes, _ = candles(high, low, open=open, close=close)
    if not (np.isfinite(body_atr) and body_atr > 0):
        raise ValueError(f"body_atr: must be a positive number, got {body_atr!r}")
    length = min(at_least("atr_length", atr_length, 1), tops.shape[0])
    assert opens is not None
    assert closes is not None
    ranges = _zones.average_true_range(tops, bottoms, closes, length)
    signs, levels, strength = _zones.explosive_zones(opens, tops, bottoms, closes, ranges, float(body_atr))
    bottom, top, origin, confirmed = levels
    return SupplyDemand(signs[0], signs[1], bottom, top, origin, confirmed, strength)
