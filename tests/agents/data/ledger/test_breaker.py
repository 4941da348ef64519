"""The breaker: when it opens, who may probe, and what late answers change."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from agents.data.ledger import Ledger, LedgerBreaker
from agents.domain.calls import Permit
from tests.agents.data.ledger.servers import Place, start_all
from tests.agents.data.ledger.watches import Watch


@pytest.fixture
def breaker(place: Place, watch: Watch) -> LedgerBreaker:
    return Ledger.open(place, "paper", now=watch).breaker("openai")


def permit(breaker: LedgerBreaker) -> Permit:
    given = breaker.enter()
    assert given is not None
    return given


def fail(breaker: LedgerBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(permit(breaker))


def test_five_failures_in_a_row_open_it(breaker: LedgerBreaker) -> None:
    fail(breaker, 4)
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open
    assert breaker.enter() is None


def test_a_success_ends_the_row(breaker: LedgerBreaker) -> None:
    fail(breaker, 4)
    breaker.succeeded(permit(breaker))
    fail(breaker, 4)
    assert not breaker.is_open


def test_after_a_minute_one_caller_may_probe(breaker: LedgerBreaker, watch: Watch) -> None:
    fail(breaker, 5)
    watch.wait(59.9)
    assert breaker.enter() is None
    watch.wait(0.2)
    assert permit(breaker).probe
    assert breaker.enter() is None


def test_a_good_probe_closes_it_for_all(breaker: LedgerBreaker, watch: Watch, place: Place) -> None:
    fail(breaker, 5)
    watch.wait(61)
    breaker.succeeded(permit(breaker))
    other = Ledger.open(place, "paper", now=watch).breaker("openai")
    assert not permit(other).probe
    fail(other, 4)
    assert not breaker.is_open


def test_a_bad_probe_opens_it_for_another_minute(breaker: LedgerBreaker, watch: Watch) -> None:
    fail(breaker, 5)
    watch.wait(61)
    breaker.failed(permit(breaker))
    watch.wait(59)
    assert breaker.enter() is None
    watch.wait(2)
    assert permit(breaker).probe


def test_a_prober_that_dies_gives_way_after_half_a_minute(breaker: LedgerBreaker, watch: Watch) -> None:
    fail(breaker, 5)
    watch.wait(61)
    dead = permit(breaker)
    watch.wait(29)
    assert breaker.enter() is None
    watch.wait(2)
    assert permit(breaker).probe
    breaker.succeeded(dead)
    assert breaker.is_open


def test_an_answer_from_before_the_opening_changes_nothing(breaker: LedgerBreaker) -> None:
    slow = permit(breaker)
    fail(breaker, 5)
    breaker.succeeded(slow)
    assert breaker.is_open


def test_a_failure_from_before_the_closing_is_not_counted(breaker: LedgerBreaker, watch: Watch) -> None:
    slow = permit(breaker)
    fail(breaker, 5)
    watch.wait(61)
    breaker.succeeded(permit(breaker))
    for _ in range(5):
        breaker.failed(slow)
    assert not breaker.is_open


def test_dependencies_have_breakers_of_their_own(place: Place, watch: Watch) -> None:
    ledger = Ledger.open(place, "paper", now=watch)
    fail(ledger.breaker("dhan_data"), 5)
    assert ledger.breaker("openai").enter() is not None


CALLER = """
    import time
    from datetime import timedelta

    breaker = ledger.breaker("openai", open_for=timedelta(seconds=1), lease=timedelta(seconds=10))
    breaker.enter()
    print("ready", flush=True)
    begin = float(sys.stdin.readline())
    healthy_from, end = begin + 2.6, begin + 5.0
    time.sleep(max(0, begin - time.time()))
    while time.time() < end:
        permit = breaker.enter()
        if permit is not None:
            called = time.time()
            time.sleep(0.05)
            good = called >= healthy_from
            print("good" if good else "bad", "probe" if permit.probe else "plain", flush=True)
            (breaker.succeeded if good else breaker.failed)(permit)
        time.sleep(0.02)
"""


@pytest.mark.process
def test_six_processes_leave_a_dead_server_alone(place: Place) -> None:
    Ledger.open(place, "paper", now=Watch())
    running = start_all(CALLER, place, 6, stdin=-1)
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    begin = datetime.now(UTC).timestamp() + 0.3
    for process in running:
        assert process.stdin is not None
        process.stdin.write(f"{begin}\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0] * 6, outputs
    calls = Counter(line for out, _ in outputs for line in out.splitlines())
    # The first burst may reach one call a process beyond the limit; then one probe for each rest of a second.
    assert 5 <= calls["bad plain"] <= 10, calls
    assert 1 <= calls["bad probe"] <= 3, calls
    assert calls["good probe"] == 1, calls
    assert calls["good plain"] > calls["bad plain"] + calls["bad probe"], calls
