"""Sends what stands in the outbox: most urgent first, to the first channel that takes it, again until one does."""

import logging
from collections.abc import Sequence
from typing import Final

from agents.data.ledger.outbox import Message, Outbox, Severity
from agents.ops.channels import AlertFile, Channel

AT_ONCE: Final = 10
MOST_TRIES: Final = 50
"""After so many failures, some four hours, a message is left to the file of alerts; a critical one never is."""

_URGENCY = {Severity.CRITICAL: 0, Severity.WARN: 1, Severity.INFO: 2}
_log = logging.getLogger(__name__)


class AlertSender:
    """Takes messages out of an outbox; one process does.

    Parameters
    ----------
    outbox : Outbox
        What was written down. A message is read after the transaction that wrote it, so nothing is sent that did not
        happen.
    channels : sequence of Channel
        In the order in which they are tried. Without one that is for a message, the file alone takes it.
    file : AlertFile
        Takes every message, once.
    title : str
        Stands above every message.
    """

    def __init__(self, outbox: Outbox, channels: Sequence[Channel], file: AlertFile, title: str) -> None:
        self._outbox = outbox
        self._channels = channels
        self._file = file
        self._title = title

    def step(self) -> int:
        """Try what is due once, and return how many messages were taken. Raises `TradingError` of the ledger."""
        due = [message for message in self._outbox.due(limit=1000) if not _is_given_up(message)]
        due.sort(key=lambda message: (_URGENCY[message.severity], message.id))
        return sum(self._send(message) for message in due[:AT_ONCE])

    def send_at_once(self, message: Message) -> str:
        """Send a message that no outbox holds, because the ledger fails, and return why nobody took it.

        It is in the file of alerts in any case. Nothing is tried again.
        """
        self._file.write(message)
        return self._try_channels(message)

    def _send(self, message: Message) -> bool:
        if message.attempts == 0:
            self._file.write(message)
        error = self._try_channels(message)
        if not error:
            self._outbox.sent(message.id)
            return True
        self._outbox.failed(message.id, error)
        if message.attempts == 0 or message.attempts + 1 == MOST_TRIES:
            again = "it is left in the file of alerts" if message.attempts else "it is tried again"
            _log.warning("alert %d was not sent, %s: %s", message.id, again, error)
        return False

    def _try_channels(self, message: Message) -> str:
        """Return why no channel took the message, "" where one did or none is for it."""
        errors = []
        for channel in self._channels:
            if message.severity in channel.severities:
                error = channel.send(f"{self._title}: {message.severity}", message)
                if not error:
                    return ""
                errors.append(error)
        return "; ".join(errors)


def _is_given_up(message: Message) -> bool:
    return message.severity is not Severity.CRITICAL and message.attempts >= MOST_TRIES
