"""Confluence: the price intervals on which zones of several families agree."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from analytics_ext import _confluence
from analytics_ext._inputs import LARGEST_TICKS, Float64s, Int8s, Int64s, at_least, directions, float64s, int64s

# An object with columns `direction`, `bottom`, `top` and perhaps `weight`, or the columns themselves in that order.
# Any, because gaps, order blocks and plain tuples share no type.
Family: TypeAlias = Any


class ConfluenceZones(NamedTuple):
    """Intervals on which enough families agree: demand, then supply, each from the lowest up.

    The zones that overlap interval ``i`` are entries ``member_offsets[i]`` to ``member_offsets[i + 1] - 1`` of
    `member_family` (position of the family in the input) and `member_zone` (position of the zone in its family).
    """

    direction: Int8s
    bottom: Int64s
    top: Int64s
    score: Float64s
    families: Int64s
    member_offsets: Int64s
    member_family: Int64s
    member_zone: Int64s


class _Columns(NamedTuple):
    """Zones of one family, or of all: one entry per zone."""

    family: Int64s
    zone: Int64s
    direction: Int8s
    bottom: Int64s
    top: Int64s
    weight: Float64s


def _columns(name: Hashable, position: int, zones: Family, factor: float) -> _Columns:
    """Check one family."""
    if hasattr(zones, "direction"):
        given: Sequence[ArrayLike] = (zones.direction, zones.bottom, zones.top)
        weights = getattr(zones, "weight", None)
    else:
        given, weights = zones[:3], zones[3] if len(zones) > 3 else None  # noqa: PLR2004 - direction, bottom, top
    sign = directions(f"{name}: direction", given[0])
    bottom = int64s(f"{name}: bottom", given[1], allow_empty=True)
    top = int64s(f"{name}: top", given[2], allow_empty=True)
    if weights is None:
        weights = np.ones(sign.size)
    weight = float64s(f"{name}: weight", weights, allow_empty=True)
    if not sign.size == bottom.size == top.size == weight.size:
        raise ValueError(f"{name}: columns have unequal lengths; give direction, bottom, top (and weight) of each zone")
    upside_down = np.flatnonzero(bottom > top)
    if upside_down.size:
        raise ValueError(f"{name}: bottom[{upside_down[0]}]: lies above top; the zone is empty")
    if ((bottom < -LARGEST_TICKS) | (top > LARGEST_TICKS)).any():
        raise ValueError(f"{name}: has a level beyond 2**40 ticks")
    if (weight < 0).any():
        raise ValueError(f"{name}: weight[{int(np.argmax(weight < 0))}]: is negative; weights start at 0")
    order = np.arange(sign.size, dtype=np.int64)
    return _Columns(np.full(sign.size, position, dtype=np.int64), order, sign, bottom, top, weight * factor)


def _factor(name: Hashable, weights: Mapping[Any, float] | None) -> float:
    factor = 1.0 if weights is None else float(weights.get(name, 1.0))
    if not (np.isfinite(factor) and factor >= 0):
        raise ValueError(f"weights[{name!r}]: must be a number of at least 0, got {factor!r}")
    return factor


def _members(intervals: Int64s, bottom: Int64s, top: Int64s) -> tuple[Int64s, Int64s]:
    """Pair intervals (ascending, apart from each other) with the zones that overlap them."""
    first = np.searchsorted(intervals[1], bottom, side="left")
    count = np.maximum(np.searchsorted(intervals[0], top, side="right") - first, 0)
    zone = np.repeat(np.arange(bottom.size), count)
    place = np.arange(zone.size) - np.repeat(np.cumsum(count) - count, count)
    interval = np.repeat(first, count) + place
    order = np.argsort(interval, kind="stable")
    return interval[order], zone[order]


def _one_side(zones: _Columns, direction: int, n_families: int, min_families: int) -> ConfluenceZones:
    """Find the intervals of one direction."""
    mine = np.flatnonzero(zones.direction == direction)
    family, bottom, top, weight = zones.family[mine], zones.bottom[mine], zones.top[mine], zones.weight[mine]
    sizes = np.bincount(family, minlength=n_families)
    intervals, score = _confluence.sweep(
        family,
        bottom,
        top,
        weight,
        np.argsort(bottom, kind="stable"),
        np.argsort(top, kind="stable"),
        np.cumsum(sizes) - sizes,
        min_families,
    )
    interval, member = _members(intervals, bottom, top)
    return ConfluenceZones(
        np.full(score.size, direction, dtype=np.int8),
        intervals[0],
        intervals[1],
        score,
        intervals[2],
        np.bincount(interval, minlength=score.size),
        family[member],
        zones.zone[mine][member],
    )


def confluence(
    zones_by_family: Mapping[Any, Family] | Sequence[Family],
    *,
    min_families: int = 2,
    weights: Mapping[Any, float] | None = None,
) -> ConfluenceZones:
    """Find the price intervals that zones of several families share.

    A zone holds the tick levels from its bottom to its top, both included. Demand and supply are looked at apart. The
    score of a level is the sum, over the families, of the heaviest of their zones that hold it, so that stacked zones
    of one family do not count twice. An interval is a longest run of neighbouring levels each of which is held by at
    least `min_families` families.

    Parameters
    ----------
    zones_by_family : mapping or sequence
        For each family its zones: an object with the columns `direction` (+1 demand, -1 supply), `bottom`, `top` in
        ticks and, if it has one, `weight` (``>= 0``, 1 if absent), or a tuple of these columns in this order. Families
        of a sequence are named by their position.
    min_families : int
        ``>= 1``.
    weights : mapping, optional
        Factor of each family's weights by its name, ``>= 0``; 1 for families not named.

    Returns
    -------
    ConfluenceZones
        `score` is the best of any level in the interval, `families` the largest number of families at any one level.

    Raises
    ------
    ValueError
        If a family's columns differ in length, a zone is empty or has no direction, or a number is out of range.
    """
    named = zones_by_family if isinstance(zones_by_family, Mapping) else dict(enumerate(zones_by_family))
    least = at_least("min_families", min_families, 1)
    unknown = [name for name in weights or () if name not in named]
    if unknown:
        raise ValueError(f"weights[{unknown[0]!r}]: is no family; families are {', '.join(map(repr, named))}")
    parts = [_columns(name, i, zones, _factor(name, weights)) for i, (name, zones) in enumerate(named.items())]
    if not parts:
        parts = [_columns("", 0, ([], [], []), 1.0)]
    zones = _Columns(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    least = min(least, len(parts) + 1)
    sides = [_one_side(zones, direction, len(parts), least) for direction in (1, -1)]
    joined = ConfluenceZones(*(np.concatenate(column) for column in zip(*sides, strict=True)))
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(joined.member_offsets, dtype=np.int64)])
    return joined._replace(member_offsets=offsets)
