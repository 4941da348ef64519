"""Opening a DuckDB file and saying plainly why it could not be done."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytz  # noqa: F401  (DuckDB imports it with the first zoned time it returns: never while the file is open)

from agents.domain.errors import ConfigError, DataError, StoreBusyError

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": "2",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_PAUSE = 0.02


def open_file(path: Path, *, read_only: bool, patience: float) -> duckdb.DuckDBPyConnection:
    """Open `path`, waiting for programs that do not stand in the store's queue (a person's DuckDB shell).

    Raises
    ------
    StoreBusyError
        If another program keeps it open for more than `patience` seconds.
    ConfigError
        If it cannot be opened at all.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only, config=_CONFIG)
        except duckdb.ConnectionException as error:
            raise ConfigError(f"{path} is open in this process outside the store; close it first") from error
        except duckdb.Error as error:
            if "Could not set lock" not in str(error):
                raise ConfigError(_damaged(path, error)) from error
            if time.monotonic() > deadline:
                raise StoreBusyError(_taken(path, error)) from error
            time.sleep(_PAUSE)
        else:
            connection.execute("set timezone = 'UTC'")
            return connection


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a failing disk under `path` into `DataError`."""
    try:
        yield
    except duckdb.IOException as error:
        raise DataError(f"the disk failed under {path}: {error}; is it full?") from error


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


def _damaged(path: Path, error: Exception) -> str:
    first = str(error).splitlines()[0]
    return f"cannot open {path}: {first}; if it is damaged, move it away and import again, or restore a copy"


def _taken(path: Path, error: Exception) -> str:
    holder = re.search(r"PID (\d+)", str(error))
    who = f"process {holder[1]}" if holder else "another program"
    return f"{who} keeps {path} open; close it there (a DuckDB shell or notebook?) and try again"
