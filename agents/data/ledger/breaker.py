"""A circuit breaker that all processes share, kept in the ledger's database.

Five failures in a row open it. After a minute one process gets leave to probe, for half a minute, so that a prober that
dies does not keep the breaker open for ever. Every change of state counts up the generation; an answer that belongs to
an older generation changes nothing.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import Connection, Engine, Row, insert, select, update

from agents.data.ledger.engine import reading, writing
from agents.data.ledger.tables import breakers
from agents.domain.calls import Permit
from agents.domain.values import Frozen


class BreakerState(Frozen):
    """How a breaker stands. `failures` are those in a row; `opened_at` is when it last opened, None while closed."""

    name: str
    is_open: bool
    failures: int
    opened_at: AwareDatetime | None = None


def breaker_states(engine: Engine) -> list[BreakerState]:
    """Return every breaker that has ever counted a failure, by name. Raises as `engine.reading` does."""
    columns = (breakers.c.name, breakers.c.is_open, breakers.c.failures, breakers.c.opened_at)
    with reading(engine) as connection:
        rows = connection.execute(select(*columns).order_by(breakers.c.name)).all()
    return [BreakerState.model_validate(row._asdict()) for row in rows]


class LedgerBreaker:
    """`ports.Breaker` over the ledger, one for each dependency.

    Parameters
    ----------
    engine : Engine
        The ledger's database.
    name : str
        The dependency ("openai"); processes that use the same name share the state.
    now : callable
        Returns the present.
    failures : int
        Failures in a row that open it.
    open_for, lease : timedelta
        How long it stays open, and how long one prober may take.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        *,
        now: Callable[[], datetime],
        failures: int = 5,
        open_for: timedelta = timedelta(seconds=60),
        lease: timedelta = timedelta(seconds=30),
    ) -> None:
        self._engine = engine
        self.name = name
        self._now = now
        self._failures = failures
        self._open_for = open_for
        self._lease = lease

    @property
    def is_open(self) -> bool:
        """Whether the dependency is being left alone."""
        with reading(self._engine) as connection:
            row = self._row(connection)
        return row is not None and bool(row.is_open)

    def enter(self) -> Permit | None:
        """Return leave to try once, None while the breaker is open or someone else is probing."""
        with reading(self._engine) as connection:
            row = self._row(connection)
        if row is None or not row.is_open:
            return Permit(name=self.name, generation=0 if row is None else row.generation)
        if not self._probe_is_due(row):
            return None
        return self._take_probe()

    def succeeded(self, permit: Permit) -> None:
        """Close the breaker if `permit` was the probe; end a run of failures otherwise."""
        if not permit.probe:
            with reading(self._engine) as connection:
                row = self._row(connection)
            if row is None or row.failures == 0:
                return
        with writing(self._engine) as connection:
            row = self._current(connection, permit)
            if row is not None:
                generation = row.generation + 1 if row.is_open else row.generation
                self._set(connection, is_open=False, failures=0, generation=generation, opened_at=None)

    def failed(self, permit: Permit) -> None:
        """Count a failure; open the breaker at the limit, or again if `permit` was the probe."""
        with writing(self._engine) as connection:
            if self._row(connection) is None:
                connection.execute(insert(breakers).values(name=self.name, is_open=False, failures=0, generation=0))
            row = self._current(connection, permit)
            if row is None:
                return
            failures = row.failures + 1
            if row.is_open or failures >= self._failures:
                self._set(
                    connection, is_open=True, failures=failures, generation=row.generation + 1, opened_at=self._now()
                )
            else:
                self._set(connection, is_open=False, failures=failures, generation=row.generation, opened_at=None)

    def _take_probe(self) -> Permit | None:
        with writing(self._engine) as connection:
            row = self._row(connection)  # Read again: another process may have been faster.
            if row is None or not row.is_open:
                return Permit(name=self.name, generation=0 if row is None else row.generation)
            if not self._probe_is_due(row):
                return None
            generation = row.generation + 1
            self._set(
                connection,
                is_open=True,
                failures=row.failures,
                generation=generation,
                opened_at=row.opened_at,
                probe_until=self._now() + self._lease,
            )
        return Permit(name=self.name, generation=generation, probe=True)

    def _probe_is_due(self, row: Row[Any]) -> bool:  # Any: SQLAlchemy's word for a row of unknown columns
        now = self._now()
        rested = row.opened_at is None or now >= row.opened_at + self._open_for
        return rested and (row.probe_until is None or now >= row.probe_until)

    def _row(self, connection: Connection) -> Row[Any] | None:
        return connection.execute(select(breakers).where(breakers.c.name == self.name)).first()

    def _current(self, connection: Connection, permit: Permit) -> Row[Any] | None:
        row = self._row(connection)
        return None if row is None or row.generation != permit.generation else row

    def _set(
        self,
        connection: Connection,
        *,
        is_open: bool,
        failures: int,
        generation: int,
        opened_at: datetime | None,
        probe_until: datetime | None = None,
    ) -> None:
        values = {"is_open": is_open, "failures": failures, "generation": generation}
        connection.execute(
            update(breakers)
            .where(breakers.c.name == self.name)
            .values(**values, opened_at=opened_at, probe_until=probe_until)
        )
