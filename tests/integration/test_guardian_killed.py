"""Guardian and exchange killed at every named moment of an order's life: afterwards both books say the same."""

import json
import statistics
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from agents.domain.lifecycle import TradeState
from agents.execution.guardian.ports import TradeRequest
from tests.integration.doom import arm
from tests.integration.guardians import Desk, desks, until
from tests.integration.watching import (
    EQUAL_WITHIN,
    PATIENCE,
    Watcher,
    everything_is_as_it_must_be,
    is_equal,
    leave,
    said,
    state_of,
)

pytestmark = pytest.mark.process

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
WITHOUT_LEASE = 25.0  # seconds, less than a lease lasts: nobody waits for that of a guardian which is dead
NEVER_ARRIVED = {"after intent", "before sent", "after sent", "before place_super"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from desks(tmp_path_factory.mktemp("desk"))


class Recovery(NamedTuple):
    """How long until the books say the same, in seconds.

    From the start of the process that was killed and of a processor's time for it, which other work on the machine
    does not lengthen; from when it serves or guards.
    """

    from_start: float
    processor: float
    from_work: float


@pytest.fixture(scope="module")
def recoveries() -> list[Recovery]:
    """How long each recovery took."""
    return []


@pytest.fixture
def watcher(desk: Desk) -> Watcher:
    """A watcher over a desk whose guardian guards."""
    if not desk.guardian.alive:
        restart_guardian(desk)
    return Watcher(desk, desk.guardian, desk.exchange)


def restart_guardian(desk: Desk) -> None:
    """Start another guardian, and wait until it guards."""
    desk.guardian.kill()
    times = desk.guardian.text.count("guarding under")
    desk.start_guardian()
    until(lambda: desk.guardian.text.count("guarding under") > times, PATIENCE, desk.guardian)


def recover(desk: Desk, request: TradeRequest, watcher: Watcher) -> Recovery:
    """Start a guardian after the one that was killed, and return how long the books took to say the same."""
    watcher.until(lambda: not desk.guardian.alive)
    began = time.monotonic()
    restart_guardian(desk)
    works = time.monotonic()
    watcher.until(lambda: is_equal(desk, request))
    return Recovery(time.monotonic() - began, desk.guardian.worked, time.monotonic() - works)


@pytest.mark.parametrize("moment", ENTRY_MOMENTS)
def test_a_guardian_killed_during_an_entry_leaves_one_bracket_and_one_book(
    desk: Desk, watcher: Watcher, recoveries: list[Recovery], moment: str
) -> None:
    request = desk.request()
    arm(desk.folder, f"guardian {moment}")
    desk.ask(request)
    recoveries.append(recover(desk, request, watcher))
    everything_is_as_it_must_be(desk, request, watcher)
    arrived = moment not in NEVER_ARRIVED
    assert desk.brackets(request) == arrived
    assert state_of(desk, request) is (TradeState.CLOSED if arrived else TradeState.ABANDONED)


@pytest.mark.parametrize("moment", EXIT_MOMENTS)
def test_a_guardian_killed_during_an_exit_sells_once(
    desk: Desk, watcher: Watcher, recoveries: list[Recovery], moment: str
) -> None:
    request = desk.request()
    desk.ask(request)
    watcher.until(lambda: state_of(desk, request) is TradeState.PROTECTED)
    arm(desk.folder, f"guardian {moment}")
    leave(desk, request)
    recoveries.append(recover(desk, request, watcher))
    everything_is_as_it_must_be(desk, request, watcher)
    assert state_of(desk, request) is TradeState.CLOSED


@pytest.mark.parametrize("state", ["sent", "acked", "entry_pending", "filled", "protected", "flattening"])
def test_an_exchange_killed_at_a_state_of_an_order_is_found_as_it_comes_back(
    desk: Desk, watcher: Watcher, recoveries: list[Recovery], state: str
) -> None:
    request = desk.request()
    exchange = desk.exchange.process
    assert exchange is not None
    leaves = state == "flattening"
    if not leaves:
        arm(desk.folder, f"guardian after {state}", exchange.pid)
    desk.ask(request)
    if leaves:
        until(lambda: said(desk, request, "protected"), PATIENCE, desk.guardian)
        arm(desk.folder, f"guardian after {state}", exchange.pid)
        leave(desk, request)
    until(lambda: not desk.exchange.alive, PATIENCE, desk.guardian)
    began = time.monotonic()
    desk.start_exchange()
    works = time.monotonic()
    watcher.until(lambda: not desk.differences())
    recoveries.append(Recovery(time.monotonic() - began, desk.exchange.worked, time.monotonic() - works))
    everything_is_as_it_must_be(desk, request, watcher)


def test_both_killed_at_once_recover_together(desk: Desk, watcher: Watcher) -> None:
    request = desk.request()
    desk.ask(request)
    until(lambda: said(desk, request, "entry_pending"), PATIENCE, desk.guardian)
    desk.exchange.kill()
    desk.guardian.kill()
    desk.start_guardian()  # waits for the exchange, and has its master and its token from before
    desk.start_exchange()
    watcher.until(lambda: not desk.differences(), PATIENCE)
    everything_is_as_it_must_be(desk, request, watcher)


def test_books_say_the_same_within_seconds(desk: Desk, recoveries: list[Recovery]) -> None:
    if not recoveries:
        pytest.skip("the tests that kill did not run before this one")
    (desk.folder / "recoveries.json").write_text(json.dumps(recoveries))
    assert statistics.median(recovery.from_work for recovery in recoveries) < EQUAL_WITHIN
    assert statistics.median(recovery.processor for recovery in recoveries) < EQUAL_WITHIN


def test_a_second_guardian_waits_and_takes_over(desk: Desk, watcher: Watcher) -> None:
    assert watcher.longest == 0.0
    first = desk.guardian
    times = first.text.count("waiting for it to end")
    second = type(first)(desk.folder / "second.log", first._environment)
    second.start("tests.integration.guarded", str(desk.folder), str(desk.port))
    until(lambda: "waiting for it to end" in second.text, PATIENCE, second)
    assert "guarding under" not in second.text
    assert first.text.count("waiting for it to end") == times
    first.kill()
    until(lambda: "guarding under" in second.text, WITHOUT_LEASE, second)
    second.terminate()
    assert desk.ledger.leases.held("guardian:1000000001") is None


def test_after_all_that_the_ledgers_result_is_the_accounts_to_the_paisa(desk: Desk, watcher: Watcher) -> None:
    request = desk.request(lots=3)
    assert desk.agent.place_bracket_order(request).outcome == "placed"
    watcher.until(lambda: state_of(desk, request) is TradeState.PROTECTED)
    assert desk.agent.cancel_order(request.setup.setup_id, close=True, by="test").startswith("done")
    watcher.until(lambda: state_of(desk, request) is TradeState.CLOSED)
    book = desk.book
    executions = len(book["trades"])
    until(lambda: len(desk.agent.fills(desk.on)) == executions, 10, desk.guardian)
    result = desk.agent.result(desk.on, desk.settings.brokerage_rupees)
    assert result.held == {}
    assert result.executions == executions >= 2
    assert result.charges * 100 == book["funds"]["charges"]
    assert result.net * 100 == book["funds"]["cash"] - book["opening_balance"]
    assert sum(case.earned - case.spent for case in desk.agent.cases(desk.on)) == result.gross
