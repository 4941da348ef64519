"""Who may act: one holder at a time, for a limited time, told apart from earlier holders by a number that only grows.

A process that stalls past the end of its lease may not know that another one has taken over. So every lease carries a
fencing token; what is written under a lease names it (`EventLog.append(..., fence=lease)`), and a token that is not
the newest is refused inside the same transaction.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import Connection, Engine, Row, insert, select, update

from agents.data.ledger.chain import append_event
from agents.data.ledger.engine import reading, writing
from agents.data.ledger.tables import leases
from agents.domain.errors import LeaseLostError
from agents.domain.values import Frozen

LEASE = "lease"


class Lease(Frozen):
    """Leave to act under `name` before `until`. `token` grows with every new holder and is never given twice."""

    name: str
    holder: str
    token: int
    until: AwareDatetime


class Leases:
    """All leases of a ledger.

    Parameters
    ----------
    engine : Engine
        The ledger's database.
    now : callable
        Returns the present; all holders of a lease must read the same clock.
    """

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def acquire(self, name: str, holder: str, lasts: timedelta) -> Lease | None:
        """Take a lease that nobody holds, or return None.

        Parameters
        ----------
        name : str
            What the leave is for ("guardian:1000000001").
        holder : str
            Who asks, one name for each start of a process; also the same holder waits until its old lease has ended.
        lasts : timedelta
            How long it lasts without being renewed.
        """
        with writing(self._engine) as connection:
            now = self._now()
            row = _row(connection, name)
            if row is not None and now < row.until:
                return None
            lease = Lease(name=name, holder=holder, token=1 if row is None else row.token + 1, until=now + lasts)
            if row is None:
                connection.execute(insert(leases).values(lease.model_dump()))
            else:
                connection.execute(update(leases).where(leases.c.name == name).values(lease.model_dump()))
            said = {"name": name, "holder": holder, "token": lease.token, "state": "taken"}
            append_event(connection, LEASE, said, key=f"{name}:{lease.token}", at=now, recorded_at=now)
        return lease

    def renew(self, lease: Lease, lasts: timedelta) -> Lease:
        """Return the lease with more time. One that ended may still be renewed while nobody else has taken it.

        Raises
        ------
        LeaseLostError
            If somebody else has.
        """
        with writing(self._engine) as connection:
            check_fence(connection, lease)
            until = max(self._now() + lasts, lease.until)
            connection.execute(update(leases).where(leases.c.name == lease.name).values(until=until))
        return lease.model_copy(update={"until": until})

    def release(self, lease: Lease) -> None:
        """Give the lease back, so that the next one need not wait; nothing happens if it is somebody else's by now."""
        with writing(self._engine) as connection:
            now = self._now()
            row = _row(connection, lease.name)
            if row is None or row.token != lease.token or row.until <= now:
                return
            connection.execute(update(leases).where(leases.c.name == lease.name).values(until=now))
            said = {"name": lease.name, "holder": lease.holder, "token": lease.token, "state": "released"}
            append_event(connection, LEASE, said, key=f"{lease.name}:{lease.token}:released", at=now, recorded_at=now)

    def valid(self, lease: Lease) -> bool:
        """Whether the lease is still its holder's and has not ended."""
        with reading(self._engine) as connection:
            row = _row(connection, lease.name)
        return row is not None and row.token == lease.token and self._now() < row.until

    def held(self, name: str) -> Lease | None:
        """Return the lease under that name while somebody holds it."""
        with reading(self._engine) as connection:
            row = _row(connection, name)
        return None if row is None or row.until <= self._now() else Lease.model_validate(row._asdict())


def check_fence(connection: Connection, lease: Lease) -> None:
    """Refuse to go on if somebody has taken the lease since, inside the caller's writing transaction.

    Raises
    ------
    LeaseLostError
        If its token is not the newest.
    """
    row = _row(connection, lease.name)
    if row is None or row.token != lease.token:
        taken = "nobody" if row is None else f"{row.holder} (token {row.token})"
        raise LeaseLostError(
            f"the lease {lease.name} of {lease.holder} (token {lease.token}) belongs to {taken} now; stop this process"
        )


def _row(connection: Connection, name: str) -> Row[Any] | None:  # Any: SQLAlchemy's word for a row of unknown columns
    return connection.execute(select(leases).where(leases.c.name == name)).first()
