"""What was said against what came: the reliability table and the squared error of probabilities."""

import math
from typing import NamedTuple

import numpy as np

from agents.llm.platt import Floats, check

Z_95 = 1.959964


class Bin(NamedTuple):
    """Setups of similar probability: how many, what was said on average, the share won and its 95 % interval."""

    setups: int
    said: float
    won: float
    low: float
    high: float


def reliability(said: Floats, won: Floats, bins: int = 10) -> tuple[Bin, ...]:
    """Return what was said against what came, in bins of equal size (at most `bins`), lowest probability first.

    Parameters
    ----------
    said, won : ndarray of float64, shape (n,)
        Probabilities in [0, 1], and 1 for each setup that won, else 0.
    bins : int
        At least 1.

    Raises
    ------
    ValueError
        If the arrays differ in length or hold anything else.
    """
    check(said, won)
    order = np.argsort(said, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return tuple(
        Bin(len(part), float(said[part].mean()), float(won[part].mean()), *wilson(int(won[part].sum()), len(part)))
        for part in parts
    )


def wilson(wins: int, count: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share. Raises `ValueError` without anything to count."""
    if count < 1 or not 0 <= wins <= count:
        raise ValueError(f"{wins} of {count} is no share; give at least one outcome")
    share, square = wins / count, Z_95**2 / count
    middle = (share + square / 2) / (1 + square)
    half = Z_95 * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def brier(said: Floats, won: Floats) -> float:
    """Return the mean squared error of probabilities, 0 at best. Raises `ValueError` as `reliability` does."""
    check(said, won)
    return float(np.mean((said - won) ** 2))
