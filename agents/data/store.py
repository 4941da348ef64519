"""The DuckDB store: one file a mode, opened for one piece of SQL at a time.

DuckDB lets one process write or many read. So every open stands behind `agents.data.lock`, and between open and close
there is nothing but SQL: frames become Arrow tables before, and results become frames after.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from agents.data.duck import opened, transaction
from agents.data.lock import FairLock
from agents.data.schema import SchemaGuard
from agents.data.tables import MergeCounts, as_arrow, as_frame, insert_arrow, merge_arrow
from agents.domain.errors import ConfigError, MissingDataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Parameters = Sequence[object] | dict[str, object]
Row = tuple[Any, ...]  # Any: whatever the SQL selects

__all__ = ["MergeCounts", "Parameters", "Row", "Store"]


class Store:
    """Market data and analysis of one mode.

    Parameters
    ----------
    path : Path
        The DuckDB file. Its queue of readers and writers lies beside it, in ``<path>.queue``.
    mode : str
        "replay", "paper" or "live"; written into a new file, and checked in an old one.
    now : callable
        Returns the aware moment that `append` and `merge` stamp into ``recorded_at`` and ``ingested_at``.
    create : bool
        Whether a first write may make the file.
    patience : float
        Seconds that anyone waits for the file before `StoreBusyError`.
    """

    def __init__(
        self, path: Path, mode: str, *, now: Callable[[], datetime], create: bool = True, patience: float = 30.0
    ) -> None:
        self.path = path
        self.mode = mode
        self.now = now
        self._create = create
        self._patience = patience
        self._lock = FairLock(path.with_name(path.name + ".queue"), patience=patience)
        self._guard = SchemaGuard(path, mode)

    @property
    def exists(self) -> bool:
        """Whether there is a file to read."""
        return self.path.is_file() and self.path.stat().st_size > 0

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a read-only connection for one piece of SQL. Fetch inside, convert outside.

        Raises
        ------
        MissingDataError
            If there is no file.
        StoreBusyError
            If the file stays taken.
        ConfigError
            If it is damaged, newer than this program, of another mode (`WrongModeError`), or not ours.
        """
        if not self.exists:
            raise MissingDataError(self._absent())
        if self._guard.is_unknown():
            with self._lock.read(), self._open(read_only=True) as connection:
                current = self._guard.is_current(connection)
            if not current:
                with self.write():
                    pass  # a first opening for writing lifts the file to this version
        with self._lock.read(), self._open(read_only=True) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection inside one transaction: committed at the end of the block, undone if it raises.

        Raises
        ------
        MissingDataError
            If there is no file and the store was opened with ``create=False``.
        StoreBusyError, ConfigError
            As `read`.
        """
        if not self._create and not self.exists:
            raise MissingDataError(self._absent())
        self._make_folder()
        with self._lock.write():
            unknown = self._guard.is_unknown()
            with self._open(read_only=False) as connection, transaction(connection):
                if unknown:
                    self._guard.lift(connection)
                yield connection

    def rows(self, sql: str, params: Parameters = ()) -> list[Row]:
        """Return what `sql` selects as tuples; times are aware, in UTC."""
        with self.read() as connection:
            cursor = connection.execute(sql, params)
            types = [str(column[1]) for column in cursor.description or ()]
            found: list[Row] = cursor.fetchall()
        zoned = [index for index, kind in enumerate(types) if kind == "TIMESTAMP WITH TIME ZONE"]
        return [_in_utc(row, zoned) for row in found] if zoned else found

    def frame(self, sql: str, params: Parameters = ()) -> "pd.DataFrame":
        """Return what `sql` selects as a frame.

        Times are ``datetime64[us, UTC]``, dates and decimals are objects, whole numbers with gaps become floats.
        """
        return as_frame(self.arrow(sql, params))

    def arrow(self, sql: str, params: Parameters = ()) -> "pa.Table":
        """Return what `sql` selects as an Arrow table: the fastest way out for large results."""
        import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

        with self.read() as connection:
            found: pa.Table = connection.execute(sql, params).to_arrow_table()
        return found

    def append(self, table: str, frame: "pd.DataFrame | pa.Table") -> int:
        """Add the rows of `frame` to `table` and return how many.

        `frame` has the columns of the table, in any order; only ``recorded_at`` and ``ingested_at`` may be left out.

        Raises
        ------
        ValueError
            If a column is missing, unknown, or has times without a zone.
        """
        rows = as_arrow(frame)
        with self.write() as connection:
            return insert_arrow(connection, table, rows, stamp=self.now())

    def merge(
        self,
        table: str,
        frame: "pd.DataFrame | pa.Table",
        *,
        scope: Mapping[str, object],
        until: datetime | None = None,
    ) -> MergeCounts:
        """Make the rows of `table` inside a scope equal to `frame`; see `agents.data.tables.merge_arrow`."""
        rows = as_arrow(frame)
        with self.write() as connection:
            return merge_arrow(connection, table, rows, scope=scope, until=until, stamp=self.now())

    def _open(self, *, read_only: bool) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return opened(self.path, read_only=read_only, patience=self._patience)

    def _absent(self) -> str:
        return (
            f"there is no {self.mode} store at {self.path}; "
            "fill one with `zonedesk import FILE` or `zonedesk simulate`, or name its folder with --data-dir"
        )

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make {self.path.parent}: {error.strerror}; name another --data-dir") from error


def _in_utc(row: Row, zoned: Sequence[int]) -> Row:
    """Return `row` with the times at the positions `zoned` in the standard library's UTC."""
    cells = list(row)
    for index in zoned:
        if cells[index] is not None:
            cells[index] = cells[index].astimezone(UTC)
    return tuple(cells)
