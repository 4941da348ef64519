"""Writing candles and quotes: the first value seen of a key is kept, and a later one that differs is reported."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from agents.data.issues import KEPT
from agents.data.store import Store
from agents.data.tables import FRAME, as_arrow, insert_arrow, registered, run
from agents.domain.errors import ConfigError
from agents.domain.market import Instrument

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SIMULATED = "simulated:"
# Open interest is no part of it: the feed names it as it was last told while the minute went on, the charts as it was
# counted afterwards. So the two differ by about a minute and neither is wrong.
_CANDLE_VALUES = ("open", "high", "low", "close", "volume")
_CANDLE_KEY = ("instrument", "minutes", "opened_at")
_QUOTE_KEY = ("underlying", "quoted_at", "expiry_on", "strike", "option_type")
_QUOTE_VALUES = ("bid", "ask", "ltp", "open_interest", "volume")


class Added(NamedTuple):
    """What became of rows: `added`, or `there` already, of which `conflicts` had other values (and were not taken)."""

    added: int
    there: int
    conflicts: int


def store_candles(
    store: Store, instruments: Sequence[Instrument], frame: "pd.DataFrame | pa.Table", *, source: str
) -> Added:
    """Store clean candles, as a live feed or a simulator has them.

    Parameters
    ----------
    store : Store
        Where to.
    instruments : sequence of Instrument
        Every instrument named in `frame`.
    frame : DataFrame or pyarrow.Table
        Columns ``instrument``, ``minutes``, ``opened_at``, ``closed_at``, ``session``, ``open``, ``high``, ``low``,
        ``close`` (ticks), ``volume`` and, if known, ``open_interest``.
    source : str
        Where they come from: ``simulated:<seed>``, or the name of a feed.

    Returns
    -------
    Added
        Candles added, there already, and in conflict with what is there.

    Raises
    ------
    ConfigError
        If this would mix simulated and recorded candles of one instrument, or an instrument changed its kind or tick.
    ValueError
        If the columns are not those above.
    """
    table = with_source(as_arrow(frame), source, optional="open_interest")
    with store.write() as connection:
        return insert_candles(connection, instruments, table, source=source, stamp=store.now())


def store_option_quotes(store: Store, frame: "pd.DataFrame | pa.Table", *, source: str) -> Added:
    """Store option quotes, one row a contract and snapshot.

    Parameters
    ----------
    store : Store
        Where to.
    frame : DataFrame or pyarrow.Table
        The columns of the table ``option_quotes`` except ``source``: prices in ticks of 0.05 rupees and null where
        unknown, open interest and volume in contracts, ``iv`` in percent as the source has it.
    source : str
        Where they come from: ``simulated:<seed>``, or the name of a feed.

    Returns
    -------
    Added
        Quotes added, there already, and in conflict with what is there.
    """
    table = with_source(as_arrow(frame), source)
    with store.write() as connection:
        return insert_quotes(connection, table, source=source, stamp=store.now())


def insert_candles(
    connection: duckdb.DuckDBPyConnection,
    instruments: Sequence[Instrument],
    table: "pa.Table",
    *,
    source: str,
    stamp: datetime,
) -> Added:
    """Add candles inside the caller's transaction; see `store_candles`."""
    known = _insert_instruments(connection, instruments)
    if known:
        _refuse_mixture(connection, known, source)
    return _insert_new(connection, "candles", table, (_CANDLE_KEY, _CANDLE_VALUES), source=source, stamp=stamp)


def insert_quotes(connection: duckdb.DuckDBPyConnection, table: "pa.Table", *, source: str, stamp: datetime) -> Added:
    """Add option quotes inside the caller's transaction; see `store_option_quotes`."""
    return _insert_new(connection, "option_quotes", table, (_QUOTE_KEY, _QUOTE_VALUES), source=source, stamp=stamp)


def with_source(table: "pa.Table", source: str, *, optional: str = "") -> "pa.Table":
    """Return `table` with the column ``source``, and an empty column `optional` if it lacks that one."""
    import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

    if optional and optional not in table.column_names:
        table = table.append_column(optional, pa.nulls(table.num_rows, pa.int64()))
    return table.append_column("source", pa.repeat(pa.scalar(source, pa.string()), table.num_rows))


def _insert_new(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: "pa.Table",
    columns: tuple[tuple[str, ...], tuple[str, ...]],
    *,
    source: str,
    stamp: datetime,
) -> Added:
    key, values = columns
    added = insert_arrow(connection, name, table, stamp=stamp, key=key)
    there = table.num_rows - added
    if not there:
        return Added(added, 0, 0)
    # Rows that were added just now differ from nothing, so only those that were there before can be in conflict.
    with registered(connection, table):
        conflicts = run(connection, _conflict_sql(name, key, values), [KEPT, source, stamp])
    return Added(added, there, conflicts)


def _conflict_sql(name: str, key: Sequence[str], values: Sequence[str]) -> str:
    """Return SQL that files one issue for each incoming row that says something else than the stored one."""
    is_candle = name == "candles"
    who = "f.instrument, f.minutes, f.session, f.opened_at" if is_candle else "f.underlying, 0, null, f.quoted_at"
    stored = ", ".join(f"s.{column}" for column in values)
    fresh = ", ".join(f"f.{column}" for column in values)
    detail = f"'stored ' || row({stored})::varchar || ', not taken ' || row({fresh})::varchar"
    same_key = " and ".join(f"s.{column} = f.{column}" for column in key)
    differs = " or ".join(f"s.{column} is distinct from f.{column}" for column in values)
    return (
        f"insert into data_issues select {who}, 'conflict', ?, {detail}, ?, ? "  # noqa: S608  (names come from code)
        f"from {FRAME} f join {name} s on {same_key} where {differs}"
    )


def _insert_instruments(connection: duckdb.DuckDBPyConnection, instruments: Sequence[Instrument]) -> list[str]:
    """Store what is new and return the names of what is not."""
    stored = connection.execute("select instrument, kind, tick_size from instruments").fetchall()
    known = {name: (kind, tick) for name, kind, tick in stored}
    fresh = []
    for each in instruments:
        if each.name not in known:
            fresh.append(each)
        elif known[each.name] != (each.kind.value, each.tick_size):
            kind, tick = known[each.name]
            raise ConfigError(
                f"{each.name} is stored as {kind} with tick {tick.normalize()} and comes as {each.kind.value} "
                f"with tick {each.tick_size}; import it into another --data-dir"
            )
    if fresh:
        connection.executemany("insert into instruments values (?, ?, ?, ?, ?, ?, ?)", [_row(each) for each in fresh])
    return [each.name for each in instruments if each.name in known]


def _row(each: Instrument) -> tuple[object, ...]:
    right = each.option_type.value if each.option_type else None
    return each.name, each.kind.value, each.tick_size, each.underlying, each.expiry_on, each.strike, right


def _refuse_mixture(connection: duckdb.DuckDBPyConnection, names: Sequence[str], source: str) -> None:
    simulated = source.startswith(SIMULATED)
    found = connection.execute(
        "select instrument, source from candles "
        "where instrument in (select unnest(?::varchar[])) and starts_with(source, ?) <> ? limit 1",
        [list(names), SIMULATED, simulated],
    ).fetchone()
    if found:
        here, there = ("simulated", "recorded") if simulated else ("recorded", "simulated")
        raise ConfigError(
            f"{found[0]} has {there} candles ({found[1]}) and would get {here} ones ({source}); "
            "keep them apart with another --data-dir"
        )
