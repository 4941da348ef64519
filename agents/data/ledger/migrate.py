"""Bring a ledger to the tables of today, whoever opens it first, and keep its mode."""

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from agents.data.ledger.engine import name_of, reading, writing
from agents.data.ledger.tables import meta
from agents.domain.errors import ConfigError, WrongModeError

HEAD = "0002"
"""The newest step in migrations/versions."""

_KNOWN = ("0001", "0002")


def prepare(engine: Engine, mode: str) -> None:
    """Create or upgrade the tables and write the mode inside, or check the one that is there.

    Raises
    ------
    WrongModeError
        If the ledger belongs to another mode.
    ConfigError
        If the ledger was written by a newer version of this program.
    """
    name = name_of(engine)
    with reading(engine) as connection:
        ready = _revision(connection) == HEAD and _mode(connection) is not None
        if ready:
            _check_mode(connection, name, mode)
    if ready:
        return
    with writing(engine) as connection:  # Whoever comes second finds the work done.
        revision = _revision(connection)
        if revision is not None and revision not in _KNOWN:
            raise ConfigError(
                f"the ledger {name} has tables of step {revision}, this program knows up to {HEAD}; upgrade zonedesk"
            )
        if revision != HEAD:
            _upgrade(connection)
        if _mode(connection) is None:
            connection.execute(insert(meta).values(key="mode", value=mode))
        _check_mode(connection, name, mode)


def _upgrade(connection: Connection) -> None:
    # Importing Alembic takes a fifth of a second, which nobody should pay on an up-to-date ledger.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "agents.data.ledger:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("select version_num from alembic_version")).scalar()
    return None if found is None else str(found)


def _mode(connection: Connection) -> str | None:
    return connection.execute(select(meta.c.value).where(meta.c.key == "mode")).scalar()


def _check_mode(connection: Connection, name: str, mode: str) -> None:
    found = _mode(connection)
    if found != mode:
        raise WrongModeError(
            f"the ledger {name} belongs to mode {found}, not {mode}; choose --mode {found} or another data folder"
        )
