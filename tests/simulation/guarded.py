"""A session of the real guardian on simulated ports."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from agents.execution.guardian.guardian import Guardian
from agents.execution.guardian.ports import GuardianPorts
from agents.execution.guardian.settings import GuardianSettings
from tests.simulation.asks import RequestDesk
from tests.simulation.broker import SimulatedGateway
from tests.simulation.desk import (
    SimulatedCalendar,
    SimulatedChecks,
    SimulatedClock,
    SimulatedControls,
    SimulatedLease,
    SimulatedNotifier,
    SimulatedUpdates,
    asked_commands,
)
from tests.simulation.disk import Disk, Journal
from tests.simulation.printing import Dialect
from tests.simulation.product import CommandWatch, EntryGuard, JournalWatch, LogKeeper, RaceWatch
from tests.simulation.quotes import SimulatedQuotes
from tests.simulation.session import Agent, Result, Session, world_of
from tests.simulation.world import Life, Watcher, World

SETTINGS = GuardianSettings(
    index="NIFTY",
    start_block=15.0,
    clock_block=15.0,
    orders_per_day=10_000,
)
"""The desk's own times, except for what keeps entries away longer than a short session lasts."""


@dataclass
class Fitting:
    """Builds guardians of one class.

    Attributes
    ----------
    guardian : type of Guardian
        The real class, or a mutation of it.
    """

    guardian: type[Guardian] = Guardian
    settings: GuardianSettings = SETTINGS
    logs: LogKeeper = field(default_factory=LogKeeper)

    def build(self, life: Life, disk: Disk) -> Agent:
        """Start an incarnation on the ports of a life."""
        world = life.world
        quotes, calendar = SimulatedQuotes(life), SimulatedCalendar(world)
        checks = SimulatedChecks(life, quotes, calendar)
        gateway = SimulatedGateway(life, Dialect.drawn(world), EntryGuard(world, disk, checks))
        ports = GuardianPorts(
            gateway=gateway,
            journal=Journal(life, disk),
            updates=SimulatedUpdates(life),
            quotes=quotes,
            controls=SimulatedControls(life, disk),
            lease=SimulatedLease(life),
            notifier=SimulatedNotifier(life),
            clock=SimulatedClock(life),
            calendar=calendar,
            checks=checks,
        )
        return self.guardian(ports, replace(self.settings, daily_loss=Decimal(world.loss_limit)))

    def watchers(self, world: World, disk: Disk) -> Sequence[Watcher]:
        """Return what watches the guardian besides the book."""
        world.commands_given.extend(asked_commands(world))
        return (CommandWatch(world), RaceWatch(world), JournalWatch(world, disk, self.logs))


def run_seed(seed: int, guardian: type[Guardian] = Guardian, *, kinds: frozenset[str] | None = None) -> Result:
    """Run one seed and keep what is logged meanwhile; only faults of `kinds` if given."""
    fitting = Fitting(guardian)
    logger = logging.getLogger("agents")
    logger.addHandler(fitting.logs)
    try:
        return Session(world_of(seed, kinds), fitting.build, RequestDesk, fitting.watchers).run()
    finally:
        logger.removeHandler(fitting.logs)
