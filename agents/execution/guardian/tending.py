"""One case in one step: what the broker showed, what that makes of it, and what to ask next.

The rule: first observe, then resolve, then protect; each case by itself, so that trouble with one never keeps another
from being protected.
"""

from agents.domain.lifecycle import ALIVE, UNRESOLVED, TradeState
from agents.execution.gateway import BrokerState, Leg
from agents.execution.guardian.case import Case
from agents.execution.guardian.deadman import break_even
from agents.execution.guardian.exits import SOLD
from agents.execution.guardian.kit import Kit
from agents.execution.guardian.lookout import LEFT, OWNER
from agents.execution.guardian.observe import facts, next_state
from agents.execution.guardian.ports import Severity, TopOfBook
from agents.execution.guardian.pricing import Pricing
from agents.execution.guardian.protect import Sight, next_action, why_flatten
from agents.execution.guardian.resolve import Resolver
from agents.execution.guardian.sender import Sender
from agents.execution.guardian.view import View
from agents.execution.guardian.wire import ACTED

MOST_STEPS = 8
_TOLD = {
    TradeState.FILLED: Severity.INFO,
    TradeState.CLOSED: Severity.INFO,
    TradeState.FLATTENING: Severity.WARN,
    TradeState.REJECTED: Severity.WARN,
    TradeState.STOP_TRIGGERED_UNFILLED: Severity.WARN,
    TradeState.LEG_LOST: Severity.CRITICAL,
}
_SET_OFF = frozenset({BrokerState.TRIGGERED, BrokerState.PART_TRADED})


class Tender:
    """Looks after cases.

    Parameters
    ----------
    kit : Kit
        Shared with the other parts.
    sender : Sender
        Carries out actions.
    """

    def __init__(
        self,
        kit: Kit,
        *,
        sender: Sender,
    ) -> None:
        self._kit = kit
        self._sender = sender
        self._pricing = Pricing(kit.ports, kit.settings, kit.clock, kit.timers)
        self.resolver = Resolver(kit)

    def inherit(self, case: Case) -> None:
        """Take a case over from an earlier process."""
        case = self.resolver.inherit(case)
        if case.exits:
            clock = self._kit.clock
            self._kit.timers.restart(case.setup_id, SOLD, clock.elapsed - clock.since(case.exits[-1].sent))

    def observe(self, case: Case, view: View) -> Case:
        """Take what a look shows of a case, and step as far as that leads."""
        case = self.resolver.resolve(case, view)
        if case.state in UNRESOLVED or case.state is TradeState.ABANDONED:
            return case
        self._warn(case, view)
        changes = facts(case, view)
        if changes:
            case = self._kit.records.record(case, self._kit.clock.now, "seen at the broker", **changes)
        case = self.resolver.resolve_exits(case, view)
        return self.advance(case)

    def advance(self, case: Case) -> Case:
        """Step a case as far as its facts lead."""
        for _ in range(MOST_STEPS):
            found = next_state(case)
            if found is None:
                return case
            case = self._step(case, *found)
        return case

    def protect(self, case: Case, entries_stopped: str) -> Case:
        """Do what a case needs now; to be asked only while the market takes orders."""
        if case.state not in ALIVE or case.state in UNRESOLVED:
            return case
        case = self._chased(case)
        book, silent = self._pricing.of(case)
        if silent > self._kit.settings.flatten_age and not case.flatten_why:
            why = "the index has been silent for too long"
            case = self._kit.records.record(case, self._kit.clock.now, why, flatten_why=why)
        why = why_flatten(case, self._kit.clock.late)
        if case.state is TradeState.PROTECTED and why:
            case = self._step(case, TradeState.FLATTENING, why, flatten_why=why)
        sight = self._sight(case, book, silent, entries_stopped)
        action = next_action(case, sight, self._kit.settings)
        return case if action is None else self._sender.act(case, action)

    def _step(self, case: Case, state: TradeState, why: str, **changes: object) -> Case:
        now = self._kit.clock.now
        if state is TradeState.FILLED and case.filled_at is None:
            changes["filled_at"] = now
        if state is TradeState.CLOSED:
            changes["closed_at"] = now
            self._kit.timers.restart(OWNER, LEFT, self._kit.clock.elapsed)
        case = self._kit.records.record(case, now, why, state, **changes)
        severity = _TOLD.get(state)
        if severity is not None:
            self._kit.ports.notifier.alert(
                severity, f"{state}:{case.setup_id}", f"order {case.setup_id} {state}: {why}"
            )
        return case

    def _chased(self, case: Case) -> Case:
        """Leave by the target when the stop was set off and has not sold for too long."""
        stop = case.leg(Leg.STOP)
        hangs = stop is not None and stop.state in _SET_OFF and case.remaining > 0
        held = self._kit.timers.held(case.setup_id, "triggered", self._kit.clock.elapsed, true=hangs)
        if case.state is TradeState.PROTECTED and held > self._kit.settings.chase_after:
            why = f"the stop was set off {held:.0f} s ago and {case.remaining} are not sold"
            case = self._step(case, TradeState.STOP_TRIGGERED_UNFILLED, why)
        if case.state is TradeState.STOP_TRIGGERED_UNFILLED:
            why = "the stop was jumped"
            case = self._step(case, TradeState.FLATTENING, why, flatten_why=why)
        return case

    def _sight(self, case: Case, book: TopOfBook | None, silent: float, entries_stopped: str) -> Sight:
        elapsed, owner = self._kit.clock.elapsed, case.setup_id
        return Sight(
            now=self._kit.clock.late,
            book=book,
            acted=self._kit.timers.passed(owner, ACTED, elapsed),
            sold=self._kit.timers.passed(owner, SOLD, elapsed),
            lost=self._kit.timers.held(owner, "lost", elapsed, true=case.legs_are_gone),
            unlisted=self._kit.timers.held(owner, "unlisted", elapsed, true=case.bought > 0 and not case.legs),
            entries_stopped=entries_stopped,
            raise_stop_to=break_even(case, book) if silent > self._kit.settings.break_even_age else None,
        )

    def _warn(self, case: Case, view: View) -> None:
        """Tell of what cannot be understood: a word that is not the broker's, an order that it took and hides."""
        row = view.row_of(case)
        said = () if row is None else (row.state, *(leg.state for leg in row.legs))
        if BrokerState.UNKNOWN in said:
            text = f"order {case.setup_id}: the broker says a word that is not in the table; it changes nothing"
            self._kit.ports.notifier.alert(Severity.WARN, f"word:{case.setup_id}", text)
        hidden = row is None and case.state is TradeState.ACKED
        if (
            self._kit.timers.held(case.setup_id, "hidden", self._kit.clock.elapsed, true=hidden)
            > self._kit.settings.grace
        ):
            text = f"order {case.setup_id} was taken as {case.order_id} and is not listed; look for it at the broker"
            self._kit.ports.notifier.alert(Severity.CRITICAL, f"hidden:{case.setup_id}", text)
