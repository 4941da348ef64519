"""Whatever a model says: nothing raises, and the trade is the one that was built, or none."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agents.cycle import run_cycle
from agents.data.ledger import Ledger
from agents.domain.cycle import Decision, Reason
from agents.domain.evidence import SetupEvidence, SetupWord
from agents.domain.orders import SuperOrder
from agents.llm import OpenAIJudge
from agents.llm.envelope import read_completion
from agents.llm.server import Answer, Failure, Request
from agents.llm.verdicts import Panel
from tests.agents.desks import Fakes
from tests.agents.llm.conftest import MakeJudge
from tests.agents.llm.fault_server import INJECTION, SCENARIOS, SETUP_ANSWER, USAGE, FaultServer, completion, whole
from tests.agents.llm.samples import SETUP, Watch, settings
from tests.agents.options.chains import NOW

TAKE = SETUP_ANSWER | {"evidence_ids": []}
DEEP = '{"verdict":' * 5_000 + "1" + "}" * 5_000
CORPUS = (
    "", " ", "\x00", "\ufeff", "null", "true", "[]", "{}", '"take"', "take", "NaN", "-0", "1e999", "9" * 5_000,
    "I cannot help with trading decisions.", "As an AI model I must decline.", INJECTION,
    "[" * 50_000, DEEP, "\u202e}0.99 :ytilibaborp{", "\ud800", "{'verdict': 'take'}",
    json.dumps(TAKE)[: len(json.dumps(TAKE)) // 2], json.dumps(TAKE)[len(json.dumps(TAKE)) // 2 :],
    json.dumps(TAKE) * 2, json.dumps([TAKE]), json.dumps(json.dumps(TAKE)), "data: " + json.dumps(TAKE) + "\n\n",
    f"```json\n{json.dumps(TAKE)}\n```", json.dumps({"answer": TAKE}), json.dumps(TAKE) + " buy 50 lots",
    json.dumps(TAKE | {"lots": 50}), json.dumps(TAKE | {"quantity": 1_000_000, "price": 0.05, "side": "supply"}),
    json.dumps(TAKE | {"contract": "NIFTY-2024-06-06-99999-PE"}), json.dumps(TAKE | {"setup_id": "another"}),
    json.dumps(TAKE | {"evidence_ids": ["zone-1", "zone-of-another-day"]}),
    json.dumps(TAKE | {"probability": 1e300}), json.dumps(TAKE | {"probability": -1}),
    json.dumps(TAKE | {"probability": float("nan")}), json.dumps(TAKE | {"probability": float("inf")}),
    json.dumps(TAKE | {"probability": "0.99"}), json.dumps(TAKE | {"probability": [0.99]}),
    json.dumps(TAKE | {"probability": 10**400}), json.dumps(TAKE | {"rationale": None}),
    json.dumps(TAKE | {"rationale": "x" * 100_000}), json.dumps(TAKE | {"verdict": "TAKE"}),
    json.dumps(TAKE | {"verdict": {"take": True}}), json.dumps(TAKE).replace("verdict", "v\u0435rdict"),
    json.dumps(TAKE)[:-1] + ', "verdict": "skip"}', json.dumps(TAKE).replace("0.86", "0.86000000000000000001e0"),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
NEAR_MISS = st.builds(
    lambda field, value, extra: json.dumps(TAKE | {field: value} | extra),
    st.sampled_from(sorted(TAKE)),
    JSON | st.sampled_from(["take", "skip", 0.0, 0.5, 0.86, 0.95, 1.0, 1, ["setup-1"], INJECTION]),
    st.just({}) | st.dictionaries(st.sampled_from(["lots", "contract", "price", "side"]), JSON, max_size=1),
)
VALID = st.builds(
    lambda word, p, low, high, words: json.dumps(
        TAKE | {"verdict": word, "probability": p, "p_low": p * low, "p_high": p + (1 - p) * high, "rationale": words}
    ),
    st.sampled_from([*SetupWord]),
    *[st.floats(0, 1)] * 3,
    st.text(max_size=400),
)
CONTENT = st.text() | JSON.map(json.dumps) | NEAR_MISS | VALID | st.sampled_from(CORPUS)


@dataclass
class Parrot:
    """Implements `Server`: gives the next of its answers, the last one for ever."""

    answers: list[Answer]

    async def ask(self, request: Request) -> Answer | Failure:
        assert request.user
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def answer(content: str, finish_reason: str = "stop", refusal: str = "") -> Answer:
    return Answer(content, refusal, finish_reason, "served", None, None, None)


@dataclass
class Bench:
    """A judge whose model says what the test wants, and the order that the desk sends without it."""

    judge: OpenAIJudge
    watch: Watch
    built: SuperOrder

    def told(self, *answers: Answer) -> OpenAIJudge:
        self.watch.wait(86_400)  # beyond the cache, the breaker and the day's budget
        self.judge.setups._server = Parrot(list(answers))
        return self.judge

    def order(self, *answers: Answer) -> SuperOrder | None:
        """What the desk sends when the model answers so."""
        fakes = Fakes()
        record = run_cycle(dataclasses.replace(fakes.desk(), judge=self.told(*answers)), NOW, "NIFTY")
        assert record.decision is not Decision.FAULT, record.detail
        assert record.order is None or record.reason is Reason.ORDER_PLACED
        assert fakes.broker.placed == ([] if record.order is None else [record.order])
        return record.order


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    watch = Watch()
    ledger = Ledger.in_memory("paper", now=watch)

    async def at_once(seconds: float) -> None:
        assert seconds > 0

    judge = OpenAIJudge(
        settings(),
        calls=ledger.calls,
        breaker=ledger.breaker("openai"),
        clock=watch,
        panel=Panel(2, 2),
        sleep=at_once,
    )
    built = run_cycle(Fakes().desk(), NOW, "NIFTY").order
    assert built is not None
    yield Bench(judge, watch, built)
    judge.close()
    ledger.close()


MANY = hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_the_desk_trades_when_the_model_agrees(bench: Bench) -> None:
    assert bench.order(answer(json.dumps(TAKE))) == bench.built


@pytest.mark.parametrize("content", CORPUS, ids=range(len(CORPUS)))
def test_no_reply_of_the_corpus_lets_a_trade_pass(bench: Bench, content: str) -> None:
    sound = content == CORPUS[-1]  # a number with many digits, which is a number
    assert bench.order(answer(content)) == (bench.built if sound else None)


@MANY
@given(st.lists(CONTENT, min_size=1, max_size=3))
def test_the_order_is_the_one_that_was_built_or_none(bench: Bench, contents: list[str]) -> None:
    assert bench.order(*map(answer, contents)) in (None, bench.built)


@MANY
@given(CONTENT, st.text(max_size=20) | st.sampled_from(["stop", "length", "content_filter"]), st.text(max_size=20))
def test_only_a_whole_answer_without_a_refusal_counts(bench: Bench, content: str, ended: str, refusal: str) -> None:
    verdict = bench.told(answer(content, ended, refusal)).judge_setup(SETUP)
    assert (verdict.setup_id, verdict.judge) == (SETUP.setup_id, "openai:local-large")
    assert 0 <= verdict.p_low <= verdict.p_high <= 1
    assert verdict.outcome != "ok" or (ended == "stop" and not refusal)
    assert verdict.verdict is not SetupWord.TAKE or verdict.outcome == "ok"


@MANY
@given(VALID)
def test_a_valid_answer_is_taken_as_it_is_said(bench: Bench, content: str) -> None:
    said: dict[str, Any] = json.loads(content)
    verdict = bench.told(answer(content)).judge_setup(SETUP)
    if verdict.outcome == "ok":
        assert verdict.verdict.value == said["verdict"]
        assert verdict.probability == pytest.approx(said["probability"], abs=2e-6)
        assert not set("<>\x00\u202e\u200b") & set(verdict.reason)


@MANY
@given(
    st.binary() | JSON.map(json.dumps).map(str.encode) | JSON.map(lambda inner: json.dumps({"choices": inner}).encode())
)
def test_bytes_that_are_no_completion_raise_nothing_but_value_errors(body: bytes) -> None:
    try:
        read_completion(body, None)
    except ValueError:
        return
    raise AssertionError(f"{body!r} was read as a completion")


@pytest.mark.parametrize(
    ("name", "body", "headers"),
    [
        ("ten_megabytes", completion("x" * 10_000_000), {}),
        ("ten_megabytes_of_reason", completion(json.dumps(TAKE | {"rationale": "x" * 10_000_000})), {}),
        (
            "events",
            b"data: " + json.dumps(completion(json.dumps(TAKE))).encode(),
            {"content_type": "text/event-stream"},
        ),
        ("half", json.dumps(completion(json.dumps(TAKE))).encode()[:200], {}),
        ("delta", {"choices": [{"delta": {"content": json.dumps(TAKE)}}], "usage": USAGE}, {}),
        ("two", b"".join([json.dumps(completion(json.dumps(TAKE))).encode()] * 2), {}),
    ],
)
def test_no_body_on_the_wire_lets_a_setup_pass(
    name: str, body: object, headers: dict[str, Any], judge_for: MakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCENARIOS, name, whole(body, **headers))
    verdict = judge_for(name).judge_setup(SETUP)
    assert (verdict.verdict, verdict.probability) == (SetupWord.INSUFFICIENT_DATA, 0.0)


def test_the_model_sees_numbers_and_ids_and_no_words_of_others(judge_for: MakeJudge, server: FaultServer) -> None:
    judge_for("ok").judge_setup(SETUP)
    (seen,) = server.calls("ok")
    assert set(json.loads(seen.body["messages"][1]["content"])) == set(SetupEvidence.model_fields)
    assert "tools" not in seen.body
