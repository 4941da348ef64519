"""Where moments lie in the sessions of a calendar, for whole columns at once."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agents.data.calendar import NseCalendar
from agents.domain.candles import Int64s, epoch

Bools = NDArray[np.bool_]

IST_SECONDS = 19_800
DAY_SECONDS = 86_400
EPOCH_DAY = date(1970, 1, 1)


def ist_day(seconds: Int64s) -> Int64s:
    """Return the IST calendar day of each moment, in days since 1970."""
    days: Int64s = (seconds + IST_SECONDS) // DAY_SECONDS
    return days


def as_day(on: date) -> int:
    """Return a date in days since 1970."""
    return (on - EPOCH_DAY).days


def as_date(day: int) -> date:
    """Return days since 1970 as a date."""
    return EPOCH_DAY + timedelta(days=int(day))


@dataclass(frozen=True, eq=False)
class SessionGrid:
    """The segments of all sessions of a span, in order; all columns are seconds since 1970 UTC unless said.

    `close` is when the cash market ends a segment, `late_close` when futures and options do (another moment only in
    the last segment of a day). `frozen` is when the closing auction stops an index, at the end of time where it does
    not. `first` and `last` are the bounds of the segment's whole session in the cash market.
    """

    day: Int64s
    open: Int64s
    close: Int64s
    late_close: Int64s
    frozen: Int64s
    first: Int64s
    last: Int64s

    @classmethod
    def of(cls, calendar: NseCalendar, first: date, last: date) -> Self:
        """Return the grid of the sessions from `first` to `last`, both included."""
        never = np.iinfo(np.int64).max
        rows = [
            (
                as_day(session.on),
                epoch(segment.open_at),
                epoch(segment.close_at),
                epoch(session.derivatives_close_at if segment is session.segments[-1] else segment.close_at),
                epoch(session.index_frozen_from) if session.index_frozen_from else never,
                epoch(session.open_at),
                epoch(session.close_at),
            )
            for session in calendar.sessions(first, last)
            for segment in session.segments
        ]
        return cls(*np.array(rows, dtype=np.int64).reshape(-1, 7).T.copy())

    @classmethod
    def empty(cls) -> Self:
        """Return a grid without sessions."""
        return cls(*(np.zeros(0, dtype=np.int64) for _ in range(7)))

    def closes(self, *, late: bool) -> Int64s:
        """Return when each segment ends, for derivatives (`late`) or the cash market."""
        return self.late_close if late else self.close

    def segment_of(self, seconds: Int64s) -> Int64s:
        """Return the last segment that opened at or before each moment, -1 before the first."""
        found: Int64s = np.searchsorted(self.open, seconds, side="right").astype(np.int64) - 1
        return found

    def is_session_day(self, days: Int64s) -> Bools:
        """Whether each day (since 1970) has a session."""
        return np.isin(days, self.day)

    def candles_in(self, segment: Int64s, minutes: int, *, late: bool, until_freeze: bool) -> Int64s:
        """Return how many candles of `minutes` each segment holds."""
        ends = self.closes(late=late)[segment]
        if until_freeze:
            ends = np.minimum(ends, self.frozen[segment])
        length = np.maximum(ends - self.open[segment], 0)
        candles: Int64s = -(-length // (minutes * 60))
        return candles
