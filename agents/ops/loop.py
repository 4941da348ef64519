"""Everything that the guardian's process does for its people, in one thread beside the guardian.

Nothing here may stop the guardian or wait for it: a ledger that fails is logged and tried again.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from agents.data.ledger import Ledger
from agents.data.metrics import MetricReader
from agents.domain.errors import TradingError
from agents.domain.orders import Trade
from agents.ops.breakers import BreakerWatch
from agents.ops.channels import ALERT_FILE, AlertFile, channels_of
from agents.ops.daily import DailyMessages
from agents.ops.deadman import DeadMan
from agents.ops.sender import AlertSender
from agents.ops.server import Health
from agents.ops.sweep import sweep
from agents.ops.troubles import TroubleWatch
from agents.ops.unkept import Unkept, UnkeptAlerts
from agents.ports import Calendar, Clock, Metrics
from agents.settings import Settings

EVERY_SECONDS: Final = 1.0
CHORES_EVERY_SECONDS: Final = 5.0
_SWEEP_EVERY_SECONDS: Final = 3600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GuardianFacts:
    """What the loop asks of the guardian's process, from another thread: each answer must be quick and never raise.

    Attributes
    ----------
    health : callable
        Returns how the process is; while it has a problem the dead man's switch is left alone.
    holding : callable
        Whether a position is open.
    trades : callable
        Returns the trades closed on a date.
    unkept : deque of Unkept
        Alerts that the ledger could not take; the loop empties it.
    """

    health: Callable[[], Health]
    holding: Callable[[], bool]
    trades: Callable[[date], Sequence[Trade]]
    unkept: deque[Unkept] = field(default_factory=deque)


class AlertLoop:
    """Sends alerts, watches breakers and refusals, says the daily messages, keeps the dead man's switch.

    Parameters
    ----------
    settings : Settings
        Channels, the dead man's address, the folder of logs.
    ledger : Ledger
        The mode's; a connection of its own is taken for every look.
    clock, calendar
        The market's, for the daily messages.
    facts : GuardianFacts
        The guardian's process.
    metrics : Metrics
        Told the state of the breakers.
    wall : callable
        Returns the machine's present, aware.
    monotonic : callable
        Returns seconds that only grow.

    Raises
    ------
    ConfigError
        If an address cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        clock: Clock,
        calendar: Calendar,
        facts: GuardianFacts,
        *,
        metrics: Metrics,
        wall: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        logs = settings.home / "logs"
        channels = channels_of(settings.alert_urls)
        title = f"zonedesk {settings.mode}"
        self._sender = AlertSender(ledger.outbox, channels, AlertFile(logs / ALERT_FILE), title)
        self._breakers = BreakerWatch(ledger, metrics, wall, facts.holding)
        self._troubles = TroubleWatch(ledger, facts.holding)
        self._unkept = UnkeptAlerts(ledger.outbox, self._sender, facts.unkept, wall)
        self._daily = DailyMessages(ledger, calendar, MetricReader(settings.ops_path), facts.trades)
        self._dead_man = DeadMan(settings.dead_man_url, monotonic) if settings.dead_man_url else None
        self._clock = clock
        self._facts = facts
        self._wall = wall
        self._monotonic = monotonic
        self._logs = logs
        self._chores_at = self._sweep_at = monotonic()
        self._trouble = ""

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then send once more what is due."""
        while not stop.wait(EVERY_SECONDS):
            self.step()
        self.step()

    def step(self) -> None:
        """Do once what is due; whatever the ledger raises is logged when it begins."""
        self._unkept.step()
        try:
            if self._monotonic() >= self._chores_at:
                self._chores_at = self._monotonic() + CHORES_EVERY_SECONDS
                self._breakers.step()
                self._daily.step(self._clock.now())
            self._troubles.step()
            self._sender.step()
            self._trouble = ""
        except TradingError as error:
            if str(error) != self._trouble:
                _log.error("alerts wait: %s", error)
            self._trouble = str(error)
        if self._dead_man is not None and self._facts.health().ok:
            self._dead_man.step()
        if self._monotonic() >= self._sweep_at:
            self._sweep_at = self._monotonic() + _SWEEP_EVERY_SECONDS
            sweep(self._logs, self._wall())
