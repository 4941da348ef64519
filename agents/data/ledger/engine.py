"""Transactions on the ledger's database, be it a SQLite file or a PostgreSQL server.

A transaction that writes takes the ledger's one write lock when it begins, so that it can never fail half way because
another process was faster, and so that events are chained one after the other. One that reads sees a single state of
the ledger. What differs between the two databases stands in `sqlite` and `postgres`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, DataError, OperationalError

from agents.data.ledger import sqlite
from agents.data.ledger.sqlite import BUSY_SECONDS, WRITES
from agents.domain.errors import ConfigError, StoreBusyError, TradingError


def open_engine(place: Path | SecretStr | None) -> Engine:
    """Return an engine on a SQLite file, on the PostgreSQL database of a URL, or on a database in memory for None.

    Raises
    ------
    ConfigError
        If the folder of the file cannot be made, or the URL is none of PostgreSQL's.
    """
    if isinstance(place, SecretStr):
        from agents.data.ledger import postgres  # noqa: PLC0415 - its driver is loaded only where it is used

        return postgres.open_server(place)
    return sqlite.open_file(place)


def name_of(engine: Engine) -> str:
    """Return how people call the database: its path, or its name and server, never a password."""
    if engine.dialect.name == "sqlite":
        return engine.url.database or "in memory"
    host = engine.url.host or engine.url.query.get("host") or "this machine"
    return f"{engine.url.database} on {host}"


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that holds the write lock; commit at the end, roll back on an exception.

    Raises
    ------
    StoreBusyError
        If another process kept the lock for more than ten seconds, or the server does not answer.
    ConfigError
        If the database is not a ledger or cannot be written.
    """
    with _translated(engine), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection on one consistent state of the ledger. Raises as `writing` does."""
    with _translated(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    name = name_of(engine)
    try:
        yield
    except TradingError:
        raise
    except OperationalError as error:
        raise _cannot_work(name, error, server=engine.dialect.name != "sqlite") from error
    except DataError as error:
        raise ConfigError(f"the ledger {name} cannot hold what was to be written: {error.orig}") from error
    except DatabaseError as error:
        raise ConfigError(f"{name} is not a ledger: {error.orig}; move it away or restore a copy") from error


def _cannot_work(name: str, error: OperationalError, *, server: bool) -> TradingError:
    state = getattr(error.orig, "sqlstate", None)
    if "locked" in str(error.orig) or state == "55P03":
        return StoreBusyError(f"the ledger {name} stayed locked for {BUSY_SECONDS:.0f} s; try again")
    if server and (state is None or state[:2] in {"08", "57"}):
        return StoreBusyError(f"the ledger {name} does not answer: {error.orig}; check ZONEDESK_LEDGER_URL")
    return ConfigError(f"the ledger {name} cannot be used: {error.orig}; check the file and the disk")
