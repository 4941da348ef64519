"""Frames into tables and tables into frames: what `Store` does with rows once it has a connection."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import duckdb

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

STAMPS = frozenset({"recorded_at", "ingested_at"})
_KNOWN = ("known_at", "closed_at", "quoted_at", "decided_at", "seen_at")
FRAME = "incoming_frame"


class MergeCounts(NamedTuple):
    """What a merge did: rows written, rows taken out, rows that were right already."""

    inserted: int
    removed: int
    unchanged: int


def as_arrow(frame: "pd.DataFrame | pa.Table") -> "pa.Table":
    """Return `frame` as an Arrow table.

    Raises
    ------
    ValueError
        If it has times without a zone: nobody can know which moment they mean.
    """
    import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)
    import pyarrow.dataset  # noqa: PLC0415  (DuckDB imports it to read Arrow: not while the file is open)

    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
    for field in table.schema:
        if pa.types.is_timestamp(field.type) and field.type.tz is None:
            raise ValueError(f"column {field.name} has times without a zone; localise them to UTC or IST first")
    return table


def as_frame(table: "pa.Table") -> "pd.DataFrame":
    """Return an Arrow table as a frame whose times are ``datetime64[us, UTC]``."""
    frame: pd.DataFrame = table.to_pandas()
    for field in table.schema:
        if getattr(field.type, "tz", None):
            frame[field.name] = frame[field.name].dt.tz_convert("UTC")
    return frame


def insert_arrow(
    connection: duckdb.DuckDBPyConnection, table: str, rows: "pa.Table", *, stamp: datetime, key: Sequence[str] = ()
) -> int:
    """Add `rows` to `table` inside the caller's transaction and return how many.

    Columns are matched by name; a stamp column that `rows` has not gets `stamp`. With a `key`, rows whose key is there
    already are left out; keys must not repeat inside `rows`.

    Raises
    ------
    ValueError
        If the columns are not those of the table.
    """
    if rows.num_rows == 0:
        return 0
    columns = _columns(connection, table)
    given = set(rows.column_names)
    if wrong := (given - set(columns)) | (set(columns) - given - STAMPS):
        raise ValueError(f"columns {sorted(wrong)} of {table} are missing or unknown; it has {columns}")
    stamped = [name for name in columns if name not in given]
    values = ", ".join("?" if name in stamped else f'f."{name}"' for name in columns)
    same_key = " and ".join(f't."{name}" = f."{name}"' for name in key)
    fresh = f" where not exists (select 1 from {table} t where {same_key})" if key else ""  # noqa: S608  (names come from the schema)
    with registered(connection, rows):
        sql = f"insert into {table} select {values} from {FRAME} f{fresh}"  # noqa: S608  (as above)
        return run(connection, sql, [stamp] * len(stamped))


def merge_arrow(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: "pa.Table",
    *,
    scope: Mapping[str, object],
    until: datetime | None,
    stamp: datetime,
) -> MergeCounts:
    """Make the rows of `table` inside `scope` equal to `rows`, inside the caller's transaction.

    Rows that are there already, equal in every column but the stamps, are left untouched and keep their stamp.

    Parameters
    ----------
    connection : DuckDBPyConnection
        A connection that may write.
    table : str
        Name of the table.
    rows : pyarrow.Table
        Every row that the scope shall hold, without stamps; may be empty. Equal rows count once.
    scope : mapping
        Column to value: which rows are meant, such as ``{"instrument": "NIFTY", "session": date(2024, 6, 5)}``. A list
        means any of its values, so that many sessions are merged at once.
    until : datetime, optional
        Only rows known by then: by ``known_at``, or ``closed_at`` where the table has no such column.
    stamp : datetime
        What new rows get in ``recorded_at`` or ``ingested_at``.

    Returns
    -------
    MergeCounts
        Rows inserted, removed and left unchanged.

    Raises
    ------
    ValueError
        If a row lies outside the scope, or the columns are not those of the table.
    """
    columns = _columns(connection, table)
    inside, bounds = _scope_sql(table, columns, scope, until)
    connection.execute(f"create or replace temp table incoming as select * from {table} limit 0")  # noqa: S608  (names come from the schema)
    insert_arrow(connection, "incoming", rows, stamp=stamp)
    _refuse_outside(connection, table, inside, bounds)
    facts = [f'"{name}"' for name in columns if name not in STAMPS]
    counts = _make_equal(connection, table, facts, inside, bounds)
    connection.execute("drop table incoming")
    return counts


def _make_equal(
    connection: duckdb.DuckDBPyConnection, table: str, facts: Sequence[str], inside: str, bounds: Sequence[object]
) -> MergeCounts:
    """Take the rows inside the scope that `incoming` lacks out of `table`, and add those that it has more."""
    same = " and ".join(f"t.{name} is not distinct from i.{name}" for name in facts)
    gone = f"delete from {table} t where {inside} and not exists (select 1 from incoming i where {same})"  # noqa: S608  (names come from the schema)
    removed = run(connection, gone, bounds)
    fresh = (
        f"insert into {table} select distinct on ({', '.join(facts)}) i.* from incoming i "  # noqa: S608  (as above)
        f"where not exists (select 1 from {table} t where {inside} and {same})"
    )
    inserted = run(connection, fresh, bounds)
    total = run(connection, f"select count(*) from {table} t where {inside}", bounds)  # noqa: S608  (as above)
    return MergeCounts(inserted, removed, total - inserted)


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """Return the column names of `table`, in order."""
    described = connection.execute(f'select * from "{table}" limit 0').description  # noqa: S608  (names come from code)
    return [str(column[0]) for column in described or ()]


def _scope_sql(
    table: str, columns: Sequence[str], scope: Mapping[str, object], until: datetime | None
) -> tuple[str, list[object]]:
    """Return the condition that rows (named t) lie inside the scope, and its parameters."""
    terms: list[str] = []
    bounds: list[object] = []
    if unknown := set(scope) - set(columns):
        raise ValueError(f"{table} has no column {sorted(unknown)} to scope by; it has {list(columns)}")
    for name, value in scope.items():
        values = list(value) if isinstance(value, tuple | list) else [value]
        terms.append(f't."{name}" in ({", ".join("?" * len(values))})')
        bounds += values
    if until is not None:
        known = next((name for name in _KNOWN if name in columns), None)
        if known is None:
            raise ValueError(f"{table} has none of {_KNOWN}: it cannot be merged up to a moment")
        terms.append(f't."{known}" <= ?')
        bounds.append(until)
    return " and ".join(terms) or "true", bounds


def _refuse_outside(connection: duckdb.DuckDBPyConnection, table: str, inside: str, bounds: Sequence[object]) -> None:
    query = f"select t.* from incoming t where not coalesce({inside}, false) limit 1"  # noqa: S608  (names come from the schema)
    if found := connection.execute(query, bounds).fetchone():
        raise ValueError(f"a row for {table} lies outside the scope of its merge: {found}")


def run(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object]) -> int:
    """Run `sql` and return the one number that it answers with: rows written, or a count."""
    found = connection.execute(sql, parameters).fetchone()
    return int(found[0]) if found else 0


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, rows: "pa.Table") -> Iterator[None]:
    """Let SQL read `rows` under the name `FRAME`."""
    connection.register(FRAME, rows)
    try:
        yield
    finally:
        connection.unregister(FRAME)
