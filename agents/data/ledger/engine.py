"""Connections to the ledger's database; the only place that knows which database it is.

SQLite in WAL mode with ``synchronous=FULL``: what was committed survives a power cut. A transaction that writes takes
the write lock when it begins, so that it can never fail half way because another process was faster.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from agents.domain.errors import ConfigError, StoreBusyError, TradingError

BUSY_SECONDS = 10.0
_WAL_TRIES = 500
_WAL_PAUSE_SECONDS = 0.02
_WRITES = "ledger_writes"


def open_engine(path: Path | None) -> Engine:
    """Return an engine on the file at `path`, or on a database in memory when it is None.

    Raises
    ------
    ConfigError
        If the folder cannot be made.
    """
    if path is None:
        # One connection, handed from thread to thread: a second one would be a second, empty database.
        engine = create_engine("sqlite://", connect_args=_CONNECT, pool_size=1, max_overflow=0, poolclass=QueuePool)
    else:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make the folder of the ledger {path}: {error}; set ZONEDESK_DATA_DIR") from error
        engine = create_engine(f"sqlite:///{path}", connect_args=_CONNECT)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that holds the write lock; commit at the end, roll back on an exception.

    Raises
    ------
    StoreBusyError
        If another process kept the lock for more than ten seconds.
    ConfigError
        If the file is not a ledger or cannot be written.
    """
    with _translated(engine), engine.connect() as connection:
        connection.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection on one consistent state of the ledger. Raises as `writing` does."""
    with _translated(engine), engine.connect() as connection, connection.begin():
        yield connection


# SQLAlchemy begins transactions (see _begin), not the sqlite3 module, which would begin them too late.
_CONNECT = {"timeout": BUSY_SECONDS, "isolation_level": None, "check_same_thread": False}


def _prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("pragma foreign_keys = on")
    cursor.execute("pragma journal_mode")
    if cursor.fetchone()[0] not in {"wal", "memory"}:
        _switch_to_wal(cursor)
    cursor.execute("pragma synchronous = full")
    cursor.close()


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """Set the journal mode; SQLite does not wait by itself when several processes create the file at once."""
    pause = threading.Event()
    for _ in range(_WAL_TRIES):
        try:
            cursor.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            pause.wait(_WAL_PAUSE_SECONDS)
        else:
            return
    raise sqlite3.OperationalError("database is locked")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    name = engine.url.database or "in memory"
    try:
        yield
    except TradingError:
        raise
    except OperationalError as error:
        if "locked" in str(error.orig):
            raise StoreBusyError(f"the ledger {name} stayed locked for {BUSY_SECONDS:.0f} s; try again") from error
        raise ConfigError(f"the ledger {name} cannot be used: {error.orig}; check the file and the disk") from error
    except DatabaseError as error:
        raise ConfigError(f"{name} is not a ledger: {error.orig}; move it away or restore a copy") from error
