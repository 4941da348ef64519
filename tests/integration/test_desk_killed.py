"""A whole desk under ``zonedesk up``, its exchange at fault and its processes killed at moments of an order's life.

Afterwards, always: the supervisor has started again what died, one bracket for each setup at most, ledger and broker's
book alike, no position without a stop, the audit chain whole, and the next cycle runs.
"""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agents.domain.lifecycle import OVER, TradeState
from agents.execution.guardian.ports import REQUEST, TradeRequest
from tests.integration.doom import arm, disarm, is_armed, wish
from tests.integration.watching import PATIENCE, Watcher, everything_is_as_it_must_be, is_equal, leave, said, state_of
from tests.integration.whole import WholeDesk
from zonedesk.services import DAEMON, EXCHANGE, GUARDIAN

pytestmark = pytest.mark.process

LONG = timedelta(minutes=40)  # of the market: for a run that is killed, noticed and executed again
RUN = 2 * PATIENCE  # seconds for a run to begin and to end, on a busy machine
ORDERS = "POST /v2/super/orders"
# What is wrong all the time: late reads, order updates that are lost or come twice, and now and then a lost reply to an
# order. A test with a fault of its own has that one alone.
ALWAYS: tuple[dict[str, Any], ...] = (
    {"name": "slow", "where": "GET /v2/*", "probability": 0.05, "times": None, "parameters": {"seconds": 1.0}},
    {"name": "updates_dropped", "probability": 0.3, "times": None},
    {"name": "updates_duplicated", "probability": 0.3, "times": None},
    {"name": "dropped", "where": ORDERS, "probability": 0.3, "times": 1},
)
WAITING = "waiting for the reply"
RUN_MOMENTS = ("before request", "after request", "before record", "before output")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDesk]:
    with WholeDesk(tmp_path_factory.mktemp("whole")) as running:
        yield running


@pytest.fixture
def watcher(desk: WholeDesk) -> Iterator[Watcher]:
    """A watcher over a desk that is whole, on an exchange that is not."""
    watcher = Watcher(desk, desk.program)
    watcher.until(lambda: all(each["state"] == "ready" for each in desk.home.read_status()["services"]))
    watcher.until(lambda: guards(desk))
    for fault in ALWAYS:
        desk.control("POST", "/faults", fault)
    yield watcher
    disarm(desk.folder)
    wish(desk.folder, None)
    desk.heal()


def guards(desk: WholeDesk) -> bool:
    """Whether the guardian has said that it knows the book and hears the feed."""
    beat = desk.ledger.heartbeats.last(GUARDIAN)
    return beat is not None and bool(beat.facts.get("reconciled") and beat.facts.get("feed_connected"))


def requests_for(desk: WholeDesk, request: TradeRequest) -> int:
    return len(desk.ledger.events(REQUEST, key=request.setup.setup_id))


def ended(desk: WholeDesk, run: str) -> bool:
    return desk.runs()[run] in {"SUCCESS", "FAILURE", "CANCELED"}


def trade(desk: WholeDesk, watcher: Watcher) -> TradeRequest:
    """Return a request that has become a protected position, without a run."""
    request = desk.request(lasts=LONG)
    desk.ask(request)
    watcher.until(lambda: state_of(desk, request) is TradeState.PROTECTED)
    return request


@pytest.mark.parametrize("moment", RUN_MOMENTS)
def test_a_run_killed_and_executed_again_trades_once(desk: WholeDesk, watcher: Watcher, moment: str) -> None:
    request, failed = desk.request(lasts=LONG), desk.failed()
    wish(desk.folder, request)
    arm(desk.folder, f"run {moment}")
    desk.launch()
    watcher.until(lambda: not is_armed(desk.folder), RUN)
    if moment != "before request":  # the guardian goes on by itself
        watcher.until(lambda: is_equal(desk, request) and desk.brackets(request) == 1)
    watcher.until(lambda: desk.failed() - failed, RUN)
    (killed,) = desk.failed() - failed
    again = desk.launch_again(killed)
    watcher.until(lambda: ended(desk, again), RUN)
    assert desk.runs()[again] == "SUCCESS"
    assert requests_for(desk, request) == 1
    assert desk.brackets(request) == 1
    everything_is_as_it_must_be(desk, request, watcher)
    assert state_of(desk, request) is TradeState.CLOSED


@pytest.mark.parametrize("moment", ["before request", "after request", "before output"])
def test_a_daemon_killed_during_a_run_is_restarted_and_the_run_ends(
    desk: WholeDesk, watcher: Watcher, moment: str
) -> None:
    request, daemon = desk.request(lasts=LONG), desk.pid(DAEMON)
    wish(desk.folder, request)
    arm(desk.folder, f"run {moment}", daemon)
    run = desk.launch()
    watcher.until(lambda: not is_armed(desk.folder), RUN)
    watcher.until(lambda: ended(desk, run), RUN)
    watcher.until(lambda: desk.is_restarted(DAEMON, daemon))
    assert requests_for(desk, request) == 1
    assert desk.brackets(request) == 1
    everything_is_as_it_must_be(desk, request, watcher)


def test_a_daemon_killed_during_a_position_starts_the_run_of_the_next_slot(desk: WholeDesk, watcher: Watcher) -> None:
    request, daemon = trade(desk, watcher), desk.pid(DAEMON)
    slots = desk.slots()
    arm(desk.folder, "guardian before modify_leg", daemon)
    leave(desk, request)
    watcher.until(lambda: desk.is_restarted(DAEMON, daemon))
    everything_is_as_it_must_be(desk, request, watcher)
    watcher.until(lambda: any(ended(desk, run) for run in desk.slots() - slots), 2 * RUN)


@pytest.mark.parametrize(
    ("fault", "moment"), [("dropped", "after unknown"), ("slow", WAITING), ("reject_after_pending", "after acked")]
)
def test_a_guardian_killed_while_the_exchange_is_at_fault_is_restarted(
    desk: WholeDesk, watcher: Watcher, fault: str, moment: str
) -> None:
    request, guardian = desk.request(), desk.pid(GUARDIAN)
    desk.fault(fault, "*" if fault == "reject_after_pending" else ORDERS, times=1)
    if moment != WAITING:
        arm(desk.folder, f"guardian {moment}")
    desk.ask(request)
    if moment == WAITING:
        watcher.until(lambda: desk.brackets(request))
        os.kill(guardian, signal.SIGKILL)
    watcher.until(lambda: desk.is_restarted(GUARDIAN, guardian))
    watcher.until(lambda: is_equal(desk, request))
    everything_is_as_it_must_be(desk, request, watcher)
    assert desk.brackets(request) == 1


@pytest.mark.parametrize("moment", ["before place_super", "after acked", "after protected"])
def test_an_exchange_killed_is_restarted_and_its_book_goes_on(desk: WholeDesk, watcher: Watcher, moment: str) -> None:
    request, exchange = desk.request(), desk.pid(EXCHANGE)
    arm(desk.folder, f"guardian {moment}", exchange)
    desk.ask(request)
    watcher.until(lambda: desk.is_restarted(EXCHANGE, exchange))
    watcher.until(lambda: state_of(desk, request) in OVER or said(desk, request, "acked"))
    watcher.until(lambda: is_equal(desk, request))
    everything_is_as_it_must_be(desk, request, watcher)
