"""The life of a zone: when it was touched, traded through, broken, and came back as its own opposite."""

from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from analytics_ext import _lifecycle
from analytics_ext._inputs import (
    LARGEST_TICKS,
    Bools,
    Int8s,
    Int64s,
    at_least,
    candles,
    directions,
    int64s,
    same_length,
)

# No run is longer; counts and ages up to here add up without overflow.
LARGEST_COUNT = 2**40


class Reason(IntEnum):
    """Why a zone is no longer valid."""

    NONE = 0
    CLOSE_THROUGH = 1
    TOUCH_LIMIT = 2
    AGE = 3


class ZoneColumns(Protocol):
    """Anything with these four columns of equal length: gaps, order blocks, supply and demand, `Zones`."""

    @property
    def direction(self) -> ArrayLike:
        """+1 for demand (price comes from above), -1 for supply."""

    @property
    def bottom(self) -> ArrayLike:
        """Lower edge in ticks."""

    @property
    def top(self) -> ArrayLike:
        """Upper edge in ticks, not below the lower one."""

    @property
    def confirmed(self) -> ArrayLike:
        """The candle at whose close the zone is known; -1 or less for zones known before the first candle."""


class Zones(NamedTuple):
    """The least that a zone needs for its life."""

    direction: Int8s
    bottom: Int64s
    top: Int64s
    confirmed: Int64s


class Progress(NamedTuple):
    """How far zones had come at the close of the last candle of a walk; one entry per zone."""

    touches: Int64s
    inside: Bools
    mitigated: Bools
    reason: Int8s
    breaker: Bools


class Lifecycle(NamedTuple):
    """The candle of each event (-1: not yet), one entry per zone, and the candles of all touches.

    Zone ``i`` was touched at ``touch_bars[touch_offsets[i]:touch_offsets[i + 1]]``.
    """

    touched: Int64s
    mitigated: Int64s
    invalidated: Int64s
    reason: Int8s
    breaker: Int64s
    touches: Int64s
    inside: Bools
    touch_offsets: Int64s
    touch_bars: Int64s

    def progress(self, before: Progress | None = None) -> Progress:
        """Return what a walk over later candles has to know; `before` is what this walk itself was given."""
        mitigated, breaker = self.mitigated >= 0, self.breaker >= 0
        if before is not None:
            mitigated, breaker = mitigated | before.mitigated, breaker | before.breaker
        return Progress(self.touches, self.inside, mitigated, self.reason, breaker)


def _fresh(n: int) -> Progress:
    no = np.zeros(n, dtype=np.bool_)
    return Progress(np.zeros(n, dtype=np.int64), no, no, np.zeros(n, dtype=np.int8), no)


def _checked_zones(zones: ZoneColumns) -> Zones:
    """Return the columns as contiguous arrays, refusing empty intervals."""
    sign = directions("direction", zones.direction)
    bottom = int64s("bottom", zones.bottom, allow_empty=True)
    top = int64s("top", zones.top, allow_empty=True)
    confirmed = int64s("confirmed", zones.confirmed, allow_empty=True)
    for name, column in (("bottom", bottom), ("top", top), ("confirmed", confirmed)):
        if column.shape != sign.shape:
            raise ValueError(f"{name}: has {column.size} zones, direction has {sign.size}; pass equal lengths")
        if column.size and max(-int(column.min()), int(column.max())) > LARGEST_TICKS:
            raise ValueError(f"{name}: has a value beyond 2**40")
    upside_down = np.flatnonzero(bottom > top)
    if upside_down.size:
        raise ValueError(f"bottom[{upside_down[0]}]: lies above top; the zone is empty")
    return Zones(sign, bottom, top, confirmed)


def _checked_progress(before: Progress | None, n: int) -> Progress:
    if before is None:
        return _fresh(n)
    touches = int64s("before.touches", before.touches, allow_empty=True)
    reason = int64s("before.reason", before.reason, allow_empty=True)
    flags = [np.ascontiguousarray(flag, dtype=np.bool_) for flag in (before.inside, before.mitigated, before.breaker)]
    if any(column.shape != (n,) for column in (touches, reason, *flags)):
        raise ValueError(f"before: must have {n} entries in each column, one per zone")
    if ((touches < 0) | (touches > LARGEST_COUNT)).any():
        raise ValueError("before.touches: must lie between 0 and 2**40")
    if ((reason < Reason.NONE) | (reason > Reason.AGE)).any():
        raise ValueError("before.reason: must be a Reason, 0 to 3")
    return Progress(touches, flags[0], flags[1], reason.astype(np.int8), flags[2])


def zone_lifecycle(
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    zones: ZoneColumns,
    *,
    max_touches: int = 3,
    max_age: int = 750,
    break_ticks: int = 1,
    before: Progress | None = None,
) -> Lifecycle:
    """Follow each zone over the candles after the one that confirmed it.

    A candle is inside a zone if it reaches from one side to any of its ticks. On each candle, in this order:

    1. A close beyond the far edge by more than `break_ticks` invalidates the zone (`Reason.CLOSE_THROUGH`).
    2. Otherwise, a candle inside that follows one outside is a touch; the candle that confirmed the zone does not
       count. A candle inside that reaches the far edge mitigates the zone. More than `max_touches` touches invalidate
       it (`Reason.TOUCH_LIMIT`).
    3. At an age of `max_age` candles a valid zone is invalidated (`Reason.AGE`), and none is followed any further.

    A zone that was closed through becomes a breaker, with the opposite direction, at the next candle inside it.

    Parameters
    ----------
    high, low, close : array_like of int, shape (n,)
        Prices in ticks.
    zones : ZoneColumns
        Zones with `direction`, `bottom`, `top` (ticks) and `confirmed`. Zones confirmed at -1 or earlier are followed
        from the first candle, at the age that this gives them.
    max_touches : int
        ``>= 0``.
    max_age : int
        Candles, ``>= 1``.
    break_ticks : int
        ``>= 0``.
    before : Progress, optional
        State from a walk over earlier candles (`Lifecycle.progress`). Events that happened there are -1 here, `touches`
        and `reason` go on from there. Shift `confirmed` by the number of candles already walked.

    Returns
    -------
    Lifecycle
        In order of `zones`.

    Raises
    ------
    ValueError
        If the candles are refused (see `candles`), a zone is empty or has no direction, columns differ in length, or a
        parameter is out of range.
    """
    tops, bottoms, _, closes, _ = candles(high, low, close=close)
    assert closes is not None
    checked = _checked_zones(zones)
    state = _checked_progress(before, checked.direction.size)
    table, reason, inside, ends, touch_bars = _lifecycle.zone_lifecycle(
        tops,
        bottoms,
        closes,
        *checked,
        min(at_least("max_touches", max_touches, 0), LARGEST_COUNT),
        min(at_least("max_age", max_age, 1), LARGEST_COUNT),
        min(at_least("break_ticks", break_ticks, 0), LARGEST_COUNT),
        state.touches,
        state.inside.view(np.uint8),
        state.mitigated.view(np.uint8),
        state.reason,
        state.breaker.view(np.uint8),
        4 * checked.direction.size,
    )
    touched, mitigated, invalidated, breaker, touches = table
    return Lifecycle(touched, mitigated, invalidated, reason, breaker, touches, inside.view(np.bool_), ends, touch_bars)


def live_at(confirmed: ArrayLike, death: ArrayLike, origin: ArrayLike, at: int, window: int) -> Bools:
    """Tell which zones stand as of a candle: ``confirmed <= at < min(death, origin + window)``.

    Parameters
    ----------
    confirmed : array_like of int, shape (n_zones,)
        Candle at whose close each zone is known.
    death : array_like of int, shape (n_zones,)
        Candle of the event that ends it, -1 for none.
    origin : array_like of int, shape (n_zones,)
        First candle of the zone; a zone leaves the window with it.
    at : int
        Candle whose close is now.
    window : int
        Candles, ``>= 1``.

    Returns
    -------
    ndarray of bool, shape (n_zones,)

    Raises
    ------
    ValueError
        If a column is not whole numbers, columns differ in length, or `window` is out of range.
    """
    known = int64s("confirmed", confirmed, allow_empty=True)
    ended = int64s("death", death, allow_empty=True)
    begun = int64s("origin", origin, allow_empty=True)
    same_length(("confirmed", "death", "origin"), (known, ended, begun))
    length = min(at_least("window", window, 1), LARGEST_COUNT)
    return _lifecycle.live_at(known, ended, begun, at, length).view(np.bool_)
