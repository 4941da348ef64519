"""The volume profile in plain Python: what the kernels must agree with."""

from collections.abc import Sequence
from fractions import Fraction

UNITS = 65536


def shares(high: int, low: int, volume: int, row: int, spread: str) -> dict[int, Fraction]:
    """Contracts that a candle gives to each row, as exact fractions."""
    first, last = low // row, high // row
    if first == last:
        return {first: Fraction(volume)}
    if spread == "touch":
        return {r: Fraction(volume, last - first + 1) for r in range(first, last + 1)}
    parts = {r: min(high, (r + 1) * row) - max(low, r * row) for r in range(first, last + 1)}
    return {r: Fraction(volume * part, high - low) for r, part in parts.items()}


def counted(high: int, low: int, volume: int, row: int, spread: str) -> dict[int, int]:
    """Units per row: rounded down, and what is missing goes to the lowest row."""
    whole = {r: int(part * UNITS // 1) for r, part in shares(high, low, volume, row, spread).items()}
    whole[low // row] += volume * UNITS - sum(whole.values())
    return whole


def volume_profile(
    high: Sequence[int], low: Sequence[int], volume: Sequence[int], row: int, spread: str
) -> tuple[int, list[int]]:
    first, last = min(low) // row, max(high) // row
    rows = [0] * (last - first + 1)
    for candle in zip(high, low, volume, strict=True):
        for r, units in counted(*candle, row, spread).items():
            rows[r - first] += units
    return first, rows


def value_area_steps(rows: Sequence[int], fraction: float, rule: str) -> list[list[int]]:
    """Rows taken in each step of the walk; the first step is the fullest row."""
    size = 2 if rule == "two_row" else 1
    target = Fraction(repr(fraction)) * sum(rows)
    low = high = rows.index(max(rows))
    steps = [[low]]
    while sum(rows[low : high + 1]) < target:
        above = list(range(high + 1, min(high + 1 + size, len(rows))))
        below = list(range(max(low - size, 0), low))
        if above and (not below or sum(rows[r] for r in above) >= sum(rows[r] for r in below)):
            steps.append(above)
            high = above[-1]
        else:
            steps.append(below)
            low = below[0]
    return steps


def value_area(rows: Sequence[int], fraction: float, rule: str) -> tuple[int, int, int]:
    steps = value_area_steps(rows, fraction, rule)
    taken = [r for step in steps for r in step]
    return min(taken), steps[0][0], max(taken)


def nodes(rows: Sequence[float], most: float, least: float) -> tuple[list[int], list[int]]:
    """Rows that stand out, given the two thresholds."""
    inner = range(1, len(rows) - 1)
    high = [i for i in inner if rows[i] > rows[i - 1] and rows[i] >= rows[i + 1] and rows[i] >= most]
    low = [i for i in inner if rows[i] < rows[i - 1] and rows[i] <= rows[i + 1] and rows[i] <= least]
    return high, low
