"""Zones, their lives and their confluence in plain Python: what the kernels must agree with."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add


def average_true_range(high: Sequence[int], low: Sequence[int], close: Sequence[int], length: int) -> list[float]:
    """NaN for the first `length` candles, then Wilder's mean."""
    true = [max(high[t], close[t - 1]) - min(low[t], close[t - 1]) for t in range(1, len(high))]
    out = [math.nan] * len(high)
    for t in range(length, len(high)):
        if t == length:
            out[t] = sum(true[:length]) / length
        else:
            out[t] = (out[t - 1] * (length - 1) + true[t - 1]) / length
    return out


@dataclass(frozen=True)
class Base:
    direction: int
    kind: int
    bottom: int
    top: int
    origin: int
    confirmed: int


def explosive_zones(
    candles: Sequence[tuple[int, int, int, int]], ranges: Sequence[float], body_atr: float
) -> list[Base]:
    """Look back from each explosive candle over the pauses before it, to the move that led into them."""

    def move(t: int) -> int:
        body = candles[t][3] - candles[t][0]
        if body == 0 or math.isnan(ranges[t]) or abs(body) < body_atr * ranges[t]:
            return 0
        return 1 if body > 0 else -1

    found = []
    for t in range(len(candles)):
        start = t
        while start > 0 and move(start - 1) == 0:
            start -= 1
        if move(t) == 0 or start in (0, t):
            continue
        before, after, base = move(start - 1), move(t), candles[start:t]
        tops, bottoms = [max(c[0], c[3]) for c in base], [min(c[0], c[3]) for c in base]
        kind = {(1, 1): 0, (-1, 1): 1, (-1, -1): 2, (1, -1): 3}[before, after]
        levels = (min(c[2] for c in base), max(tops)) if after > 0 else (min(bottoms), max(c[1] for c in base))
        found.append(Base(after, kind, *levels, start, t))
    return found


@dataclass
class Life:
    touched: int = -1
    mitigated: int = -1
    invalidated: int = -1
    reason: int = 0
    breaker: int = -1
    inside: bool = False
    touch_bars: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Limits:
    max_touches: int
    max_age: int
    break_ticks: int


Candle = tuple[int, int, int]
Followed = tuple[int, int, int, int]


def _look(life: Life, t: int, candle: Candle, zone: Followed, limits: Limits) -> None:
    """What a candle (high, low, close) does to a valid zone."""
    (high, low, close), (direction, bottom, top, _) = candle, zone
    inside = low <= top and high >= bottom
    if close < bottom - limits.break_ticks if direction > 0 else close > top + limits.break_ticks:
        life.invalidated, life.reason = t, 1
        return
    if inside and not life.inside:
        life.touch_bars.append(t)
        life.touched = life.touch_bars[0]
    life.inside = inside
    if inside and life.mitigated < 0 and (low <= bottom if direction > 0 else high >= top):
        life.mitigated = t
    if len(life.touch_bars) > limits.max_touches:
        life.invalidated, life.reason = t, 2


def zone_life(candles: Sequence[Candle], zone: Followed, limits: Limits) -> Life:
    """Walk one zone (direction, bottom, top, confirmed) over every candle after its confirmation."""
    _, bottom, top, confirmed = zone
    life = Life()
    for t in range(max(confirmed + 1, 0), len(candles)):
        too_old = t - confirmed > limits.max_age
        if life.reason == 1 and not too_old and candles[t][1] <= top and candles[t][0] >= bottom:
            life.breaker = t
        if life.reason == 0 and not too_old:
            _look(life, t, candles[t], zone, limits)
        if life.reason == 0 and t - confirmed >= limits.max_age:
            life.invalidated, life.reason = t, 3
        if too_old or life.breaker >= 0:
            break
    return life


@dataclass(frozen=True)
class Stack:
    """Levels on which enough families agree, their best score, and the zones that lie there."""

    direction: int
    bottom: int
    top: int
    score: float
    families: int
    members: tuple[tuple[int, int], ...]


Zone = tuple[int, int, int, float]


def confluence(zones: Mapping[str, Sequence[Zone]], min_families: int) -> list[Stack]:
    """Ask every tick level for the families (direction, bottom, top, weight) that hold it."""
    families = list(zones.values())
    edges = [edge for family in families for zone in family for edge in zone[1:3]]
    found: list[Stack] = []
    for direction in (1, -1):
        run: list[tuple[int, float, int]] = []
        for level in range(min(edges, default=0), max(edges, default=0) + 2):
            best = [
                max(held)
                for family in families
                if (held := [z[3] for z in family if z[0] == direction and z[1] <= level <= z[2]])
            ]
            if len(best) >= min_families:
                # Plain addition in order: from Python 3.12 on, sum() compensates.
                run.append((level, reduce(add, best), len(best)))
            elif run:
                found.append(_stack(direction, run, families))
                run = []
    return found


def _stack(direction: int, run: Sequence[tuple[int, float, int]], families: Sequence[Sequence[Zone]]) -> Stack:
    bottom, top = run[0][0], run[-1][0]
    members = tuple(
        (f, z)
        for f, family in enumerate(families)
        for z, zone in enumerate(family)
        if zone[0] == direction and zone[1] <= top and zone[2] >= bottom
    )
    return Stack(direction, bottom, top, max(r[1] for r in run), max(r[2] for r in run), members)
