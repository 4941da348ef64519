"""Rupees into whole ticks."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from agents.data.batch import Batch
from agents.data.grid import ist_day
from agents.data.issues import REPAIRED, IssueLog
from agents.domain.candles import Int64s

TICK_SIZES = (Decimal("0.05"), Decimal("0.01"), Decimal("0.0025"), Decimal("0.0001"))
_ON_TICK_SHARE = 0.999
_TOLERANCE = 1e-4


def tick_sizes_of(batch: Batch, names: Sequence[str], known: Mapping[str, Decimal]) -> list[Decimal]:
    """Return each instrument's tick size: the known one, else the coarsest that fits 99.9 % of its prices."""
    sizes: list[Decimal | None] = [known.get(name) for name in names]
    cells = np.bincount(batch.code, minlength=len(names)) * batch.prices.shape[1]
    for size in TICK_SIZES:
        if all(sizes):
            break
        scaled = batch.prices / float(size)
        fits = (np.abs(scaled - np.rint(scaled)) < _TOLERANCE).sum(axis=1)
        share = np.bincount(batch.code, weights=fits, minlength=len(names)) / np.maximum(cells, 1)
        coarse_enough = (share >= _ON_TICK_SHARE) | (cells == 0)
        sizes = [have or (size if coarse_enough[code] else None) for code, have in enumerate(sizes)]
    return [size or TICK_SIZES[-1] for size in sizes]


def in_ticks(batch: Batch, sizes: Sequence[Decimal], log: IssueLog) -> Int64s:
    """Return the prices in whole ticks; what lies between two is rounded, and logged once a session."""
    size = np.array([float(each) for each in sizes])[batch.code][:, None]
    scaled = batch.prices / size
    ticks = np.rint(scaled)
    between = (np.abs(scaled - ticks) >= _TOLERANCE).any(axis=1)
    if between.any():
        part = batch[between]
        sessions = part.code * 1_000_000 + ist_day(part.opened)
        _, first, counts = np.unique(sessions, return_index=True, return_counts=True)
        texts = [
            f"{count} candles have prices between ticks of {sizes[code]}: rounded"
            for count, code in zip(counts, part.code[first], strict=True)
        ]
        log.note("off_tick", REPAIRED, part.code[first], part.opened[first], texts)
    at_least = (batch.prices > 0).astype(np.int64)  # a price of less than half a tick is still a price
    whole: Int64s = np.maximum(ticks.astype(np.int64), at_least)
    return whole
