"""Looking at the broker in a step: a complete look or a glance, and what either makes of the cases.

The rule: whatever a look shows is taken into every case that it may concern before anything is decided.
"""

from agents.domain.errors import TradingError
from agents.domain.lifecycle import ALIVE, OVER, TradeState
from agents.execution.guardian.aftermath import Aftermath
from agents.execution.guardian.case import Case
from agents.execution.guardian.kit import Kit
from agents.execution.guardian.lookout import Lookout
from agents.execution.guardian.sender import Sender
from agents.execution.guardian.stages import Stages
from agents.execution.guardian.tending import Tender
from agents.execution.guardian.view import View


class Watch:
    """Looks, and brings the cases up to date.

    Parameters
    ----------
    kit : Kit
        Shared with the other parts.
    stages : Stages
        Keeps trouble with one case from the others.
    tender, lookout, sender : Tender, Lookout, Sender
        Step a case, read the broker, and take back what would sell short.
    """

    def __init__(
        self,
        kit: Kit,
        *,
        stages: Stages,
        tender: Tender,
        lookout: Lookout,
        sender: Sender,
    ) -> None:
        self._kit = kit
        self._stages = stages
        self._tender = tender
        self._lookout = lookout
        self._aftermath = Aftermath(kit, sender=sender)

    def look(self) -> None:
        """Look if that is due, take what is seen into the cases, and step them. Raises what the journal raises."""
        due = self._kit.timers.is_due("journal", "overtaken", self._kit.clock.elapsed, self._kit.settings.look_every)
        if due and self._is_overtaken():
            return
        hints = self._kit.ports.updates.drain()
        cases = self._kit.records.cases.values()
        states = {case.state for case in cases}
        alive, watching = not states.isdisjoint(ALIVE), TradeState.ABANDONED in states
        seen = self._lookout.complete(open_questions=alive and any(_is_open_question(case) for case in cases))
        if seen is not None:
            self._take(seen, every=True)
            self._lookout.price(seen)
            self._stages.run("aftermath", lambda: self._aftermath.settle(seen))
            for case in list(self._kit.records.cases.values()):
                self._stages.run(case.setup_id, lambda case=case: self._tender.advance(case))  # type: ignore[misc]  # as above
            self._lookout.compare(tuple(self._kit.records.cases.values()), seen)
            return
        if hints and not (alive or watching):
            self._lookout.want_survey()  # nothing of ours is open, so nothing should have happened
        with_orders = any(case.exits for case in cases)
        glanced = self._lookout.glance(alive=alive, watching=watching, orders=with_orders, hinted=bool(hints))
        if glanced is not None:
            self._take(glanced, every=False)

    def find_orphans(self) -> None:
        """Shortly before the close, see that nothing of ours is held."""
        if self._lookout.survey is not None:
            self._aftermath.watch(self._lookout.survey)

    def _is_overtaken(self) -> bool:
        """Whether another guardian wrote since; a journal that is broken for good keeps nobody from looking."""
        try:
            return self._kit.records.is_overtaken()
        except TradingError as error:
            if error.retryable:
                raise
            self._stages.tell_of_journal(error)
            return False

    def _take(self, view: View, *, every: bool) -> None:
        for setup_id, case in list(self._kit.records.cases.items()):
            if every or case.state not in OVER or case.state is TradeState.ABANDONED:
                self._stages.run(setup_id, lambda case=case: self._observe(case, view))  # type: ignore[misc]  # as above

    def _observe(self, case: Case, view: View) -> None:
        before = case.state
        after = self._tender.observe(case, view)
        if after.remaining < 0 <= case.remaining:
            self._lookout.notice(after)
        if before is TradeState.UNKNOWN and after.state is not before:
            self._lookout.want_survey()


def _is_open_question(case: Case) -> bool:
    """Whether only a complete look can tell how a case goes on: its sales have no price, or its legs are gone."""
    return case.state is TradeState.LEG_LOST or (case.state in ALIVE and case.bought > 0 and case.remaining <= 0)
