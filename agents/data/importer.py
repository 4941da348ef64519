"""Files of market data into the store: all of a file or nothing, and twice the same as once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agents.data.calendar import NseCalendar
from agents.data.candles import CleanCandles, clean
from agents.data.grid import as_date, ist_day
from agents.data.issues import DROPPED, REPAIRED, IssueLog
from agents.data.quotes import is_chain, quotes_from_chain
from agents.data.reading import RawCandles, fingerprint, raw_candles, read_file
from agents.data.store import Store
from agents.data.tables import insert_arrow
from agents.data.writing import Added, insert_candles, insert_quotes, with_source
from agents.domain.candles import Int64s
from agents.domain.errors import ConfigError
from agents.domain.market import Instrument
from agents.domain.values import Frozen

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Progress = Callable[[str, float], None]


class ImportReport(Frozen):
    """What one import did.

    `rows_added`, `rows_there` (in the store already) and `rows_dropped` add up to what the file gave: one candle for
    each row, two quotes for each row of option chain snapshots. `repairs` counts the issues that changed something,
    `issues` all of them by rule. `already_imported` says that the very same file came before and was not read again.
    """

    file: str
    content_hash: str
    already_imported: bool
    kind: str
    instruments: tuple[str, ...]
    minutes: tuple[int, ...]
    rows_read: int
    rows_added: int
    rows_there: int
    rows_dropped: int
    conflicts: int
    repairs: int
    issues: dict[str, int]
    first: date | None
    last: date | None
    seconds: float


def import_file(
    store: Store,
    path: Path,
    calendar: NseCalendar,
    *,
    instrument: str | None = None,
    minutes: int | None = None,
    source: str | None = None,
    on_progress: Progress | None = None,
) -> ImportReport:
    """Clean the candles (or option chain snapshots) of one file and store them in one transaction.

    Parameters
    ----------
    store : Store
        Where to.
    path : Path
        A Parquet or CSV file. Columns are found by their usual names; times without a zone are IST.
    calendar : NseCalendar
        When the exchange was open.
    instrument : str, optional
        What the candles are of, for a file without such a column.
    minutes : int, optional
        Interval of the candles; found from their times when left out.
    source : str, optional
        What the rows' ``source`` says; the file's name and hash when left out.
    on_progress : callable, optional
        Called with a stage ("read", "clean", "store", "done") and the share of the work behind it.

    Returns
    -------
    ImportReport
        What was found, repaired, dropped and stored.

    Raises
    ------
    ConfigError
        If the file cannot be read as market data, names no instrument, or would mix simulated and recorded candles.
    """
    tell = on_progress or (lambda _stage, _share: None)
    started = time.perf_counter()
    tell("read", 0.0)
    if not path.is_file():
        raise ConfigError(f"{path} is not a file; check the spelling")
    digest = fingerprint(path, instrument, minutes)
    if earlier := _earlier_import(store, path, digest):
        return earlier
    frame = read_file(path)
    tell("clean", 0.3)
    if is_chain(frame):
        parcel = _quotes_parcel(frame, path, calendar)
    else:
        parcel = _candles_parcel(raw_candles(frame, path, instrument), calendar, minutes, _tick_sizes(store))
    tell("store", 0.6)
    added = _deliver(store, parcel, source or f"{path.name}#{digest[:8]}", digest, rows=len(frame))
    tell("done", 1.0)
    return _report(path, digest, parcel, rows=len(frame), added=added, seconds=time.perf_counter() - started)


@dataclass(frozen=True, eq=False)
class _Parcel:
    """What a file gave, ready to be stored."""

    kind: str
    names: tuple[str, ...]
    instruments: tuple[Instrument, ...]
    minutes: tuple[int, ...]
    table: "pa.Table"
    log: IssueLog
    days: Int64s


def _candles_parcel(
    raw: RawCandles, calendar: NseCalendar, minutes: int | None, tick_sizes: dict[str, Decimal]
) -> _Parcel:
    done, log = clean(raw, calendar, minutes=minutes, tick_sizes=tick_sizes)
    intervals = tuple(sorted({int(each) for each in done.minutes}))
    return _Parcel("candles", raw.names, done.instruments, intervals, candle_rows(done), log, done.session)


def _quotes_parcel(frame: "pd.DataFrame", path: Path, calendar: NseCalendar) -> _Parcel:
    table, log = quotes_from_chain(frame, path, calendar)
    names = tuple(table["underlying"].unique().to_pylist())
    moments = table["quoted_at"].cast("int64").to_numpy() // 1_000_000
    return _Parcel("quotes", names, (), (), table, log, ist_day(moments))


def candle_rows(done: CleanCandles) -> "pa.Table":
    """Return clean candles as rows of `candles`, without source and stamp."""
    import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

    names = pa.array([each.name for each in done.instruments], pa.string())
    utc = pa.timestamp("us", tz="UTC")
    price = {name: pa.array(done.prices[:, column]) for column, name in enumerate(("open", "high", "low", "close"))}
    return pa.table(
        {
            "instrument": names.take(pa.array(done.code)),
            "minutes": pa.array(done.minutes[done.code].astype(np.int32)),
            "opened_at": pa.array(done.opened * 1_000_000, utc),
            "closed_at": pa.array(done.closed * 1_000_000, utc),
            "session": pa.array(done.session.astype(np.int32)).cast(pa.date32()),
            **price,
            "volume": pa.array(done.volume),
            "open_interest": pa.array(done.open_interest, mask=done.open_interest < 0),
        }
    )


def _deliver(store: Store, parcel: _Parcel, name: str, digest: str, *, rows: int) -> Added:
    """Store a parcel, its issues and the note of its import in one transaction."""
    table, issues = with_source(parcel.table, name), parcel.log.arrow(name)
    with store.write() as connection:
        stamp = store.now()
        if parcel.kind == "quotes":
            added = insert_quotes(connection, table, source=name, stamp=stamp)
        else:
            added = insert_candles(connection, parcel.instruments, table, source=name, stamp=stamp)
        insert_arrow(connection, "data_issues", issues, stamp=stamp)
        connection.execute(_NOTE_IMPORT, [digest, name, rows, added.added, len(parcel.log), stamp])
    return added


def _tick_sizes(store: Store) -> dict[str, Decimal]:
    return dict(store.rows("select instrument, tick_size from instruments")) if store.exists else {}


def _report(path: Path, digest: str, parcel: _Parcel, *, rows: int, added: Added, seconds: float) -> ImportReport:
    actions = parcel.log.actions()
    return ImportReport(
        file=path.name,
        content_hash=digest,
        already_imported=False,
        kind=parcel.kind,
        instruments=tuple(sorted(parcel.names)),
        minutes=parcel.minutes,
        rows_read=rows,
        rows_added=added.added,
        rows_there=added.there,
        rows_dropped=actions.get(DROPPED, 0),
        conflicts=added.conflicts,
        repairs=actions.get(REPAIRED, 0),
        issues=parcel.log.counts(),
        first=as_date(parcel.days.min()) if len(parcel.days) else None,
        last=as_date(parcel.days.max()) if len(parcel.days) else None,
        seconds=round(seconds, 3),
    )


def _earlier_import(store: Store, path: Path, digest: str) -> ImportReport | None:
    """Return the report of the same file's import, as far as the store remembers it."""
    if not store.exists:
        return None
    found = store.rows("select name, rows_read, rows_added from imports where content_hash = ?", [digest])
    if not found:
        return None
    name, rows, added = found[0]
    counted = store.rows("select rule, action, count(*) from data_issues where source = ? group by all", [name])
    issues: dict[str, int] = {}
    for rule, _, count in sorted(counted):
        issues[rule] = issues.get(rule, 0) + count
    spans = store.rows(_SPAN, [name, name])
    days = [day for _, _, first, last in spans for day in (first, last)]
    return ImportReport(
        file=path.name,
        content_hash=digest,
        already_imported=True,
        kind="candles" if any(minutes for _, minutes, _, _ in spans) else "quotes",
        instruments=tuple(sorted({instrument for instrument, _, _, _ in spans})),
        minutes=tuple(sorted({minutes for _, minutes, _, _ in spans if minutes})),
        rows_read=rows,
        rows_added=0,
        rows_there=added,
        rows_dropped=sum(count for _, action, count in counted if action == DROPPED),
        conflicts=issues.get("conflict", 0),
        repairs=sum(count for _, action, count in counted if action == REPAIRED),
        issues=issues,
        first=min(days, default=None),
        last=max(days, default=None),
        seconds=0.0,
    )


_NOTE_IMPORT = "insert into imports values (?, ?, ?, ?, ?, ?)"
_SPAN = """
    select instrument, minutes, min(session), max(session) from candles where source = ? group by all
    union all
    select underlying, 0, min((quoted_at at time zone 'Asia/Kolkata')::date),
        max((quoted_at at time zone 'Asia/Kolkata')::date)
    from option_quotes where source = ? group by all
"""
