"""A request that ends the process each time it is weighed is set aside, and what is held is guarded meanwhile."""

from collections.abc import Sequence
from datetime import datetime

from agents.domain.cycle import Veto
from agents.execution.guardian.ports import ANSWER, Standing, TopOfBook, TradeRequest
from tests.agents.execution.guardian.fakebroker import PowerCut
from tests.agents.execution.guardian.story import Story, order_of

POISON = "setup00002"
DEADLY = "NIFTY26NOV24100CE"
GOOD_FOR = 20


class Poisoned(Story):
    """A session in which nobody survives to ask the rules about one setup, or for the price of one contract."""

    deaths = 0

    def vetoes(self, request: TradeRequest, standing: Standing, now: datetime) -> Sequence[Veto]:
        """Die of one request."""
        if request.setup.setup_id == POISON:
            self._die()
        return super().vetoes(request, standing, now)

    def book(self, contract: str) -> TopOfBook:
        """Die of one contract."""
        if contract == DEADLY:
            self._die()
        return super().book(contract)

    def _die(self) -> None:
        self.deaths += 1
        raise PowerCut


def answers(story: Story) -> dict[str | None, tuple[str, str]]:
    return {row.key: (row.payload["outcome"], row.payload["detail"]) for row in story.journal.events(ANSWER)}


def test_a_request_that_ends_every_process_is_set_aside_when_it_is_old() -> None:
    story = Poisoned()
    story.run(2)
    story.ask(2)
    story.run(GOOD_FOR + 3)
    assert 1 < story.deaths <= GOOD_FOR + 1
    assert answers(story) == {POISON: ("refused", "G.expired")}
    story.ask(3)
    story.run(3)
    assert answers(story)["setup00003"][0] == "placed"


def test_the_processes_that_die_of_it_guard_what_is_held() -> None:
    story = Poisoned()
    story.run(2)
    story.ask(1)
    story.run(3)
    story.ask(2, order=order_of(2, story.now).model_copy(update={"contract": DEADLY}))
    story.run(2, bid="121")
    [case] = story.guardian.records.cases.values()
    assert (case.bought, case.remaining) == (130, 0)
    story.run(GOOD_FOR + 3)
    assert story.deaths > 1
    assert answers(story)[POISON] == ("refused", "G.expired")
    assert all(row.net_quantity == 0 for row in story.broker.positions())
    assert sum("POST super order" in line for line in story.lines) == 1


def test_a_request_from_the_future_is_not_weighed_either() -> None:
    story = Poisoned()
    story.run(2)
    later = story.now.replace(hour=14)
    story.ask(2, asked_at=later)
    story.run(3)
    assert story.deaths == 0
    assert answers(story) == {POISON: ("refused", "G.expired")}
