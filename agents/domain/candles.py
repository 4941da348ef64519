"""Candles as columns: the form in which they travel from the store to the kernels."""

from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Self

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]


def epoch(moment: datetime) -> int:
    """Return an aware datetime as whole seconds since 1970 UTC."""
    return int(moment.timestamp())


def moment(seconds: int) -> datetime:
    """Return whole seconds since 1970 UTC as an aware datetime in UTC."""
    return datetime.fromtimestamp(int(seconds), tz=UTC)


@dataclass(frozen=True, eq=False)
class Candles:
    """A run of candles of one instrument and one interval, oldest first.

    All columns are int64 of the same length: times in seconds since 1970 UTC, prices in ticks, volume in contracts
    (shares for a stock, 0 for an index). A candle may be used from `closed_at` on. `session` numbers the trading day
    (days since 1970) that each candle belongs to. `source` says where each column of prices came from ("1m", "15m").
    """

    instrument: str
    tick_size: Decimal
    minutes: int
    opened_at: Int64s
    closed_at: Int64s
    open: Int64s
    high: Int64s
    low: Int64s
    close: Int64s
    volume: Int64s
    session: Int64s
    source: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        """Return the number of candles."""
        return int(self.closed_at.shape[0])

    def __getitem__(self, part: slice) -> Self:
        """Return the candles of a slice as views."""
        cut = {f.name: getattr(self, f.name)[part] for f in fields(self) if f.name not in _PLAIN}
        return replace(self, **cut)

    def until(self, now: datetime) -> Self:
        """Return the candles that had closed by `now`."""
        return self[: int(np.searchsorted(self.closed_at, epoch(now), side="right"))]

    def after(self, since: datetime) -> Self:
        """Return the candles that closed after `since`."""
        return self[int(np.searchsorted(self.closed_at, epoch(since), side="right")) :]


_PLAIN = frozenset({"instrument", "tick_size", "minutes"})
