"""The simulated disk with the journal on it. What an append returned from survives every crash."""

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from agents.domain.errors import ConfigError, InvariantViolationError, StoreBusyError
from agents.domain.values import canonical_json
from agents.execution.guardian.past import MARK
from tests.simulation.world import Life, World

APPEND_WEIGHT = 12.0


@dataclass(frozen=True)
class Row:
    """One appended event."""

    seq: int
    at: datetime
    kind: str
    key: str | None
    payload: dict[str, Any]  # Any: whatever JSON can hold
    body: str
    """The payload's one spelling."""


@dataclass
class Disk:
    """What survives: rows in order."""

    rows: list[Row] = field(default_factory=list)
    keyed: dict[tuple[str, str], Row] = field(default_factory=dict)
    by_kind: dict[str, list[Row]] = field(default_factory=dict)

    def write(self, kind: str, payload: Mapping[str, Any], key: str | None, at: datetime) -> Row:  # Any: as above
        """Add a row; the same key with the same payload is the same row."""
        body = canonical_json(payload)
        known = None if key is None else self.keyed.get((kind, key))
        if known is not None:
            if known.body != body:
                raise InvariantViolationError(f"event {kind} {key} is there with other contents")
            return known
        row = Row(len(self.rows) + 1, at, kind, key, json.loads(body), body)
        self.rows.append(row)
        self.by_kind.setdefault(kind, []).append(row)
        if key is not None:
            self.keyed[kind, key] = row
        return row


class Journal:
    """One incarnation's hand on the disk; implements the guardian's journal port."""

    def __init__(self, life: Life, disk: Disk) -> None:
        self._life = life
        self._world: World = life.world
        self._disk = disk
        self._busy = life.world.faults.busy_journal / 4

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> Row:
        """Add an event, durable once this returns; the payload is Any because JSON is."""
        self._life.point(APPEND_WEIGHT)
        self._trouble(f"append {kind}")
        known = len(self._disk.rows)
        row = self._disk.write(kind, payload, key, at or self._world.now())
        if self._world.chance(self._world.disk_rng, self._world.faults.busy_journal / 4):
            raise StoreBusyError(f"append {kind}: no answer from the disk; it may be there")
        if len(self._disk.rows) > known:
            self._world.say(f"journal {kind} {key or ''} {row.body[:200]}")
        self._life.point(APPEND_WEIGHT)
        return row

    def events(self, kind: str | None = None, *, key: str | None = None, after: int = 0) -> list[Row]:
        """Return the events of a kind, or of a key in it, with ``seq > after``."""
        if kind == MARK:  # read together with the order events, so it is no moment of its own
            return list(self._disk.by_kind.get(MARK, ()))
        self._life.point()
        busy = self._busy
        if busy and self._world.chance(self._world.disk_rng, busy):
            raise StoreBusyError("the journal stayed locked; try again")
        rows = self._disk.rows if kind is None else self._disk.by_kind.get(kind)
        if not rows or rows[-1].seq <= after:
            return []
        begin = bisect_right(rows, after, key=attrgetter("seq")) if after else 0
        return [row for row in rows[begin:] if key is None or row.key == key]

    def _trouble(self, what: str) -> None:
        world = self._world
        if world.troubled("full_disk"):
            raise ConfigError(f"{what}: the disk is full; free space")
        if world.chance(world.disk_rng, world.faults.busy_journal):
            raise StoreBusyError(f"{what}: the journal stayed locked; try again")
