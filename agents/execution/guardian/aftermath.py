"""What is left when others have acted: positions that they sold, sales that nobody priced, orphans before the close.

The rules: a position that the account no longer has counts as sold by others only when nothing of ours can sell it and
it has been so for the grace, or the trade book shows the stranger's sale; while something of ours could still sell it,
that is taken back first, because it would sell short. A sale that the trade book never shows is counted at the planned
stop, so that a loss is not overlooked. Before the close a position of ours is told, and the broker is asked to leave
everything if everything is ours.
"""

from datetime import timedelta

from agents.domain.lifecycle import ALIVE, HOLDING, UNRESOLVED
from agents.execution.gateway import BrokerState
from agents.execution.guardian.actions import Withdraw
from agents.execution.guardian.case import Case
from agents.execution.guardian.kit import Kit
from agents.execution.guardian.ports import Severity
from agents.execution.guardian.reconcile import price_taken, shortfall, strangers
from agents.execution.guardian.sender import Sender
from agents.execution.guardian.standing import day_of
from agents.execution.guardian.view import View
from agents.execution.guardian.wire import ACTED

ORPHANS_EVERY = 60.0


class Aftermath:
    """Settles what only a complete look can tell.

    Parameters
    ----------
    kit : Kit
        Shared with the other parts.
    sender : Sender
        Takes back what would sell short.
    """

    def __init__(
        self,
        kit: Kit,
        *,
        sender: Sender,
    ) -> None:
        self._kit = kit
        self._sender = sender

    def settle(self, view: View) -> None:
        """Look at every case that holds something or has sold what nobody priced."""
        for case in [self._expired(case, view) for case in list(self._kit.records.cases.values())]:
            if case.state in HOLDING and case.remaining > 0:
                self._missing(case, view)
            unpriced = case.state in ALIVE and case.bought > 0 and case.remaining <= 0 and case.priced < case.sold
            held = self._kit.timers.held(case.setup_id, "unpriced", self._kit.clock.elapsed, true=unpriced)
            if unpriced and held >= self._kit.settings.grace:
                self._estimate(case, view)

    def watch(self, view: View) -> None:
        """Shortly before the close, see that nothing of ours is held."""
        now = self._kit.clock.late
        session = self._kit.ports.calendar.session(day_of(now))
        if session is None:
            return
        begins = session.derivatives_close_at - timedelta(minutes=self._kit.settings.orphan_watch_minutes)
        if not begins <= now < session.derivatives_close_at:
            return
        if not self._kit.timers.is_due("orphans", "watch", self._kit.clock.elapsed, ORPHANS_EVERY):
            return
        ours = {case.contract: case.remaining for case in self._kit.records.cases.values() if case.remaining > 0}
        self._kit.records.note("orphan watch", {"held": ours}, self._kit.clock.now)
        if not ours:
            return
        text = f"still held shortly before the close: {ours}"
        self._kit.ports.notifier.alert(Severity.CRITICAL, "orphans", text)
        held = {row.contract: row.net_quantity for row in view.positions or () if row.net_quantity}
        if held == ours and self._sender.is_free():
            self._leave_everything()

    def _leave_everything(self) -> None:
        failed = self._sender.leave_everything()
        if failed:
            text = f"the broker did not confirm to leave everything: {failed}; use the broker's app"
            self._kit.ports.notifier.alert(Severity.CRITICAL, "exit all", text)

    def _expired(self, case: Case, view: View) -> Case:
        """End what was left over from an earlier day, once the broker lists it no more: orders live for a day."""
        is_old = day_of(case.opened_at) < day_of(self._kit.clock.now)
        if not is_old or case.state not in ALIVE - UNRESOLVED or case.entry_state is BrokerState.EXPIRED:
            return case
        if view.row_of(case) is not None:
            return case
        legs = tuple(leg.model_copy(update={"state": BrokerState.EXPIRED}) for leg in case.legs)
        why = "of an earlier day, and not listed any more: whatever rested has expired"
        return self._kit.records.record(
            case, self._kit.clock.now, why, entry_state=BrokerState.EXPIRED, legs=legs, withdrawn=True
        )

    def _missing(self, case: Case, view: View) -> None:
        lacking = shortfall(case, self._kit.records.cases.values(), view)
        held = self._kit.timers.held(case.setup_id, "missing", self._kit.clock.elapsed, true=lacking > 0)
        if not lacking or held < self._patience(case, lacking, view):
            return
        can_sell = case.entry_is_open or (bool(case.legs) and not case.legs_are_gone)
        if can_sell:
            acted = self._kit.timers.passed(case.setup_id, ACTED, self._kit.clock.elapsed)
            if acted >= self._kit.settings.reprice_every:
                self._sender.act(case, Withdraw(f"the account lacks {lacking} that its legs would sell"))
            return
        if case.open_exit is not None and case.open_exit.is_unresolved:
            return
        why = f"{lacking} were sold by others: the account has not had them for {held:.0f} s"
        self._kit.ports.notifier.alert(Severity.WARN, f"missing:{case.setup_id}", f"order {case.setup_id}: {why}")
        self._kit.records.record(case, self._kit.clock.now, why, sold_elsewhere=case.sold_elsewhere + lacking)

    def _patience(self, case: Case, lacking: int, view: View) -> float:
        """Return how long to wait: little where the trade book shows a stranger's sale and nothing of ours went out."""
        shown = strangers(self._kit.records.cases.values(), case.contract, view.fills or ()).taken
        return self._kit.settings.lost_patience if shown >= lacking and not case.exits else self._kit.settings.grace

    def _estimate(self, case: Case, view: View) -> None:
        """Price what no execution is left for: as others sold it together with their own, else at the stop."""
        lacking = case.sold - case.priced
        price = price_taken(case, self._kit.records.cases.values(), view.fills or ())
        known = "as others sold it"
        if price is None:
            price, known = case.order.stop_trigger, "at the stop"
        why = f"the trade book never showed {lacking} of the sales: counted {known}, {price}"
        self._kit.ports.notifier.alert(Severity.WARN, f"unpriced:{case.setup_id}", f"order {case.setup_id}: {why}")
        earned = case.earned + lacking * price
        self._kit.records.record(case, self._kit.clock.now, why, earned=earned, priced=case.sold)
