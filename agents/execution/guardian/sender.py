"""The only place that changes anything at the broker.

The rules:

* the intent of a super order or of an exit is durable before its one POST, and the POST is never repeated;
* whatever is not a certain refusal leaves the order unknown, to be looked for by query;
* changes and cancellations may be asked again, because twice has the effect of once;
* nothing is sent without the lease, nor faster than the ration of requests (`wire`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from agents.domain.errors import OrderRejectedError
from agents.domain.lifecycle import TradeState
from agents.execution.gateway import DEAD_STATES, Ack, Leg
from agents.execution.guardian.actions import (
    Action,
    CancelEntry,
    MoveExit,
    MoveStop,
    MoveTarget,
    Park,
    Sell,
    Shrink,
    Withdraw,
)
from agents.execution.guardian.case import Case
from agents.execution.guardian.exits import Exits
from agents.execution.guardian.ports import GuardianPorts, Severity
from agents.execution.guardian.records import Records
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.guardian.timing import SteadyClock, Timers
from agents.execution.guardian.wire import Wire
from agents.execution.guardian.words import spoken

UNKNOWN = "unknown"
"""Name of the timer that counts from an answer that did not come."""


class Sender:
    """Carries out what was decided, journaling before and after.

    Parameters
    ----------
    ports : GuardianPorts
        The gateway, the lease and the notifier are used.
    settings : GuardianSettings
        The ration of requests.
    records : Records
        Memory and journal.
    clock : SteadyClock
        Time.
    timers : Timers
        Told of every request.
    """

    def __init__(
        self, ports: GuardianPorts, settings: GuardianSettings, records: Records, clock: SteadyClock, timers: Timers
    ) -> None:
        self._ports = ports
        self._records = records
        self._clock = clock
        self._timers = timers
        self._wire = Wire(self._allowed, clock, timers, settings.orders_per_second)
        exits = Exits(ports, records, clock, timers, wire=self._wire, allowed=self._allowed)
        self._handlers: Mapping[type[Action], Callable[[Case, Any], Case]] = {  # Any: each takes its own action
            CancelEntry: self._cancel,
            Withdraw: self._withdraw,
            Shrink: self._shrink,
            Park: self._park,
            MoveTarget: self._move_target,
            MoveStop: self._move_stop,
            Sell: exits.sell,
            MoveExit: exits.move,
        }

    def is_free(self, count: int = 1) -> bool:
        """Whether `count` order requests may be sent now."""
        return self._wire.is_free(count)

    @property
    def sent_today(self) -> int:
        """How many order requests this process has sent."""
        return self._wire.sent_today

    def place(self, case: Case) -> Case:
        """Send the super order of a case whose intent is durable: once.

        Returns the case as ACKED, REJECTED or UNKNOWN. It is REJECTED without having been sent when the journal fails
        or the lease is lost between the intent and the request.
        """
        case = self._records.record(case, self._now, "sending the super order", TradeState.SENT)
        if not self._records.is_sound or not self._allowed():
            why = "the lease is lost" if self._records.is_sound else "the journal is not durable"
            return self._records.record(case, self._now, f"kept back, never sent: {why}", TradeState.REJECTED)
        try:
            ack = self._wire.post(lambda: self._ports.gateway.place_super(case.order))
        except OrderRejectedError as refused:
            return self._records.record(case, self._now, f"refused: {spoken(refused)}", TradeState.REJECTED)
        except Exception as lost:  # noqa: BLE001 - whatever went wrong, the request may have arrived
            self._timers.restart(case.setup_id, UNKNOWN, self._clock.elapsed)
            text = f"no certain answer: {spoken(lost)}; it is looked for and never sent again"
            self._ports.notifier.alert(Severity.WARN, f"unknown:{case.setup_id}", f"order {case.setup_id}: {text}")
            return self._records.record(case, self._now, text, TradeState.UNKNOWN)
        return self._acknowledged(case, ack)

    def act(self, case: Case, action: Action) -> Case:
        """Carry out an action if the ration and the lease allow it; else leave the case for the next step."""
        if not self.is_free(2 if isinstance(action, MoveTarget) and action.stop is not None else 1):
            return case
        return self._handlers[type(action)](case, action)

    def leave_everything(self) -> str:
        """Have the broker cancel and sell everything; return "" when it was done, else how it failed."""
        return self._wire.ask("account", self._ports.gateway.exit_all)

    def _allowed(self) -> bool:
        """Whether this process is the guardian: by the lease, and by the journal that only one may write."""
        return not self._records.superseded and self._ports.lease.valid()

    @property
    def _now(self) -> datetime:
        return self._clock.now

    def _acknowledged(self, case: Case, ack: Ack) -> Case:
        case = self._records.record(
            case, self._now, f"taken by the broker as {ack.state}", TradeState.ACKED, order_id=ack.order_id
        )
        if ack.state in DEAD_STATES:
            return self._records.record(case, self._now, f"the answer said {ack.state}", entry_state=ack.state)
        return case

    def _cancel(self, case: Case, action: CancelEntry) -> Case:
        case = self._records.record(case, self._now, f"cancel the entry: {action.why}")
        outcome = self._wire.ask(case.setup_id, lambda: self._ports.gateway.cancel_entry(case.order_id))
        return self._records.record(case, self._now, f"cancellation {outcome}") if outcome else case

    def _withdraw(self, case: Case, action: Withdraw) -> Case:
        case = self._records.record(case, self._now, f"take the whole super order back: {action.why}")
        outcome = self._wire.ask(case.setup_id, lambda: self._ports.gateway.cancel_entry(case.order_id))
        settled = not outcome.startswith("unknown")
        return self._records.record(case, self._now, outcome or "taken back", withdrawn=case.withdrawn or settled)

    def _shrink(self, case: Case, action: Shrink) -> Case:
        quantity = action.quantity
        why = f"shrink the entry to {quantity}: {action.why}"
        case = self._records.record(case, self._now, why, shrinks=case.shrinks + 1)
        outcome = self._wire.ask(
            case.setup_id, lambda: self._ports.gateway.modify_leg(case.order_id, Leg.ENTRY, quantity=quantity)
        )
        return self._records.record(case, self._now, f"shrinking {outcome}") if outcome else case

    def _park(self, case: Case, action: Park) -> Case:
        case = self._records.record(
            case, self._now, f"move the entry out of the market to {action.price}: {action.why}"
        )
        gateway, order_id = self._ports.gateway, case.order_id
        outcome = self._wire.ask(case.setup_id, lambda: gateway.modify_leg(order_id, Leg.ENTRY, price=action.price))
        settled = not outcome.startswith("unknown")
        return self._records.record(case, self._now, outcome or "the entry was moved", parked=settled)

    def _move_target(self, case: Case, action: MoveTarget) -> Case:
        why = f"sell by the target at {action.price}: {action.why}"
        case = self._records.record(case, self._now, why, moves=case.moves + 1)
        gateway, order_id = self._ports.gateway, case.order_id
        if action.stop is not None:
            trigger = action.stop
            self._wire.ask(case.setup_id, lambda: gateway.modify_leg(order_id, Leg.STOP, trigger=trigger))
        outcome = self._wire.ask(case.setup_id, lambda: gateway.modify_leg(order_id, Leg.TARGET, price=action.price))
        if outcome.startswith("refused"):
            return self._records.record(case, self._now, f"the target {outcome}", refusals=case.refusals + 1)
        return case

    def _move_stop(self, case: Case, action: MoveStop) -> Case:
        case = self._records.record(case, self._now, f"move the stop to {action.trigger}: {action.why}")
        gateway, order_id = self._ports.gateway, case.order_id
        outcome = self._wire.ask(case.setup_id, lambda: gateway.modify_leg(order_id, Leg.STOP, trigger=action.trigger))
        settled = not outcome.startswith("unknown")
        return self._records.record(case, self._now, outcome or "the stop was moved", stop_raised=settled)
