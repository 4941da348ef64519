"""What is not there: candles missing from a session, sessions missing from a span. And what an index looks like."""

from typing import TYPE_CHECKING

import numpy as np

from agents.data.grid import DAY_SECONDS, IST_SECONDS, SessionGrid
from agents.data.hours import DAILY
from agents.data.issues import KEPT, REPORTED, IssueLog
from agents.data.names import is_frozen_in_auction, trades_like_derivatives
from agents.domain.candles import Int64s
from agents.domain.market import InstrumentKind

if TYPE_CHECKING:
    from agents.data.candles import CleanCandles


def note_gaps(done: "CleanCandles", grid: SessionGrid, log: IssueLog) -> None:
    """Log each session that lacks candles, and each session that is missing between an instrument's first and last.

    Options are left out: a minute without a trade has no candle, which says nothing of the source.
    """
    starts = np.searchsorted(done.code, np.arange(len(done.instruments) + 1))
    for code, each in enumerate(done.instruments):
        part = slice(int(starts[code]), int(starts[code + 1]))
        if each.kind is InstrumentKind.OPTION or part.start == part.stop:
            continue
        days = np.unique(done.session[part])
        between = np.unique(grid.day[(grid.day > days[0]) & (grid.day < days[-1])])
        absent = between[~np.isin(between, days)]
        noon = absent * DAY_SECONDS - IST_SECONDS + DAY_SECONDS // 2
        log.note("missing_session", REPORTED, np.full(len(absent), code), noon, ["no candle of it"] * len(absent))
        if int(done.minutes[code]) != DAILY:
            _note_missing_candles(done, code, part, grid, log)


def _note_missing_candles(done: "CleanCandles", code: int, part: slice, grid: SessionGrid, log: IssueLog) -> None:
    minutes = int(done.minutes[code])
    each = done.instruments[code]
    until_freeze = is_frozen_in_auction(each.name, each.kind)
    late = trades_like_derivatives(each.name, each.kind)
    segments = np.flatnonzero(np.isin(grid.day, np.unique(done.session[part])))
    expected = grid.candles_in(segments, minutes, late=late, until_freeze=until_freeze)
    opened = done.opened[part]
    seated = grid.segment_of(opened)
    if until_freeze:
        live = opened < grid.frozen[seated]
        opened, seated = opened[live], seated[live]
    found = np.bincount(seated, minlength=len(grid.day))[segments]
    for segment, want, have in zip(segments.tolist(), expected.tolist(), found.tolist(), strict=True):
        if have < want:
            grid_times = grid.open[segment] + np.arange(want) * minutes * 60
            absent = grid_times[~np.isin(grid_times, opened[seated == segment])]
            text = f"{want - have} of {want} candles are missing"
            log.note("missing_candle", REPORTED, np.array([code]), absent[:1], [text])


def note_indices(done: "CleanCandles", grid: SessionGrid, log: IssueLog) -> None:
    """Log what is odd about index candles: volume or none of it, and the closing auction."""
    first_row = np.searchsorted(done.code, np.arange(len(done.instruments)))
    for code, each in enumerate(done.instruments):
        rows = done.code == code
        if each.kind is not InstrumentKind.INDEX or not rows.any():
            continue
        at, who = done.opened[first_row[code] : first_row[code] + 1], np.array([code])
        if done.volume[rows].any():
            log.note("index_volume", KEPT, who, at, ["an index trades nothing: its volume is its constituents'"])
        else:
            log.note("zero_volume", KEPT, who, at, [f"none of {int(rows.sum())} candles of the index has volume"])
        if is_frozen_in_auction(each.name, each.kind) and int(done.minutes[code]) != DAILY:
            opened = done.opened[rows]
            frozen: Int64s = opened[opened >= grid.frozen[grid.segment_of(opened)]]
            text = ["the index stands still in the closing auction: kept, not analysed"] * len(frozen)
            log.note("closing_auction", KEPT, np.full(len(frozen), code), frozen, text)
