"""The structure kernels in plain Python: each definition written down as it reads, without regard to speed.

Every function returns its findings as a list of tuples, one per finding, in the order of the kernel's columns.
"""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from tests.analytics_ext.strategies import Candles

Row = tuple[int, ...]


def rows_of(columns: Sequence[NDArray[Any]]) -> list[Row]:
    """Return a kernel's columns as one tuple per finding. Any: the columns' dtypes differ."""
    return list(zip(*(column.tolist() for column in columns), strict=True))


def first_bar(begin: int, n: int, *conditions: list[bool]) -> int:
    """Return the first bar from `begin` on at which every condition holds, or -1."""
    return next((bar for bar in range(begin, n) if all(condition[bar] for condition in conditions)), -1)


def fair_value_gaps(candles: Candles, *, directional_middle: bool = False) -> list[Row]:
    """Rows of direction, bottom, top, origin, confirmed, touched, half_filled, filled, inverted."""
    open_, high, low, close = (column.tolist() for column in candles[:4])
    n = len(high)
    rows: list[Row] = []
    for k in range(2, n):
        rises, falls = close[k - 1] > open_[k - 1], close[k - 1] < open_[k - 1]
        if low[k] > high[k - 2] and (rises or not directional_middle):
            bottom, top = high[k - 2], low[k]
            reach = [top - price for price in low]
            beyond = [price < bottom for price in close]
            direction = 1
        elif high[k] < low[k - 2] and (falls or not directional_middle):
            bottom, top = high[k], low[k - 2]
            reach = [price - bottom for price in high]
            beyond = [price > top for price in close]
            direction = -1
        else:
            continue
        height = top - bottom
        touched = first_bar(k + 1, n, [x > 0 for x in reach])
        half_filled = first_bar(k + 1, n, [2 * x >= height for x in reach])
        filled = first_bar(k + 1, n, [x >= height for x in reach])
        inverted = first_bar(k + 1, n, beyond)
        rows.append((direction, bottom, top, k - 2, k, touched, half_filled, filled, inverted))
    return rows


def fill_fraction(gap: Row, candles: Candles, at: int) -> float:
    """Share of a gap (a row of `fair_value_gaps`) that is filled as of the close of bar `at`."""
    direction, bottom, top, _, confirmed = gap[:5]
    deepest = 0
    for bar in range(confirmed + 1, at + 1):
        reach = top - int(candles.low[bar]) if direction > 0 else int(candles.high[bar]) - bottom
        deepest = max(deepest, reach)
    return min(deepest, top - bottom) / (top - bottom)


def swings(candles: Candles, half_length: int) -> list[Row]:
    """Rows of kind, index, level, confirmed."""
    high, low = candles.high.tolist(), candles.low.tolist()
    rows: list[Row] = []
    for s in range(half_length, len(high) - half_length):
        before, after = range(s - half_length, s), range(s + 1, s + half_length + 1)
        if all(high[i] < high[s] for i in before) and all(high[i] <= high[s] for i in after):
            rows.append((1, s, high[s], s + half_length))
        if all(low[i] > low[s] for i in before) and all(low[i] >= low[s] for i in after):
            rows.append((-1, s, low[s], s + half_length))
    return rows


def structure_breaks(close: list[int], found: list[Row]) -> list[Row]:
    """Rows of direction, kind, level, swing, at."""
    rows: list[Row] = []
    broken: set[int] = set()
    for bar, price in enumerate(close):
        known = [number for number, (_, _, _, confirmed) in enumerate(found) if confirmed <= bar - 1]
        for kind in (1, -1):
            last = max((number for number in known if found[number][0] == kind), default=None)
            if last is None or last in broken:
                continue
            level = found[last][2]
            if (price - level) * kind > 0:
                against = bool(rows) and rows[-1][0] == -kind
                rows.append((kind, int(against), level, last, bar))
                broken.add(last)
    return rows


def order_blocks(candles: Candles, half_length: int, boundary: str = "wick") -> list[Row]:
    """Rows of direction, bottom, top, swing, origin, confirmed, volume, touched, broken, breaker."""
    open_, high, low, close, volume = (column.tolist() for column in candles)
    n = len(high)
    found = swings(candles, half_length)
    rows: list[Row] = []
    for direction, _, _, number, t in structure_breaks(close, found):
        s = found[number][1]
        between = range(s + 1, t)
        extreme = min(low[i] for i in between) if direction > 0 else max(high[i] for i in between)
        x = max(i for i in between if (low[i] if direction > 0 else high[i]) == extreme)
        bottom, top = low[x], high[x]
        if boundary == "split" and direction > 0:
            top = max(open_[x], close[x])
        elif boundary == "split":
            bottom = min(open_[x], close[x])
        inside = [low[i] <= top and high[i] >= bottom for i in range(n)]
        beyond = [price < bottom - 1 if direction > 0 else price > top + 1 for price in close]
        broken = first_bar(t + 1, n, beyond)
        touched = first_bar(t + 1, n if broken < 0 else broken, inside)
        breaker = first_bar(broken + 1, n, inside) if broken >= 0 else -1
        rows.append((direction, bottom, top, s, x, t, sum(volume[x : t + 1]), touched, broken, breaker))
    return rows


def as_known(rows: list[Row], columns: tuple[int, ...], known: int, at: int) -> list[Row]:
    """Return the findings as they were known at the close of bar `at`.

    Parameters
    ----------
    rows : list of tuple
        Findings.
    columns : tuple of int
        Positions of the later events, which become -1 if they lie after `at`.
    known : int
        Position of the bar at which a finding is known; later findings are dropped.
    at : int
        The bar.
    """
    return [
        tuple(-1 if place in columns and value > at else value for place, value in enumerate(row))
        for row in rows
        if row[known] <= at
    ]
