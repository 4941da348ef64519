"""Opening a DuckDB file for a moment, cheaply, and saying plainly why it could not be done.

Starting DuckDB takes longer than most of our queries, and nobody else gets the file meanwhile. So each process keeps
one empty database in memory, and a file is attached to it and detached again: between the two lies all the time that
the file is taken. Of each file that was attached, a database keeps some ten kilobytes for as long as it lives, which
would be hundreds of megabytes at the end of a session; so it is begun anew now and then.
"""

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import duckdb
import pytz  # noqa: F401  (DuckDB imports it with the first zoned time it returns: never while the file is open)

from agents.domain.errors import ConfigError, DataError, StoreBusyError

_PAUSE = 0.02
_MOST_USES = 200


@contextmanager
def opened(path: Path, *, read_only: bool, patience: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection to `path`, which is open for this block and no longer.

    Several threads may read at once. Programs that do not stand in the store's queue (a person's DuckDB shell) are
    waited for.

    Raises
    ------
    StoreBusyError
        If another program keeps the file open for more than `patience` seconds.
    ConfigError
        If it cannot be opened at all.
    DataError
        If the disk fails meanwhile.
    """
    engine = _engine(os.getpid(), path.resolve())
    engine.attach(read_only=read_only, patience=patience)
    try:
        connection = engine.connect()
        try:
            yield connection
        except duckdb.IOException as error:
            raise DataError(f"the disk failed under {path}: {error}; is it full?") from error
        finally:
            connection.close()
    finally:
        engine.detach()


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit at the end of the block, roll back if it raises."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


class _Engine:
    """One process's DuckDB, with one file attached while anyone uses it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._root = self._start()
        self._guard = threading.Lock()
        self._users = 0
        self._uses = 0

    def attach(self, *, read_only: bool, patience: float) -> None:
        with self._guard:
            if self._users == 0:
                self._attach(read_only=read_only, patience=patience)
            self._users += 1

    def detach(self) -> None:
        with self._guard:
            self._users -= 1
            if self._users:
                return
            try:
                self._root.execute("detach store")
            except duckdb.Error as error:
                self._renew()
                raise DataError(f"the disk failed under {self._path}: {error}; is it full?") from error
            self._uses += 1
            if self._uses >= _MOST_USES:
                self._renew()

    def _renew(self) -> None:
        self._root.close()
        self._root = self._start()
        self._uses = 0

    def _start(self) -> duckdb.DuckDBPyConnection:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": "2",
            "temp_directory": f"{self._path}.tmp",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        return duckdb.connect(":memory:", config=config)

    def connect(self) -> duckdb.DuckDBPyConnection:
        connection = self._root.cursor()
        connection.execute("use store; set timezone = 'UTC'")
        return connection

    def _attach(self, *, read_only: bool, patience: float) -> None:
        quoted = str(self._path).replace("'", "''")
        mode = " (read_only)" if read_only else ""
        deadline = time.monotonic() + patience
        while True:
            try:
                self._root.execute(f"attach '{quoted}' as store{mode}")
            except duckdb.Error as error:
                if "Could not set lock" not in str(error):
                    raise ConfigError(_damaged(self._path, error)) from error
                if time.monotonic() > deadline:
                    raise StoreBusyError(_taken(self._path, error)) from error
                time.sleep(_PAUSE)
            else:
                return


@lru_cache(maxsize=4)
def _engine(process: int, path: Path) -> _Engine:  # noqa: ARG001  (a forked child must not use its parent's DuckDB)
    return _Engine(path)


def _damaged(path: Path, error: Exception) -> str:
    first = str(error).splitlines()[0]
    return f"cannot open {path}: {first}; if it is damaged, move it away and import again, or restore a copy"


def _taken(path: Path, error: Exception) -> str:
    holder = re.search(r"PID (\d+)", str(error))
    who = f"process {holder[1]}" if holder else "another program"
    return f"{who} keeps {path} open; close it there (a DuckDB shell or notebook?) and try again"
