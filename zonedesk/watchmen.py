"""What runs beside the guardian for its people: alerts, measurements, health; none of it may stop or delay it."""

import logging
import threading
import time
from collections.abc import Sequence
from datetime import date, timedelta
from types import TracebackType
from typing import Final, Self

from agents.data.calendar import NseCalendar
from agents.data.clock import market_clock
from agents.data.ledger import Ledger
from agents.domain.errors import ConfigError
from agents.domain.orders import Trade
from agents.execution.agent import ExecutionAgent, Waiting
from agents.execution.guardian.standing import left_on
from agents.execution.service.process import NAME, GuardianProcess
from agents.ops.loop import AlertLoop, GuardianFacts
from agents.ops.server import Health, OpsServer, serve_ops
from agents.ports import Metrics
from agents.settings import Settings
from zonedesk.shell import wall_now

SILENT: Final = timedelta(seconds=15)
STOP_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


class Watchmen:
    """Runs the alerts' loop and the server of measurements while it is entered.

    Parameters
    ----------
    settings : Settings
        Channels, ports, folders.
    ledger : Ledger
        The guardian's.
    process : GuardianProcess
        Whose health it is.
    metrics : Metrics
        Told what the loop measures.
    """

    def __init__(self, settings: Settings, ledger: Ledger, process: GuardianProcess, metrics: Metrics) -> None:
        self._settings = settings
        self._ledger = ledger
        self._process = process
        self._clock = market_clock(settings, NseCalendar())
        self._agent = ExecutionAgent(ledger, self._clock.now, Waiting(time.monotonic, time.sleep))
        self._stop = threading.Event()
        facts = GuardianFacts(self.health, self.holding, self.trades, process.unkept)
        self._loop = AlertLoop(settings, ledger, self._clock, NseCalendar(), facts, metrics=metrics, wall=wall_now)
        self._thread = threading.Thread(target=self._loop.run, args=(self._stop,), name="alerts", daemon=True)
        self._server: OpsServer | None = None

    def __enter__(self) -> Self:
        """Begin. A port that is taken costs the measurements and not the guardian."""
        self._thread.start()
        try:
            self._server = serve_ops(self._settings, self.health)
        except ConfigError as error:
            _log.error("nobody can ask for measurements and health: %s", error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._stop.set()
        self._thread.join(STOP_SECONDS)
        if self._server is not None:
            self._server.close()

    def health(self) -> Health:
        """Return how the guardian is: it beats, it has reconciled, its journal works."""
        facts = dict(self._process.facts)
        problems = []
        if facts["state"] == "guarding":
            if not facts["reconciled"]:
                problems.append("the book is not reconciled")
            if facts["journal"]:
                problems.append(f"the journal fails: {facts['journal']}")
            beat = self._ledger.heartbeats.last(NAME)
            if beat is None or wall_now() - beat.at > SILENT:
                problems.append("the guardian has not given a sign of life for a while")
        return Health(problems=tuple(problems), facts=facts)

    def holding(self) -> bool:
        """Return whether a position is open."""
        return bool(self._process.facts.get("holding"))

    def trades(self, on: date) -> Sequence[Trade]:
        """Return the round trips that ended on a date."""
        return left_on(self._agent.cases(on), on, self._settings.brokerage_rupees)
