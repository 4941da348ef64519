"""Runs one session: time, requests for trades, and an agent that is started again whenever it dies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Protocol

from tests.simulation.book import Terms
from tests.simulation.disk import Disk
from tests.simulation.faults import Faults
from tests.simulation.invariants import BookWatch, EndWatch
from tests.simulation.naked import Naked
from tests.simulation.world import Approved, Life, Plan, SimulatedCrashError, Violation, Watcher, World

LOT = 65
RESTART = (1, 15)
REBOOTS = 0.05
"""The share of deaths that take the machine with them: its stopwatch then begins anew."""
BUSY, IDLE_PAUSE = 40, 5


class Agent(Protocol):
    """Whoever trades."""

    def step(self, now: datetime) -> None:
        """Do what is due."""
        ...


Build = Callable[[Life, Disk], Agent]


class Asker(Protocol):
    """Whoever asks for trades."""

    def ask(self, approved: Approved) -> None:
        """Ask for a trade that may be made."""
        ...

    def rave(self) -> None:
        """Ask for something that must not be traded."""
        ...


@dataclass(frozen=True)
class Result:
    """What a session came to. `longest_naked` in seconds; `naked` tells of every stretch beyond the bound of I4."""

    seed: int
    faults: Faults
    violations: Sequence[Violation]
    trace: Sequence[str]
    orders: int
    deaths: int
    trades: int
    longest_naked: int
    naked: Sequence[Naked]


class SilentAsker:
    """Registers approved trades and nothing else: enough for agents that read them from the world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def ask(self, approved: Approved) -> None:
        """Register the trade."""
        self._world.approved[approved.correlation_id] = approved

    def rave(self) -> None:
        """Ask for nothing."""


class Session:
    """One session of one agent.

    Parameters
    ----------
    world : World
        Fresh.
    build : callable
        Starts an incarnation of the agent on the ports of a life and the disk that survives.
    asker : callable
        Gives whoever asks for trades.
    watchers : sequence of Watcher
        Besides those of the broker's book.
    """

    def __init__(
        self,
        world: World,
        build: Build,
        asker: Callable[[World, Disk], Asker] | None = None,
        watchers: Callable[[World, Disk], Sequence[Watcher]] | None = None,
    ) -> None:
        self.world, self.disk = world, Disk()
        self._build = build
        self._asker: Asker = asker(world, self.disk) if asker else SilentAsker(world)
        self._ask_rng: Random = world.rng("ask")
        self._book = BookWatch(world)
        world.watchers += [self._book, EndWatch(world, self.disk)]
        world.watchers += watchers(world, self.disk) if watchers else ()
        self._next_ask = self._ask_rng.randint(5, 60)
        self._agent: Agent | None = None
        self._life: Life | None = None
        self._rival: Agent | None = None
        self._rival_life: Life | None = None
        self._start_at = 0
        self._changes, self._moved = 0, 0

    def run(self) -> Result:
        """Run to the end of the session."""
        world = self.world
        world.say(f"world   seed {world.seed}: {world.faults or 'no faults'}")
        while world.second < world.plan.end:
            world.tick()
            if world.second >= self._next_ask:
                self._ask()
            if world.troubled("takeover"):
                self._step_rival()
            elif world.second % self._pause() == 0:
                self._end_rival()
                self._step()
        self._book.end_stretch()
        return Result(
            world.seed,
            world.faults,
            tuple(world.violations.values()),
            world.trace,
            len(world.venue.brackets),
            world.deaths,
            sum(deal.side < 0 for deal in world.venue.deals),
            self._book.longest,
            tuple(self._book.stretches),
        )

    def _pause(self) -> int:
        """Return the seconds between steps: longer once nothing has happened for a while, which only saves time."""
        changes = self.world.venue.changes
        if changes != self._changes or any(self.world.venue.net.values()) or not self.world.alive:
            self._changes, self._moved = changes, self.world.second
        idle = self.world.second - self._moved > BUSY
        return max(self.world.plan.pause, IDLE_PAUSE) if idle else self.world.plan.pause

    def _step(self) -> None:
        world = self.world
        if world.second < self._start_at:
            return
        try:
            if self._agent is None:
                self._life = Life(world)
                world.say("agent   starts")
                self._agent = self._build(self._life, self.disk)
            self._agent.step(world.now())
        except SimulatedCrashError:
            self._bury()
        except Exception as error:  # noqa: BLE001 - whatever escapes would end the real process: that is the finding
            world.violate("P9", f"the agent let {type(error).__name__} escape: {error}")
            self._bury()

    def _step_rival(self) -> None:
        """Let a second guardian work while the first is frozen, as when a machine stops for a minute."""
        world = self.world
        try:
            if self._rival_life is None:
                self._rival_life = Life(world, "rival")
                world.say("rival   takes over")
                self._rival = self._build(self._rival_life, self.disk)
            if self._rival is not None:
                self._rival.step(world.now())
        except SimulatedCrashError:
            self._rival = None
        except Exception as error:  # noqa: BLE001 - as in `_step`
            world.violate("P9", f"the rival let {type(error).__name__} escape: {error}")
            self._rival = None

    def _end_rival(self) -> None:
        if self._rival_life is not None:
            self._rival_life.dead = True
            self._rival = self._rival_life = None
            self.world.alive = self._agent is not None
            self.world.say("rival   is gone")

    def _bury(self) -> None:
        if self._life is not None:
            self._life.dead = True
        self.world.alive, self._agent = False, None
        self._start_at = self.world.second + self.world.crash_rng.randint(*RESTART)
        if self.world.machine_rng.random() < REBOOTS:
            self.world.machines["agent"] = self._start_at
            self.world.say("agent   its machine is started anew")

    def _ask(self) -> None:
        world, rng = self.world, self._ask_rng
        self._moved = world.second
        self._next_ask += rng.randint(*world.plan.every)
        if self._next_ask > world.plan.requests_end:
            self._next_ask = world.plan.end + 1
        if world.chance(rng, world.faults.garbage):
            self._asker.rave()
            return
        contract = rng.choice(world.plan.contracts)
        last = world.prices[contract].last
        entry, lots = last + rng.randint(-6, 8), rng.randint(1, 4)
        setup_id = sha256(f"{world.seed}/{world.second}".encode()).hexdigest()[:10]
        target, stop = entry + rng.randint(30, 140), entry - rng.randint(30, 100)
        terms = Terms(contract, lots * LOT, entry, target, stop)
        self._asker.ask(Approved(setup_id, f"A261123{setup_id}01", terms, world.second))


def world_of(seed: int, kinds: frozenset[str] | None = None, plan: Plan | None = None) -> World:
    """Return the fresh world of a seed: its faults are drawn from it."""
    return World(seed, plan or Plan(), Faults.drawn(Random(f"{seed}/faults"), kinds))
