"""The log of events over one database: append, read, verify."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from agents.data.ledger.audit import AuditSummary, write_audit
from agents.data.ledger.calls import EVENT_KIND as CALL_KIND
from agents.data.ledger.calls import changed_call
from agents.data.ledger.chain import ChainReport, LedgerEvent, append_event, as_event, check_chain
from agents.data.ledger.engine import name_of, reading, writing
from agents.data.ledger.leases import Lease, check_fence
from agents.data.ledger.tables import events, links


class EventLog:
    """Events in the order in which they were written; none is ever changed."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def append(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        key: str | None = None,
        at: datetime | None = None,
        fence: Lease | None = None,
    ) -> LedgerEvent:
        """Add an event.

        Parameters
        ----------
        kind : str
            What happened ("order", "fill").
        payload : mapping
            Whatever JSON can hold; other values are stored as their text.
        key : str, optional
            Identity within the kind: appending it again with the same payload returns the first event.
        at : datetime, optional
            When it happened in the market's time; now if not given.
        fence : Lease, optional
            Only append while nobody else has taken this lease since; looked up in the same transaction.

        Raises
        ------
        LeaseLostError
            If the lease has another holder by now.
        InvariantViolationError
            If the key is there with another payload.
        """
        now = self._now()
        with writing(self._engine) as connection:
            if fence is not None:
                check_fence(connection, fence)
            return append_event(connection, kind, payload, key=key, at=at or now, recorded_at=now)

    def events(
        self,
        kind: str | None = None,
        *,
        key: str | None = None,
        after: int = 0,
        limit: int | None = None,
        since: datetime | None = None,
    ) -> list[LedgerEvent]:
        """Return events in order: of one kind, of one key, with ``seq > after``, from `since` on, at most `limit`."""
        query = select(events).where(events.c.seq > after).order_by(events.c.seq).limit(limit)
        if kind is not None:
            query = query.where(events.c.kind == kind)
        if key is not None:
            query = query.where(events.c.key == key)
        if since is not None:
            query = query.where(events.c.at >= since)
        with reading(self._engine) as connection:
            return [as_event(row) for row in connection.execute(query)]

    def about(self, ref: str) -> list[LedgerEvent]:
        """Return the events that speak of an id (of a zone, setup, cycle or order), in order."""
        query = select(events).join(links, links.c.seq == events.c.seq).where(links.c.ref == ref).order_by(events.c.seq)
        with reading(self._engine) as connection:
            return [as_event(row) for row in connection.execute(query)]

    def refs(self, prefix: str = "", limit: int = 500) -> list[str]:
        """Return the ids that events speak of: those that begin with `prefix`, or the last ones without one."""
        query = select(links.c.ref).group_by(links.c.ref).limit(limit)
        if prefix:
            query = query.where(links.c.ref.startswith(prefix, autoescape=True)).order_by(links.c.ref)
        else:
            recent = select(links.c.ref).order_by(links.c.seq.desc()).limit(limit)
            query = select(recent.subquery().c.ref).distinct()
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def latest(self, kind: str) -> LedgerEvent | None:
        """Return the last event of a kind, None before the first."""
        query = select(events).where(events.c.kind == kind).order_by(events.c.seq.desc()).limit(1)
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return None if row is None else as_event(row)

    @property
    def name(self) -> str:
        """How people call this ledger: its path, or its database and server."""
        return name_of(self._engine)

    def knows(self, head: str) -> bool:
        """Whether a hash that was noted down earlier is in the chain: then nothing up to it was taken out."""
        with reading(self._engine) as connection:
            return connection.execute(select(events.c.seq).where(events.c.hash == head)).first() is not None

    def verify(self) -> ChainReport:
        """Check every event, and every call that an event vouches for; the report names the first bad row."""
        with reading(self._engine) as connection:
            report = check_chain(connection)
            if not report.sound:
                return report
            query = select(events).where(events.c.kind == CALL_KIND).order_by(events.c.seq)
            for row in connection.execute(query).all():
                said = as_event(row).payload
                problem = changed_call(connection, said["call"], said["digest"])
                if problem:
                    return report.model_copy(update={"first_bad": row.seq, "problem": problem})
        return report

    def export(self, path: Path, *, first: date | None = None, last: date | None = None) -> AuditSummary:
        """Write the events recorded from `first` to `last` (dates in India) with the calls they vouch for; see `audit`.

        Raises
        ------
        MissingDataError
            If nothing was recorded then.
        ConfigError
            If the file cannot be written.
        """
        with reading(self._engine) as connection:
            return write_audit(connection, path, first=first, last=last)
