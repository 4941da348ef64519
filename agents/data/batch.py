"""Candles on their way through the cleaning rules."""

from dataclasses import dataclass

import numpy as np

from agents.data.grid import Bools
from agents.data.issues import DROPPED, IssueLog
from agents.data.reading import Float64s
from agents.domain.candles import Int64s


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of candles: `code` numbers the instrument, `opened` is in seconds since 1970 UTC, `prices` in rupees."""

    code: Int64s
    opened: Int64s
    prices: Float64s
    volume: Float64s
    open_interest: Float64s

    def __len__(self) -> int:
        """Return the number of candles."""
        return int(self.code.shape[0])

    def __getitem__(self, rows: Bools | Int64s) -> "Batch":
        """Return some of the rows."""
        return Batch(self.code[rows], self.opened[rows], self.prices[rows], self.volume[rows], self.open_interest[rows])

    def drop(self, rows: Bools, rule: str, log: IssueLog) -> "Batch":
        """Return the batch without `rows`, each of them logged."""
        if not rows.any():
            return self
        gone = self[rows]
        log.note(rule, DROPPED, gone.code, gone.opened, gone.spelled())
        return self[~rows]

    def note_each_instrument(self, rows: Bools, rule: str, action: str, text: str, log: IssueLog) -> None:
        """Log one issue for each instrument that has `rows`, at its first; ``{n}`` in `text` becomes their number."""
        if not rows.any():
            return
        codes, first, counts = np.unique(self.code[rows], return_index=True, return_counts=True)
        log.note(rule, action, codes, self.opened[rows][first], [text.format(n=count) for count in counts])

    def spelled(self) -> list[str]:
        """Return each candle's prices and volume as text."""
        words = zip(self.prices.tolist(), self.volume.tolist(), strict=True)
        return [
            f"open {o:.10g} high {h:.10g} low {low:.10g} close {c:.10g} volume {v:.15g}" for (o, h, low, c), v in words
        ]
