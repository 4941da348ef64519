"""What people and the execution agent ask of a single order: take it back, or guard it more tightly.

A stop may only be raised and nothing is ever bought. Requests are commands in the ledger, carried out by the guardian's
own thread through the guardian's own sender, and acknowledged; one that meets a full ration waits for the next step.
"""

from decimal import Decimal, InvalidOperation
from typing import Final

from agents.data.ledger import Ledger
from agents.data.ledger.commands import Command
from agents.domain.errors import MissingDataError, TradingError
from agents.domain.lifecycle import ALIVE, TradeState
from agents.execution.gateway import Leg
from agents.execution.guardian.actions import Action, MoveStop, MoveTarget
from agents.execution.guardian.case import Case
from agents.execution.guardian.guardian import Guardian
from agents.execution.guardian.ports import GuardianPorts

CANCEL: Final = "cancel_order"
MODIFY: Final = "modify_order"


class Changes:
    """Serves the commands that name one order.

    Parameters
    ----------
    guardian : Guardian
        Its records and its sender are used, between its steps.
    ports : GuardianPorts
        The clock and the quotes.
    ledger : Ledger
        Where the commands are.
    """

    def __init__(self, guardian: Guardian, ports: GuardianPorts, ledger: Ledger) -> None:
        self._guardian = guardian
        self._ports = ports
        self._ledger = ledger

    def serve(self) -> None:
        """Carry out what was asked. Raises what the ledger raises."""
        if not self._guardian.reconciled:
            return
        for command in self._ledger.commands.pending():
            if command.kind not in {CANCEL, MODIFY}:
                continue
            outcome = self._outcome(command)
            if outcome:
                self._ledger.commands.done(command.id, outcome)

    def _outcome(self, command: Command) -> str:
        """Return what became of a command, "" while it has to wait."""
        case = self._guardian.records.cases.get(str(command.payload.get("setup_id")))
        if case is None:
            return "refused: no order of today has that setup"
        if case.state not in ALIVE and case.state is not TradeState.ABANDONED:
            return f"refused: the order is over ({case.state})"
        if command.kind == CANCEL:
            return self._cancel(case, command)
        return self._modify(case, command)

    def _cancel(self, case: Case, command: Command) -> str:
        if case.bought and not command.payload.get("close"):
            return f"refused: {case.remaining} are held; ask to close the position"
        if not case.flatten_why:
            why = f"cancelled by {command.asked_by}"
            self._guardian.records.record(case, self._ports.clock.now(), why, flatten_why=why)
        return "done: it is taken back, and what was bought is sold"

    def _modify(self, case: Case, command: Command) -> str:
        if not case.bought or case.flatten_why:
            return "refused: only the exits of a position that is kept can be moved"
        try:
            action = self._action(case, command)
        except TradingError as error:
            return f"refused: {error}"
        if isinstance(action, str):
            return action
        before = case.number
        return "done" if self._guardian.sender.act(case, action).number > before else ""

    def _action(self, case: Case, command: Command) -> Action | str:
        """Return the action that was asked for, or why it is refused."""
        named = {name: command.payload.get(name) for name in ("stop", "target")}
        given = {name: _price(value) for name, value in named.items() if value is not None}
        if len(given) != 1:
            return "refused: name a stop or a target, one at a time"
        [(name, price)] = given.items()
        if price is None or price <= 0 or price % case.order.tick_size:
            return f"refused: {named[name]} is no price on a tick of {case.order.tick_size}"
        bid = self._ports.quotes.book(case.contract).bid
        if bid is None:
            raise MissingDataError(f"{case.contract} has no bid to compare with; ask again")
        stop = case.leg(Leg.STOP)
        standing = (stop.trigger if stop is not None else None) or case.order.stop_trigger
        why = f"asked by {command.asked_by}"
        if name == "stop":
            if not standing < price < bid:
                return f"refused: a stop is only raised, from {standing} to below the bid {bid}"
            return MoveStop(trigger=price, why=why)
        if not standing < price:
            return f"refused: the target must stay above the stop {standing}"
        return MoveTarget(price=price, stop=None, why=why)


def _price(value: object) -> Decimal | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
