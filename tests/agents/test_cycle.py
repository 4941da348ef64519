import logging
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from agents.cycle import run_cycle
from agents.domain.cycle import REASON_TEXT, CycleRecord, Decision, DeskState, Reason
from agents.domain.errors import (
    DataError,
    InvariantViolationError,
    OrderRejectedError,
    OrderUnknownError,
    RecordedReplyMissingError,
)
from agents.domain.evidence import SetupWord
from agents.domain.orders import Fill, OrderState
from agents.domain.values import Side
from agents.domain.zones import Outcome, Zone, ZoneVerdictWord
from agents.execution.risk import SpecialDays
from agents.execution.risk.special_days import SpecialDay
from tests.agents.desks import BAR_AT, FakeAnalyses, FakeBroker, FakeJudge, FakeMarket, Fakes, analysis_of
from tests.agents.execution.orders import order
from tests.agents.execution.setups import verdict_of, zone_of
from tests.agents.options.chains import NOW, chain_of


def cycle(fakes: Fakes | None = None, now: datetime = NOW) -> CycleRecord:
    fakes = fakes or Fakes()
    record = run_cycle(fakes.desk(), now, "NIFTY")
    assert fakes.ledger.records == [record]
    assert fakes.broker.settled == [now]
    if record.decision is not Decision.TRADE:
        assert not fakes.broker.placed
    return record


def zones(*found: Zone, **facts: object) -> Fakes:
    fakes = Fakes()
    fakes.analyses = FakeAnalyses(analysis_of(*found).model_copy(update=facts))
    return fakes


def test_price_at_a_confirmed_zone_becomes_an_order() -> None:
    fakes = Fakes()
    record = cycle(fakes)
    assert (record.decision, record.reason) == (Decision.TRADE, Reason.ORDER_PLACED)
    assert record.setup is not None
    assert record.order is not None
    assert record.order == fakes.broker.placed[0]
    assert record.order.setup_id == record.setup.setup_id
    assert record.order.lots >= 1
    assert record.zone_id == "zone"
    assert record.order.correlation_id == f"A240605{record.setup.setup_id}01"
    assert fakes.judge.asked[0].setup_id == record.setup.setup_id


def test_the_same_moment_gives_the_same_record() -> None:
    assert cycle().model_dump_json() == cycle().model_dump_json()


@pytest.mark.parametrize("hour", [9, 16, 22])
def test_outside_the_session_the_market_is_closed(hour: int) -> None:
    assert cycle(now=NOW.replace(hour=hour, minute=10)).reason is Reason.SESSION_CLOSED


def test_on_a_saturday_the_market_is_closed() -> None:
    assert cycle(now=NOW + timedelta(days=3)).reason is Reason.SESSION_CLOSED


@pytest.mark.parametrize(
    ("state", "reason"), [(DeskState.HALTED, Reason.DESK_HALTED), (DeskState.REDUCING, Reason.DESK_REDUCING)]
)
def test_a_desk_that_may_not_open_does_not(state: DeskState, reason: Reason) -> None:
    fakes = Fakes()
    fakes.ledger.state = state
    assert cycle(fakes).reason is reason


def test_a_file_halts_the_desk_whatever_the_ledger_says() -> None:
    fakes = Fakes()
    record = run_cycle(replace(fakes.desk(), halted=lambda: "the file HALT is there"), NOW, "NIFTY")
    assert (record.reason, record.detail) == (Reason.DESK_HALTED, "the file HALT is there")


def test_a_desk_that_is_halted_while_the_judge_thinks_does_not_trade() -> None:
    fakes, said = Fakes(), iter(["", "the file HALT is there"])
    record = run_cycle(replace(fakes.desk(), halted=lambda: next(said)), NOW, "NIFTY")
    assert [veto.rule for veto in record.vetoes] == ["R11.state"]
    assert not fakes.broker.placed


def test_every_check_is_recorded_with_a_trade() -> None:
    record = cycle()
    assert {check.rule.partition(".")[0] for check in record.checks} == {f"R{number}" for number in range(1, 14)}
    assert not record.vetoes
    assert CycleRecord.model_validate_json(record.model_dump_json()) == record


def test_equity_that_is_not_a_number_halts_the_desk() -> None:
    fakes = Fakes()
    fakes.ledger.rupees = Decimal("Infinity")
    record = run_cycle(fakes.desk(), NOW, "NIFTY")
    assert record.decision is not Decision.TRADE
    assert not fakes.broker.placed
    assert fakes.ledger.state is DeskState.HALTED


def test_a_special_day_shrinks_the_order() -> None:
    days = SpecialDays([SpecialDay(NOW.date(), "rbi", "RBI policy", "a test")], beyond=1.0)
    plain, less = cycle(), run_cycle(replace(Fakes().desk(), days=days), NOW, "NIFTY")
    assert plain.order is not None
    assert less.order is not None
    assert less.order.lots < plain.order.lots
    assert "RBI policy" in next(check.text for check in less.checks if check.rule == "R13.event")


def test_an_order_without_an_answer_freezes_entries() -> None:
    fakes = Fakes(broker=FakeBroker(known=(order(state=OrderState.PLANNED),)))
    record = cycle(fakes)
    assert record.reason is Reason.INTENT_UNRESOLVED
    assert record.detail == order().correlation_id


def test_no_price_and_an_old_price_are_told_apart() -> None:
    assert cycle(Fakes(market=FakeMarket(closes=()))).reason is Reason.PRICE_MISSING
    old = FakeMarket(price_at=NOW - timedelta(minutes=2, seconds=1))
    assert cycle(Fakes(market=old)).reason is Reason.PRICE_STALE


def test_without_an_analysis_there_are_no_zones() -> None:
    assert cycle(Fakes(analyses=FakeAnalyses(None))).reason is Reason.ZONES_MISSING


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(minutes=14, seconds=59), Reason.ORDER_PLACED),
        (timedelta(minutes=15), Reason.ZONES_STALE),
        # A day and five minutes: the seconds of that difference are 300, all of it is not.
        (timedelta(hours=24, minutes=5), Reason.ZONES_STALE),
    ],
)
def test_an_analysis_is_good_for_less_than_fifteen_minutes(age: timedelta, reason: Reason) -> None:
    record = cycle(zones(zone_of(22_615, 22_632), bar_at=NOW - age))
    assert (record.reason, record.analysis_bar_at) == (reason, NOW - age)


def test_a_zone_broken_since_the_last_analysis_is_not_traded() -> None:
    fakes = zones(zone_of(22_615, 22_632))
    fakes.market = FakeMarket(closes=(22_640.0, 22_605.0, 22_620.0))
    record = cycle(fakes)
    assert record.reason is Reason.NO_LIVE_ZONE
    assert [view.state for view in record.zones] == ["broken"]


def test_an_analysis_without_zones_has_no_live_zone() -> None:
    assert cycle(zones()).reason is Reason.NO_LIVE_ZONE


@pytest.mark.parametrize("word", [ZoneVerdictWord.REJECT, ZoneVerdictWord.UNSURE])
def test_a_zone_that_the_judge_did_not_confirm_is_not_traded(word: ZoneVerdictWord) -> None:
    zone = zone_of(22_615, 22_632).model_copy(update={"verdict": verdict_of("zone", word=word)})
    assert cycle(zones(zone)).reason is Reason.NO_CONFIRMED_ZONE


def test_a_zone_whose_judging_failed_is_not_traded() -> None:
    failed = verdict_of("zone").model_copy(update={"outcome": Outcome.DEADLINE})
    assert (
        cycle(zones(zone_of(22_615, 22_632).model_copy(update={"verdict": failed}))).reason is Reason.NO_CONFIRMED_ZONE
    )
    unjudged = zone_of(22_615, 22_632).model_copy(update={"verdict": None})
    assert cycle(zones(unjudged)).reason is Reason.NO_CONFIRMED_ZONE


def test_a_zone_below_the_confidence_is_not_traded() -> None:
    assert cycle(zones(zone_of(22_615, 22_632, confidence=0.59))).reason is Reason.NO_CONFIRMED_ZONE


def test_price_outside_the_band_waits() -> None:
    record = cycle(zones(zone_of(22_600, 22_615.5)))
    assert record.reason is Reason.PRICE_AWAY
    assert record.detail == "20.50 from the nearest, the band is 20.00"


def test_price_beyond_the_far_edge_is_not_near() -> None:
    assert cycle(zones(zone_of(22_636.05, 22_640, confidence=0.95))).reason is Reason.PRICE_AWAY


def test_the_nearest_zone_wins_then_confidence_then_the_id() -> None:
    far = zone_of(22_610, 22_628, name="a-far", confidence=0.95)
    plain = zone_of(22_612, 22_632, name="c", confidence=0.75)
    better = zone_of(22_614, 22_632, name="b", confidence=0.80)
    twin = zone_of(22_613, 22_632, name="a", confidence=0.80)
    assert cycle(zones(far, plain)).zone_id == "c"
    assert cycle(zones(plain, better, far)).zone_id == "b"
    assert cycle(zones(plain, better, twin, far)).zone_id == "a"


def test_a_zone_in_reach_that_the_session_has_not_entered_is_preferred() -> None:
    near, next_one, away = (
        zone_of(22_612, 22_632, name="near"),
        zone_of(22_610, 22_628, name="next"),
        zone_of(22_600, 22_615, name="away"),
    )
    done = order(state=OrderState.STOP_DONE, zone_id="near", entry=Fill(at=BAR_AT, price=Decimal(100), quantity=100))
    fakes = zones(near, next_one, away)
    fakes.broker = FakeBroker(known=(done,))
    record = cycle(fakes)
    assert (record.zone_id, record.reason) == ("next", Reason.ORDER_PLACED)
    assert [(each.zone_id, each.reason) for each in record.passed_over] == [
        ("near", "traded in this session already; next is in reach too")
    ]
    assert CycleRecord.model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize("state", [OrderState.CANCELLED, OrderState.REJECTED])
def test_a_zone_whose_order_never_filled_is_not_passed_over(state: OrderState) -> None:
    fakes = zones(zone_of(22_612, 22_632, name="near"), zone_of(22_610, 22_628, name="next"))
    fakes.broker = FakeBroker(known=(order(state=state, zone_id="near"),))
    record = cycle(fakes)
    assert (record.zone_id, record.passed_over) == ("near", ())


def test_where_every_zone_in_reach_was_entered_the_rule_of_one_trade_a_zone_refuses() -> None:
    fakes = zones(zone_of(22_612, 22_632, name="near"), zone_of(22_600, 22_615, name="away"))
    fakes.broker = FakeBroker(
        known=(
            order(state=OrderState.STOP_DONE, zone_id="near", entry=Fill(at=BAR_AT, price=Decimal(100), quantity=100)),
        )
    )
    record = cycle(fakes)
    assert (record.zone_id, record.reason, record.passed_over) == ("near", Reason.VETOED, ())
    assert [veto.rule for veto in record.vetoes] == ["R6.zone"]


def test_a_visit_that_ended_since_the_analysis_lowers_the_confidence() -> None:
    fakes = zones(zone_of(22_615, 22_632, confidence=0.70))
    fakes.market = FakeMarket(closes=(22_650.0, 22_630.0, 22_636.0))
    record = cycle(fakes)
    assert record.zones[0].confidence == pytest.approx(0.56)
    assert record.reason is Reason.NO_CONFIRMED_ZONE


def test_the_visit_in_progress_is_not_held_against_the_zone() -> None:
    fakes = zones(zone_of(22_615, 22_638, confidence=0.70))
    record = cycle(fakes)
    assert record.zones[0].confidence == pytest.approx(0.70)
    assert fakes.judge.asked[0].touches == 0


def test_no_chain_and_an_old_chain_are_told_apart() -> None:
    missing = cycle(Fakes(market=FakeMarket(options=None)))
    assert (missing.reason, missing.chain_at) == (Reason.CHAIN_MISSING, None)
    old = chain_of().model_copy(update={"at": NOW - timedelta(minutes=3)})
    stale = cycle(Fakes(market=FakeMarket(options=old)))
    assert (stale.reason, stale.chain_at, stale.chain) == (Reason.CHAIN_STALE, old.at, None)


def test_in_a_market_that_outruns_the_machine_prices_may_be_as_old_as_a_run_takes_to_start() -> None:
    old = chain_of().model_copy(update={"at": NOW - timedelta(minutes=3)})
    market = FakeMarket(options=old, price_at=NOW - timedelta(minutes=3))
    for pace, reason in ((1, Reason.PRICE_STALE), (5, Reason.PRICE_STALE), (20, Reason.ORDER_PLACED)):
        desk = replace(Fakes(market=market).desk(), pace=pace)
        assert run_cycle(desk, NOW, "NIFTY").reason is reason


def test_a_chain_without_volume_has_no_contract() -> None:
    chain = chain_of()
    idle = tuple(quote.model_copy(update={"volume": 0}) for quote in chain.quotes)
    record = cycle(Fakes(market=FakeMarket(options=chain.model_copy(update={"quotes": idle}))))
    assert record.reason is Reason.NO_CONTRACT
    assert record.candidates


def test_an_opposite_zone_too_near_leaves_too_little_reward() -> None:
    wall = zone_of(22_642, 22_650, Side.SUPPLY, name="wall")
    record = cycle(zones(zone_of(22_615, 22_635.5), wall))
    assert record.reason is Reason.REWARD_TOO_SMALL
    assert record.setup is not None


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (FakeJudge(outcome="deadline"), Reason.JUDGE_FAILED),
        (FakeJudge(names="another"), Reason.JUDGE_FAILED),
        (FakeJudge(word=SetupWord.SKIP), Reason.VERDICT_SKIP),
        (FakeJudge(word=SetupWord.INSUFFICIENT_DATA), Reason.VERDICT_SKIP),
        (FakeJudge(probability=0.79), Reason.PROBABILITY_LOW),
        (FakeJudge(probability=0.80), Reason.ORDER_PLACED),
    ],
)
def test_only_a_clear_yes_passes_the_judge(judge: FakeJudge, reason: Reason) -> None:
    record = cycle(Fakes(judge=judge))
    assert record.reason is reason
    assert record.verdict is not None


def test_a_missing_recorded_reply_stops_the_replay() -> None:
    fakes = Fakes(judge=FakeJudge(fault=RecordedReplyMissingError("no reply")))
    with pytest.raises(RecordedReplyMissingError):
        run_cycle(fakes.desk(), NOW, "NIFTY")
    assert not fakes.broker.placed


def test_a_veto_forbids_and_is_recorded_with_its_numbers() -> None:
    fakes = Fakes(broker=FakeBroker(known=(order(state=OrderState.PROTECTED, zone_id="other"),)))
    record = cycle(fakes)
    assert record.reason is Reason.VETOED
    assert [(veto.rule, veto.limit, veto.value) for veto in record.vetoes] == [("R6.open", 1.0, 1.0)]


def test_a_small_account_buys_nothing() -> None:
    fakes = Fakes()
    fakes.ledger.rupees = Decimal(10_000)
    assert cycle(fakes).reason is Reason.SIZE_ZERO


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (OrderRejectedError("margin"), Reason.ORDER_REJECTED),
        (OrderUnknownError("no reply"), Reason.ORDER_UNKNOWN),
    ],
)
def test_the_brokers_no_and_silence_are_told_apart(fault: OrderRejectedError, reason: Reason) -> None:
    record = cycle(Fakes(broker=FakeBroker(fault=fault)))
    assert (record.decision, record.reason) == (Decision.SKIP, reason)


@pytest.mark.parametrize(
    "fault", [DataError("the store is gone"), InvariantViolationError("x"), ZeroDivisionError("y")]
)
def test_an_unexpected_error_is_recorded_and_never_trades(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        record = cycle(Fakes(market=FakeMarket(fault=fault)))
    assert (record.decision, record.reason) == (Decision.FAULT, Reason.FAULT)
    assert type(fault).__name__ in record.detail
    assert "failed" in caplog.text


def test_no_answer_of_a_judge_changes_what_is_ordered() -> None:
    plain, loud = Fakes(), Fakes(judge=FakeJudge(probability=1.0))
    assert cycle(plain).order == cycle(loud).order


def test_the_bar_of_the_analysis_is_recorded() -> None:
    assert cycle().analysis_bar_at == BAR_AT


def test_every_reason_has_a_sentence() -> None:
    assert set(REASON_TEXT) == set(Reason)
