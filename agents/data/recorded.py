"""Histories made straight from what was recorded, for those who cannot wait until sessions are materialised."""

from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd

from agents.data.calendar import NseCalendar
from agents.data.grid import as_date, as_day
from agents.data.instruments import load_instrument
from agents.data.sessions import MAX_HOLE, build_sessions
from agents.data.store import Store
from agents.domain.candles import Candles, Int64s
from agents.domain.errors import MissingDataError
from agents.domain.market import ANALYSIS_MINUTES, Instrument

_FIRST = "select min(session) from candles where instrument = ? and closed_at <= ? and minutes <= 15"


def recorded_history(
    store: Store, calendar: NseCalendar, instrument: str, until: datetime, *, through_holes: bool = False
) -> Candles:
    """Return the analysis candles of an instrument closed by `until`, built from its recorded candles.

    They are those that materialising the sessions would store.

    Parameters
    ----------
    store : Store
        Holds the recorded candles.
    calendar : NseCalendar
        When the exchange was open.
    instrument : str
        An index, future or basket.
    until : datetime
        Aware.
    through_holes : bool
        Whether candles before a hole of more than five sessions are kept: they are for whoever lends its volume, and
        are not for whoever is analysed.

    Raises
    ------
    MissingDataError
        If the instrument was never imported, or nothing of it had closed by `until`.
    """
    each = load_instrument(store, instrument)
    ((first,),) = store.rows(_FIRST, [instrument, until])
    if first is None:
        raise MissingDataError(f"{instrument} has no candles up to {until.isoformat()}; import them first")
    rows = build_sessions(store, calendar, instrument, first, until.date(), until)
    candles = _as_candles(each, rows)
    return candles if through_holes else candles[_first_after_hole(candles.session, calendar) :]


def companion_history(store: Store, calendar: NseCalendar, name: str | None, until: datetime) -> Candles | None:
    """Return the candles of a future or basket that lends its volume; None where there is none."""
    if name is None:
        return None
    try:
        return recorded_history(store, calendar, name, until, through_holes=True)
    except MissingDataError:
        return None


def _as_candles(each: Instrument, rows: pd.DataFrame) -> Candles:
    def seconds(column: str) -> Int64s:
        return rows[column].astype("datetime64[s, UTC]").to_numpy(dtype="datetime64[s]").astype(np.int64)

    prices = {name: rows[name].to_numpy(dtype=np.int64) for name in ("open", "high", "low", "close", "volume")}
    return Candles(
        instrument=each.name,
        tick_size=each.tick_size,
        minutes=ANALYSIS_MINUTES,
        opened_at=seconds("opened_at"),
        closed_at=seconds("closed_at"),
        **prices,
        session=np.array([as_day(on) for on in rows["session"]], dtype=np.int64),
        source=tuple(rows["source"]),
    )


def _first_after_hole(days: Int64s, calendar: NseCalendar) -> int:
    """Return the first row after the last hole of more than `MAX_HOLE` sessions."""
    traded = np.unique(days)
    if not len(traded):
        return 0
    known = [as_day(on) for on in calendar.days(as_date(traded[0]), as_date(traded[-1]))]
    place = np.searchsorted(np.array(known, dtype=np.int64), traded)
    after = [later for (earlier, later) in pairwise(range(len(traded))) if place[later] - place[earlier] > MAX_HOLE + 1]
    return int(np.searchsorted(days, traded[after[-1]])) if after else 0
