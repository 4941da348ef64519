"""Signs of life: one row for each process, overwritten with every beat."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import Engine, Row, insert, select, update

from agents.data.ledger.engine import reading, writing
from agents.data.ledger.tables import heartbeats
from agents.domain.values import Frozen, canonical_json


class Heartbeat(Frozen):
    """When a process was last alive, and what it said of itself then."""

    name: str
    at: AwareDatetime
    facts: dict[str, Any]  # Any: whatever JSON can hold


class Heartbeats:
    """The last beat of each process. Beats are no events: only the last one says anything."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def beat(self, name: str, facts: Mapping[str, Any] | None = None) -> None:
        """Say that a process is alive, with whatever it wants to be known of it (as JSON can hold it)."""
        values = {"at": self._now(), "facts": canonical_json(facts or {})}
        with writing(self._engine) as connection:
            changed = connection.execute(update(heartbeats).where(heartbeats.c.name == name).values(values))
            if changed.rowcount == 0:
                connection.execute(insert(heartbeats).values(values | {"name": name}))

    def last(self, name: str) -> Heartbeat | None:
        """Return the last beat of a process, None before the first."""
        with reading(self._engine) as connection:
            row = connection.execute(select(heartbeats).where(heartbeats.c.name == name)).first()
        return None if row is None else _heartbeat(row)

    def all(self) -> list[Heartbeat]:
        """Return the last beat of every process, by name."""
        with reading(self._engine) as connection:
            return [_heartbeat(row) for row in connection.execute(select(heartbeats).order_by(heartbeats.c.name))]


def _heartbeat(row: Row[Any]) -> Heartbeat:  # Any: SQLAlchemy's word for a row of unknown columns
    return Heartbeat.model_validate(row._asdict() | {"facts": json.loads(row.facts)})
