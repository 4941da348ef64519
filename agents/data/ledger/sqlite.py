"""The ledger in a SQLite file: WAL mode with ``synchronous=FULL``, so that what was committed survives a power cut."""

import sqlite3
import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from agents.domain.errors import ConfigError

BUSY_SECONDS = 10.0
"""How long anyone waits for the write lock, whatever the database."""

WRITES = "ledger_writes"
"""The execution option of a connection that is going to write."""

_WAL_TRIES = 500
_WAL_PAUSE_SECONDS = 0.02
# SQLAlchemy begins transactions (see _begin), not the sqlite3 module, which would begin them too late.
_CONNECT = {"timeout": BUSY_SECONDS, "isolation_level": None, "check_same_thread": False}


def open_file(path: Path | None) -> Engine:
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
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")
