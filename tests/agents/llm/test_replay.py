"""Recorded replies: the same answers with the network blocked, and an error where there is none."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Never

import pytest

from agents.data.ledger import Ledger
from agents.domain.errors import RecordedReplyMissingError
from agents.domain.zones import Outcome
from agents.llm import RecordedJudge
from agents.llm.verdicts import Panel
from tests.agents.llm.conftest import MakeJudge
from tests.agents.llm.samples import AT, SETUP, ZONE, Watch, settings


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> Never:
        raise AssertionError("a replay opened a socket")

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket.socket, "connect_ex", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


@pytest.fixture
def recorded(ledger: Ledger, watch: Watch) -> RecordedJudge:
    return RecordedJudge(settings(), calls=ledger.calls, clock=watch, panel=Panel())


def test_recorded_replies_give_the_same_verdicts_without_a_network(
    judge_for: MakeJudge, recorded: RecordedJudge, request: pytest.FixtureRequest, watch: Watch
) -> None:
    judge = judge_for("ok")
    setup, (zone,) = judge.judge_setup(SETUP), judge.judge_zones([ZONE], AT)
    watch.wait(900)
    request.getfixturevalue("no_network")
    assert recorded.judge_setup(SETUP) == setup.model_copy(update={"judge": "recorded:local-large"})
    assert recorded.judge_zones([ZONE], AT) == (zone.model_copy(update={"judge": "recorded:local-small"}),)


@pytest.mark.usefixtures("no_network")
def test_a_missing_reply_names_subject_key_and_cure(recorded: RecordedJudge) -> None:
    with pytest.raises(RecordedReplyMissingError, match=r"about setup-1 at .*key [0-9a-f]{64}.*ZONEDESK_JUDGE=openai"):
        recorded.judge_setup(SETUP)
    with pytest.raises(RecordedReplyMissingError, match="local-small about zone-1"):
        recorded.judge_zones([ZONE], AT)


def test_a_recorded_failure_fails_again(judge_for: MakeJudge, recorded: RecordedJudge) -> None:
    failed = judge_for("refusal").judge_zones([ZONE], AT)[0]
    again = recorded.judge_zones([ZONE], AT)[0]
    assert again.outcome is Outcome.REFUSAL
    assert again.reason == failed.reason


def test_each_candle_gets_the_reply_of_its_own_time(
    judge_for: MakeJudge, recorded: RecordedJudge, watch: Watch
) -> None:
    judge = judge_for("400+ok")
    later = AT + timedelta(minutes=15)
    judge.judge_zones([ZONE], AT)
    watch.at = later
    judge.judge_zones([ZONE], later)
    outcomes = [recorded.judge_zones([ZONE], at)[0].outcome for at in (AT, later)]
    assert outcomes == [Outcome.PERMANENT, Outcome.OK]


def test_another_model_is_another_record(judge_for: MakeJudge, ledger: Ledger, watch: Watch) -> None:
    judge_for("ok").judge_setup(SETUP)
    other = RecordedJudge(settings(setup_model="local-huge"), calls=ledger.calls, clock=watch, panel=Panel())
    with pytest.raises(RecordedReplyMissingError, match="local-huge"):
        other.judge_setup(SETUP)


def test_the_name_says_that_it_is_a_record(recorded: RecordedJudge) -> None:
    assert recorded.name == "recorded:local-small+local-large"
