"""The parts of a step, kept apart: trouble in one never keeps the next from its work.

The rule: a broken invariant and anything unforeseen close the entries until a person has looked and started anew; a
broker or journal that fails is expected, and the stage is simply tried again in the next step.
"""

import logging
from collections.abc import Callable

from agents.domain.errors import BrokerError, InvariantViolationError, TradingError
from agents.execution.guardian.ports import Notifier, Severity
from agents.execution.guardian.words import spoken

_OF_JOURNAL = frozenset({"journal", "requests"})
_log = logging.getLogger(__name__)


class Stages:
    """Runs stages and remembers, in `faults`, what closes the entries."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self.faults: dict[str, str] = {}

    def run(self, name: str, stage: Callable[[], object]) -> None:
        """Run a stage; whatever goes wrong in it is told, nothing is raised."""
        try:
            stage()
        except InvariantViolationError as broken:
            self._close_entries(name, broken)
        except BrokerError as error:
            _log.info("%s: %s", name, spoken(error))
        except TradingError as error:
            if name in _OF_JOURNAL and not error.retryable:
                self.tell_of_journal(error)
            else:
                self.tell(Severity.WARN, f"fault:{name}", f"{name}: {spoken(error)}")
        except Exception as error:  # noqa: BLE001 - the last line of defence: a position must stay protected
            self._close_entries(name, error)

    def tell(self, severity: Severity, key: str, text: str) -> None:
        """Tell a person."""
        self._notifier.alert(severity, key, text)

    def tell_of_journal(self, error: TradingError) -> None:
        """Tell a person that the journal fails, whoever has found that out."""
        self.tell(Severity.CRITICAL, "journal", f"the journal fails: {error}; entries are closed")

    def _close_entries(self, name: str, error: Exception) -> None:
        self.faults[name] = f"{name}: {spoken(error)}"
        _log.error("%s failed: %s", name, spoken(error))
        self.tell(Severity.CRITICAL, f"fault:{name}", f"{self.faults[name]}; entries stay closed")
