"""Several answers about one setup: when they are one verdict, and what each of them costs."""

import json
from decimal import Decimal

import pytest

from agents.data.ledger import Ledger
from agents.domain.evidence import SetupVerdict, SetupWord
from agents.domain.zones import Outcome
from agents.llm import RecordedJudge
from agents.llm.replies import SetupFactor, SetupReply
from agents.llm.verdicts import Panel, Said, dispersion, setup_verdict
from agents.settings import Settings
from tests.agents.llm.conftest import MakeJudge
from tests.agents.llm.fault_server import FaultServer
from tests.agents.llm.samples import SETUP, Watch, settings

FIVE = Panel(5, 4)
DOWN = (Outcome.DEADLINE, Outcome.EXHAUSTED, Outcome.BREAKER_OPEN, Outcome.INVALID, Outcome.TRUNCATED)


def reply(probability: float, word: SetupWord = SetupWord.TAKE) -> SetupReply:
    return SetupReply(
        verdict=word,
        probability=probability,
        p_low=max(0.0, probability - 0.1),
        p_high=min(1.0, probability + 0.1),
        main_for=SetupFactor.TREND,
        main_against=SetupFactor.COSTS,
        evidence_ids=(),
        rationale="as told",
    )


def said(*answers: SetupReply | Outcome, panel: Panel = FIVE) -> SetupVerdict:
    samples: list[Said[SetupReply]] = [
        Said(Outcome.OK, answer, f"key-{number}")
        if isinstance(answer, SetupReply)
        else Said(answer, None, f"key-{number}")
        for number, answer in enumerate(answers)
    ]
    return setup_verdict(SETUP, samples, "openai:m", "sha", panel)


def test_the_settings_ask_five_times_and_want_four() -> None:
    assert Panel.of(Settings(_env_file=None)) == Panel(samples=5, quorum=4, spread=0.15)


def test_the_probability_is_the_median() -> None:
    verdict = said(*(reply(p) for p in (0.80, 0.90, 0.84, 0.82, 0.86)))
    assert (verdict.verdict, verdict.outcome) == (SetupWord.TAKE, "ok")
    assert verdict.probability == pytest.approx(0.84)
    assert verdict.p_low == pytest.approx(0.74)


@pytest.mark.parametrize("outcome", DOWN)
def test_one_lost_answer_of_five_is_made_up_for_by_the_others_two_are_not(outcome: Outcome) -> None:
    four = [reply(0.85)] * 4
    assert said(*four, outcome).verdict is SetupWord.TAKE
    lost = said(*four[:3], outcome, outcome)
    assert (lost.verdict, lost.outcome, lost.probability) == (SetupWord.INSUFFICIENT_DATA, outcome.value, 0.0)


@pytest.mark.parametrize("outcome", [Outcome.REFUSAL, Outcome.FILTERED])
def test_a_model_that_declines_once_stops_the_setup(outcome: Outcome) -> None:
    verdict = said(*[reply(0.95)] * 4, outcome)
    assert (verdict.verdict, verdict.outcome) == (SetupWord.INSUFFICIENT_DATA, outcome.value)


@pytest.mark.parametrize("word", [SetupWord.SKIP, SetupWord.INSUFFICIENT_DATA])
def test_one_voice_against_is_enough(word: SetupWord) -> None:
    assert said(*[reply(0.85)] * 4, reply(0.85, word)).verdict is not SetupWord.TAKE


def test_answers_that_lie_far_apart_are_no_opinion() -> None:
    wide = said(*(reply(p) for p in (0.60, 0.65, 0.85, 0.90, 0.95)))
    assert wide.verdict is SetupWord.SKIP
    assert wide.reason.startswith("the answers lie 0.25 apart, more than 0.15; one was: ")
    assert said(*(reply(p) for p in (0.60, 0.80, 0.85, 0.90, 0.95))).verdict is SetupWord.TAKE


def test_a_single_answer_has_no_dispersion() -> None:
    assert dispersion([0.7]) == 0.0


def test_more_than_is_asked_for_cannot_be_wanted() -> None:
    assert said(reply(0.9), panel=Panel(1, 4)).verdict is SetupWord.TAKE


def test_each_answer_is_a_call_of_its_own_and_a_record_repeats_them(
    judge_for: MakeJudge, ledger: Ledger, watch: Watch, server: FaultServer
) -> None:
    verdict = judge_for("ok+400+ok", panel=FIVE).judge_setup(SETUP)
    assert verdict.verdict is SetupWord.TAKE
    calls = ledger.calls.calls_of(SETUP.setup_id)
    assert sorted(call.sample for call in calls) == [0, 1, 2, 3, 4]
    assert sorted(call.status for call in calls) == sorted([Outcome.OK] * 4 + [Outcome.PERMANENT])
    assert len({call.key for call in calls}) == 5
    sent = len(server.seen)
    recorded = RecordedJudge(settings(), calls=ledger.calls, clock=watch, panel=FIVE)
    assert recorded.judge_setup(SETUP) == verdict.model_copy(update={"judge": "recorded:local-large"})
    assert len(server.seen) == sent


def test_money_for_some_answers_only_is_spent_on_none(
    judge_for: MakeJudge, server: FaultServer, ledger: Ledger
) -> None:
    # One answer may cost about 0.012 dollars at the dearest prices: three of five would fit.
    judge = judge_for("ok", panel=Panel(5, 3), judge_daily_budget=Decimal("0.04"))
    assert judge.judge_setup(SETUP).outcome == "budget_exceeded"
    assert server.calls("ok") == []
    assert {call.status for call in ledger.calls.calls_of(SETUP.setup_id)} == {Outcome.BUDGET_EXCEEDED}


def test_an_answer_known_already_costs_nothing_when_the_money_is_gone(judge_for: MakeJudge) -> None:
    assert judge_for("ok", panel=FIVE).judge_setup(SETUP).outcome == "ok"
    assert judge_for("ok", panel=FIVE, judge_daily_budget=Decimal(0)).judge_setup(SETUP).outcome == "ok"


def test_all_answers_share_one_deadline(judge_for: MakeJudge, ledger: Ledger) -> None:
    verdict = judge_for("no_answer", panel=FIVE, batch_seconds=0.4).judge_setup(SETUP)
    assert verdict.outcome in {"deadline", "breaker_open"}
    spans = [call.latency for call in ledger.calls.calls_of(SETUP.setup_id)]
    assert len(spans) == 5
    assert max(spans) < 4.0  # 0.4 s each at the same time, on a busy machine


def test_samples_differ_in_key_and_in_nothing_that_is_sent(judge_for: MakeJudge, server: FaultServer) -> None:
    judge_for("ok", panel=FIVE).judge_setup(SETUP)
    assert len({json.dumps(seen.body, sort_keys=True) for seen in server.calls("ok")}) == 1
