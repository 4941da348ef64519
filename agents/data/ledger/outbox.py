"""Messages that a person must see: written down first, sent after, so that no crash and no dead channel loses one."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import Connection, Engine, Row, insert, select, update

from agents.data.ledger.chain import append_event
from agents.data.ledger.engine import reading, writing
from agents.data.ledger.tables import outbox
from agents.domain.errors import MissingDataError
from agents.domain.values import Frozen

ALERT = "alert"
SUPPRESSED_FOR = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(minutes=5)


class Severity(StrEnum):
    """How much a message matters."""

    INFO = "info"
    WARN = "warn"
    CRITICAL = "critical"


class Message(Frozen):
    """One message. `attempts` counts the tries to send it, `last_error` says how the last one failed."""

    id: int
    dedupe_key: str
    severity: Severity
    text: str
    created_at: AwareDatetime
    sent_at: AwareDatetime | None = None
    tried_at: AwareDatetime | None = None
    attempts: int = 0
    last_error: str = ""


class Outbox:
    """All messages of a ledger; any process may put, one sends."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def put(
        self, severity: Severity, dedupe_key: str, text: str, *, suppress: timedelta = SUPPRESSED_FOR
    ) -> Message | None:
        """Write a message down, and an event of it; None if one with its key was written less than `suppress` ago.

        Critical messages are never suppressed.
        """
        with writing(self._engine) as connection:
            now = self._now()
            same = select(outbox).where(outbox.c.dedupe_key == dedupe_key).order_by(outbox.c.id.desc()).limit(1)
            last = connection.execute(same).first()
            if severity is not Severity.CRITICAL and last is not None and now - last.created_at < suppress:
                return None
            row = {"dedupe_key": dedupe_key, "severity": severity.value, "text": text, "created_at": now}
            made = connection.execute(insert(outbox).values(row | {"attempts": 0, "last_error": ""}))
            message_id = made.inserted_primary_key[0]  # type: ignore[index]  # an insert of one row has one key
            said = {"message": message_id, "severity": severity.value, "key": dedupe_key, "text": text}
            append_event(connection, ALERT, said, key=None, at=now, recorded_at=now)
            return _message(_known(connection, message_id))

    def due(self, limit: int = 20) -> list[Message]:
        """Return unsent messages to try now, oldest first; after each failure one rests twice as long, up to 5 min."""
        query = select(outbox).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.id)
        with reading(self._engine) as connection:
            waiting = [_message(row) for row in connection.execute(query)]
        now = self._now()
        return [message for message in waiting if message.tried_at is None or now >= _next_try(message)][:limit]

    def sent(self, message_id: int) -> None:
        """Say that a channel has taken the message. Raises `MissingDataError` if there is none."""
        self._tried(message_id, error="")

    def failed(self, message_id: int, error: str) -> None:
        """Say why no channel took the message. Raises `MissingDataError` if there is none."""
        self._tried(message_id, error=error or "no reason given")

    def recent(self, limit: int) -> list[Message]:
        """Return the last `limit` messages, the newest first."""
        with reading(self._engine) as connection:
            return [
                _message(row) for row in connection.execute(select(outbox).order_by(outbox.c.id.desc()).limit(limit))
            ]

    def find(self, message_id: int) -> Message | None:
        """Return a message, None where there is none."""
        with reading(self._engine) as connection:
            row = connection.execute(select(outbox).where(outbox.c.id == message_id)).first()
        return None if row is None else _message(row)

    def _tried(self, message_id: int, *, error: str) -> None:
        with writing(self._engine) as connection:
            row = _known(connection, message_id)
            if row.sent_at is not None:
                return
            now = self._now()
            values = {"tried_at": now, "attempts": row.attempts + 1, "last_error": error}
            if not error:
                values["sent_at"] = now
            connection.execute(update(outbox).where(outbox.c.id == message_id).values(values))


def _next_try(message: Message) -> datetime:
    assert message.tried_at is not None  # the caller has seen to it
    return message.tried_at + min(timedelta(seconds=2 ** min(message.attempts, 16)), LONGEST_PAUSE)


def _known(connection: Connection, message_id: int) -> Row[Any]:  # Any: SQLAlchemy's word for unknown columns
    row = connection.execute(select(outbox).where(outbox.c.id == message_id)).first()
    if row is None:
        raise MissingDataError(f"there is no message {message_id} in the outbox; see the ids of `due`")
    return row


def _message(row: Row[Any]) -> Message:  # Any: as above
    return Message.model_validate(row._asdict() | {"severity": Severity(row.severity)})
