"""What stopped the desk on a recorded day, shown to a repeated cycle as its record says that it met it.

A desk may be halted in the middle of a cycle: the cycle has passed the gate by then, and meets the halt where the risk
rules look again.
"""

from collections.abc import Sequence

from agents.data.ledger import Ledger, LedgerEvent
from agents.data.ledger.ledger import DESK_STATE
from agents.domain.cycle import CycleRecord, DeskState, Reason

FILE = "the file "
STATE_RULE = "R11.state"
RISK = "risk"
_AT_THE_GATE = {Reason.SESSION_CLOSED, Reason.DESK_HALTED, Reason.DESK_REDUCING}


class Stops:
    """The states of the desk and its HALT file.

    Parameters
    ----------
    ledger : Ledger
        Of the repeated day; gets the states.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._later: list[LedgerEvent] = []
        self._halts = ["", ""]
        self._looks = 0

    def show(self, record: CycleRecord, fresh: Sequence[LedgerEvent]) -> None:
        """Prepare for the cycle of `record`; `fresh` are the states set since the one before, oldest first."""
        self._tell(self._later)
        own = [each for each in fresh if each.payload.get("by") == RISK and each.at == record.at]  # it does so again
        others = [each for each in fresh if each not in own]
        count = len(others) if record.reason in _AT_THE_GATE else self._passable(others)
        self._tell(others[:count])
        self._later = others[count:]
        met = next((check.text for check in record.checks if check.rule == STATE_RULE), "")
        self._halts = [text if text.startswith(FILE) else "" for text in (self._at_gate(record), met)]
        self._looks = 0

    def halted(self) -> str:
        """Return why a file halts the desk: at the first look what the gate met, then what the rules met."""
        self._looks += 1
        if self._looks == 1:
            return self._halts[0]
        self._tell(self._later)
        self._later = []
        return self._halts[1]

    def _tell(self, events: Sequence[LedgerEvent]) -> None:
        for event in events:
            self._ledger.append(DESK_STATE, event.payload, at=event.at)

    def _passable(self, events: Sequence[LedgerEvent]) -> int:
        """Return how many of the states may stand when the cycle passes the gate: up to the last active one."""
        active = [number for number, event in enumerate(events, 1) if event.payload["state"] == DeskState.ACTIVE.value]
        return active[-1] if active else 0

    def _at_gate(self, record: CycleRecord) -> str:
        return record.detail if record.reason is Reason.DESK_HALTED else ""
