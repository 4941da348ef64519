"""Which candles lie inside trading hours and on the grid of their interval."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agents.data.batch import Batch
from agents.data.grid import DAY_SECONDS, IST_SECONDS, Bools, SessionGrid, ist_day
from agents.data.issues import DROPPED, IssueLog
from agents.data.names import trades_like_derivatives
from agents.domain.candles import Int64s
from agents.domain.market import Instrument

DAILY = 1440


def in_hours(
    batch: Batch, grid: SessionGrid, named: Sequence[Instrument], minutes: Int64s, log: IssueLog
) -> tuple[Batch, Int64s]:
    """Return the candles that lie in a session and on its grid, and when each of them closes.

    A daily candle is its session's: it opens with the first segment and closes with the last, in the cash market.
    Rows must be sorted by instrument and time; of rows with one time, the first is kept.
    """
    batch = batch.drop(~grid.is_session_day(ist_day(batch.opened)), "no_session", log)
    daily = minutes[batch.code] == DAILY
    day_end = ist_day(batch.opened) * DAY_SECONDS - IST_SECONDS + DAY_SECONDS - 1
    segment = grid.segment_of(np.where(daily, day_end, batch.opened))
    batch = replace(batch, opened=np.where(daily, grid.first[segment], batch.opened))
    late_kind = np.array([trades_like_derivatives(each.name, each.kind) for each in named], dtype=np.bool_)
    ends = np.where(late_kind[batch.code], grid.late_close[segment], grid.close[segment])
    step = minutes[batch.code] * 60
    closed = np.where(daily, grid.last[segment], np.minimum(batch.opened + step, ends))
    inside = np.ones(len(batch), dtype=np.bool_)
    for rule, rows in _misplaced(batch, grid, segment, ends, step).items():
        outside = rows & ~daily
        gone = batch[outside]
        log.note(rule, DROPPED, gone.code, gone.opened, gone.spelled())
        inside &= ~outside
    batch, closed = batch[inside], closed[inside]
    again = np.zeros(len(batch), dtype=np.bool_)
    again[1:] = (np.diff(batch.code) == 0) & (np.diff(batch.opened) == 0)
    return batch.drop(again, "duplicate", log), closed[~again]


def _misplaced(batch: Batch, grid: SessionGrid, segment: Int64s, ends: Int64s, step: Int64s) -> dict[str, Bools]:
    """Return which rows break which rule; no row breaks two."""
    early = (segment < 0) | (grid.day[segment] != ist_day(batch.opened))
    late = ~early & (batch.opened >= ends)
    is_last = np.append(np.diff(grid.day) != 0, True)[segment]
    skewed = ~early & ~late & ((batch.opened - grid.open[segment]) % step != 0)
    return {
        "pre_open": early,
        "between_segments": late & ~is_last,
        "after_close": late & is_last,
        "off_grid_time": skewed,
    }
