"""The guardian's process: becomes the one guardian of the account, then steps whenever there is something to do.

Its start is a recovery: the guardian reads the ledger and the broker's book before it acts. Its end may come at any
instant; nothing is done on the way out but to give the lease back.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Final

from agents.data.ledger import Ledger
from agents.domain.errors import TradingError
from agents.domain.lifecycle import ALIVE, HOLDING, UNRESOLVED
from agents.execution.guardian.guardian import Guardian
from agents.execution.guardian.ports import GuardianPorts
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.service.changes import Changes
from agents.execution.service.checks import INDIA_VIX
from agents.execution.service.ears import Ears
from agents.execution.service.hold import GuardianHold
from agents.execution.service.measured import GuardianMeasures
from agents.execution.service.prices import GuardianPrices
from agents.execution.service.wake import Bell, LedgerWatch
from agents.execution.service.wishes import Wishes
from agents.ops.unkept import Unkept

NAME: Final = "guardian"
LISTEN_EVERY: Final = 0.005
STEP_EVERY: Final = 0.25
WAIT_EVERY: Final = 0.5
BEAT_EVERY: Final = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class World:
    """What a process is given by its entry point: two clocks, a way to wait, chance, and which start of the machine.

    `boot` names what `monotonic` counts from, "" where nobody knows.
    """

    wall: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    rng: Random = field(repr=False)
    boot: str = ""


@dataclass(frozen=True)
class Parts:
    """A guardian's process, assembled; see `agents.execution.service.assemble`."""

    ledger: Ledger
    hold: GuardianHold
    ports: GuardianPorts
    settings: GuardianSettings
    ears: Ears
    prices: GuardianPrices
    watch: LedgerWatch
    bell: Bell
    wishes: Wishes
    unkept: deque[Unkept] = field(default_factory=deque)
    measures: GuardianMeasures | None = None


class GuardianProcess:
    """Runs a guardian until it is told to stop.

    Parameters
    ----------
    parts : Parts
        What it is made of.
    world : World
        Time.
    report : callable
        Is told in one sentence what happens.
    """

    def __init__(self, parts: Parts, world: World, report: Callable[[str], None]) -> None:
        self._parts = parts
        self._world = world
        self._report = report
        self._guardian: Guardian | None = None
        self._changes: Changes | None = None
        self._beat_at = -BEAT_EVERY
        self._stepped_at = -STEP_EVERY
        self._told = ""
        self._said: Mapping[str, Any] = {"state": "waiting"}
        self.steps = 0
        self.slowest = 0.0

    @property
    def facts(self) -> Mapping[str, Any]:  # Any: JSON
        """What the process last said of itself; may be read from any thread."""
        return self._said

    @property
    def unkept(self) -> deque[Unkept]:
        """Alerts that the ledger could not take; another thread may empty it."""
        return self._parts.unkept

    @property
    def guardian(self) -> Guardian | None:
        """The guardian, None while another process is it."""
        return self._guardian

    def run(self, stop: threading.Event) -> None:
        """Wait for the lease, guard until `stop` is set, and give the lease back.

        Raises
        ------
        ConfigError
            If a person must act before it can work.
        """
        parts = self._parts
        parts.ears.start()
        try:
            if self._waited_for_lease(stop):
                self._begin()
                while not stop.is_set():
                    self._turn()
        finally:
            parts.ears.stop()
            parts.hold.release()
            self._beat("stopped", {})
            parts.watch.close()

    def _waited_for_lease(self, stop: threading.Event) -> bool:
        while not stop.is_set():
            try:
                if self._parts.hold.acquire():
                    return True
                self._say(f"another guardian is at work ({self._parts.hold.held_by()}); waiting for it to end")
            except TradingError as error:
                if not error.retryable:
                    raise
                self._say(f"the lease cannot be asked for: {error}")
            stop.wait(WAIT_EVERY)
        return False

    def _begin(self) -> None:
        parts = self._parts
        try:
            parts.prices.watch(parts.settings.index)
        except TradingError as error:
            self._say(f"no prices yet: {error}")
        with suppress(TradingError):  # a paper exchange lists no volatility index
            parts.prices.watch(INDIA_VIX)
        self._guardian = Guardian(parts.ports, parts.settings)
        self._changes = Changes(self._guardian, parts.ports, parts.ledger)
        self._say(f"guarding under lease {parts.hold.lease.name}, token {parts.hold.lease.token}")

    def _turn(self) -> None:
        """Wait a moment, and step if something was heard or written, or it is time."""
        rang = self._parts.bell.rang(LISTEN_EVERY)
        began = self._world.monotonic()
        if not (self._parts.watch.changed() or rang or began - self._stepped_at >= STEP_EVERY):
            return
        self._stepped_at = began
        self._step()
        self.steps += 1
        self.slowest = max(self.slowest, self._world.monotonic() - began)
        if began - self._beat_at >= BEAT_EVERY:
            self._beat_at = began
            self._beat("guarding", self._facts())
            self._measure()

    def _step(self) -> None:
        assert self._guardian is not None  # `_begin` comes first
        assert self._changes is not None
        self._guardian.step()
        try:
            self._changes.serve()
            self._parts.wishes.serve()
        except TradingError as error:
            _log.warning("requests about single orders, limits and alerts wait: %s", error)

    def _measure(self) -> None:
        assert self._guardian is not None  # as above
        if self._parts.measures is not None:
            self._parts.measures.look(list(self._guardian.records.cases.values()))

    def _facts(self) -> dict[str, Any]:  # Any: JSON
        guardian, state = self._guardian, self._parts.ears.state()
        assert guardian is not None
        cases = guardian.records.cases.values()
        facts = {
            "reconciled": guardian.reconciled,
            "alive": sum(case.state in ALIVE for case in cases),
            "holding": sum(case.state in HOLDING for case in cases),
            "unresolved": sum(case.state in UNRESOLVED for case in cases),
            "orders_today": guardian.sender.sent_today,
            "journal": guardian.records.trouble,
            "feed_connected": state is not None and state.connected,
            "steps": self.steps,
            "slowest_step_seconds": round(self.slowest, 4),
        }
        self.slowest = 0.0
        return facts

    def _beat(self, state: str, facts: Mapping[str, Any]) -> None:  # Any: JSON
        self._said = {"state": state, "pid": os.getpid(), **facts}
        try:
            self._parts.ledger.heartbeats.beat(NAME, self._said)
        except TradingError as error:
            _log.warning("no sign of life could be given: %s", error)

    def _say(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._report(text)
