"""What people ask of a process: asked once, served in the order of asking, acknowledged, and never lost.

A command stays open until it is done. A process that dies with a command in its hands finds it again when it starts,
so what a command does must bear being done twice.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import Connection, Engine, Row, Select, insert, select, update

from agents.data.ledger.chain import append_event
from agents.data.ledger.engine import reading, writing
from agents.data.ledger.tables import commands
from agents.domain.errors import InvariantViolationError, MissingDataError
from agents.domain.values import Frozen, canonical_json

ASKED, DONE = "command", "command_done"


class Command(Frozen):
    """Something that was asked. `taken_at` says that it was heard, `done_at` and `outcome` what became of it."""

    id: str
    seq: int
    kind: str
    payload: dict[str, Any]  # Any: whatever JSON can hold
    asked_by: str
    asked_at: AwareDatetime
    taken_at: AwareDatetime | None = None
    done_at: AwareDatetime | None = None
    outcome: str | None = None


class Commands:
    """All commands of a ledger; any process may ask, one serves them."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def ask(self, command_id: str, kind: str, payload: Mapping[str, Any], *, by: str) -> Command:
        """Ask for something and return the command that stands for it.

        The same id asked again is the same command. So is the same thing asked again while the last command asked is
        still open and says just that: a button pressed twice asks once.

        Parameters
        ----------
        command_id : str
            Chosen by whoever asks, at most 64 characters, never used for anything else.
        kind : str
            What to do ("halt", "flatten").
        payload : mapping
            Whatever it needs, as JSON can hold it.
        by : str
            Who asks, for people who look it up later.

        Raises
        ------
        InvariantViolationError
            If the id was used for something else.
        """
        body = canonical_json(payload)
        with writing(self._engine) as connection:
            known = connection.execute(select(commands).where(commands.c.id == command_id)).first()
            if known is not None:
                if (known.kind, known.payload) != (kind, body):
                    raise InvariantViolationError(
                        f"command {command_id} was asked before as {known.kind} {known.payload}; use a new id"
                    )
                return _command(known)
            last = connection.execute(select(commands).order_by(commands.c.seq.desc()).limit(1)).first()
            if last is not None and last.done_at is None and (last.kind, last.payload) == (kind, body):
                return _command(last)
            return self._write(connection, command_id, kind, body, by)

    def pending(self) -> list[Command]:
        """Return the commands that are not done, in the order of asking; those taken by a process that died too."""
        return self._found(select(commands).where(commands.c.done_at.is_(None)).order_by(commands.c.seq))

    def take(self, command_id: str) -> Command:
        """Say that a command was heard; the first time counts. Raises `MissingDataError` if there is none."""
        with writing(self._engine) as connection:
            row = _known(connection, command_id)
            if row.taken_at is None:
                mine = commands.c.id == command_id
                connection.execute(update(commands).where(mine).values(taken_at=self._now()))
            return _command(_known(connection, command_id))

    def done(self, command_id: str, outcome: str) -> Command:
        """Say what became of a command; saying the same again changes nothing.

        Raises
        ------
        MissingDataError
            If there is no such command.
        InvariantViolationError
            If it is done already with another outcome.
        """
        with writing(self._engine) as connection:
            row = _known(connection, command_id)
            if row.done_at is not None:
                if row.outcome != outcome:
                    raise InvariantViolationError(f"command {command_id} is done already: {row.outcome}")
                return _command(row)
            now = self._now()
            values = {"taken_at": row.taken_at or now, "done_at": now, "outcome": outcome}
            connection.execute(update(commands).where(commands.c.id == command_id).values(values))
            said = {"command_id": command_id, "kind": row.kind, "outcome": outcome}
            append_event(connection, DONE, said, key=command_id, at=now, recorded_at=now)
            return _command(_known(connection, command_id))

    def find(self, command_id: str) -> Command | None:
        """Return a command, None if it was never asked."""
        found = self._found(select(commands).where(commands.c.id == command_id))
        return found[0] if found else None

    def recent(self, limit: int) -> list[Command]:
        """Return the last `limit` commands, the newest first."""
        return self._found(select(commands).order_by(commands.c.seq.desc()).limit(limit))

    def _write(self, connection: Connection, command_id: str, kind: str, body: str, by: str) -> Command:
        now = self._now()
        said = {"command_id": command_id, "kind": kind, "payload": json.loads(body), "by": by}
        event = append_event(connection, ASKED, said, key=command_id, at=now, recorded_at=now)
        row = {"id": command_id, "seq": event.seq, "kind": kind, "payload": body, "asked_by": by, "asked_at": now}
        connection.execute(insert(commands).values(row))
        return _command(_known(connection, command_id))

    def _found(self, query: Select[Any]) -> list[Command]:  # Any: SQLAlchemy's word for unknown columns
        with reading(self._engine) as connection:
            return [_command(row) for row in connection.execute(query)]


def _known(connection: Connection, command_id: str) -> Row[Any]:  # Any: as above
    row = connection.execute(select(commands).where(commands.c.id == command_id)).first()
    if row is None:
        raise MissingDataError(f"no command {command_id} was ever asked; see the ids of `pending`")
    return row


def _command(row: Row[Any]) -> Command:  # Any: as above
    return Command.model_validate(row._asdict() | {"payload": json.loads(row.payload)})
