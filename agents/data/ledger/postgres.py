"""The ledger on a PostgreSQL server, for a desk on more than one machine.

A writing transaction begins by taking an advisory lock that lasts as long as it does: appends are serialised, and the
statements after the lock see whatever was committed before it. A reading one is read only and sees one snapshot.
"""

import hashlib

from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from agents.data.ledger.sqlite import BUSY_SECONDS, WRITES
from agents.domain.errors import ConfigError

DRIVER = "postgresql+psycopg"
_LOCK = int.from_bytes(hashlib.sha256(b"zonedesk ledger").digest()[:8], "big", signed=True)
_MILLISECONDS = int(BUSY_SECONDS * 1000)
_CONNECT = {
    "application_name": "zonedesk",
    "connect_timeout": int(BUSY_SECONDS),
    "tcp_user_timeout": _MILLISECONDS,
    # What was committed survives a power cut, whatever the server's default says.
    "options": f"-c lock_timeout={_MILLISECONDS} -c synchronous_commit=on -c timezone=UTC",
}


def open_server(place: SecretStr) -> Engine:
    """Return an engine on the database of a URL such as ``postgresql://user:password@host/name``.

    Raises
    ------
    ConfigError
        If it is not a URL of PostgreSQL. The message does not repeat it: there may be a password in it.
    """
    try:
        url = make_url(place.get_secret_value())
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in {"postgresql", "postgres"} or not url.database:
        raise ConfigError("ZONEDESK_LEDGER_URL must look like postgresql://user:password@host/name")
    engine = create_engine(url.set(drivername=DRIVER), connect_args=_CONNECT, pool_pre_ping=True, hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
    else:
        connection.exec_driver_sql("set transaction isolation level repeatable read read only")
