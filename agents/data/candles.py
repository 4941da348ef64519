"""What is done with candles before they are stored: every rule repairs, drops or reports, and says so in the log.

| Rule | What is found | What is done |
|---|---|---|
| missing_value | no time, or a price that is no number | dropped |
| non_positive_price | a price of zero or less | dropped |
| bad_ohlc | high below, or low above, another price of the candle | widened up to 0.5 %, dropped beyond |
| missing_volume, negative_volume | volume that is no number, or below zero | set to 0, reported once an instrument |
| out_of_order | times that go back | sorted, reported once an instrument |
| duplicate | the same time again | first kept, others dropped |
| before_calendar | a day before 2015 | dropped |
| no_session | a day on which the exchange is closed | dropped |
| pre_open, between_segments, after_close | outside trading hours | dropped |
| off_grid_time | not on the interval's grid since the segment's open | dropped |
| off_tick | prices that are no whole ticks | rounded to the nearest tick, reported once a session |
| closing_auction | an index during the closing auction | kept, but not used for analysis |
| zero_volume, index_volume | an index without, or with, volume | kept, reported once an instrument |
| missing_candle | candles that the session should have | reported once a session |
| missing_session | sessions between the first and the last | reported |
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from agents.data.batch import Batch
from agents.data.calendar import FIRST_DAY, NseCalendar
from agents.data.gaps import note_gaps, note_indices
from agents.data.grid import Bools, SessionGrid, as_date, ist_day
from agents.data.hours import DAILY, in_hours
from agents.data.issues import REPAIRED, IssueLog
from agents.data.names import instrument_from
from agents.data.reading import RawCandles
from agents.data.ticks import TICK_SIZES, in_ticks, tick_sizes_of
from agents.domain.candles import Int64s, epoch
from agents.domain.errors import ConfigError
from agents.domain.market import Instrument, InstrumentKind
from agents.domain.values import IST

INTERVALS = (1, 3, 5, 15, DAILY)
_CALENDAR_START = epoch(datetime.combine(FIRST_DAY, datetime.min.time(), tzinfo=IST))
_CALENDAR_END = _CALENDAR_START + int(timedelta(days=40 * 365).total_seconds())
_WIDEN_LIMIT = 0.005
_ENOUGH_GAPS = 20


@dataclass(frozen=True, eq=False)
class CleanCandles:
    """Candles ready to be stored, sorted by instrument and time; `code` and `minutes` go by `instruments`.

    Times are seconds since 1970 UTC, `session` days since 1970, `prices` ticks (open, high, low, close),
    `open_interest` -1 where there is none.
    """

    instruments: tuple[Instrument, ...]
    minutes: Int64s
    code: Int64s
    opened: Int64s
    closed: Int64s
    session: Int64s
    prices: Int64s
    volume: Int64s
    open_interest: Int64s

    def __len__(self) -> int:
        """Return the number of candles."""
        return int(self.code.shape[0])


def clean(
    raw: RawCandles, calendar: NseCalendar, *, minutes: int | None, tick_sizes: Mapping[str, Decimal]
) -> tuple[CleanCandles, IssueLog]:
    """Return the candles of a file that may be stored, and the log of every decision.

    Parameters
    ----------
    raw : RawCandles
        The file's rows, unchecked.
    calendar : NseCalendar
        When the exchange was open.
    minutes : int, optional
        Interval of the candles, 1440 for daily ones; found from the times when left out.
    tick_sizes : mapping
        Tick size in rupees of the instruments that are stored already; others get theirs from their prices.

    Raises
    ------
    ConfigError
        If the interval is none of 1, 3, 5, 15 minutes and a day, or a name cannot be understood.
    """
    named = [instrument_from(name, TICK_SIZES[0], raw.facts.get(name)) for name in raw.names]
    intervals = interval_of_each(raw, named, minutes)
    log = IssueLog(raw.names, intervals)
    batch = _usable(raw, log)
    batch = _whole_volume(_repair_shape(batch, log), log)
    batch = _sorted(batch, log)
    days = ist_day(batch.opened)
    grid = SessionGrid.of(calendar, as_date(days.min()), as_date(days.max())) if len(batch) else SessionGrid.empty()
    batch, closed = in_hours(batch, grid, named, intervals, log)
    done = _in_ticks(batch, closed, named, intervals, tick_sizes_of(batch, raw.names, tick_sizes), log)
    note_indices(done, grid, log)
    note_gaps(done, grid, log)
    return done, log


def _in_ticks(  # noqa: PLR0917  (one column each)
    batch: Batch, closed: Int64s, named: list[Instrument], minutes: Int64s, sizes: list[Decimal], log: IssueLog
) -> CleanCandles:
    return CleanCandles(
        instruments=tuple(each.model_copy(update={"tick_size": size}) for each, size in zip(named, sizes, strict=True)),
        minutes=minutes,
        code=batch.code,
        opened=batch.opened,
        closed=closed,
        session=ist_day(batch.opened),
        prices=in_ticks(batch, sizes, log),
        volume=batch.volume.astype(np.int64),
        open_interest=np.where(np.isnan(batch.open_interest), -1, batch.open_interest).astype(np.int64),
    )


def interval_of_each(raw: RawCandles, named: list[Instrument], minutes: int | None) -> Int64s:
    """Return the interval of each instrument's candles in minutes: as told, else the commonest spacing.

    Options and instruments with few candles take the file's commonest spacing, because they do not trade every minute.

    Raises
    ------
    ConfigError
        If that is no interval we store.
    """
    order = np.lexsort((raw.opened, raw.code))
    same = np.diff(raw.code[order]) == 0
    steps = np.where(same, np.diff(raw.opened[order]), 0)
    whole = minutes if minutes is not None else _commonest(steps[steps > 0])
    if whole not in INTERVALS:
        raise ConfigError(
            f"candles of {whole} minutes cannot be stored; say --interval 1m, 3m, 5m or 15m if that is wrong"
        )
    found = np.full(len(named), whole, dtype=np.int64)
    if minutes is None:
        codes = raw.code[order][1:]
        for code, each in enumerate(named):
            own = steps[(codes == code) & (steps > 0)] if each.kind is not InstrumentKind.OPTION else steps[:0]
            if len(own) >= _ENOUGH_GAPS and (spacing := _commonest(own)) in INTERVALS:
                found[code] = spacing
    return found


def _commonest(steps: Int64s) -> int:
    """Return the commonest step in whole minutes, the smallest of equals; 0 if there is none."""
    if not len(steps):
        return 0
    values, counts = np.unique(steps, return_counts=True)
    return int(values[np.argmax(counts)]) // 60


def _usable(raw: RawCandles, log: IssueLog) -> Batch:
    """Drop what has no time, no price, or a time that the calendar does not know."""
    timed = (raw.opened > 0) & (raw.opened < _CALENDAR_END)
    # A row without a time has no place in the log either: it is filed under the first day of 1970.
    opened = np.where(timed, raw.opened, 0)
    batch = Batch(raw.code, opened, raw.prices, raw.volume, raw.open_interest)
    batch = batch.drop(~timed | _any(np.isnan(raw.prices)), "missing_value", log)
    batch = batch.drop(batch.opened < _CALENDAR_START, "before_calendar", log)
    return batch.drop(_any(batch.prices <= 0), "non_positive_price", log) if raw.priced else batch


def _any(cells: Bools) -> Bools:
    """Return which rows have at least one true cell."""
    found: Bools = np.logical_or.reduce(cells, axis=1)
    return found


def _repair_shape(batch: Batch, log: IssueLog) -> Batch:
    """Widen candles whose high or low does not hold their other prices; drop them where it is too far off."""
    top, bottom = batch.prices.max(axis=1), batch.prices.min(axis=1)
    over = np.maximum(top - batch.prices[:, 1], batch.prices[:, 2] - bottom)
    hopeless = over > _WIDEN_LIMIT * batch.prices[:, 3]
    mended = (over > 0) & ~hopeless
    part = batch[mended]
    log.note("bad_ohlc", REPAIRED, part.code, part.opened, [f"{text}: widened" for text in part.spelled()])
    prices = batch.prices.copy()
    prices[mended, 1], prices[mended, 2] = top[mended], bottom[mended]
    return replace(batch, prices=prices).drop(hopeless, "bad_ohlc", log)


def _whole_volume(batch: Batch, log: IssueLog) -> Batch:
    text = "{n} candles: volume set to 0"
    batch.note_each_instrument(np.isnan(batch.volume), "missing_volume", REPAIRED, text, log)
    batch.note_each_instrument(batch.volume < 0, "negative_volume", REPAIRED, text, log)
    return replace(batch, volume=np.rint(np.where(batch.volume > 0, batch.volume, 0.0)))


def _sorted(batch: Batch, log: IssueLog) -> Batch:
    """Return the batch by instrument and time; rows of the same time stay in the file's order."""
    by_code = batch[np.argsort(batch.code, kind="stable")]
    back = np.zeros(len(batch), dtype=np.bool_)
    back[1:] = (np.diff(by_code.code) == 0) & (np.diff(by_code.opened) < 0)
    by_code.note_each_instrument(back, "out_of_order", REPAIRED, "{n} times go back: sorted", log)
    return by_code[np.lexsort((by_code.opened, by_code.code))]
