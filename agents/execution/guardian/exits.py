"""Plain sales of what a setup still holds once its legs are gone: one at a time, and never of what is not its own.

The rules: an exit is durable before its one POST, and the POST is never repeated; it sells no more than the setup
holds, and only if the account has as much for it besides what a person bought.
"""

from collections.abc import Callable

from agents.domain.errors import OrderRejectedError
from agents.execution.guardian.actions import MoveExit, Sell
from agents.execution.guardian.case import Case, Exit, ExitState
from agents.execution.guardian.ports import GuardianPorts
from agents.execution.guardian.reconcile import left_for
from agents.execution.guardian.records import JournalDownError, Records
from agents.execution.guardian.timing import SteadyClock, Timers
from agents.execution.guardian.view import View, executed
from agents.execution.guardian.wire import ACTED, Wire
from agents.execution.guardian.words import spoken

SOLD = "sold"
"""Name of the timer that counts from an exit."""


class Exits:
    """Sends and moves plain exits.

    Parameters
    ----------
    ports : GuardianPorts
        The gateway is used.
    records : Records
        Memory and journal.
    clock : SteadyClock
        Time.
    timers : Timers
        Told of every exit.
    wire : Wire
        Carries the requests.
    allowed : callable
        Whether this process is the guardian.
    """

    def __init__(
        self,
        ports: GuardianPorts,
        records: Records,
        clock: SteadyClock,
        timers: Timers,
        *,
        wire: Wire,
        allowed: Callable[[], bool],
    ) -> None:
        self._ports = ports
        self._records = records
        self._clock = clock
        self._timers = timers
        self._wire = wire
        self._allowed = allowed

    def sell(self, case: Case, action: Sell) -> Case:
        """Send one exit, for what this setup holds, only if the account has as much for it and the journal works."""
        if not self._records.flush():
            return case
        fills, positions = executed(self._ports.gateway)
        book = View(self._clock.elapsed, (), fills=fills, positions=positions)
        left = left_for(self._records.cases.values(), case.contract, book)
        if min(book.net(case.contract), left) < action.quantity:
            return case
        name = f"X{len(case.exits) + 1:02d}{case.correlation_id[-22:]}"
        planned = Exit(correlation_id=name, quantity=action.quantity, limit=action.limit)
        why = f"sell {action.quantity} at {action.limit} by {name}: {action.why}"
        try:
            case = self._records.must_record(case, self._clock.now, why, exits=(*case.exits, planned))
        except JournalDownError as down:
            case = self._records.cases[case.setup_id]
            return self._is_now(case, ExitState.REJECTED, f"kept back, never sent: {spoken(down)}")
        return self._send(case, planned)

    def _send(self, case: Case, planned: Exit) -> Case:
        if not self._allowed():
            return self._is_now(case, ExitState.REJECTED, "kept back, never sent: the lease is lost")
        gateway, name = self._ports.gateway, planned.correlation_id
        try:
            ack = self._wire.post(lambda: gateway.place_exit(name, case.contract, planned.quantity, planned.limit))
        except OrderRejectedError as refused:
            self._sent(case)
            return self._is_now(case, ExitState.REJECTED, f"the exit was refused: {spoken(refused)}")
        except Exception as lost:  # noqa: BLE001 - whatever went wrong, the exit may have arrived
            self._sent(case)
            self._timers.restart(case.setup_id, name, self._clock.elapsed)
            return self._is_now(case, ExitState.UNKNOWN, f"no certain answer to the exit: {spoken(lost)}")
        self._sent(case)
        return self._is_now(case, ExitState.WORKING, "the exit was taken", order_id=ack.order_id)

    def _sent(self, case: Case) -> None:
        self._timers.restart(case.setup_id, SOLD, self._clock.elapsed)
        self._timers.restart(case.setup_id, ACTED, self._clock.elapsed)

    def _is_now(self, case: Case, state: ExitState, why: str, order_id: str = "") -> Case:
        change = {"state": state, "order_id": order_id, "sent": self._clock.reading}
        last = case.exits[-1].model_copy(update=change)
        refusals = case.refusals + (state is ExitState.REJECTED)
        return self._records.record(case, self._clock.now, why, exits=(*case.exits[:-1], last), refusals=refusals)

    def move(self, case: Case, action: MoveExit) -> Case:
        """Move the limit of an exit that rests."""
        why = f"move exit {action.exit.correlation_id} to {action.limit}: {action.why}"
        moved = action.exit.model_copy(update={"limit": action.limit})
        exits = tuple(moved if one.correlation_id == moved.correlation_id else one for one in case.exits)
        case = self._records.record(case, self._clock.now, why, exits=exits, moves=case.moves + 1)
        outcome = self._wire.ask(case.setup_id, lambda: self._ports.gateway.modify_exit(moved.order_id, moved.limit))
        return self._records.record(case, self._clock.now, f"moving the exit {outcome}") if outcome else case
