"""The supervisor's alarm: a process that is left down becomes an alert, and is sent at once where nobody else sends."""

from typing import TYPE_CHECKING

from agents.domain.errors import TradingError
from agents.settings import Settings
from zonedesk.apart import Say, Step, apart

if TYPE_CHECKING:
    from agents.data.ledger.outbox import Message


def raise_alarm(settings: Settings, name: str, text: str, *, critical: bool, sends: bool) -> str:
    """Write an alert into the outbox and return why that failed, "" where it did not.

    It is done in another process, because the supervisor itself has neither a ledger nor channels.

    Parameters
    ----------
    settings : Settings
        Name the ledger and the channels.
    name, text : str
        Which process, and what happened to it.
    critical : bool
        Whether money is at stake.
    sends : bool
        Whether to send what is due, because the guardian, which does that, is down.
    """

    def work(_say: Say, _step: Step) -> None:
        from agents.bootstrap import open_ledger  # noqa: PLC0415  (in the other process only)
        from agents.data.ledger import Severity  # noqa: PLC0415  (as above)
        from agents.data.ledger.outbox import Message  # noqa: PLC0415  (as above)
        from agents.ops.channels import ALERT_FILE, AlertFile, channels_of  # noqa: PLC0415  (as above)
        from agents.ops.sender import AlertSender  # noqa: PLC0415  (as above)
        from zonedesk.shell import wall_now  # noqa: PLC0415  (as above)

        severity = Severity.CRITICAL if critical else Severity.WARN
        try:
            ledger = open_ledger(settings, now=wall_now)
        except TradingError as error:
            if sends:
                whole = f"{text}; and the ledger cannot take this alert: {error}"
                _send_without_ledger(
                    settings,
                    Message(id=0, dedupe_key=f"down:{name}", severity=severity, text=whole, created_at=wall_now()),
                )
            raise
        ledger.outbox.put(severity, f"down:{name}", text)
        if sends:
            file = AlertFile(settings.home / "logs" / ALERT_FILE)
            AlertSender(ledger.outbox, channels_of(settings.alert_urls), file, f"zonedesk {settings.mode}").step()
        ledger.close()

    try:
        apart(work, lambda _text: None, lambda _done, _total: None)
    except TradingError as error:
        return str(error)
    return ""


def _send_without_ledger(settings: Settings, message: "Message") -> None:
    from agents.ops.channels import ALERT_FILE, AlertFile, channels_of  # noqa: PLC0415  (as above)

    AlertFile(settings.home / "logs" / ALERT_FILE).write(message)
    for channel in channels_of(settings.alert_urls):
        wanted = message.severity in channel.severities
        if wanted and not channel.send(f"zonedesk {settings.mode}: {message.severity}", message):
            return
