"""The real client against every fault: each ends in the closed set, none but a valid answer in a trade."""

import time

import pytest

from agents.data.ledger import Ledger
from agents.domain.evidence import SetupWord
from agents.domain.zones import Outcome, ZoneVerdictWord
from tests.agents.llm.conftest import MakeJudge, Waits
from tests.agents.llm.fault_server import SCENARIOS, FaultServer
from tests.agents.llm.samples import AT, KEY, SETUP, ZONE

INVALID = {
    "tool_calls", "no_finish_reason", "empty", "null_content", "malformed", "prose", "fenced", "wrong_type", "boolean",
    "percent", "negative", "not_a_number", "infinite", "unknown_word", "unknown_factor", "missing_field", "extra_field",
    "a_list", "long_rationale", "foreign_ids", "many_ids", "injection_in_field", "surrogate", "huge",
}  # fmt: skip
EXHAUSTED = {
    "surrogate_outside", "html", "html_as_json", "empty_body", "not_utf8", "json_null", "deep_json", "no_choices",
    "choices_number", "error_with_200", "bad_gzip", "dropped", "cut_short", "garbage", "redirect_loop", "408", "409",
    "429", "429_after_half", "429_after_nonsense", "429_after_7", "429_after_date", "500", "502", "503", "504",
}  # fmt: skip
HANGS = {"no_answer", "drip", "slow_headers"}
OUTCOMES = {
    "refusal": Outcome.REFUSAL,
    "refusal_with_content": Outcome.REFUSAL,
    "content_filter": Outcome.FILTERED,
    "truncated": Outcome.TRUNCATED,
    "truncated_but_complete": Outcome.TRUNCATED,
    "quota": Outcome.QUOTA,
    "temperature": Outcome.PERMANENT,
    "429_after_hours": Outcome.DEADLINE,
    **dict.fromkeys(INVALID, Outcome.INVALID),
    **dict.fromkeys(EXHAUSTED, Outcome.EXHAUSTED),
    **dict.fromkeys(HANGS, Outcome.DEADLINE),
    **dict.fromkeys(("400", "401", "402", "403", "404", "413", "422"), Outcome.PERMANENT),
}
SETUP_ONLY = {"bounds_crossed": Outcome.INVALID}
GOOD = {"ok", "ok_as_text", "injection", "only_plain", "no_usage", "echoes_the_key"}
DEADLINE = {"judge_deadline_seconds": 0.4}


def test_every_fault_has_an_expected_outcome() -> None:
    assert set(SCENARIOS) == set(OUTCOMES) | set(SETUP_ONLY) | GOOD


@pytest.mark.parametrize("scenario", sorted(OUTCOMES | SETUP_ONLY))
def test_a_fault_never_lets_a_setup_pass_or_confirms_a_zone(
    scenario: str, judge_for: MakeJudge, ledger: Ledger
) -> None:
    judge = judge_for(scenario, **(DEADLINE if scenario in HANGS else {}))
    setup, (zone,) = judge.judge_setup(SETUP), judge.judge_zones([ZONE], AT)
    expected = (OUTCOMES | SETUP_ONLY)[scenario]
    assert (setup.outcome, setup.verdict, setup.probability) == (expected.value, SetupWord.INSUFFICIENT_DATA, 0)
    if scenario in OUTCOMES:
        # The second question may find that the first one has opened the breaker.
        assert zone.outcome is expected or (scenario in EXHAUSTED and zone.outcome is Outcome.BREAKER_OPEN)
        assert (zone.verdict, zone.probability) == (ZoneVerdictWord.UNSURE, 0)
    (call,) = ledger.calls.calls_of(SETUP.setup_id)
    assert (call.status, call.key) == (expected, setup.call_key)


@pytest.mark.parametrize("scenario", sorted(GOOD - {"no_usage", "echoes_the_key"}))
def test_a_valid_answer_passes(scenario: str, judge_for: MakeJudge) -> None:
    judge = judge_for(scenario)
    setup, (zone,) = judge.judge_setup(SETUP), judge.judge_zones([ZONE], AT)
    assert (setup.outcome, setup.verdict, setup.probability) == ("ok", SetupWord.TAKE, 0.86)
    assert (zone.outcome, zone.verdict, zone.probability) == (Outcome.OK, ZoneVerdictWord.CONFIRM, 0.71)
    assert setup.judge == "openai:local-large"
    assert zone.judge == "openai:local-small"


@pytest.mark.parametrize("scenario", sorted(INVALID - {"huge"}))
def test_an_invalid_answer_is_asked_for_once_more_at_once(
    scenario: str, judge_for: MakeJudge, server: FaultServer, waits: Waits
) -> None:
    judge_for(scenario).judge_setup(SETUP)
    assert len(server.calls(scenario)) == 2
    assert waits.seconds == []


@pytest.mark.parametrize("scenario", ["malformed+ok", "500+ok", "dropped+html+ok", "429+503+ok", "prose+500+ok"])
def test_a_fault_that_passes_is_forgiven(scenario: str, judge_for: MakeJudge) -> None:
    assert judge_for(scenario).judge_setup(SETUP).verdict is SetupWord.TAKE


@pytest.mark.parametrize("scenario", ["400", "401", "402", "403", "404", "413", "422", "quota", "refusal", "truncated"])
def test_what_cannot_help_is_not_tried_again(scenario: str, judge_for: MakeJudge, server: FaultServer) -> None:
    judge_for(scenario).judge_setup(SETUP)
    assert len(server.calls(scenario)) == 1


@pytest.mark.parametrize("scenario", ["500", "html", "dropped", "409"])
def test_the_waits_are_one_two_and_four_seconds_with_jitter(
    scenario: str, judge_for: MakeJudge, server: FaultServer, waits: Waits
) -> None:
    judge_for(scenario).judge_setup(SETUP)
    assert len(server.calls(scenario)) == 4
    assert [int(seconds) for seconds in waits.seconds] == [1, 2, 4]
    assert all(0 <= seconds - int(seconds) < 0.25 for seconds in waits.seconds)


@pytest.mark.parametrize(
    ("scenario", "seconds"), [("429_after_7", 7.0), ("429_after_half", 0.5), ("429_after_date", 5.0)]
)
def test_the_server_may_say_how_long_to_wait(scenario: str, seconds: float, judge_for: MakeJudge, waits: Waits) -> None:
    judge_for(scenario).judge_setup(SETUP)
    assert waits.seconds == [seconds] * 3


def test_a_wait_beyond_the_cap_is_cut_to_thirty_seconds(judge_for: MakeJudge, waits: Waits) -> None:
    verdict = judge_for("429_after_hours", judge_deadline_seconds=100, batch_seconds=200).judge_setup(SETUP)
    assert waits.seconds == [30.0] * 3
    assert verdict.outcome == "exhausted"


@pytest.mark.parametrize("scenario", sorted(HANGS))
def test_the_deadline_is_hard(scenario: str, judge_for: MakeJudge) -> None:
    judge = judge_for(scenario, **DEADLINE)
    begun = time.perf_counter()
    judge.judge_zones([ZONE], AT)
    assert time.perf_counter() - begun < 4.0  # 0.4 s, on a busy machine; the drip alone takes minutes


def test_all_zones_of_a_candle_share_one_deadline(judge_for: MakeJudge) -> None:
    judge = judge_for("no_answer", batch_seconds=0.5)
    asked = [ZONE.model_copy(update={"zone_id": f"zone-{number}"}) for number in range(20)]
    begun = time.perf_counter()
    verdicts = judge.judge_zones(asked, AT)
    assert time.perf_counter() - begun < 4.0
    assert [verdict.zone_id for verdict in verdicts] == [one.zone_id for one in asked]
    assert {verdict.outcome for verdict in verdicts} <= {Outcome.DEADLINE, Outcome.BREAKER_OPEN}


def test_a_temperature_that_is_refused_is_left_out_from_then_on(judge_for: MakeJudge, server: FaultServer) -> None:
    judge = judge_for("only_plain")
    for number in range(2):
        judge.judge_setup(SETUP.model_copy(update={"setup_id": f"setup-{number}"}))
    sent = ["temperature" in seen.body for seen in server.calls("only_plain")]
    assert sent[0]
    assert not any(sent[1:])


def test_injected_words_are_shown_without_markup_and_change_nothing(judge_for: MakeJudge) -> None:
    verdict = judge_for("injection").judge_setup(SETUP)
    assert verdict.probability == 0.86
    assert "<" not in verdict.reason


def test_the_key_is_nowhere_but_in_the_request(
    judge_for: MakeJudge, server: FaultServer, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for scenario in ("echoes_the_key", "401", "500", "400"):
        judge = judge_for(scenario)
        verdict = judge.judge_setup(SETUP.model_copy(update={"setup_id": scenario}))
        (seen, *_) = server.calls(scenario)
        assert seen.headers["authorization"] == f"Bearer {KEY}"
        (call,) = ledger.calls.calls_of(scenario)
        for text in (verdict.model_dump_json(), call.model_dump_json(), repr(judge.__dict__)):
            assert KEY not in text
    assert KEY not in caplog.text


def test_a_key_in_the_answer_is_taken_out(judge_for: MakeJudge, ledger: Ledger) -> None:
    verdict = judge_for("echoes_the_key").judge_setup(SETUP)
    (call,) = ledger.calls.calls_of(SETUP.setup_id)
    assert verdict.reason == "Bearer [key]"
    assert call.served_model == "Bearer [key]"
