"""The person's hand: the HALT file, the desk's state and the commands, carried out and acknowledged.

The rules: whatever cannot be read counts as halted; a command is carried out before it is acknowledged, so that one
which was cut short is carried out again, and each of them may be; halting never touches what protects a position. One
failed read forbids a new order; an entry at the broker is taken back only when it has failed for a while.
"""

import logging
from collections.abc import Callable

from agents.domain.cycle import DeskState
from agents.domain.errors import TradingError
from agents.execution.guardian.ports import Command, CommandKind, Controls
from agents.execution.guardian.words import spoken

_log = logging.getLogger(__name__)

MOMENT = 1e-3
_STATES = {
    CommandKind.HALT: DeskState.HALTED,
    CommandKind.PAUSE: DeskState.REDUCING,
    CommandKind.RESUME: DeskState.ACTIVE,
    CommandKind.FLATTEN: DeskState.HALTED,
}


class Hand:
    """Reads the controls in each step, and once more before an order.

    Parameters
    ----------
    controls : Controls
        The person's side.
    flatten : callable
        Marks everything that is alive to be sold, with the reason.
    patience : float
        Seconds for which the controls may be unreadable before entries at the broker are taken back.
    """

    def __init__(self, controls: Controls, flatten: Callable[[str], None], patience: float) -> None:
        self._controls = controls
        self._flatten = flatten
        self._patience = patience
        self._unread_for = 0.0
        self._read_at: float | None = None
        self.state = DeskState.HALTED
        self.halted = "the controls were not read yet"

    @property
    def entries_stopped(self) -> str:
        """Why an entry at the broker may not go on, "" when it may."""
        if self._unread_for:
            return self.halted if self._unread_for > self._patience else ""
        if self.halted:
            return self.halted
        return "" if self.state is DeskState.ACTIVE else f"the desk is {self.state}"

    @property
    def unread(self) -> bool:
        """Whether the controls could not be read this time."""
        return self._unread_for > 0

    def read(self, elapsed: float) -> None:
        """Carry out what was asked, then take note of what the desk may do; `elapsed` is the stopwatch's."""
        if self._read_at is None:
            self._read_at = elapsed
        self._unread_for = 0.0
        try:
            for command in self._controls.commands():
                self._carry_out(command)
            self.state = self._controls.desk_state()
            self.halted = self._controls.halted()
            self._read_at = elapsed
        except TradingError as error:
            self.state, self.halted = DeskState.HALTED, f"the controls cannot be read: {spoken(error)}"
            self._unread_for = max(elapsed - self._read_at, MOMENT)

    def _carry_out(self, command: Command) -> None:
        reason = f"{command.kind} by {command.by}"
        if command.kind is CommandKind.FLATTEN:
            self._flatten(reason)
        self._controls.set_desk_state(_STATES[command.kind], reason)
        self._controls.acknowledge(command.id, f"done: {_STATES[command.kind]}")
        _log.info("command %s: %s", command.id, reason)
