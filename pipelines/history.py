"""Candles: built from what was recorded, and read back as the history that an analysis runs over."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from agents.data.instruments import load_instruments
from agents.data.sessions import build_sessions, empty_windows, load_history
from agents.domain.candles import Candles, epoch, moment
from agents.domain.errors import MissingDataError
from agents.technical import ProfileCandles, profile_candles
from pipelines.pictures import candles_picture
from pipelines.queries import latest_raw_close, unbuilt_sessions
from pipelines.refill import fill_session
from pipelines.resources import Workbench
from pipelines.task import Task
from pipelines.timing import analysis_closes
from pipelines.written import Written

if TYPE_CHECKING:
    from agents.domain.market import Instrument

_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class History:
    """An instrument's analysis candles with the candles of its profile; `first` is the task's first new candle."""

    instrument: str
    candles: Candles
    profile: ProfileCandles
    first: int

    def until(self, now: datetime) -> "History":
        """Return what of this had closed by `now`."""
        count = int(np.searchsorted(self.candles.closed_at, epoch(now), side="right"))
        return History(self.instrument, self.candles[:count], self.profile[:count], min(self.first, count))


def history_of(bench: Workbench, instrument: str, task: Task) -> History:
    """Return the whole history of `instrument` up to the task's moment.

    Raises
    ------
    MissingDataError
        If no analysis candle is stored up to then.
    """
    candles = load_history(bench.store, bench.calendar, instrument, task.until)
    if not len(candles):
        raise MissingDataError(
            f"{instrument} has no candles up to {task.until.isoformat()}; materialise `candles` first, "
            "or import data with `zonedesk import FILE`"
        )
    known = {each.name for each in load_instruments(bench.store)}
    future, basket = (
        _companion(bench, names[instrument], candles, task.until) if names.get(instrument) in known else None
        for names in (bench.settings.futures, bench.settings.baskets)
    )
    first = int(np.searchsorted(candles.closed_at, epoch(task.since), side="right"))
    return History(instrument, candles, profile_candles(candles, future, basket), first)


def write_candles(bench: Workbench, task: Task) -> Written:
    """Build the analysis candles of the task's sessions, and those of earlier sessions that were never built."""
    if task.is_live:
        _wait_for_last_minute(bench, task)
    written = Written("session_candles")
    if filled := fill_session(bench, task):
        minutes = {"minutes_filled": sum(each.filled for each in filled)}
        minutes["minutes_missing"] = sum(each.missing for each in filled)
        written.fact(task.sessions[-1].on, **minutes)
    instruments = {each.name: each for each in load_instruments(bench.store)}
    for name in task.instruments:
        if name not in instruments:
            raise MissingDataError(f"{name} is not in the store; import its candles with `zonedesk import FILE`")
        for member in _family(bench, name):
            if member in instruments:
                _build_earlier(bench, task, instruments[member])
                rows = _build(bench, instruments[member], task.days, task.until)
                written.merge(bench, task, {"session_candles": rows}, task.scope(member), shown=member == name)
        _draw(bench, task, written, name)
    return written


def _family(bench: Workbench, instrument: str) -> Iterator[str]:
    """Yield an instrument with those whose volume makes its profile."""
    yield instrument
    for names in (bench.settings.futures, bench.settings.baskets):
        if instrument in names:
            yield names[instrument]


def _build(bench: Workbench, instrument: "Instrument", days: list[date], until: datetime) -> pd.DataFrame:
    """Return the candles of some sessions, and record which of their windows stay empty."""
    store, calendar = bench.store, bench.calendar
    rows = build_sessions(store, calendar, instrument.name, days[0], days[-1], until)
    rows = rows[rows["session"].isin(days)]
    empty = [empty_windows(calendar, instrument, rows[rows["session"] == on], on, until) for on in days]
    scope = {"instrument": instrument.name, "session": days, "rule": "empty_window"}
    store.merge("data_issues", pd.concat(empty, ignore_index=True), scope=scope)
    return rows


def _build_earlier(bench: Workbench, task: Task, instrument: "Instrument") -> None:
    """Build the sessions before the task's that have recorded candles and no analysis candles yet."""
    days = unbuilt_sessions(bench.store, instrument.name, task.days[0])
    if days:
        rows = _build(bench, instrument, days, task.since)
        bench.store.merge("session_candles", rows, scope={"instrument": instrument.name, "session": days})


def _companion(bench: Workbench, name: str, candles: Candles, until: datetime) -> Candles | None:
    """Return the candles of a future or basket as far back as `candles` go, holes or not.

    A history ends at a hole, because what came before is another market. A companion's hole must not cut it: whether
    a candle has a future beside it would then depend on what came later.
    """
    parts: list[Candles] = []
    while True:
        part = load_history(bench.store, bench.calendar, name, until)
        if not len(part):
            break
        parts.insert(0, part)
        until = moment(int(part.opened_at[0]))
        if epoch(until) <= candles.opened_at[0]:
            break
    return _joined(parts) if parts else None


def _joined(parts: list[Candles]) -> Candles:
    """Return runs of candles of one instrument as one."""
    names = ("opened_at", "closed_at", "open", "high", "low", "close", "volume", "session")
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    source = tuple(each for part in parts for each in part.source)
    return Candles(parts[0].instrument, parts[0].tick_size, parts[0].minutes, **columns, source=source)


def _wait_for_last_minute(bench: Workbench, task: Task) -> None:
    """Give the feed some seconds to bring the minute that closes the candle which is due."""
    due = [closes for closes in analysis_closes(task.sessions[-1]) if closes <= task.until]
    waited = 0.0
    while due and waited < task.settle_seconds:
        newest = [latest_raw_close(bench.store, name) for name in task.instruments]
        if all(closed_at is not None and closed_at >= due[-1] for closed_at in newest):
            return
        bench.pause(_PAUSE_SECONDS)
        waited += _PAUSE_SECONDS


def _draw(bench: Workbench, task: Task, written: Written, instrument: str) -> None:
    candles = load_history(bench.store, bench.calendar, instrument, task.until)
    for session in task.sessions:
        known = candles.until(task.known(session)).after(session.open_at)
        if len(known):
            svg = candles_picture(candles, session, task.known(session))
            written.picture(session.on, task.name("chart", instrument), svg)
            written.fact(session.on, candles=len(known), close=float(int(known.close[-1]) * candles.tick_size))
