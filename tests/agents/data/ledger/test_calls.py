"""The log of calls: what is kept, found and added up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agents.data.ledger import Ledger, Recordings
from agents.domain.calls import LlmCall, Usage
from agents.domain.zones import Outcome
from tests.agents.data.ledger.servers import Place, run, vandalise

AT = datetime(2024, 6, 5, 6, 0, tzinfo=UTC)


class Watch:
    at = AT

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def ledger(place: Place, watch: Watch) -> Ledger:
    return Ledger.open(place, "paper", now=watch)


CALL = LlmCall(
    key="k" * 64,
    subject="zone-1",
    asked_at=AT,
    model="gpt-6-luna",
    served_model="gpt-6-luna-2026-09-01",
    prompt_id="zone_verdict",
    prompt_version=1,
    prompt_sha="abc123abc123",
    system="Judge.",
    reply_schema="{}",
    facts='{"zone_id":"zone-1"}',
    params="{}",
    sample=0,
    status=Outcome.OK,
    body='{"verdict":"confirm"}',
    attempts=2,
    trace='[{"kind":"timeout"},{"kind":"reply"}]',
    usage=Usage(input_tokens=1500, output_tokens=400, cached_tokens=100),
    cost=Decimal("0.00035"),
    latency=1.25,
    request_id="req-1",
)


def test_a_call_comes_back_as_it_was_recorded(ledger: Ledger) -> None:
    ledger.calls.record_call(CALL)
    assert ledger.calls.find_call(CALL.key, AT) == CALL
    assert ledger.calls.calls_of("zone-1") == [CALL]


def test_an_unknown_key_finds_nothing(ledger: Ledger) -> None:
    ledger.calls.record_call(CALL)
    assert ledger.calls.find_call("x" * 64, AT) is None


def test_a_failed_call_is_found_only_when_asked_for(ledger: Ledger) -> None:
    failed = CALL.model_copy(update={"status": Outcome.DEADLINE, "body": ""})
    ledger.calls.record_call(failed)
    assert ledger.calls.find_call(CALL.key, AT) is None
    assert ledger.calls.find_call(CALL.key, AT, only_ok=False) == failed


def test_an_old_answer_is_not_a_fresh_one(ledger: Ledger) -> None:
    ledger.calls.record_call(CALL)
    age = timedelta(seconds=150)
    assert ledger.calls.find_call(CALL.key, AT + age, max_age=age) == CALL
    assert ledger.calls.find_call(CALL.key, AT + age + timedelta(seconds=1), max_age=age) is None
    assert ledger.calls.find_call(CALL.key, AT - timedelta(seconds=1), max_age=age) is None


def test_of_several_answers_the_nearest_in_time_is_found(ledger: Ledger) -> None:
    for minutes in (0, 15, 30):
        ledger.calls.record_call(
            CALL.model_copy(update={"asked_at": AT + timedelta(minutes=minutes), "body": str(minutes)})
        )
    found = ledger.calls.find_call(CALL.key, AT + timedelta(minutes=16))
    assert found is not None
    assert found.body == "15"


def test_spending_is_exact_and_begins_again_at_midnight_in_india(ledger: Ledger, watch: Watch) -> None:
    for _ in range(3):
        ledger.calls.record_call(CALL)
    assert ledger.calls.spent_today() == Decimal("0.00105")
    watch.at = datetime(2024, 6, 5, 18, 29, 59, tzinfo=UTC)
    assert ledger.calls.spent_today() == Decimal("0.00105")
    watch.at = datetime(2024, 6, 5, 18, 30, tzinfo=UTC)
    assert ledger.calls.spent_today() == 0


def test_a_changed_reply_is_found_by_the_chain(ledger: Ledger, place: Place) -> None:
    ledger.calls.record_call(CALL)
    ledger.calls.record_call(CALL)
    assert ledger.verify().sound
    vandalise(place, """update llm_call set body = '{"verdict":"reject"}' where id = 2""")
    report = ledger.verify()
    assert (report.first_bad, report.problem) == (2, "call 2 was changed")


def test_the_prompt_is_stored_once(ledger: Ledger, place: Place) -> None:
    for _ in range(3):
        ledger.calls.record_call(CALL)
    assert run(place, "select count(*) from llm_prompt") == [(1,)]


def test_recordings_are_found_in_every_ledger_and_kept_in_the_first(ledger: Ledger, tmp_path: Path) -> None:
    paper = Ledger.open(tmp_path / "paper.sqlite", "paper", now=Watch())
    paper.calls.record_call(CALL)
    both = Recordings([ledger.calls, paper.calls])
    assert both.find_call(CALL.key, AT) == CALL
    later = CALL.model_copy(update={"asked_at": AT + timedelta(minutes=3), "body": "later"})
    both.record_call(later)
    assert ledger.calls.calls_of("zone-1") == [later]
    assert both.find_call(CALL.key, AT) == CALL
    assert both.find_call(CALL.key, AT + timedelta(minutes=2)) == later
    assert both.spent_today() == CALL.cost
