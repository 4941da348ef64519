"""The broker's own dead-man: it leaves everything by itself once the day's loss is reached, even if we are gone.

The rules: it is armed each morning and read back, read again while the session lasts, and armed anew when it is
missing or says another amount. No request becomes an order before it is known to be armed.
"""

from datetime import date
from decimal import Decimal

from agents.domain.errors import BrokerError
from agents.execution.gateway import OrderGateway
from agents.execution.guardian.lookout import OWNER as BROKER
from agents.execution.guardian.lookout import SILENT
from agents.execution.guardian.ports import Notifier, Severity
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.guardian.timing import Timers
from agents.execution.guardian.words import spoken

OWNER = "loss exit"
RETRY = 10.0


class LossExit:
    """Keeps the broker-side loss exit armed."""

    def __init__(self, gateway: OrderGateway, settings: GuardianSettings, notifier: Notifier, timers: Timers) -> None:
        self._gateway = gateway
        self._settings = settings
        self._notifier = notifier
        self._timers = timers
        self._on: date | None = None
        self.armed = False

    def tend(self, on: date, elapsed: float) -> str:
        """Look after it when that is due; return what was done, "" when nothing was."""
        if on != self._on:
            self._on, self.armed = on, False
        every = self._settings.verify_loss_exit_every if self.armed else RETRY
        if not self._timers.is_due(OWNER, "verify", elapsed, every):
            return ""
        was = self.armed
        try:
            known = self._gateway.loss_exit()
            if known == self._settings.daily_loss:
                self.armed = True
                return "" if was else f"armed at {known}"
            self.armed = False
            return self._arm(known, was=was)
        except BrokerError as error:
            self.armed = False
            if self._timers.passed(BROKER, SILENT, elapsed) == float("inf"):  # a silent broker is told of as such
                text = f"the broker's loss exit is not known to be armed: {spoken(error)}; see the broker's own app"
                self._notifier.alert(Severity.WARN, OWNER, text)
            return ""

    def _arm(self, known: Decimal | None, *, was: bool) -> str:
        wanted = self._settings.daily_loss
        if was:
            self._notifier.alert(Severity.WARN, OWNER, f"the broker's loss exit says {known}; it is armed again")
        self._gateway.arm_loss_exit(wanted)
        self.armed = self._gateway.loss_exit() == wanted
        if not self.armed:
            self._notifier.alert(Severity.WARN, OWNER, "the broker took the loss exit but does not show it")
        return f"armed at {wanted}, it said {known}"
