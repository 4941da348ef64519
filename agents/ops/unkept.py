"""Alerts that the ledger could not take: sent at once without it, and written down as soon as it works again."""

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from agents.data.ledger import Severity
from agents.data.ledger.outbox import Message, Outbox
from agents.domain.errors import TradingError
from agents.ops.sender import AlertSender

_log = logging.getLogger(__name__)


class Unkept(NamedTuple):
    """One alert, as it was to be written down."""

    severity: Severity
    dedupe_key: str
    text: str


class UnkeptAlerts:
    """Empties the queue of a process whose ledger fails.

    Parameters
    ----------
    outbox : Outbox
        Where they belong.
    sender : AlertSender
        Sends them meanwhile, each once.
    queue : deque of Unkept
        Filled by any thread.
    wall : callable
        Returns the machine's present, aware.
    """

    def __init__(self, outbox: Outbox, sender: AlertSender, queue: deque[Unkept], wall: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._sender = sender
        self._queue = queue
        self._wall = wall
        self._waiting: list[tuple[Unkept, bool]] = []
        self._said: set[tuple[str, str]] = set()

    def step(self) -> None:
        """Send what is new, and write down what waits if the ledger takes it; raises nothing."""
        while self._queue:
            alert = self._queue.popleft()
            if (alert.dedupe_key, alert.text) not in self._said:
                self._said.add((alert.dedupe_key, alert.text))
                self._waiting.append((alert, self._sent(alert)))
        while self._waiting:
            alert, sent = self._waiting[0]
            try:
                message = self._outbox.put(*alert)
                if message is not None and sent:
                    self._outbox.sent(message.id)
            except TradingError:
                return
            self._waiting.pop(0)
            self._said.discard((alert.dedupe_key, alert.text))

    def _sent(self, alert: Unkept) -> bool:
        message = Message(
            id=0, dedupe_key=alert.dedupe_key, severity=alert.severity, text=alert.text, created_at=self._wall()
        )
        error = self._sender.send_at_once(message)
        if error:
            _log.warning("an alert that the ledger could not take was not sent either: %s", error)
        return not error
