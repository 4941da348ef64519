"""The dead man's switch: somebody outside hears every minute that all is well, and raises the alarm when that stops."""

import logging
import urllib.request
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from agents.data.dhan.redaction import cleaned, hide
from agents.domain.errors import ConfigError

EVERY_SECONDS: Final = 60.0
_TIMEOUT_SECONDS: Final = 10.0
_log = logging.getLogger(__name__)


class DeadMan:
    """Asks for an address while all is well; the address is a secret, since whoever knows it can silence the alarm.

    Parameters
    ----------
    url : SecretStr
        http or https.
    monotonic : callable
        Returns seconds that only grow.

    Raises
    ------
    ConfigError
        If it is no such address.
    """

    def __init__(self, url: SecretStr, monotonic: Callable[[], float]) -> None:
        self._url = url.get_secret_value()
        hide(self._url)
        if urlsplit(self._url).scheme not in {"http", "https"}:
            raise ConfigError("the dead man's address is no http(s) address; see ZONEDESK_DEAD_MAN_URL")
        self._monotonic = monotonic
        self._next_at = monotonic()
        self._failing = False

    def step(self) -> bool:
        """Ask if a minute has gone by, and return whether an answer came. Failing is logged when it begins."""
        now = self._monotonic()
        if now < self._next_at:
            return False
        self._next_at = now + EVERY_SECONDS
        try:
            with urllib.request.urlopen(self._url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310  (checked above)
                answer.read(1)
        except (OSError, ValueError) as error:  # URLError is an OSError
            if not self._failing:
                _log.warning("the dead man's switch could not be reached: %s", cleaned(str(error)))
            self._failing = True
            return False
        self._failing = False
        return True
