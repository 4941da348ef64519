"""Orders that nobody knows the fate of: looked for by query until the grace has passed, and never sent again.

The rules: absence is believed only from an answer that was asked for after the grace; what was given up is watched for
the rest of its day, and what turns up late is adopted, then cancelled if it has bought nothing, managed if it has. The
grace counts from the moment at which this process knew of the order, so a start waits for it once more; of an exit
whose request had ended it counts on, as far as both clocks agree on what has passed.
"""

from agents.domain.errors import BrokerError
from agents.domain.lifecycle import TradeState
from agents.execution.gateway import OrderRow, SuperRow
from agents.execution.guardian.case import Case, Exit, ExitState
from agents.execution.guardian.kit import Kit
from agents.execution.guardian.ports import Severity
from agents.execution.guardian.sender import UNKNOWN
from agents.execution.guardian.view import View

QUERY = "query"


class Resolver:
    """Finds out what became of requests without an answer.

    Parameters
    ----------
    kit : Kit
        Shared with the other parts.
    """

    def __init__(
        self,
        kit: Kit,
    ) -> None:
        self._kit = kit

    def inherit(self, case: Case) -> Case:
        """Take over a case from an earlier process: what it may have sent is unknown, and the grace begins."""
        clock = self._kit.clock
        now, elapsed = clock.now, clock.elapsed
        for one in case.exits:
            if one.is_unresolved:
                self._kit.timers.restart(case.setup_id, one.correlation_id, elapsed - clock.since(one.sent))
        if case.state is TradeState.INTENT:
            case = self._kit.records.record(case, now, "an earlier process may have sent it", TradeState.SENT)
        if case.state is TradeState.SENT:
            case = self._kit.records.record(case, now, "its process ended before the answer", TradeState.UNKNOWN)
        if case.state is TradeState.UNKNOWN:
            self._kit.timers.restart(case.setup_id, UNKNOWN, elapsed)
        return case

    def resolve(self, case: Case, view: View) -> Case:
        """Return the case after a look for its super order, if one is due."""
        if case.state is TradeState.UNKNOWN:
            return self._unknown(case, view)
        if case.state is TradeState.ABANDONED:
            row = view.row_of(case)
            return case if row is None else self._adopted(case, row)
        return case

    def resolve_exits(self, case: Case, view: View) -> Case:
        """Return the case after a look for the exits without an answer, if one is due; given-up ones stay watched."""
        for one in case.exits:
            if one.is_unresolved and view.exit_row(one) is None:
                case = self._exit(case, one)
        return case

    def _unknown(self, case: Case, view: View) -> Case:
        passed = self._kit.timers.held(case.setup_id, UNKNOWN, self._kit.clock.elapsed)
        row = view.row_of(case)
        if row is not None:
            return self._adopted(case, row)
        if not self._kit.timers.is_due(case.setup_id, QUERY, self._kit.clock.elapsed, self._kit.settings.query_every):
            return case
        try:
            found = self._kit.ports.gateway.find(case.correlation_id)
        except BrokerError:
            return case  # nobody could look, which says nothing; the next query is due soon
        if found is not None:
            return self._adopted(case, found)
        if passed < self._kit.settings.grace:
            return case
        text = f"not at the broker {passed:.0f} s after the request: given up, never sent again, watched today"
        self._kit.ports.notifier.alert(Severity.WARN, f"unknown:{case.setup_id}", f"order {case.setup_id}: {text}")
        return self._kit.records.record(case, self._kit.clock.now, text, TradeState.ABANDONED)

    def _adopted(self, case: Case, row: SuperRow | OrderRow) -> Case:
        late = case.state is TradeState.ABANDONED
        text = f"found at the broker as {row.order_id}, {row.state}"
        self._kit.ports.notifier.alert(Severity.WARN, f"found:{case.setup_id}", f"order {case.setup_id}: {text}")
        return self._kit.records.record(
            case, self._kit.clock.now, text, TradeState.ACKED, order_id=row.order_id, late=case.late or late
        )

    def _exit(self, case: Case, one: Exit) -> Case:
        elapsed, name = self._kit.clock.elapsed, one.correlation_id
        passed = self._kit.timers.held(case.setup_id, name, elapsed)
        if not self._kit.timers.is_due(case.setup_id, f"{QUERY} {name}", elapsed, self._kit.settings.query_every):
            return case
        try:
            found = self._kit.ports.gateway.find(name)
        except BrokerError:
            return case  # as above
        if found is not None:
            text, change = f"exit {name} found as {found.order_id}", {"state": ExitState.WORKING}
            return self._changed(case, one, text, {**change, "order_id": found.order_id})
        if passed < self._kit.settings.grace:
            return case
        return self._changed(case, one, f"exit {name} given up after {passed:.0f} s", {"state": ExitState.ABANDONED})

    def _changed(self, case: Case, one: Exit, text: str, change: dict[str, object]) -> Case:
        exits = tuple(each.model_copy(update=change) if each is one else each for each in case.exits)
        return self._kit.records.record(case, self._kit.clock.now, text, exits=exits)
