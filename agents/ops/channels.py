"""Where alerts go: one channel for each address that is set, and a file that is always there."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from pydantic import SecretStr

from agents.data.dhan.redaction import cleaned, hide
from agents.data.ledger.outbox import Message, Severity
from agents.domain.errors import ConfigError
from agents.domain.values import IST

ALERT_FILE: Final = "alerts.log"
_LEVELS = {Severity.INFO: logging.INFO, Severity.WARN: logging.WARNING, Severity.CRITICAL: logging.ERROR}
_EVERYTHING = frozenset(Severity)
_log = logging.getLogger(__name__)


class Channel(Protocol):
    """One way to a person."""

    @property
    def name(self) -> str:
        """Return how it is called, without its secrets."""
        ...

    @property
    def severities(self) -> frozenset[Severity]:
        """Return which messages it is for."""
        ...

    def send(self, title: str, message: Message) -> str:
        """Send once and return why that failed, "" where it did not. Never raises for a message that was not taken."""
        ...


class AppriseChannel:
    """An address of any service that Apprise knows: ``tgram://``, ``slack://``, ``mailtos://``, ``json://``.

    Parameters
    ----------
    address : SecretStr
        The address, optionally with what it is for before it: ``warn,critical=tgram://...``; for everything otherwise.

    Raises
    ------
    ConfigError
        If Apprise knows no such address, or what it is for is none of info, warn and critical.
    """

    def __init__(self, address: SecretStr) -> None:
        from apprise import Apprise  # noqa: PLC0415  (170 services, which only the sender needs)

        tags, url = _split(address.get_secret_value())
        hide(url)
        plugin = Apprise.instantiate(url)
        if plugin is None:
            scheme = url.partition(":")[0]
            raise ConfigError(f"the alert address {scheme}://... cannot be used; see ZONEDESK_ALERT_URLS")
        self._apprise = Apprise()
        self._apprise.add(plugin)
        masked = str(plugin.url(privacy=True))  # type: ignore[no-untyped-call]  # Apprise has no types here
        self.name = cleaned(masked).partition("?")[0]
        self.severities = tags

    def send(self, title: str, message: Message) -> str:
        """Send once; see `Channel.send`."""
        kind = {Severity.INFO: "info", Severity.WARN: "warning", Severity.CRITICAL: "failure"}[message.severity]
        try:
            taken = bool(self._apprise.notify(body=message.text, title=title, notify_type=kind))
        except (OSError, TypeError, ValueError) as error:  # a plugin that raises instead of saying no
            return cleaned(f"{self.name}: {type(error).__name__}: {error}")
        return "" if taken else f"{self.name} did not take it"


class AlertFile:
    """The last resort: every alert as a line of a file and of the log, whatever the channels do.

    Parameters
    ----------
    path : Path
        The file; made with the first alert.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, message: Message) -> None:
        """Write the message down. A file that cannot be written leaves the log."""
        text = cleaned(" ".join(message.text.split()))
        _log.log(_LEVELS[message.severity], "alert %d (%s): %s", message.id, message.severity, text)
        when = message.created_at.astimezone(IST)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{when:%Y-%m-%d %H:%M:%S} {message.severity:8} {message.id:6} {text}\n")
        except OSError as error:
            _log.warning("the alert could not be written to %s: %s", self.path, error)


def channels_of(
    addresses: Sequence[SecretStr], make: Callable[[SecretStr], Channel] = AppriseChannel
) -> tuple[Channel, ...]:
    """Return a channel for each address, in order. Raises as `AppriseChannel`."""
    return tuple(make(address) for address in addresses)


def _split(text: str) -> tuple[frozenset[Severity], str]:
    tags, equals, url = text.partition("=")
    if not equals or "://" in tags:
        return _EVERYTHING, text
    try:
        return frozenset(Severity(tag.strip()) for tag in tags.split(",")), url
    except ValueError as error:
        raise ConfigError(f"an alert address is for info, warn or critical, not {tags!r}") from error
