"""The gateway: cache, budgets, breaker, accounting, and the record of it all."""

import asyncio
import json
import socket
import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest

from agents.data.ledger import Ledger
from agents.domain.errors import ConfigError, JudgeUnavailableError
from agents.domain.evidence import SetupWord
from agents.domain.zones import Outcome
from agents.llm import OpenAIJudge
from agents.llm.attempts import jitter
from agents.llm.verdicts import Panel
from tests.agents.llm.conftest import MakeJudge, Waits
from tests.agents.llm.fault_server import FaultServer, Seen
from tests.agents.llm.samples import AT, KEY, SETUP, ZONE, Watch, settings


def test_the_request_holds_numbers_a_strict_schema_and_the_temperature(
    judge_for: MakeJudge, server: FaultServer
) -> None:
    judge_for("ok").judge_setup(SETUP)
    (seen,) = server.calls("ok")
    system, user = seen.body["messages"]
    assert system["role"] == "system"
    assert json.loads(user["content"]) == SETUP.model_dump(mode="json")
    assert seen.body["response_format"]["json_schema"]["strict"] is True
    assert seen.body["temperature"] == 0.1
    assert seen.body["max_completion_tokens"] == 800
    assert seen.body["model"] == "local-large"
    assert "tools" not in seen.body


def test_a_model_that_thinks_gets_no_temperature_and_more_tokens(judge_for: MakeJudge, server: FaultServer) -> None:
    judge_for("ok", setup_model="gpt-6.1-sol").judge_setup(SETUP)
    (seen,) = server.calls("ok")
    assert "temperature" not in seen.body
    assert seen.body["max_completion_tokens"] == 4096


def test_the_same_question_within_a_cycle_is_not_asked_again(
    judge_for: MakeJudge, server: FaultServer, watch: Watch
) -> None:
    judge = judge_for("ok")
    first = judge.judge_setup(SETUP)
    watch.wait(150)
    assert judge.judge_setup(SETUP) == first
    assert len(server.calls("ok")) == 1
    watch.wait(1)
    judge.judge_setup(SETUP)
    assert len(server.calls("ok")) == 2


def test_in_a_replay_an_answer_never_grows_old(judge_for: MakeJudge, server: FaultServer, watch: Watch) -> None:
    judge = judge_for("ok", mode="replay")
    judge.judge_setup(SETUP)
    watch.wait(86_400)
    judge.judge_setup(SETUP)
    assert len(server.calls("ok")) == 1


def test_one_changed_fact_is_another_question(judge_for: MakeJudge, server: FaultServer) -> None:
    judge = judge_for("ok")
    judge.judge_setup(SETUP)
    judge.judge_setup(SETUP.model_copy(update={"touches": 1}))
    assert len(server.calls("ok")) == 2


def test_noise_in_the_sixth_decimal_is_not(judge_for: MakeJudge, server: FaultServer) -> None:
    judge = judge_for("ok")
    for noise in (0.0, 1e-6, -1e-6):
        judge.judge_setup(SETUP.model_copy(update={"pcr_oi": 1.1 + noise}))
    assert len(server.calls("ok")) == 1


def test_a_failure_is_asked_about_again(judge_for: MakeJudge) -> None:
    judge = judge_for("400+ok")
    assert judge.judge_setup(SETUP).outcome == "permanent"
    assert judge.judge_setup(SETUP).outcome == "ok"


def test_a_question_that_is_too_large_is_not_sent(judge_for: MakeJudge, server: FaultServer) -> None:
    ids = tuple(f"component-{number:05}" for number in range(1500))
    (verdict,) = judge_for("ok").judge_zones([ZONE.model_copy(update={"component_ids": ids})], AT)
    assert verdict.outcome is Outcome.TOO_LARGE
    assert server.calls("ok") == []


def test_without_a_budget_nothing_is_sent(judge_for: MakeJudge, server: FaultServer) -> None:
    verdict = judge_for("ok", judge_daily_budget=Decimal(0)).judge_setup(SETUP)
    assert verdict.outcome == "budget_exceeded"
    assert server.calls("ok") == []


def test_the_budget_holds_for_questions_that_are_asked_at_once(judge_for: MakeJudge, ledger: Ledger) -> None:
    # One question may cost about 0.0111 dollars at the dearest prices: three of eight fit.
    judge = judge_for("ok", judge_daily_budget=Decimal("0.035"))
    asked = [ZONE.model_copy(update={"zone_id": f"zone-{number}"}) for number in range(8)]
    outcomes = [verdict.outcome for verdict in judge.judge_zones(asked, AT)]
    assert set(outcomes) == {Outcome.OK, Outcome.BUDGET_EXCEEDED}
    assert ledger.calls.spent_today() <= Decimal("0.035")


def test_the_budget_is_whole_again_the_next_day(judge_for: MakeJudge, watch: Watch) -> None:
    judge = judge_for("ok", judge_daily_budget=Decimal("0.015"))
    # The good answer names "setup-1", which has to be an id that was sent.
    asked = [SETUP.model_copy(update={"setup_id": f"s{number}", "zone_id": "setup-1"}) for number in range(5)]
    assert [judge.judge_setup(one) for one in asked[:4]][-1].outcome == "budget_exceeded"
    watch.wait(86_400)
    assert judge.judge_setup(asked[4]).outcome == "ok"


def test_tokens_and_cost_are_counted_over_all_attempts(judge_for: MakeJudge, ledger: Ledger) -> None:
    judge_for("malformed+ok", setup_model="gpt-6-luna").judge_setup(SETUP)
    (call,) = ledger.calls.calls_of(SETUP.setup_id)
    assert call.attempts == 2
    assert (call.usage.input_tokens, call.usage.cached_tokens, call.usage.output_tokens) == (3000, 200, 800)
    assert call.cost == (2800 * Decimal("0.10") + 200 * Decimal("0.01") + 800 * Decimal("0.50")) / 1_000_000


@pytest.mark.parametrize("scenario", ["no_usage", "no_answer"])
def test_an_unknown_bill_counts_as_one_that_was_sent(scenario: str, judge_for: MakeJudge, ledger: Ledger) -> None:
    judge_for(scenario, judge_deadline_seconds=0.4).judge_setup(SETUP)
    (call,) = ledger.calls.calls_of(SETUP.setup_id)
    assert call.usage.input_tokens == 0
    assert call.cost > 0


def test_the_ledger_shows_request_reply_and_every_attempt(judge_for: MakeJudge, ledger: Ledger) -> None:
    verdict = judge_for("500+malformed+ok").judge_setup(SETUP)
    (call,) = ledger.calls.calls_of(SETUP.setup_id)
    assert json.loads(call.facts) == SETUP.model_dump(mode="json")
    assert call.system.startswith("You judge one option trade")
    assert json.loads(call.reply_schema)["additionalProperties"] is False
    assert json.loads(call.body)["probability"] == verdict.probability
    assert [attempt["kind"] for attempt in json.loads(call.trace)] == ["server", "reply", "reply"]
    assert (call.served_model, call.system_fingerprint, call.request_id) == ("served-1", "fp_1", "req-7")
    assert ledger.verify().sound


def test_five_failures_in_a_row_close_the_door_for_a_minute(
    judge_for: MakeJudge, server: FaultServer, watch: Watch
) -> None:
    judge = judge_for("500")
    outcomes = [judge.judge_setup(SETUP).outcome for _ in range(3)]
    assert outcomes == ["exhausted", "breaker_open", "breaker_open"]
    assert len(server.calls("500")) == 5
    watch.wait(61)
    judge.judge_setup(SETUP)
    assert len(server.calls("500")) == 6


@pytest.mark.parametrize("scenario", ["400", "401", "malformed", "refusal", "quota", "html"])
def test_an_answer_of_any_kind_proves_that_the_server_is_up(
    scenario: str, judge_for: MakeJudge, ledger: Ledger
) -> None:
    judge = judge_for(scenario)
    for _ in range(6):
        judge.judge_setup(SETUP)
    assert not ledger.breaker("openai").is_open


def test_hanging_counts_as_a_failure(judge_for: MakeJudge, ledger: Ledger) -> None:
    asked = [ZONE.model_copy(update={"zone_id": f"zone-{number}"}) for number in range(5)]
    judge_for("no_answer", judge_deadline_seconds=0.4).judge_zones(asked, AT)
    assert ledger.breaker("openai").is_open


def test_several_samples_are_several_questions_and_one_verdict(judge_for: MakeJudge, server: FaultServer) -> None:
    verdict = judge_for("ok", panel=Panel(3, 3)).judge_setup(SETUP)
    assert verdict.verdict is SetupWord.TAKE
    assert verdict.probability == pytest.approx(0.86)
    assert len(server.calls("ok")) == 3


def test_samples_of_which_one_fails_are_no_verdict(judge_for: MakeJudge) -> None:
    assert judge_for("ok+400", panel=Panel(3, 3)).judge_setup(SETUP).verdict is SetupWord.INSUFFICIENT_DATA


def test_it_works_inside_a_running_loop(judge_for: MakeJudge) -> None:
    async def inside() -> SetupWord:
        return judge_for("ok").judge_setup(SETUP).verdict

    assert asyncio.run(inside()) is SetupWord.TAKE


def test_jitter_is_small_and_the_same_every_time() -> None:
    drawn = [jitter("key", attempt) for attempt in range(200)]
    assert drawn == [jitter("key", attempt) for attempt in range(200)]
    assert 0 <= min(drawn) < 0.02
    assert 0.23 < max(drawn) < 0.25


def test_no_key_and_no_address_names_both_cures(ledger: Ledger, watch: Watch) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY, or ZONEDESK_JUDGE=rules"):
        OpenAIJudge(settings(openai_api_key=None), calls=ledger.calls, breaker=ledger.breaker("openai"), clock=watch)


def test_models_that_the_server_knows_pass_the_check(judge_for: MakeJudge, server: FaultServer) -> None:
    server.served_models[:] = ["local-small", "local-large"]
    judge_for("ok").check_models()


def test_a_model_that_the_server_does_not_know_is_named(judge_for: MakeJudge, server: FaultServer) -> None:
    server.served_models[:] = ["local-small"]
    with pytest.raises(ConfigError, match="does not know the model local-large"):
        judge_for("ok").check_models()


def test_a_server_without_a_list_of_models_passes(judge_for: MakeJudge) -> None:
    judge_for("404").check_models()


def test_a_retired_model_is_named_with_its_day(judge_for: MakeJudge, watch: Watch) -> None:
    watch.at = AT + timedelta(days=900)
    with pytest.raises(ConfigError, match="gpt-4-turbo no longer answers since 2026-10-23"):
        judge_for("ok", zone_model="gpt-4-turbo").check_models()


@pytest.mark.parametrize("status", ["401", "500"])
def test_a_server_that_cannot_be_asked_is_not_blamed_on_the_model(status: str, judge_for: MakeJudge) -> None:
    with pytest.raises(JudgeUnavailableError, match="check the key") as caught:
        judge_for(status).check_models()
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_one_server_sees_all_zones_of_a_candle_at_once(judge_for: MakeJudge, server: FaultServer) -> None:
    asked = [ZONE.model_copy(update={"zone_id": f"zone-{number}"}) for number in range(8)]
    verdicts = judge_for("ok").judge_zones(asked, AT)
    assert [verdict.zone_id for verdict in verdicts] == [one.zone_id for one in asked]
    assert {_zone_of(seen) for seen in server.calls("ok")} == {one.zone_id for one in asked}


def _zone_of(seen: Seen) -> str:
    return str(json.loads(seen.body["messages"][1]["content"])["zone_id"])


def test_waits_are_not_taken_where_nothing_failed(judge_for: MakeJudge, waits: Waits) -> None:
    judge_for("ok").judge_setup(SETUP)
    assert waits.seconds == []


def test_a_name_lookup_that_hangs_does_not_hold_the_deadline(
    judge_for: MakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(20) and [])
    asked = [ZONE.model_copy(update={"zone_id": f"zone-{number}"}) for number in range(8)]
    begun = time.perf_counter()
    verdicts = judge_for("ok", judge_deadline_seconds=0.5, openai_base_url="http://nowhere.invalid/v1").judge_zones(
        asked, AT
    )
    taken = time.perf_counter() - begun
    release.set()
    assert taken < 5
    assert {verdict.outcome for verdict in verdicts} == {Outcome.DEADLINE}
