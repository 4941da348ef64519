"""The store's tables and how an older file gets them: numbered SQL steps, run in one transaction."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import duckdb

from agents.domain.errors import ConfigError, WrongModeError

_TABLES = "select table_name from duckdb_tables() where database_name = current_database()"


class Step(NamedTuple):
    """SQL that lifts a file from the version before to `version`."""

    version: int
    sql: str


def schema_steps() -> tuple[Step, ...]:
    """Return every step, oldest first: ``schema.sql`` is version 1, ``schema_2.sql`` lifts it to 2, and so on."""
    folder = resources.files("agents.data")
    steps = [Step(1, (folder / "schema.sql").read_text(encoding="utf-8"))]
    while (following := folder / f"schema_{len(steps) + 1}.sql").is_file():
        steps.append(Step(len(steps) + 1, following.read_text(encoding="utf-8")))
    return tuple(steps)


def stored_version(connection: duckdb.DuckDBPyConnection, *, mode: str, name: str) -> int:
    """Return the schema version that a file has; 0 if it is empty.

    Raises
    ------
    WrongModeError
        If the file belongs to another mode.
    ConfigError
        If the file is a database of something else.
    """
    tables = {row[0] for row in connection.execute(_TABLES).fetchall()}
    if not tables:
        return 0
    facts = dict(connection.execute("select key, value from meta").fetchall()) if "meta" in tables else {}
    if "mode" not in facts or "schema_version" not in facts:
        raise ConfigError(f"{name} is a DuckDB file but not a store of zonedesk; name another folder with --data-dir")
    if facts["mode"] != mode:
        raise WrongModeError(
            f"{name} holds {facts['mode']} data and was opened as {mode}; "
            f"use --mode {facts['mode']} or another --data-dir"
        )
    return int(facts["schema_version"])


def upgrade(connection: duckdb.DuckDBPyConnection, *, have: int, mode: str, name: str, steps: Sequence[Step]) -> None:
    """Lift a file of version `have` to the last of `steps`; the caller's transaction makes it all or nothing.

    Raises
    ------
    ConfigError
        If the file is newer than the last step.
    """
    refuse_newer(have, name=name, steps=steps)
    for step in steps[have:]:
        connection.execute(step.sql)
    connection.execute("delete from meta where key in ('mode', 'schema_version')")
    facts = [("mode", mode), ("schema_version", str(steps[-1].version))]
    connection.executemany("insert into meta values (?, ?)", facts)


def refuse_newer(have: int, *, name: str, steps: Sequence[Step]) -> None:
    """Raise `ConfigError` if a file of version `have` was written by a later zonedesk."""
    if have > steps[-1].version:
        raise ConfigError(
            f"{name} has schema version {have} and this zonedesk knows {steps[-1].version}; "
            "update zonedesk, or name another folder with --data-dir"
        )


class SchemaGuard:
    """Looks at a file's mode and version once, and again when another file lies in its place."""

    def __init__(self, path: Path, mode: str) -> None:
        self._path = path
        self._mode = mode
        self._seen: tuple[int, int] | None = None

    def is_unknown(self) -> bool:
        """Whether the file is another one than was looked at last, or not there."""
        return not self._path.exists() or self._seen != self._identity()

    def is_current(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Whether the file has this program's schema.

        Raises
        ------
        ConfigError
            If the file is newer than this program, not a store, or of another mode (`WrongModeError`).
        """
        steps = schema_steps()
        have = stored_version(connection, mode=self._mode, name=str(self._path))
        refuse_newer(have, name=str(self._path), steps=steps)
        if have != steps[-1].version:
            return False
        self._seen = self._identity()
        return True

    def lift(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Give the file this program's schema, inside the caller's transaction."""
        if not self.is_current(connection):
            have = stored_version(connection, mode=self._mode, name=str(self._path))
            upgrade(connection, have=have, mode=self._mode, name=str(self._path), steps=schema_steps())

    def _identity(self) -> tuple[int, int]:
        stat = self._path.stat()
        return stat.st_dev, stat.st_ino
