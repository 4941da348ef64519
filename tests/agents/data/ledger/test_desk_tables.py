"""Leases, commands, messages and signs of life: who may act, what is asked once, what is sent."""

from datetime import timedelta

import pytest

from agents.data.ledger import Ledger, Severity
from agents.domain.errors import InvariantViolationError, LeaseLostError, MissingDataError
from tests.agents.data.ledger.servers import Place
from tests.agents.data.ledger.watches import AT, Watch

TEN = timedelta(seconds=10)


@pytest.fixture
def ledger(place: Place, watch: Watch) -> Ledger:
    return Ledger.open(place, "paper", now=watch)


def test_one_holder_at_a_time(ledger: Ledger, watch: Watch) -> None:
    first = ledger.leases.acquire("guardian", "a", TEN)
    assert first is not None
    assert ledger.leases.acquire("guardian", "b", TEN) is None
    assert ledger.leases.acquire("guardian", "a", TEN) is None
    assert ledger.leases.acquire("other", "b", TEN) is not None
    watch.wait(10)
    second = ledger.leases.acquire("guardian", "b", TEN)
    assert second is not None
    assert (first.token, second.token) == (1, 2)
    assert not ledger.leases.valid(first)
    assert ledger.leases.valid(second)
    assert ledger.leases.held("guardian") == second


def test_a_renewed_lease_lasts_longer_and_keeps_its_token(ledger: Ledger, watch: Watch) -> None:
    lease = ledger.leases.acquire("guardian", "a", TEN)
    assert lease is not None
    watch.wait(9)
    lease = ledger.leases.renew(lease, TEN)
    watch.wait(9)
    assert ledger.leases.valid(lease)
    assert lease.token == 1


def test_an_ended_lease_may_be_renewed_until_somebody_takes_it(ledger: Ledger, watch: Watch) -> None:
    lease = ledger.leases.acquire("guardian", "a", TEN)
    assert lease is not None
    watch.wait(11)
    assert not ledger.leases.valid(lease)
    assert ledger.leases.valid(ledger.leases.renew(lease, TEN))
    watch.wait(11)
    ledger.leases.acquire("guardian", "b", TEN)
    with pytest.raises(LeaseLostError, match=r"belongs to b \(token 2\) now; stop"):
        ledger.leases.renew(lease, TEN)


def test_a_released_lease_is_free_at_once_and_its_token_is_not_used_again(ledger: Ledger) -> None:
    lease = ledger.leases.acquire("guardian", "a", TEN)
    assert lease is not None
    ledger.leases.release(lease)
    ledger.leases.release(lease)
    assert ledger.leases.held("guardian") is None
    again = ledger.leases.acquire("guardian", "a", TEN)
    assert again is not None
    assert again.token == 2
    ledger.leases.release(lease)
    assert ledger.leases.valid(again)


def test_a_late_write_of_an_earlier_holder_is_refused(ledger: Ledger, watch: Watch) -> None:
    lease = ledger.leases.acquire("guardian", "a", TEN)
    ledger.append("intent", {"lots": 1}, fence=lease)
    watch.wait(11)
    taken = ledger.leases.acquire("guardian", "b", TEN)
    with pytest.raises(LeaseLostError):
        ledger.append("intent", {"lots": 2}, fence=lease)
    ledger.append("intent", {"lots": 3}, fence=taken)
    assert [event.payload["lots"] for event in ledger.events("intent")] == [1, 3]


def test_the_chain_tells_who_held_a_lease(ledger: Ledger, watch: Watch) -> None:
    lease = ledger.leases.acquire("guardian", "a", TEN)
    assert lease is not None
    ledger.leases.renew(lease, TEN)
    ledger.leases.release(lease)
    watch.wait(1)
    ledger.leases.acquire("guardian", "b", TEN)
    said = [(event.payload["holder"], event.payload["state"]) for event in ledger.events("lease")]
    assert said == [("a", "taken"), ("a", "released"), ("b", "taken")]


def test_a_command_is_asked_once_and_served_in_the_order_of_asking(ledger: Ledger, watch: Watch) -> None:
    first = ledger.commands.ask("1", "halt", {"reason": "lunch"}, by="person")
    watch.wait(1)
    assert ledger.commands.ask("1", "halt", {"reason": "lunch"}, by="person") == first
    ledger.commands.ask("2", "flatten", {}, by="person")
    assert [command.id for command in ledger.commands.pending()] == ["1", "2"]
    with pytest.raises(InvariantViolationError, match="command 1 was asked before as halt"):
        ledger.commands.ask("1", "resume", {}, by="person")


def test_a_button_pressed_twice_asks_once(ledger: Ledger) -> None:
    first = ledger.commands.ask("1", "flatten", {}, by="dashboard")
    assert ledger.commands.ask("2", "flatten", {}, by="dashboard") == first
    ledger.commands.done("1", "flat")
    assert ledger.commands.ask("3", "flatten", {}, by="dashboard").id == "3"


def test_a_second_halt_after_a_resume_is_a_command_of_its_own(ledger: Ledger) -> None:
    for number, kind in enumerate(("halt", "resume", "halt")):
        ledger.commands.ask(str(number), kind, {}, by="person")
    assert [command.kind for command in ledger.commands.pending()] == ["halt", "resume", "halt"]


def test_a_command_taken_by_a_process_that_died_is_still_pending(ledger: Ledger, watch: Watch) -> None:
    ledger.commands.ask("1", "flatten", {}, by="person")
    watch.wait(1)
    assert ledger.commands.take("1").taken_at == AT + timedelta(seconds=1)
    watch.wait(1)
    assert ledger.commands.take("1").taken_at == AT + timedelta(seconds=1)
    assert [command.id for command in ledger.commands.pending()] == ["1"]


def test_a_command_is_done_once_and_the_chain_tells_it(ledger: Ledger) -> None:
    ledger.commands.ask("1", "halt", {"reason": "lunch"}, by="person")
    done = ledger.commands.done("1", "halted")
    assert (done.outcome, done.taken_at, done.done_at) == ("halted", AT, AT)
    assert ledger.commands.done("1", "halted") == done
    with pytest.raises(InvariantViolationError, match="done already: halted"):
        ledger.commands.done("1", "refused")
    assert ledger.commands.pending() == []
    assert ledger.commands.recent(5) == [done]
    assert [event.kind for event in ledger.about("1")] == ["command", "command_done"]


def test_an_unknown_command_is_named(ledger: Ledger) -> None:
    assert ledger.commands.find("9") is None
    for serve in (ledger.commands.take, lambda name: ledger.commands.done(name, "x")):
        with pytest.raises(MissingDataError, match="no command 9"):
            serve("9")


def test_a_message_is_written_once_in_five_minutes_unless_it_is_critical(ledger: Ledger, watch: Watch) -> None:
    assert ledger.outbox.put(Severity.WARN, "feed", "the feed is old") is not None
    watch.wait(299)
    assert ledger.outbox.put(Severity.WARN, "feed", "the feed is old") is None
    assert ledger.outbox.put(Severity.WARN, "disk", "the disk is full") is not None
    assert ledger.outbox.put(Severity.CRITICAL, "feed", "the feed is dead") is not None
    watch.wait(300)
    assert ledger.outbox.put(Severity.WARN, "feed", "the feed is old") is not None
    assert len(ledger.events("alert")) == 4


def test_a_message_stays_due_until_it_is_sent_and_rests_longer_after_each_failure(ledger: Ledger, watch: Watch) -> None:
    message = ledger.outbox.put(Severity.INFO, "day", "a quiet day")
    assert message is not None
    assert ledger.outbox.due() == [message]
    for pause in (2, 4, 8):
        ledger.outbox.failed(message.id, "no route")
        watch.wait(pause - 0.5)
        assert ledger.outbox.due() == []
        watch.wait(0.5)
        assert [waiting.last_error for waiting in ledger.outbox.due()] == ["no route"]
    ledger.outbox.sent(message.id)
    ledger.outbox.failed(message.id, "too late to fail")
    assert ledger.outbox.due() == []
    kept = ledger.outbox.recent(1)[0]
    assert (kept.attempts, kept.last_error, kept.sent_at) == (4, "", watch.at)


def test_a_message_never_rests_longer_than_five_minutes(ledger: Ledger, watch: Watch) -> None:
    message = ledger.outbox.put(Severity.INFO, "day", "a quiet day")
    assert message is not None
    for _ in range(40):
        ledger.outbox.failed(message.id, "no route")
    watch.wait(300)
    assert [waiting.id for waiting in ledger.outbox.due()] == [message.id]


def test_an_unknown_message_is_named(ledger: Ledger) -> None:
    with pytest.raises(MissingDataError, match="no message 7"):
        ledger.outbox.sent(7)


def test_the_last_beat_of_each_process_is_kept(ledger: Ledger, watch: Watch) -> None:
    assert ledger.heartbeats.last("guardian") is None
    ledger.heartbeats.beat("guardian", {"open": 1})
    watch.wait(1)
    ledger.heartbeats.beat("guardian", {"open": 0})
    ledger.heartbeats.beat("feed")
    assert [(beat.name, beat.at, beat.facts) for beat in ledger.heartbeats.all()] == [
        ("feed", watch.at, {}),
        ("guardian", watch.at, {"open": 0}),
    ]
    last = ledger.heartbeats.last("guardian")
    assert last is not None
    assert last.facts == {"open": 0}


def test_events_are_found_by_the_ids_they_speak_of_and_not_by_those_they_list(ledger: Ledger) -> None:
    ledger.append("cycle", {"zone_id": "z1", "setup": {"setup_id": "s1"}, "zones": [{"zone_id": "z2"}]}, key="c1")
    ledger.append("order", {"correlation_id": "A1", "setup_id": "s1", "zone_id": "z1"})
    assert [event.seq for event in ledger.about("s1")] == [1, 2]
    assert [event.seq for event in ledger.about("z1")] == [1, 2]
    assert [event.seq for event in ledger.about("c1")] == [1]
    assert [event.seq for event in ledger.about("A1")] == [2]
    assert ledger.about("z2") == []
