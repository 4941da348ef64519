"""The person's hand on the desk: anybody may tighten, only the command line loosens.

Three places are read before each order, and the strictest of them holds: the file HALT, the desk's state in the ledger,
and the commands that wait. The file works when everything else is dead. No dashboard and no notification may import
this module; what they may do is ask, by a command row, and of those rows only the tightening kinds are carried out.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from agents.data.halt_file import HALT_FILE, halt_reason
from agents.domain.cycle import DeskState
from agents.domain.errors import ConfigError, TradingError

__all__ = [
    "HALT_FILE",
    "LEADS_TO",
    "STRICTNESS",
    "Asked",
    "CommandQueue",
    "StateBook",
    "Tightened",
    "Tightening",
    "halt_reason",
    "loosen",
    "phrase",
    "standing",
    "stricter",
    "tighten",
    "write_halt",
]

STRICTNESS: Mapping[DeskState, int] = MappingProxyType(
    {DeskState.ACTIVE: 0, DeskState.REDUCING: 1, DeskState.HALTED: 2}
)


class Tightening(StrEnum):
    """What anybody may ask for. PAUSE: no new trades; HALT: nothing new; FLATTEN: sell what is held, and halt."""

    PAUSE = "pause"
    HALT = "halt"
    FLATTEN = "flatten"


LEADS_TO: Mapping[Tightening, DeskState] = MappingProxyType(
    {
        Tightening.PAUSE: DeskState.REDUCING,
        Tightening.HALT: DeskState.HALTED,
        Tightening.FLATTEN: DeskState.HALTED,
    }
)


class CommandQueue(Protocol):
    """The commands of the ledger."""

    def ask(self, command_id: str, kind: str, payload: Mapping[str, Any], *, by: str) -> "Asked":  # Any: JSON
        """Ask for something once, and return the command that stands for it."""
        ...


class Asked(Protocol):
    """A command."""

    @property
    def id(self) -> str:
        """Return its name, which is that of an earlier one where the same was asked already."""
        ...


class StateBook(Protocol):
    """What is needed of the ledger."""

    @property
    def commands(self) -> CommandQueue:
        """The commands."""
        ...

    def desk_state(self) -> DeskState:
        """Return what the desk may do."""
        ...

    def set_desk_state(self, state: DeskState, reason: str, *, by: str, at: datetime | None = None) -> None:
        """Set what the desk may do."""
        ...


class Tightened(NamedTuple):
    """What the desk may do now, and the command that tells the guardian."""

    state: DeskState
    command_id: str


def stricter(one: DeskState, other: DeskState) -> DeskState:
    """Return the state that allows less."""
    return max(one, other, key=lambda state: STRICTNESS[state])


def write_halt(home: Path, reason: str) -> Path:
    """Put the file HALT down so that it survives a crash, keep the reason of one that is there, and return its path.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """
    path = home / HALT_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(reason.replace("\n", " ") + "\n")
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(home, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}; make the folder writable, or use `zonedesk down`"
        ) from error
    return path


def tighten(ledger: StateBook, kind: Tightening, reason: str, *, by: str, command_id: str) -> Tightened:
    """Write into the ledger that the desk stops, and ask the guardian to; the desk never may do more than before.

    Parameters
    ----------
    ledger : StateBook
        The mode's ledger.
    kind : Tightening
        How far.
    reason : str
        For whoever reads it later.
    by : str
        Who asks.
    command_id : str
        Names this wish once, so that a button pressed twice asks once.

    Raises
    ------
    TradingError
        If the ledger cannot be written; the file HALT holds all the same.
    """
    state = stricter(ledger.desk_state(), LEADS_TO[kind])
    ledger.set_desk_state(state, reason, by=by)
    return Tightened(state, ledger.commands.ask(command_id, kind.value, {"reason": reason}, by=by).id)


def phrase(mode: str) -> str:
    """Return what a person types to let a halted desk trade again."""
    return f"resume {mode}"


def loosen(ledger: StateBook, home: Path, mode: str, *, typed: str, reason: str, by: str) -> None:
    """Let a halted desk trade again. Only the command line calls this.

    The ledger is written first and the file goes last, so that a failure in between leaves the desk halted.

    Parameters
    ----------
    ledger : StateBook
        The mode's ledger.
    home : Path
        The mode's folder.
    mode : str
        paper or live.
    typed : str
        What the person typed; `phrase` says what it must be.
    reason, by : str
        Why, and who.

    Raises
    ------
    ConfigError
        If something else was typed, or the file HALT cannot be removed.
    TradingError
        If the ledger cannot be written.
    """
    if typed.strip() != phrase(mode):
        raise ConfigError(f'to let the desk trade again, type exactly: --confirm "{phrase(mode)}"')
    ledger.set_desk_state(DeskState.ACTIVE, reason, by=by)
    try:
        (home / HALT_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{home / HALT_FILE} cannot be removed: {error.strerror}; remove it by hand") from error


def standing(ledger: StateBook, home: Path) -> tuple[DeskState, str]:
    """Return what the desk may do, and why not more; whatever cannot be read counts as halted."""
    why = halt_reason(home)
    try:
        state = ledger.desk_state()
    except TradingError as error:
        return DeskState.HALTED, f"the desk's state cannot be read: {error}"
    if why:
        return DeskState.HALTED, why
    return state, "" if state is DeskState.ACTIVE else f"the ledger says {state}"
