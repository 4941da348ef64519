"""The person's hand: the HALT file, the desk's state and the commands, carried out and acknowledged.

The rules: whatever cannot be read counts as halted; a command is carried out before it is acknowledged, so that one
which was cut short is carried out again, and each of them may be; halting never touches what protects a position.
"""

import logging
from collections.abc import Callable

from agents.domain.cycle import DeskState
from agents.domain.errors import TradingError
from agents.execution.guardian.ports import Command, CommandKind, Controls
from agents.execution.guardian.words import spoken

_log = logging.getLogger(__name__)

_STATES = {
    CommandKind.HALT: DeskState.HALTED,
    CommandKind.PAUSE: DeskState.REDUCING,
    CommandKind.RESUME: DeskState.ACTIVE,
    CommandKind.FLATTEN: DeskState.HALTED,
}


class Hand:
    """Reads the controls once in each step.

    Parameters
    ----------
    controls : Controls
        The person's side.
    flatten : callable
        Marks everything that is alive to be sold, with the reason.
    """

    def __init__(self, controls: Controls, flatten: Callable[[str], None]) -> None:
        self._controls = controls
        self._flatten = flatten
        self.state = DeskState.HALTED
        self.halted = "the controls were not read yet"

    @property
    def entries_stopped(self) -> str:
        """Why no entry may go on, "" when it may."""
        if self.halted:
            return self.halted
        return "" if self.state is DeskState.ACTIVE else f"the desk is {self.state}"

    def read(self) -> None:
        """Carry out what was asked, then take note of what the desk may do."""
        try:
            for command in self._controls.commands():
                self._carry_out(command)
            self.state = self._controls.desk_state()
            self.halted = self._controls.halted()
        except TradingError as error:
            self.state, self.halted = DeskState.HALTED, f"the controls cannot be read: {spoken(error)}"

    def _carry_out(self, command: Command) -> None:
        reason = f"{command.kind} by {command.by}"
        if command.kind is CommandKind.FLATTEN:
            self._flatten(reason)
        self._controls.set_desk_state(_STATES[command.kind], reason)
        self._controls.acknowledge(command.id, f"done: {_STATES[command.kind]}")
        _log.info("command %s: %s", command.id, reason)
