"""Why: from any id back to the candles, with nothing left out and nothing made up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agents.data.ledger import Ledger
from agents.data.store import Store
from agents.data.why import Chain, chain_text, why
from agents.domain.calls import LlmCall
from agents.domain.cycle import Candidate, ChainSummary, CycleRecord, Decision, PassedZone, Reason, Veto
from agents.domain.errors import MissingDataError
from agents.domain.evidence import SetupVerdict, SetupWord
from agents.domain.orders import Fill, OrderState
from agents.domain.zones import Outcome
from agents.execution.book import LedgerBook
from tests.agents.execution.orders import order
from tests.agents.execution.setups import setup_of

AT = datetime(2024, 6, 5, 5, 30, tzinfo=UTC)
ON = date(2024, 6, 5)
MADE = AT + timedelta(minutes=1)
ZONE = "feedbeef00000001"
SETUP = setup_of(zone_id=ZONE)
ORDER = order(setup_id=SETUP.setup_id, zone_id=ZONE, correlation_id="A240605setup000001")
CALL_KEY = "c" * 64
VERDICT = SetupVerdict(
    setup_id=SETUP.setup_id, judge="openai:m", verdict=SetupWord.TAKE, probability=0.85, p_low=0.8, p_high=0.9,
    main_for="zone", main_against="costs", reason="a good zone", outcome="ok", call_key="d" * 64, prompt_sha="sha1",
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One zone of a block and a gap, its candles, its profile, its verdict and one snapshot of quotes."""
    store = Store(tmp_path / "market.duckdb", "replay", now=lambda: MADE)
    quarter = timedelta(minutes=15)
    rows: list[tuple[str, list[object]]] = [
        ("instruments", ["NIFTY", "index", Decimal("0.05"), None, None, None, None]),
        ("zones", [ZONE, "NIFTY", ON, "demand", 440000, 440400, AT - quarter, AT, 7, 0.61, 2, MADE]),
        ("zone_components", [ZONE, "NIFTY", ON, AT, "order_block", "block01", 440000, 440400, MADE]),
        ("zone_components", [ZONE, "NIFTY", ON, AT, "fair_value_gap", "gap01", 440100, 440300, MADE]),
        ("zone_parts", [ZONE, "NIFTY", ON, AT, "width", 0.5, 1.0, MADE]),
        (
            "order_blocks",
            ["block01", "NIFTY", ON, "demand", 440000, 440400, AT - quarter, AT, AT - 3 * quarter, 9, MADE],
        ),
        ("fair_value_gaps", ["gap01", "NIFTY", ON, "demand", 440100, 440300, AT - quarter, AT, MADE]),
        ("volume_profile", ["NIFTY", ON, AT, "rolling", 440200, 439000, 441000, 20, 900, "future", 10, 1.0, MADE]),
        ("lifecycle_events", ["zones", ZONE, "NIFTY", ON, AT + quarter, "touched", 1, MADE]),
        (
            "verdicts",
            [ZONE, "NIFTY", ON, AT, "openai:m", "confirm", 0.8, "holds", "ok", CALL_KEY, "sha1", MADE],
        ),
        (
            "option_quotes",
            ["NIFTY", AT, ON, Decimal(22000), "CE", 2000, 2010, 75, 75, 2005, 100, 0, 50, 12.0, "test"],
        ),
    ]
    for number in range(5):
        opened = AT - (5 - number) * quarter
        cells = ["NIFTY", ON, opened, opened + quarter, 440000, 440100, 439900, 440050, number, "1m", MADE]
        rows.append(("session_candles", cells))
    with store.write() as connection:
        for table, cells in rows:
            connection.execute(f"insert into {table} values ({', '.join('?' * len(cells))})", cells)
    return store


@pytest.fixture
def ledger() -> Ledger:
    """A cycle that traded, with its call and both fills of its order, and a cycle that was vetoed."""
    ledger = Ledger.in_memory("replay", now=lambda: MADE)
    for subject, key in ((SETUP.setup_id, "d" * 64), (ZONE, CALL_KEY)):
        ledger.calls.record_call(
            LlmCall(
                key=key, subject=subject, asked_at=AT, model="m", prompt_id="setup_verdict", prompt_version=1,
                prompt_sha="sha1", system="Judge the setup.", reply_schema="{}", facts='{"touches":0}', params="{}",
                sample=0, status=Outcome.OK, body='{"verdict":"take"}',
            )
        )  # fmt: skip
    traded = a_traded_cycle()
    vetoed = traded.model_copy(
        update={
            "cycle_id": "fedcba9876543210",
            "decision": Decision.SKIP,
            "reason": Reason.VETOED,
            "detail": "R6.open",
            "order": None,
            "passed_over": (PassedZone(zone_id="nearer", reason="traded in this session already"),),
            "vetoes": (Veto(rule="R6.open", limit=1, value=1, text="a position or entry is open"),),
        }
    )
    book = LedgerBook(ledger)
    entry = Fill(at=AT + timedelta(seconds=5), price=Decimal(100), quantity=100)
    leave = Fill(at=AT + timedelta(hours=1), price=Decimal(120), quantity=100)
    book.save(ORDER.model_copy(update={"state": OrderState.ENTRY_PENDING}))
    ledger.record_cycle(traded)
    book.save(ORDER.model_copy(update={"state": OrderState.PROTECTED, "entry": entry}))
    ledger.record_cycle(vetoed)
    book.save(ORDER.model_copy(update={"state": OrderState.TARGET_DONE, "entry": entry, "exit": leave}))
    return ledger


def a_traded_cycle() -> CycleRecord:
    chain = ChainSummary(
        at=AT, expiry_at=AT + timedelta(days=1), forward=22010.0, forward_source="parity", pcr_oi=1.1, pcr_volume=1.0,
        max_pain=22000.0, atm_iv=0.12, expected_move=150.0,
    )  # fmt: skip
    able = Candidate(
        contract=SETUP.contract, strike=SETUP.strike, premium=SETUP.premium_entry, delta=0.5, score=1.0, rejected=""
    )
    poor = able.model_copy(update={"contract": "FAR", "rejected": "delta below 0.35"})
    return CycleRecord(
        cycle_id="0123456789abcdef", instrument="NIFTY", at=AT, decision=Decision.TRADE, reason=Reason.ORDER_PLACED,
        price=Decimal(22005), price_at=AT, zone_id=ZONE, chain=chain, candidates=(able, poor), setup=SETUP,
        verdict=VERDICT, order=ORDER,
    )  # fmt: skip


def kinds(chain: Chain) -> list[str]:
    return [link.what for link in chain.links]


WHOLE = [
    "fill", "fill", "order event", "order event", "order event",
    "decision", "size", "verdict", "question", "setup", "contracts", "price", "option chain",
    "zone verdict", "question", "zone", "fair value gap", "order block", "rolling profile", "candles", "run",
]  # fmt: skip


@pytest.mark.parametrize("asked", [ORDER.correlation_id, SETUP.setup_id])
def test_an_order_is_told_from_its_fills_to_its_candles(ledger: Ledger, store: Store, asked: str) -> None:
    chain = why(ledger, store, asked)
    assert (chain.found, chain.kind) == (asked, "order")
    assert kinds(chain) == [*WHOLE, "decision"]
    assert [link.text for link in chain.of("fill")] == [
        f"exit of 100 {ORDER.contract} at 120",
        f"entry of 100 {ORDER.contract} at 100",
    ]


def test_the_prompt_and_the_reply_are_there_word_for_word(ledger: Ledger, store: Store) -> None:
    question = why(ledger, store, SETUP.setup_id).of("question")[0]
    assert question.facts["system"] == "Judge the setup."
    assert question.facts["reply"] == {"verdict": "take"}
    assert question.facts["facts"] == {"touches": 0}
    assert (question.facts["prompt_id"], question.facts["prompt_version"]) == ("setup_verdict", 1)


def test_every_refused_contract_has_its_reason(ledger: Ledger, store: Store) -> None:
    contracts = why(ledger, store, SETUP.setup_id).of("contracts")[0]
    assert "2 looked at, 1 eligible" in contracts.text
    assert [each["rejected"] for each in contracts.facts["candidates"]] == ["", "delta below 0.35"]


def test_the_zone_is_told_as_it_was_known_then(ledger: Ledger, store: Store) -> None:
    chain = why(ledger, store, "0123456789abcdef")
    assert chain.kind == "cycle"
    assert "demand 22000.00 to 22020.00" in chain.of("zone")[0].text
    assert "touched 0 times" in chain.of("zone")[0].text
    assert "touched 1 times" in why(ledger, store, ZONE).of("zone")[0].text


def test_candles_are_named_by_what_they_say(ledger: Ledger, store: Store) -> None:
    before = why(ledger, store, ZONE).of("candles")[0]
    assert len(before.facts["each"]) == 4  # since the swing that the block broke
    with store.write() as connection:
        connection.execute("update session_candles set close = close + 1 where volume = 4")
    after = why(ledger, store, ZONE).of("candles")[0]
    assert after.facts["hash"] != before.facts["hash"]
    changed = [a != b for a, b in zip(before.facts["each"], after.facts["each"], strict=True)]
    assert changed == [False, False, False, True]


def test_a_skipped_cycle_is_told_with_its_vetoes_and_no_order(ledger: Ledger, store: Store) -> None:
    chain = why(ledger, store, "fedcba9876543210")
    assert not chain.of("order event")
    assert [link.id for link in chain.of("veto")] == ["R6.open"]
    assert chain.of("decision")[0].text == "skip: a risk rule forbids the trade (R6.open)"
    assert [(link.id, link.text) for link in chain.of("passed over")] == [("nearer", "traded in this session already")]
    assert chain.of("candles")


def test_a_zone_is_told_with_all_that_was_decided_at_it(ledger: Ledger, store: Store) -> None:
    chain = why(ledger, store, ZONE)
    assert chain.kind == "zone"
    assert [link.id for link in chain.of("decision")] == ["fedcba9876543210", "0123456789abcdef"]
    assert len(chain.of("fill")) == 2


def test_the_run_that_recorded_each_asset_is_named(ledger: Ledger, store: Store) -> None:
    asked: list[tuple[str, date, datetime]] = []

    def run_of(asset: str, session: date, recorded_at: datetime) -> str | None:
        asked.append((asset, session, recorded_at.astimezone(UTC)))
        return "run-1" if asset != "llm_validation" else None

    runs = why(ledger, store, ZONE, run_of=run_of).of("run")
    assert {asset for asset, _, _ in asked} == {
        "zones", "order_blocks", "fair_value_gaps", "volume_profile", "candles", "llm_validation",
    }  # fmt: skip
    assert {(session, at) for _, session, at in asked} == {(ON, MADE)}
    assert [run.id for run in runs] == ["run-1", None]


def test_the_beginning_of_an_id_will_do_where_it_fits_one_only(ledger: Ledger, store: Store) -> None:
    assert why(ledger, store, "012345").found == "0123456789abcdef"
    assert why(ledger, store, ZONE[:9]).found == ZONE
    ledger.append("note", {"cycle_id": "0123456700000000"})
    with pytest.raises(MissingDataError, match="the beginning of 2 ids: 0123456700000000, 0123456789abcdef"):
        why(ledger, store, "012345")


def test_an_unknown_id_names_the_nearest(ledger: Ledger, store: Store) -> None:
    with pytest.raises(MissingDataError, match=r"no order, setup, cycle or zone 0123456789abcdee; .* 0123456789abcdef"):
        why(ledger, store, "0123456789abcdee")
    with pytest.raises(MissingDataError, match="nothing is recorded yet"):
        why(Ledger.in_memory("replay", now=lambda: MADE), Store(Path("none"), "replay", now=lambda: MADE), "x")


def test_without_a_store_the_ledger_still_answers(ledger: Ledger, tmp_path: Path) -> None:
    chain = why(ledger, Store(tmp_path / "none.duckdb", "replay", now=lambda: MADE), SETUP.setup_id)
    assert kinds(chain)[:12] == WHOLE[:12]
    assert "there is no store" in chain.of("zone")[0].text


def test_the_guardians_steps_lead_to_the_cycle_too(ledger: Ledger, store: Store) -> None:
    step = {"setup_id": SETUP.setup_id, "number": 3, "was": "acked", "state": "filled", "why": "trade book"}
    changes = {"order_id": "112111182045", "bought": 100, "spent": "10000"}
    ledger.append("order_event", {**step, "changes": changes}, key=f"{SETUP.setup_id}/003", at=AT)
    ledger.append("order_event", {**step, "changes": {"exits": [{"correlation_id": "X1"}]}}, key="e/004", at=AT)
    for asked in ("112111182045", "X1"):
        chain = why(ledger, store, asked)
        assert "bought 100 in all for 10000" in [link.text for link in chain.of("fill")]
        assert chain.of("decision")[0].id == "0123456789abcdef"
        assert chain.of("candles")


def test_the_text_shows_question_and_reply_and_the_json_everything(ledger: Ledger, store: Store) -> None:
    chain = why(ledger, store, SETUP.setup_id)
    text = chain_text(chain)
    assert "prompt: Judge the setup." in text
    assert "reply: {'verdict': 'take'}" in text
    assert "candidates:" in chain_text(chain, full=True)
    assert Chain.model_validate_json(chain.model_dump_json()).found == SETUP.setup_id
