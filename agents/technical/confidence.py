"""How much a zone is worth: six parts in [0, 1], weighed. docs/confidence.md says why these.

All parts are taken at the close of the candle at which the zone became known and are frozen there. Where the average
true range is not known yet (the first candles of a history), the parts that are measured in it are 0.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from agents.domain.candles import Candles, Int64s
from agents.technical.frames import Float64s
from agents.technical.levels import Levels

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"families": 0.25, "departure": 0.25, "freshness": 0.20, "profile": 0.10, "width": 0.10, "trend": 0.10}
)
DEPARTURE_ATR = 3.0
WIDTH_ATR = 2.0
PROFILE_ATR = 1.0
_DECIMALS = 6


class Context(NamedTuple):
    """What the parts are measured against: one entry per candle in each column.

    `atr` in ticks, NaN before it is known; `trend` +1, -1 or 0; `levels` of the rolling profile.
    """

    candles: Candles
    atr: Float64s
    trend: Int64s
    levels: Levels


class Formation(NamedTuple):
    """A zone as it became known: edges in ticks, positions of candles, kinds of evidence, share of it untouched."""

    direction: int
    low: int
    high: int
    known: int
    origin: int
    families: int
    fresh: float


def parts(zone: Formation, context: Context) -> tuple[float, ...]:
    """Return the value of each part, in the order of `WEIGHTS`."""
    atr = float(context.atr[zone.known]) or np.nan  # a market that stood still has no range to measure with
    found = (
        (zone.families - 1) / 2.0,
        _departure(zone, context.candles) / (DEPARTURE_ATR * atr),
        zone.fresh,
        1.0 - _distance(zone, context.levels) / (PROFILE_ATR * atr),
        1.0 - (zone.high - zone.low) / (WIDTH_ATR * atr),
        (1 + zone.direction * int(context.trend[zone.known])) / 2.0,
    )
    return tuple(_share(value) for value in found)


def formation_confidence(values: Sequence[float]) -> float:
    """Return the weighted mean of the parts, to six decimals."""
    total = sum(weight * value for weight, value in zip(WEIGHTS.values(), values, strict=True))
    return round(total / sum(WEIGHTS.values()), _DECIMALS)


def _departure(zone: Formation, candles: Candles) -> int:
    """Return how far price went from the near edge since the youngest evidence, in ticks."""
    since = slice(zone.origin, zone.known + 1)
    if zone.direction > 0:
        return int(candles.high[since].max()) - zone.high
    return zone.low - int(candles.low[since].min())


def _distance(zone: Formation, levels: Levels) -> int:
    """Return the ticks between the zone and the nearest level of the profile, 0 where a level lies inside."""
    here = zone.known - levels.first
    marks = (int(levels.poc[here]), int(levels.val[here]), int(levels.vah[here]))
    return min(max(zone.low - mark, mark - zone.high, 0) for mark in marks)


def _share(value: float) -> float:
    """Return `value` cut to [0, 1], to six decimals; 0 where it was measured in a range that is not known yet."""
    return 0.0 if np.isnan(value) else round(min(max(value, 0.0), 1.0), _DECIMALS)
