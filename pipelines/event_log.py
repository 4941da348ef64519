"""Dagster's event log for one machine, with three changes that long ranges, quick runs and small disks need.

Dagster's own SQLite log opens two databases and commits twice for every event. A range of 250 sessions writes three
thousand of them, which takes minutes; here, the events that Dagster hands over together share one transaction.

For each run, Dagster makes a database table by table, and each process that opens one reads all migrations of its
schema first: tenths of a second, several times a run. Here a new database is a copy of an empty one.

And for a check without partitions, Dagster stores the run's partitions with the plan, once for each partition: closed
days included that is 150 kB a piece, megabytes a run. Our checks have no partitions, so it is left out.
"""

import os
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dagster import EventLogEntry
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_EVENTS
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._serdes import ConfigurableClassData

if TYPE_CHECKING:
    from sqlalchemy import CursorResult, Engine

_BUSY_SECONDS = 10.0
# Dagster hands over events together only where this variable says how many; it is read again for each event.
os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "500")


class DeskEventLog(SqliteEventLogStorage):
    """The same files and tables as `SqliteEventLogStorage`; either can read what the other wrote."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:  # Any: Dagster's
        """Return the log that ``dagster.yaml`` describes: `base_dir` is its folder."""
        return cls(base_dir=config_value["base_dir"], inst_data=inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        """Store one event."""
        super().store_event(_slim(event))

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events of one run: those of assets in one transaction, others one by one, in order."""
        assets = [event for event in events if event.is_dagster_event and event.dagster_event_type in ASSET_EVENTS]
        if assets:
            self._store_assets(assets)
        for event in events:
            if event not in assets:
                self.store_event(event)

    def _initdb(self, engine: "Engine", for_index_shard: bool = False) -> None:  # noqa: FBT001, FBT002  (Dagster's)
        """Make a database ready: one that has a version is, the index of all runs is Dagster's to make."""
        path = Path(str(engine.url.database))
        if _is_made(path):
            return
        if for_index_shard or path.exists():
            super()._initdb(engine, for_index_shard=for_index_shard)
        else:
            _put(self._empty, path)

    @cached_property
    def _empty(self) -> bytes:
        """The file of a database without events, as Dagster makes it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "empty.db"
            engine = create_engine(f"sqlite:///{path}")
            super()._initdb(engine)
            engine.dispose()
            return path.read_bytes()

    def _store_assets(self, events: Sequence[EventLogEntry]) -> None:
        """Store events of assets in the run's database and in the index of all runs."""
        statements = [self.prepare_insert_event(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            for statement in statements:
                connection.execute(statement)
        with self.index_transaction() as connection:
            numbers = [_number(connection.execute(statement)) for statement in statements]
            self._store_asset_event_tags(connection, events, numbers)
            # The table of assets keeps the newest event of each; the earlier ones of this batch would be overwritten.
            newest = {_asset(event): (event, number) for event, number in zip(events, numbers, strict=True)}
            for event, number in newest.values():
                self._store_asset_event(connection, event, number)


def _is_made(path: Path) -> bool:
    """Return whether a database is there and complete; its version is the last thing that is written."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection:
        try:
            return connection.execute("select 1 from alembic_version").fetchone() is not None
        except sqlite3.OperationalError:  # no such table
            return False


def _put(content: bytes, path: Path) -> None:
    """Write a file at once; whoever else does so at the same time is first or second, and both are content."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".new") as file:
        file.write(content)
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


def _number(result: "CursorResult[Any]") -> int:  # Any: SQLAlchemy's row
    """Return the row number that an insert has got."""
    key = result.inserted_primary_key
    assert key is not None  # an insert into a table with a primary key
    return int(key[0])


def _asset(event: EventLogEntry) -> tuple[str, str]:
    """Return the asset and the kind of an event."""
    happened = event.get_dagster_event()
    assert happened.asset_key is not None  # only events of assets come here
    return happened.asset_key.to_string(), happened.event_type_value


def _slim(event: EventLogEntry) -> EventLogEntry:
    """Return `event` without the partitions of a planned check."""
    happened = event.dagster_event
    planned = happened.event_specific_data if happened else None
    if happened is None or not isinstance(planned, AssetCheckEvaluationPlanned) or planned.partitions_subset is None:
        return event
    bare = AssetCheckEvaluationPlanned(asset_key=planned.asset_key, check_name=planned.check_name)
    return event._replace(dagster_event=happened._replace(event_specific_data=bare))
