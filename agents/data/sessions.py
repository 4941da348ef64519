"""The fifteen-minute candles of a session, and the histories that detectors run over.

Each window takes its candle from the interval that covers most of it, the finest of equals: one-minute candles where
they are complete, a native fifteen-minute candle where that is all there is. It depends on nothing outside its window.
"""

from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.data.calendar import NseCalendar
from agents.data.grid import as_date, as_day
from agents.data.instruments import load_with_instrument
from agents.data.issues import REPORTED
from agents.data.names import is_frozen_in_auction
from agents.data.store import Store
from agents.domain.candles import Candles, Int64s, epoch
from agents.domain.market import ANALYSIS_MINUTES, Instrument

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MAX_HOLE = 5  # sessions: what came before a longer hole is another market
_SECONDS = "(epoch_us({0}) // 1000000)::bigint"
_RAW = f"""
    select minutes::bigint as minutes,
        {_SECONDS.format("opened_at")} as opened, {_SECONDS.format("closed_at")} as closed,
        open, high, low, close, volume
    from candles
    where instrument = $instrument and minutes <= {ANALYSIS_MINUTES} and session between $first and $last
        and closed_at <= $until
    order by minutes, opened_at
"""  # noqa: S608  (the pieces are constants)
_SESSION = f"""
    select {_SECONDS.format("opened_at")} as opened, {_SECONDS.format("closed_at")} as closed,
        open, high, low, close, volume, (session - date '1970-01-01')::bigint as day, source
    from session_candles where instrument = $instrument and closed_at <= $until order by closed_at
"""  # noqa: S608  (as above)
_FINE = f"""
    with fine as (
        select * from candles
        where instrument = $instrument and minutes < {ANALYSIS_MINUTES} and closed_at > $after and closed_at <= $until
    )
    select minutes::bigint as minutes,
        {_SECONDS.format("opened_at")} as opened, {_SECONDS.format("closed_at")} as closed,
        open, high, low, close, volume, (session - date '1970-01-01')::bigint as day
    from fine where minutes = (select min(minutes) from fine) order by closed_at
"""  # noqa: S608  (as above)


class _Windows(NamedTuple):
    """The analysis candles that a span of sessions should have; seconds since 1970 UTC, days since 1970."""

    opens: Int64s
    closes: Int64s
    day: Int64s


def build_session_candles(
    store: Store, calendar: NseCalendar, instrument: str, session: date, until: datetime
) -> "pd.DataFrame":
    """Return the rows of `session_candles` of one session, as known at `until`; see `build_sessions`."""
    return build_sessions(store, calendar, instrument, session, session, until)


def build_sessions(  # noqa: PLR0917  (the span of a market: who, from, to, as of when)
    store: Store, calendar: NseCalendar, instrument: str, first: date, last: date, until: datetime
) -> "pd.DataFrame":
    """Return the rows of `session_candles` of the sessions from `first` to `last`, as known at `until`.

    Parameters
    ----------
    store : Store
        Holds the recorded candles.
    calendar : NseCalendar
        When the exchange was open.
    instrument : str
        What to build them of.
    first, last : date
        The span, both included.
    until : datetime
        Only candles and windows that had closed by then.

    Returns
    -------
    DataFrame
        One row for each window that has a candle, in order, without ``recorded_at``: prices in ticks, ``source`` the
        interval that it was made of ("1m", "3m", "5m", "15m").

    Raises
    ------
    MissingDataError
        If the instrument was never imported.
    """
    bounds = {"instrument": instrument, "first": first, "last": last, "until": until}
    each, found = load_with_instrument(store, instrument, _RAW, bounds)
    windows = _windows(calendar, each, first, last, until)
    raw = {name: found[name].to_numpy() for name in found.column_names}
    values, best = _fill(raw, windows)
    return _as_rows(instrument, windows, values, best)


def empty_windows(
    calendar: NseCalendar, instrument: Instrument, rows: "pd.DataFrame", session: date, until: datetime
) -> "pd.DataFrame":
    """Return one row of `data_issues` for each closed window of a session that `rows` has no candle for.

    Merge them with the scope ``instrument``, ``session`` and ``rule="empty_window"``.
    """
    import pandas as pd  # noqa: PLC0415  (a third of a second that not every process needs)

    windows = _windows(calendar, instrument, session, session, until)
    wanted = pd.to_datetime(windows.closes, unit="s", utc=True)
    absent = wanted[~wanted.isin(rows["closed_at"])] if len(rows) else wanted
    return pd.DataFrame(
        {
            "instrument": [instrument.name] * len(absent),
            "minutes": [ANALYSIS_MINUTES] * len(absent),
            "session": [session] * len(absent),
            "seen_at": absent,
            "rule": ["empty_window"] * len(absent),
            "action": [REPORTED] * len(absent),
            "detail": ["no candle of any interval lies in the window that closes here"] * len(absent),
            "source": ["session_candles"] * len(absent),
        }
    )


def load_history(store: Store, calendar: NseCalendar, instrument: str, until: datetime) -> Candles:
    """Return the session candles closed by `until`, since the last hole of more than five sessions.

    Raises
    ------
    MissingDataError
        If the instrument was never imported. (Without session candles, the history is empty.)
    """
    each, found = load_with_instrument(store, instrument, _SESSION, {"instrument": instrument, "until": until})
    candles = _as_candles(each, ANALYSIS_MINUTES, found, tuple(found["source"].to_pylist()))
    return candles[_after_last_hole(candles.session, calendar) :]


def load_minutes(store: Store, instrument: str, after: datetime, until: datetime) -> Candles:
    """Return the finest candles of less than 15 minutes that closed in (after, until].

    Raises
    ------
    MissingDataError
        If the instrument was never imported. (Without candles in that span, the answer is empty.)
    """
    bounds = {"instrument": instrument, "after": after, "until": until}
    each, found = load_with_instrument(store, instrument, _FINE, bounds)
    minutes = int(found["minutes"][0].as_py()) if found.num_rows else 1
    return _as_candles(each, minutes, found, (f"{minutes}m",) * found.num_rows)


def _windows(calendar: NseCalendar, each: Instrument, first: date, last: date, until: datetime) -> _Windows:
    """Return the windows closed by `until`; an index has none in the closing auction."""
    freezes = is_frozen_in_auction(each.name, each.kind)
    rows = [
        (epoch(opens), epoch(closes), as_day(session.on))
        for session in calendar.sessions(first, last)
        for opens, closes in session.windows(ANALYSIS_MINUTES)
        if closes <= until
        and not (freezes and session.index_frozen_from is not None and opens >= session.index_frozen_from)
    ]
    return _Windows(*np.array(rows, dtype=np.int64).reshape(-1, 3).T.copy())


def _fill(raw: dict[str, Int64s], windows: _Windows) -> tuple[Int64s, Int64s]:
    """Return each window's open, high, low, close and volume, and the interval they come from (0 for none)."""
    values = np.zeros((5, len(windows.opens)), dtype=np.int64)
    best = np.zeros(len(windows.opens), dtype=np.int64)
    if not len(windows.opens) or not len(raw["opened"]):
        return values, best
    covered = np.zeros(len(windows.opens), dtype=np.int64)
    place = np.searchsorted(windows.opens, raw["opened"], side="right") - 1
    inside = (place >= 0) & (raw["closed"] <= windows.closes[place])
    for minutes in np.unique(raw["minutes"]).tolist():  # the finest first: a coarser one must cover more to win
        rows = np.flatnonzero(inside & (raw["minutes"] == minutes))
        if not len(rows):
            continue
        window, start = np.unique(place[rows], return_index=True)
        length = np.add.reduceat((raw["closed"] - raw["opened"])[rows], start)
        better = length > covered[window]
        end = np.append(start[1:], len(rows)) - 1
        summed = np.stack(
            [
                raw["open"][rows][start],
                np.maximum.reduceat(raw["high"][rows], start),
                np.minimum.reduceat(raw["low"][rows], start),
                raw["close"][rows][end],
                np.add.reduceat(raw["volume"][rows], start),
            ]
        )
        values[:, window[better]] = summed[:, better]
        covered[window[better]] = length[better]
        best[window[better]] = minutes
    return values, best


def _as_rows(instrument: str, windows: _Windows, values: Int64s, best: Int64s) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415  (a third of a second that not every process needs)

    has = best > 0
    prices = dict(zip(("open", "high", "low", "close", "volume"), values[:, has], strict=True))
    return pd.DataFrame(
        {
            "instrument": [instrument] * int(has.sum()),
            "session": [as_date(day) for day in windows.day[has]],
            "opened_at": pd.to_datetime(windows.opens[has], unit="s", utc=True),
            "closed_at": pd.to_datetime(windows.closes[has], unit="s", utc=True),
            **prices,
            "source": [f"{minutes}m" for minutes in best[has]],
        }
    )


def _as_candles(each: Instrument, minutes: int, found: "pa.Table", source: tuple[str, ...]) -> Candles:
    column = {name: found[name].to_numpy() for name in found.column_names if name != "source"}
    return Candles(
        instrument=each.name,
        tick_size=each.tick_size,
        minutes=minutes,
        opened_at=column["opened"],
        closed_at=column["closed"],
        open=column["open"],
        high=column["high"],
        low=column["low"],
        close=column["close"],
        volume=column["volume"],
        session=column["day"],
        source=source,
    )


def _after_last_hole(days: Int64s, calendar: NseCalendar) -> int:
    """Return the first row after the last hole of more than `MAX_HOLE` sessions."""
    if not len(days):
        return 0
    known = np.array([as_day(on) for on in calendar.days(as_date(days[0]), as_date(days[-1]))], dtype=np.int64)
    skipped = np.diff(np.searchsorted(known, days)) - 1
    holes = np.flatnonzero(skipped > MAX_HOLE)
    return int(holes[-1]) + 1 if len(holes) else 0
