"""The ledger: what must survive, in one SQLite file or PostgreSQL database for each mode."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Self

from pydantic import SecretStr
from sqlalchemy import Engine

from agents.data.ledger.breaker import BreakerState, LedgerBreaker, breaker_states
from agents.data.ledger.calls import LedgerCallLog
from agents.data.ledger.commands import Commands
from agents.data.ledger.engine import open_engine
from agents.data.ledger.events import EventLog
from agents.data.ledger.heartbeats import Heartbeats
from agents.data.ledger.leases import Leases
from agents.data.ledger.migrate import prepare
from agents.data.ledger.outbox import Outbox
from agents.domain.cycle import CycleRecord, DeskState
from agents.domain.errors import ConfigError, InvariantViolationError, TradingError
from agents.domain.values import content_hash

CYCLE, CYCLE_DIFFERS, DESK_STATE, EQUITY = "cycle", "cycle_differs", "desk_state", "equity"


class Ledger(EventLog):
    """`ports.Ledger` and the append-only chain of events. Build one with `open` or `in_memory`.

    Attributes
    ----------
    calls : LedgerCallLog
        The calls to models, `ports.CallLog`.
    leases : Leases
        Who may act.
    commands : Commands
        What people asked for.
    outbox : Outbox
        Messages that a person must see.
    heartbeats : Heartbeats
        When each process was last alive.
    """

    def __init__(self, engine: Engine, *, now: Callable[[], datetime], equity: Decimal | None = None) -> None:
        super().__init__(engine, now)
        self._equity = equity
        self.calls = LedgerCallLog(engine, now)
        self.leases = Leases(engine, now)
        self.commands = Commands(engine, now)
        self.outbox = Outbox(engine, now)
        self.heartbeats = Heartbeats(engine, now)

    @classmethod
    def open(
        cls, place: Path | SecretStr, mode: str, *, now: Callable[[], datetime], equity: Decimal | None = None
    ) -> Self:
        """Open the ledger at `place`, create it where there is none, and bring its tables up to date.

        Parameters
        ----------
        place : Path or SecretStr
            A SQLite file, or the URL of a PostgreSQL database, which may hold a password.
        mode : str
            replay, paper or live; written inside at creation.
        now : callable
            Returns the present, aware, for `recorded_at` and the breakers.
        equity : Decimal, optional
            Rupees that risk is measured against until `set_equity` stores another figure.

        Raises
        ------
        WrongModeError
            If the ledger belongs to another mode.
        ConfigError
            If it is not a ledger, is newer than this program or cannot be written.
        StoreBusyError
            If another process keeps it locked, or the server does not answer.
        """
        engine = open_engine(place)
        try:
            prepare(engine, mode)
        except Exception:  # whatever it was goes on to the caller; only the open file must not stay behind
            engine.dispose()
            raise
        return cls(engine, now=now, equity=equity)

    @classmethod
    def in_memory(cls, mode: str, *, now: Callable[[], datetime], equity: Decimal | None = None) -> Self:
        """Return an empty ledger that is gone when it is closed."""
        engine = open_engine(None)
        prepare(engine, mode)
        return cls(engine, now=now, equity=equity)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def breaker(
        self,
        name: str,
        *,
        failures: int = 5,
        open_for: timedelta = timedelta(seconds=60),
        lease: timedelta = timedelta(seconds=30),
    ) -> LedgerBreaker:
        """Return the breaker of one dependency, shared by all processes that open this ledger."""
        return LedgerBreaker(self._engine, name, now=self._now, failures=failures, open_for=open_for, lease=lease)

    def breakers(self) -> list[BreakerState]:
        """Return how every breaker stands that has ever counted a failure, by name."""
        return breaker_states(self._engine)

    def desk_state(self) -> DeskState:
        """Return the last state that was set, ACTIVE before the first, HALTED when it cannot be read."""
        try:
            last = self.latest(DESK_STATE)
            return DeskState.ACTIVE if last is None else DeskState(last.payload["state"])
        except (TradingError, KeyError, ValueError):
            return DeskState.HALTED

    def set_desk_state(self, state: DeskState, reason: str, *, by: str, at: datetime | None = None) -> None:
        """Set what the desk may do, with who asked for it and why."""
        self.append(DESK_STATE, {"state": state.value, "reason": reason, "by": by}, at=at)

    def equity(self) -> Decimal:
        """Return the last equity that was stored, else the one given at opening.

        Raises
        ------
        ConfigError
            If there is neither.
        """
        last = self.latest(EQUITY)
        if last is not None:
            return Decimal(last.payload["rupees"])
        if self._equity is None:
            raise ConfigError("the ledger holds no equity and none was given; set ZONEDESK_EQUITY")
        return self._equity

    def set_equity(self, rupees: Decimal, *, at: datetime | None = None) -> None:
        """Store the rupees that risk is measured against from now on."""
        self.append(EQUITY, {"rupees": str(rupees)}, at=at)

    def record_cycle(self, record: CycleRecord) -> None:
        """Keep the record of a cycle.

        The first record of a `cycle_id` stays. A later one that says something else is not kept; that it came, and its
        hash, is an event of its own.
        """
        payload = record.model_dump(mode="json")
        try:
            self.append(CYCLE, payload, key=record.cycle_id, at=record.at)
        except InvariantViolationError:
            digest = content_hash(payload)
            facts = {"cycle_id": record.cycle_id, "reason": record.reason.value, "digest": digest}
            self.append(CYCLE_DIFFERS, facts, key=f"{record.cycle_id}:{digest[:16]}", at=record.at)
