"""Guardian and exchange killed at every named moment of an order's life: afterwards both books say the same."""

import time
from collections.abc import Callable, Iterator

import pytest

from agents.domain.lifecycle import OVER, TradeState
from agents.execution.guardian.ports import ANSWER, ORDER_EVENT, TradeRequest
from tests.integration.guardians import ON, Desk, desks, until

pytestmark = pytest.mark.process

EQUAL_WITHIN = 5.0  # seconds after the one that was killed works again
NAKED_FOR = 2.0  # seconds that a position may be without a stop at the broker, whoever is dead
ENTRY_MOMENTS = (
    "before intent",
    "after intent",
    "before sent",
    "after sent",
    "before place_super",
    "after place_super",
    "before acked",
    "after acked",
    "before answer",
    "after answer",
    "after entry_pending",
    "after filled",
    "before protected",
    "after protected",
)
EXIT_MOMENTS = (
    "before flattening",
    "after flattening",
    "before modify_leg",
    "after modify_leg",
    "before closed",
    "after closed",
)
NEVER_ARRIVED = {"after intent", "before sent", "after sent", "before place_super"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from desks(tmp_path_factory.mktemp("desk"))


class Watcher:
    """Looks, while a test waits, whether a position is naked for too long."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._since: float | None = None
        self.longest = 0.0

    def until(self, what: Callable[[], object], seconds: float) -> float:
        return until(lambda: self._look() and what(), seconds, self._desk.guardian, self._desk.exchange)

    def _look(self) -> bool:
        if self._desk.exchange.alive:
            now = time.monotonic()
            self._since = (self._since or now) if self._desk.naked() else None
            self.longest = max(self.longest, now - (self._since or now))
        return True


def restart_guardian(desk: Desk, moment: str = "never") -> None:
    """Start a guardian that ends at `moment`, and wait until it guards."""
    desk.guardian.kill()
    times = desk.guardian.text.count("guarding under")
    desk.start_guardian(moment)
    until(lambda: desk.guardian.text.count("guarding under") > times or not desk.guardian.alive, 60, desk.guardian)


def state_of(desk: Desk, request: TradeRequest) -> TradeState | None:
    return desk.state(request.setup.setup_id)


def is_settled(desk: Desk, request: TradeRequest) -> bool:
    state = state_of(desk, request)
    return state is TradeState.PROTECTED or state in OVER


def leave(desk: Desk, request: TradeRequest) -> None:
    """Close what is held, as a person would ask for it, and do not wait for the answer."""
    setup_id = request.setup.setup_id
    desk.ledger.commands.ask(f"leave {setup_id}", "cancel_order", {"setup_id": setup_id, "close": True}, by="test")


def everything_is_as_it_must_be(desk: Desk, request: TradeRequest, watcher: Watcher) -> None:
    """Close the trade if it is open; then one bracket at most, books alike, nothing held, nothing naked, one story."""
    watcher.until(lambda: is_settled(desk, request), 30)
    if state_of(desk, request) is TradeState.PROTECTED:
        leave(desk, request)
    watcher.until(lambda: state_of(desk, request) in OVER, 30)
    watcher.until(lambda: not desk.differences(), EQUAL_WITHIN)
    assert desk.brackets(request) <= 1
    assert sum(position["net"] for position in desk.book["positions"]) == 0
    assert watcher.longest < NAKED_FOR
    assert desk.ledger.verify().sound
    assert len(desk.ledger.events(ANSWER, key=request.setup.setup_id)) == 1


@pytest.mark.parametrize("moment", ENTRY_MOMENTS)
def test_a_guardian_killed_during_an_entry_leaves_one_bracket_and_one_book(desk: Desk, moment: str) -> None:
    restart_guardian(desk, moment)
    watcher, request = Watcher(desk), desk.request()
    desk.ask(request)
    watcher.until(lambda: not desk.guardian.alive, 30)
    restart_guardian(desk)
    watcher.until(lambda: not desk.differences() and state_of(desk, request) is not None, EQUAL_WITHIN)
    everything_is_as_it_must_be(desk, request, watcher)
    arrived = moment not in NEVER_ARRIVED
    assert desk.brackets(request) == arrived
    assert state_of(desk, request) is (TradeState.CLOSED if arrived else TradeState.ABANDONED)


@pytest.mark.parametrize("moment", EXIT_MOMENTS)
def test_a_guardian_killed_during_an_exit_sells_once(desk: Desk, moment: str) -> None:
    restart_guardian(desk, moment)
    watcher, request = Watcher(desk), desk.request()
    desk.ask(request)
    watcher.until(lambda: state_of(desk, request) is TradeState.PROTECTED, 30)
    leave(desk, request)
    watcher.until(lambda: not desk.guardian.alive, 30)
    restart_guardian(desk)
    watcher.until(lambda: not desk.differences(), EQUAL_WITHIN)
    everything_is_as_it_must_be(desk, request, watcher)
    assert state_of(desk, request) is TradeState.CLOSED


@pytest.mark.parametrize("state", ["sent", "acked", "entry_pending", "filled", "protected", "flattening"])
def test_an_exchange_killed_at_a_state_of_an_order_is_found_as_it_comes_back(desk: Desk, state: str) -> None:
    restart_guardian(desk)
    watcher, request = Watcher(desk), desk.request()
    desk.ask(request)
    until(lambda: said(desk, request, "protected" if state == "flattening" else state), 30, desk.guardian)
    if state == "flattening":
        leave(desk, request)
        until(lambda: said(desk, request, state), 30, desk.guardian)
    desk.exchange.kill()
    desk.start_exchange()
    watcher.until(lambda: not desk.differences(), EQUAL_WITHIN)
    everything_is_as_it_must_be(desk, request, watcher)


def test_both_killed_at_once_recover_together(desk: Desk) -> None:
    restart_guardian(desk)
    watcher, request = Watcher(desk), desk.request()
    desk.ask(request)
    until(lambda: said(desk, request, "entry_pending"), 30, desk.guardian)
    desk.exchange.kill()
    restart_guardian(desk)  # waits for the exchange, and has its master and its token from before
    desk.start_exchange()
    watcher.until(lambda: not desk.differences(), 3 * EQUAL_WITHIN)
    everything_is_as_it_must_be(desk, request, watcher)


def test_a_second_guardian_waits_and_takes_over(desk: Desk) -> None:
    restart_guardian(desk)
    first = desk.guardian
    times = first.text.count("waiting for it to end")
    second = type(first)(desk.folder / "second.log", first._environment)
    second.start("tests.integration.guarded", str(desk.folder), str(desk.port), "never")
    until(lambda: "waiting for it to end" in second.text, 30, second)
    assert "guarding under" not in second.text
    assert first.text.count("waiting for it to end") == times
    first.kill()
    assert until(lambda: "guarding under" in second.text, EQUAL_WITHIN, second) < EQUAL_WITHIN
    second.terminate()
    assert desk.ledger.leases.held("guardian:1000000001") is None


def test_after_all_that_the_ledgers_result_is_the_accounts_to_the_paisa(desk: Desk) -> None:
    restart_guardian(desk)
    request = desk.request(lots=3)
    assert desk.agent.place_bracket_order(request).outcome == "placed"
    until(lambda: state_of(desk, request) is TradeState.PROTECTED, 30, desk.guardian)
    assert desk.agent.cancel_order(request.setup.setup_id, close=True, by="test").startswith("done")
    until(lambda: state_of(desk, request) is TradeState.CLOSED, 30, desk.guardian)
    book = desk.book
    executions = len(book["trades"])
    until(lambda: len(desk.agent.fills(ON)) == executions, 10, desk.guardian)
    result = desk.agent.result(ON, desk.settings.brokerage_rupees)
    assert result.held == {}
    assert result.executions == executions >= 2
    assert result.charges * 100 == book["funds"]["charges"]
    assert result.net * 100 == book["funds"]["cash"] - book["opening_balance"]
    assert sum(case.earned - case.spent for case in desk.agent.cases(ON)) == result.gross


def said(desk: Desk, request: TradeRequest, state: str) -> bool:
    events = desk.ledger.events(ORDER_EVENT)
    return any(
        event.payload["setup_id"] == request.setup.setup_id and event.payload["state"] == state for event in events
    )
