"""The rest of the guardian's ports: prices, hints, controls, lease, notifier, clocks, calendar and pre-trade rules."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from agents.domain.cycle import DeskState, Veto
from agents.domain.errors import MissingDataError, StoreBusyError
from agents.domain.market import Segment, Session
from agents.domain.values import IST
from agents.execution.gateway import OrderUpdate
from agents.execution.guardian.ports import (
    Command,
    CommandKind,
    Severity,
    Standing,
    TradeRequest,
)
from agents.execution.risk import Account, Limits, sending, vetoes
from agents.execution.risk.limits import changed
from tests.simulation.disk import Disk
from tests.simulation.quotes import SimulatedQuotes
from tests.simulation.world import CONTRACTS, Life, World

HALT_FILE, HALT, PAUSE, FLATTEN = 1, 2, 3, 4
"""The sizes of a trouble of kind `command`."""
MAX_LOTS = 10
EQUITY = Decimal(1_000_000)
"""What a request says of the account, in rupees."""


class SimulatedUpdates:
    """The order-update stream: hints get lost, doubled and reordered."""

    def __init__(self, life: Life) -> None:
        self._life, self._world = life, life.world

    def drain(self) -> Sequence[OrderUpdate]:
        """Return the hints since the last call."""
        self._life.point()
        world, rng = self._world, self._world.update_rng
        if not world.venue.hints:
            return ()
        hints = [hint for hint in world.venue.hints if not world.chance(rng, world.faults.update_loss)]
        world.venue.hints.clear()
        if world.chance(rng, world.faults.update_noise):
            hints += hints
            rng.shuffle(hints)
        return [OrderUpdate.model_construct(order_id=hint, correlation_id="") for hint in hints]


class SimulatedControls:
    """A person at the desk, who now and then halts, pauses or flattens it and later lets it go on."""

    def __init__(self, life: Life, disk: Disk) -> None:
        self._life, self._world, self._disk = life, life.world, disk
        self._asked = asked_commands(life.world)

    def halted(self) -> str:
        """Return whether the HALT file is there."""
        self._life.point()
        return halt_file(self._world)

    def desk_state(self) -> DeskState:
        """Return what survives of the desk's state."""
        self._life.point()
        self._stumble("desk state")
        return stored_state(self._disk)

    def set_desk_state(self, state: DeskState, reason: str) -> None:
        """Store the desk's state."""
        self._life.point()
        self._stumble("desk state")
        self._world.say(f"agent   sets the desk {state.value}: {reason}")
        self._disk.write("desk_state", {"state": state.value, "reason": reason}, None, self._world.now())
        self._life.point()

    def commands(self) -> Sequence[Command]:
        """Return what was asked and not acknowledged, oldest first."""
        self._life.point()
        self._stumble("commands")
        if not self._asked or self._asked[0][0] > self._world.second:
            return ()
        due = [command for second, command in self._asked if second <= self._world.second]
        return [command for command in due if ("acknowledged", command.id) not in self._disk.keyed]

    def acknowledge(self, command_id: str, outcome: str) -> None:
        """Remember that a command was carried out; the first outcome stays."""
        self._life.point()
        self._stumble("acknowledgement")
        if ("acknowledged", command_id) not in self._disk.keyed:
            self._disk.write("acknowledged", {"outcome": outcome}, command_id, self._world.now())
        self._life.point()

    def _stumble(self, what: str) -> None:
        if self._world.chance(self._world.disk_rng, self._world.faults.busy_journal / 2):
            raise StoreBusyError(f"{what}: the ledger stayed locked; try again")


def halt_file(world: World) -> str:
    """Return the text of the HALT file, "" when there is none."""
    if not world.troubled("command"):
        return ""
    active = any(a <= world.second < b and size == HALT_FILE for a, b, size in world.troubles["command"])
    return "a person halted the desk" if active else ""


def stored_state(disk: Disk) -> DeskState:
    """Return the desk's state on the disk."""
    rows = disk.by_kind.get("desk_state", [])
    return DeskState(rows[-1].payload["state"]) if rows else DeskState.ACTIVE


def asked_commands(world: World) -> list[tuple[int, Command]]:
    """Return each command of the session with the second in which it is given."""
    kinds = {HALT: CommandKind.HALT, PAUSE: CommandKind.PAUSE, FLATTEN: CommandKind.FLATTEN}
    found = []
    for number, (begin, end, size) in enumerate(world.troubles["command"]):
        for second, kind in ((begin, kinds.get(size)), (end, CommandKind.RESUME)):
            if kind is not None and size != HALT_FILE:
                at = world.plan.opens_at + timedelta(seconds=second)
                command = Command(id=f"{number}-{kind.value}", kind=kind, by="a person", asked_at=at)
                found.append((second, command))
    return sorted(found, key=lambda each: each[0])


class SimulatedLease:
    """The right to trade, lost now and then."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def valid(self) -> bool:
        """Return whether it is held."""
        self._life.point()
        world = self._life.world
        return not world.troubled("lease_loss") and not world.noticed()


class SimulatedNotifier:
    """Writes alerts into the trace."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def alert(self, severity: Severity, dedupe_key: str, text: str) -> None:
        """Write it down."""
        self._life.point()
        if severity is Severity.CRITICAL:
            self._life.world.alerts.append((self._life.world.second, dedupe_key))
        self._life.world.say(f"alert   {severity.value} {dedupe_key}: {text}")


class SimulatedClock:
    """The machine's clock, which may be wrong, and a stopwatch, which is not."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def now(self) -> datetime:
        """Return what the machine's clock shows."""
        return self._life.world.now()

    def elapsed(self) -> float:
        """Return the seconds since the machine of this incarnation was started."""
        return float(self._life.world.second - self._life.machine)

    def counter(self) -> str:
        """Return which start of which machine that was."""
        return f"{self._life.place} {self._life.machine}"


@lru_cache
def _day(opens: datetime, closes: datetime) -> Session:
    return Session(on=opens.date(), segments=(Segment(open_at=opens, close_at=closes),), derivatives_close_at=closes)


class SimulatedCalendar:
    """One session, every day the same."""

    def __init__(self, world: World) -> None:
        opens = world.plan.opens_at.astimezone(IST).replace(hour=9, minute=15, second=0)
        closes = world.plan.opens_at + timedelta(seconds=world.plan.flat + 1_200)
        self._session = _day(opens, closes)

    def session(self, on: date) -> Session | None:
        """Return the session of its one day."""
        return self._session if on == self._session.on else None

    def sessions(self, first: date, last: date) -> Sequence[Session]:
        """Return the session if it lies between."""
        return [self._session] if first <= self._session.on <= last else []


def limits_of(world: World) -> Limits:
    """Return the limits of a session: the loss and the number of trades are those of the world."""
    share = world.loss_limit / float(EQUITY)
    return changed(
        Limits(),
        daily_loss_share=share,
        half_size_share=min(share, 0.02),
        max_trades=world.most_trades,
        cool_down=timedelta(seconds=world.cool_down),
        pause=timedelta(seconds=3 * world.cool_down),
    )


class SimulatedChecks:
    """The desk's own risk rules, with waits that a session of some minutes has room for.

    Remembers which setups passed.
    """

    def __init__(self, life: Life, quotes: SimulatedQuotes, calendar: SimulatedCalendar) -> None:
        self._world = life.world
        self._quotes = quotes
        self._calendar = calendar
        self._limits = limits_of(life.world)
        self.passed: set[str] = set()

    def vetoes(self, request: TradeRequest, standing: Standing, now: datetime) -> Sequence[Veto]:
        """Return the rules that forbid the trade."""
        lots = request.order.lots
        held = sum(position.net_quantity for position in standing.positions)
        over = now > self._world.plan.opens_at + timedelta(seconds=self._world.plan.requests_end + 30)
        rules = (
            ("R3.size", not 0 < lots <= MAX_LOTS or request.order.contract not in CONTRACTS, "no such size"),
            ("R6.open", held != 0, "a position is open"),
            ("R10.late", over, "after the last entry time"),
        )
        found = [Veto(rule=rule, limit=0, value=0, text=text) for rule, failed, text in rules if failed]
        session = self._calendar.session(now.astimezone(IST).date())
        if session is None:
            raise MissingDataError("no session")
        limits, account = self._limits, Account(standing.equity, standing.orders, standing.trades)
        around = sending(request.setup, self._quotes, limits=limits, now=now)
        found += vetoes(request.setup, lots, account, limits, now=now, session=session, conditions=around)
        if not found:
            self.passed.add(request.setup.setup_id)
        return found
