"""What people ask of the desk besides its orders: a tighter limit, and that an alert was seen.

Requests are commands in the ledger, carried out and acknowledged by the guardian's own thread. Carrying one out twice
does no harm: a limit is tightened once, and an alert that was seen stays so.
"""

import json
from typing import Final

from pydantic import ValidationError

from agents.data.ledger import Ledger
from agents.data.ledger.commands import Command
from agents.domain.limits import TIGHTEN, LimitWish
from agents.execution.risk.limits import Limits
from agents.execution.risk.tightened import publish, tighten

SEEN: Final = "alert_seen"
"""The kind of the command, and of the event that it leaves; the event's key is the alert's number."""


class Wishes:
    """Serves these commands.

    Parameters
    ----------
    ledger : Ledger
        Where they are, and where they leave their events.
    limits : Limits
        As settings and files have them.
    """

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        self._ledger = ledger
        self._limits = limits
        self._published = False

    def serve(self) -> None:
        """Carry out what was asked. Raises what the ledger raises."""
        if not self._published:
            publish(self._limits, self._ledger)
            self._published = True
        for command in self._ledger.commands.pending():
            if command.kind == TIGHTEN:
                self._ledger.commands.done(command.id, self._tighten(command))
            elif command.kind == SEEN:
                self._ledger.commands.done(command.id, self._see(command))

    def _tighten(self, command: Command) -> str:
        try:
            wish = LimitWish.model_validate_json(json.dumps(command.payload))
        except ValidationError as error:
            return f"refused: {error.errors()[0]['msg']}"
        return tighten(self._limits, self._ledger, wish, by=command.asked_by)

    def _see(self, command: Command) -> str:
        number = command.payload.get("alert")
        if not isinstance(number, int) or self._ledger.outbox.find(number) is None:
            return f"refused: there is no alert {number}"
        if not self._ledger.events(SEEN, key=str(number), limit=1):
            self._ledger.append(SEEN, {"alert": number, "by": command.asked_by}, key=str(number))
        return "done: it was seen"
