"""One simulated session: its clock, its disturbances, what is written down about it, and when the agent dies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Protocol

from tests.simulation.book import Terms
from tests.simulation.faults import Faults
from tests.simulation.market import Price
from tests.simulation.person import Person
from tests.simulation.venue import Venue

CONTRACTS = ("NIFTY26NOV24000CE", "NIFTY26NOV24000PE")
UNDERLYING = "NIFTY"
DURATIONS = {
    "outage": (5, 90),
    "feed_death": (5, 150),
    "clock_step": (10, 120),
    "full_disk": (5, 90),
    "token_expiry": (30, 300),
    "lease_loss": (5, 60),
    "command": (20, 200),
    "person_exit": (1, 1),
    "person_buy": (60, 400),
    "takeover": (5, 60),
}
START_GRACE = 30
BOOTED = -3_600
"""The second in which a machine was started that nobody started since."""
HINDRANCES = ("outage", "token_expiry", "full_disk", "lease_loss", "clock_step")
"""While one of these lasts a guardian cannot do what a position needs."""
LOSS_LIMITS = (2_000, 8_000, 30_000)
"""Rupees that a session may lose; one is drawn."""
MOST_TRADES, COOL_DOWNS = (2, 5, 12), (5, 20, 60)
"""How many trades a session may have, and the seconds between an exit and the next entry; one of each is drawn."""
SIZES = {
    "clock_step": (-40, -5, -2, 2, 5, 40),
    "command": (1, 2, 3, 4),
    "takeover": (1, 2),
    "person_buy": (1, 2, 3),
}
"""Seconds that the clock is wrong by; which command a person gives (see `tests.simulation.desk`); whether the guardian
that was frozen while another took over can see that afterwards (1) or not (2); the lots that a person buys."""


class SimulatedCrashError(BaseException):
    """The process is gone in the middle of whatever it did; nothing may catch this but the driver."""


@dataclass(frozen=True)
class Plan:
    """The seconds of a session at which its parts begin. `pause` is what the agent's loop sleeps."""

    requests_end: int = 900
    heal: int = 960
    flat: int = 1_020
    square_off: int = 1_180
    end: int = 1_200
    every: tuple[int, int] = (25, 85)
    pause: int = 1
    contracts: tuple[str, ...] = CONTRACTS
    opens_at: datetime = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Approved:
    """A trade that passed the judge and the checks, as asked of the guardian in second `asked`."""

    setup_id: str
    correlation_id: str
    terms: Terms
    asked: int

    @property
    def risk(self) -> int:
        """Return what is lost at the stop, in ticks times units."""
        return (self.terms.price - self.terms.stop) * self.terms.quantity

    def __str__(self) -> str:
        return f"{self.setup_id}: {self.terms}"


@dataclass(frozen=True)
class Violation:
    """The first bad moment of one invariant in a session."""

    invariant: str
    second: int
    text: str


class Watcher(Protocol):
    """Looks at the world once a second."""

    def look(self) -> None:
        """Record what is not as it must be."""
        ...


@dataclass
class World:
    """Everything outside the agent. `tick` moves it on by one second, also while the agent waits for a reply.

    Attributes
    ----------
    entries : list of (second, setup id, correlation id)
        Super orders that an agent sent.
    unanswered : set of str
        Correlation ids of super orders to which no reply came.
    alerts : list of (second, key)
        Critical alerts.
    earlier : dict of str to list of (second, rows)
        What a list of the broker last showed: a lagging server may show it again.
    machines : dict of str to int
        When a machine was started, if that was in the session.
    troubles : dict of str to list of (begin, end, size)
        When each kind of trouble lasts, in seconds.
    """

    seed: int
    plan: Plan
    faults: Faults
    secret: str = "eyJhbGciOiJIUzUxMiJ9.planted.token"
    second: int = 0
    healed: bool = False
    alive: bool = False
    deaths: int = 0
    born: int = 0
    machines: dict[str, int] = field(default_factory=dict)
    requests_sent: list[tuple[int, str]] = field(default_factory=list)
    approved: dict[str, Approved] = field(default_factory=dict)
    violations: dict[str, Violation] = field(default_factory=dict)
    trace: list[str] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
    entries: list[tuple[int, str, str]] = field(default_factory=list)
    unanswered: set[str] = field(default_factory=set)
    earlier: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)  # Any: rows of a list
    alerts: list[tuple[int, str]] = field(default_factory=list)
    commands_given: list[tuple[int, Any]] = field(default_factory=list)  # Any: the guardian's commands

    def __post_init__(self) -> None:
        self.network_rng, self.crash_rng = self.rng("network"), self.rng("crash")
        self.machine_rng = self.rng("machine")
        self.disk_rng, self.update_rng = self.rng("disk"), self.rng("updates")
        self.prices = {name: Price(self.rng(f"price {name}"), self.plan.heal, self.faults.jump) for name in CONTRACTS}
        self.venue = Venue(self.rng("venue"), self.faults, self.prices, self.say)
        self.venue.shrinks = self.rng("shrinks").random() < 0.5
        self.loss_limit = self.rng("limits").choice(LOSS_LIMITS)
        rules = self.rng("rules")
        self.most_trades, self.cool_down = rules.choice(MOST_TRADES), rules.choice(COOL_DOWNS)
        self._due: dict[int, list[Callable[[], None]]] = {}
        self.troubles = {name: self._drawn_troubles(name) for name in DURATIONS}
        self._troubled = {name: _by_second(spans) for name, spans in self.troubles.items()}
        seen = [end for _, end, size in self.troubles["takeover"] if size == 1]
        self._noticed = frozenset(second for end in seen for second in (end, end + 1))
        self._moments: tuple[int, datetime] = (-1, self.plan.opens_at)
        self._person = Person(self.venue, self.troubles)

    def rng(self, name: str) -> Random:
        """Return a generator of its own for each concern, so that one's use cannot disturb another's."""
        return Random(f"{self.seed}/{name}")

    # ---- time -----------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Return the present as the machine's clock shows it: wrong while a clock step lasts."""
        if self._moments[0] != self.second:
            shown = self.plan.opens_at + timedelta(seconds=self.second + self._trouble("clock_step"))
            self._moments = (self.second, shown)
        return self._moments[1]

    def true_now(self) -> datetime:
        """Return the present as the broker's clock shows it."""
        return self.plan.opens_at + timedelta(seconds=self.second)

    def tick(self) -> None:
        """Let one second pass."""
        self.second += 1
        if self.second == self.plan.heal:
            self.healed = self.venue.healed = True
            self.say("world   all faults end")
        for act in self._due.pop(self.second, ()):
            act()
        self.venue.advance(self.second)
        if self.second == self.plan.square_off:
            self.venue.exit_all("square-off")
        else:
            self._person.act(self.second)
        for watcher in self.watchers:
            watcher.look()

    def wait(self, seconds: int) -> None:
        """Let time pass while the agent is blocked."""
        for _ in range(seconds):
            if self.second < self.plan.end:
                self.tick()

    def later(self, seconds: int, act: Callable[[], None]) -> None:
        """Do something after a delay, whatever becomes of the agent."""
        self._due.setdefault(self.second + max(1, seconds), []).append(act)

    # ---- troubles -------------------------------------------------------------------------------------------------

    def troubled(self, kind: str) -> bool:
        """Whether an outage, dead feed, full disk, expired token or lost lease lasts now."""
        return self.second in self._troubled[kind]

    def chance(self, rng: Random, probability: float) -> bool:
        """Whether a fault strikes; never once the world has healed."""
        return probability > 0 and rng.random() < probability and not self.healed

    def calm(self) -> bool:
        """Whether the agent has been able to act for a while: it waits once more for what its predecessor sent."""
        return self.second - self.born >= START_GRACE and self.able()

    def able(self) -> bool:
        """Whether the agent lives and can reach everything it needs to protect a position."""
        return self.alive and not any(self.second in self._troubled[kind] for kind in HINDRANCES)

    def noticed(self) -> bool:
        """Whether the lease tells a guardian, for two seconds, that another one had it meanwhile."""
        return self.second in self._noticed

    def _trouble(self, kind: str) -> int:
        return self._troubled[kind].get(self.second, 0)

    def _drawn_troubles(self, kind: str) -> list[tuple[int, int, int]]:
        rate, rng, found, at = getattr(self.faults, kind), self.rng(kind), [], 0.0
        while rate and (at := at + rng.expovariate(rate)) < self.plan.heal:
            begin, length = int(at), rng.randint(*DURATIONS[kind])
            size = rng.choice(SIZES.get(kind, (1,)))
            found.append((begin, min(begin + length, self.plan.heal), size))
            at += length
        return found

    # ---- what is written down -------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{self.second:5d} {text}")

    def violate(self, invariant: str, text: str) -> None:
        """Record that an invariant does not hold; only its first moment is kept."""
        if invariant not in self.violations:
            self.violations[invariant] = Violation(invariant, self.second, text)
            self.say(f"VIOLATED {invariant}: {text}")


def _by_second(spans: Iterable[tuple[int, int, int]]) -> dict[int, int]:
    """Return the size of a trouble for each second in which it lasts; the earlier one counts where two overlap."""
    found: dict[int, int] = {}
    for begin, end, size in spans:
        for second in range(begin, end):
            found.setdefault(second, size)
    return found


class Life:
    """One incarnation of the agent, from a start to a crash. Its ports die with it.

    `place` names its machine, which was started in second `machine`: long before the session, or just now.
    """

    def __init__(self, world: World, place: str = "agent") -> None:
        self.world = world
        self.dead = False
        self.place = place
        self.machine = world.machines.get(place, BOOTED)
        world.born = world.second
        self._risk, self._draw = world.faults.crash, world.crash_rng.random
        world.alive = True

    def point(self, weight: float = 1.0) -> None:
        """Pass an input or output: here the process may die.

        Raises
        ------
        SimulatedCrashError
            If it dies here, or is dead already.
        """
        if not self.dead:
            risk, world = self._risk, self.world
            if not risk or self._draw() >= min(0.5, risk * weight) or world.healed:
                return
            self.dead, world.alive = True, False
            world.deaths += 1
            world.say("agent   dies")
        raise SimulatedCrashError
