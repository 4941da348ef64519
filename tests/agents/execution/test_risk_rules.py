from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.checks import Check, CheckWord
from agents.domain.cycle import DeskState
from agents.domain.errors import MissingDataError
from agents.domain.market import Quote
from agents.domain.orders import OrderState, SuperOrder, Trade
from agents.execution.guardian.ports import TopOfBook
from agents.execution.paper import trade_of
from agents.execution.risk import (
    UNSOUND,
    Account,
    Conditions,
    Freshness,
    Limits,
    Question,
    SpecialDays,
    Track,
    check,
    deciding,
    load_special_days,
    sending,
    size,
    weigh,
)
from agents.execution.risk.fair import fair_value
from agents.execution.risk.special_days import SpecialDay
from agents.options import market_of
from tests.agents.execution.setups import setup_of
from tests.agents.execution.test_risk import LIMITS, SESSION, SETUP, account, done
from tests.agents.options.chains import NOW, RATE, chain_of

ENTRY = float(SETUP.premium_entry)
GOOD = Conditions(
    freshness=LIMITS.sending,
    index_age=1.0,
    quote_age=1.0,
    chain_age=30.0,
    zones_age=200.0,
    clock_skew=0.1,
    fair=ENTRY,
    last=ENTRY,
    middle=ENTRY,
    spread=0.1,
    index_move=0.0,
    lower_circuit=0.05,
    upper_circuit=2000.0,
    depth=100_000,
    account="1",
    expected_account="1",
    requests_second=0,
    requests_day=0,
    event_factor=1.0,
    vix=14.0,
    track=Track(500, 0.8),
)


def asked(conditions: Conditions = GOOD, *, held: Account | None = None, limits: Limits = LIMITS) -> tuple[Check, ...]:
    return check(Question(SETUP, 1, held or account(), limits, NOW, SESSION, conditions))


def no(checks: Sequence[Check]) -> set[str]:
    assert all(each.text for each in checks if each.word is not CheckWord.PASS)
    return {each.rule for each in checks if each.word is CheckWord.FORBID}


def test_every_rule_is_recorded_whether_it_passes_or_not() -> None:
    found = asked()
    assert no(found) == set()
    groups = {each.rule.partition(".")[0] for each in found}
    assert groups == {f"R{number}" for number in range(1, 14)}
    assert all(each.limit is not None for each in found if each.word is CheckWord.PASS)
    assert len({each.rule for each in found}) == len(found)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"index_age": 3.1}, "R7.index"),
        ({"index_age": None}, "R7.index"),
        ({"quote_age": 5.1}, "R7.quote"),
        ({"chain_age": 121.0}, "R7.chain"),
        ({"zones_age": 900.0}, "R7.zones"),
        ({"clock_skew": -1.1}, "R7.clock"),
        ({"fair": ENTRY * 1.2}, "R8.fair"),
        ({"spread": ENTRY * 0.03}, "R8.spread"),
        ({"middle": ENTRY * 1.06}, "R8.mark"),
        ({"index_move": -0.0041}, "R8.move"),
        ({"reference": ENTRY * 1.6}, "R9.band"),
        ({"upper_circuit": ENTRY}, "R9.upper"),
        ({"lower_circuit": ENTRY}, "R9.lower"),
        ({"state": DeskState.REDUCING}, "R11.state"),
        ({"halted": "the file HALT is there"}, "R11.state"),
        ({"account": "2"}, "R11.account"),
        ({"requests_second": 2}, "R12.second"),
        ({"requests_day": 60}, "R12.day"),
        ({"event": "Union Budget", "event_factor": 0.0}, "R13.event"),
        ({"track": Track(500, 0.2)}, "R4.expectancy"),
        ({"to_prove": 200}, "R4.proof"),
        ({"to_prove": 200, "track": Track(90, 0.9, 199, None)}, "R4.proof"),
        ({"to_prove": 200, "track": Track(90, 0.9, 250, None)}, "R4.proof"),
        ({"to_prove": 200, "track": Track(90, 0.9, 200, 0.0)}, "R4.proof"),
    ],
)
def test_each_rule_of_the_market_can_forbid(change: dict[str, Any], rule: str) -> None:
    assert rule in no(asked(replace(GOOD, **change)))


def test_a_judge_that_is_proven_or_spends_no_real_money_needs_no_proof() -> None:
    assert not no(asked(replace(GOOD, to_prove=200, track=Track(90, 0.9, 200, 0.01))))
    assert "R4.proof" not in {check.rule for check in asked(replace(GOOD, track=Track(0, 0.0)))}


def test_a_faster_market_allows_older_ticks_and_no_older_zones() -> None:
    fast = replace(GOOD, speed=5, index_age=14.0, quote_age=24.0)
    assert no(asked(fast)) == set()
    assert no(asked(replace(fast, zones_age=901.0))) == {"R7.zones"}
    assert no(asked(replace(fast, speed=1))) == {"R7.index", "R7.quote"}


@pytest.mark.parametrize("field", ["index_age", "fair", "middle", "vix", "event_factor", "index_move"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_figure_that_is_not_a_number_forbids_and_names_itself(field: str, bad: float) -> None:
    change: dict[str, Any] = {field: bad}
    [found] = asked(replace(GOOD, **change))
    assert (found.rule, found.word) == (UNSOUND, CheckWord.FORBID)
    assert field in found.text
    assert size(SETUP, account(), LIMITS, replace(GOOD, **change)) == 0


@pytest.mark.parametrize("equity", ["NaN", "sNaN", "Infinity", "0", "-5"])
def test_an_account_that_is_not_a_number_buys_nothing(equity: str) -> None:
    broken = Account(Decimal(equity), (), ())
    assert no(asked(held=broken)) == {UNSOUND}
    assert size(SETUP, broken, LIMITS) == 0


def test_unknown_is_said_and_does_not_forbid_in_a_recording() -> None:
    found = asked(Conditions())
    assert no(found) == set()
    said = {each.rule for each in found if each.word is CheckWord.UNKNOWN}
    assert {"R3.depth", "R4.kelly", "R7", "R8.fair", "R9.band", "R13.vix"} <= said


def test_kelly_waits_for_two_hundred_outcomes_and_only_reduces() -> None:
    plain = size(SETUP, account(), LIMITS, Conditions())
    assert size(SETUP, account(), LIMITS, Conditions(track=Track(199, 0.0))) == plain
    assert size(SETUP, account(), LIMITS, Conditions(track=Track(200, 0.0))) == 0
    assert size(SETUP, account(), LIMITS, Conditions(track=Track(10_000, 1.0))) == plain


def test_depth_caps_the_size() -> None:
    assert size(SETUP, account(), LIMITS, Conditions(depth=SETUP.lot_size * 10)) == 1
    assert size(SETUP, account(), LIMITS, Conditions(depth=SETUP.lot_size * 9)) == 0


def test_special_days_and_a_high_vix_halve_the_size() -> None:
    plain = size(SETUP, account(), LIMITS, Conditions())
    half = Conditions(event="RBI policy", event_factor=0.5)
    assert size(SETUP, account(), LIMITS, half) == plain // 2
    assert "RBI policy" in next(each.text for each in asked(half) if each.rule == "R13.event")
    assert size(SETUP, account(), LIMITS, replace(half, vix=26.0)) == plain // 4


shares = st.floats(0.0, 1.0)


@given(
    depth=st.none() | st.integers(0, 10_000),
    factor=st.none() | shares,
    vix=st.none() | st.floats(5, 90),
    p_low=shares,
    outcomes=st.integers(0, 500),
)
def test_no_condition_adds_size(
    depth: int | None, factor: float | None, vix: float | None, p_low: float, outcomes: int
) -> None:
    conditions = Conditions(depth=depth, event_factor=factor, vix=vix, track=Track(outcomes, p_low))
    lots, checks = weigh(SETUP, account(), LIMITS, conditions, now=NOW, session=SESSION)
    assert 0 <= lots <= size(SETUP, account(), LIMITS, Conditions())
    assert not {each.rule for each in checks if each.word is CheckWord.FORBID} & {"R1.risk", "R2.premium", "R3.freeze"}


def test_more_lots_than_the_rules_allow_are_forbidden_by_name() -> None:
    assert no(check(Question(SETUP, 500, account(), LIMITS, NOW, SESSION, Conditions()))) >= {"R1.risk", "R3.freeze"}


def earlier(*results: float, state: OrderState = OrderState.STOP_DONE, days: int = 1) -> list[Trade]:
    orders = [done(i, exit_price=100 + result, ago=60 + 1440 * days) for i, result in enumerate(results)]
    found = [trade_of(one.model_copy(update={"state": state}), Decimal(20)) for one in orders]
    return [trade for trade in found if trade is not None]


def with_past(*trades: Trade, orders: Sequence[SuperOrder] = ()) -> Account:
    plain = account(*orders)
    return replace(plain, earlier=trades)


def test_four_stops_in_three_sessions_close_the_desk() -> None:
    assert no(asked(held=with_past(*earlier(-1, -1, -1)))) == set()
    assert no(asked(held=with_past(*earlier(-1, -1, -1, -1)))) == {"R6.stop_guard"}
    assert no(asked(held=with_past(*earlier(-1, -1, -1, -1, state=OrderState.FLATTENED)))) == set()


def test_a_deep_drawdown_closes_the_desk() -> None:
    fall = earlier(*[-90] * 9, state=OrderState.FLATTENED)
    assert no(asked(held=with_past(*fall))) == {"R6.drawdown"}
    assert with_past(*fall).drawdown(LIMITS.drawdown_sessions) > Decimal(80_000)


def test_ten_trades_that_lost_too_much_close_the_desk() -> None:
    poor = earlier(*[-60] * 10, state=OrderState.FLATTENED)
    assert no(asked(held=with_past(*poor))) == {"R6.low_profit"}
    assert no(asked(held=with_past(*poor[:9]))) == set()


def test_a_request_without_an_answer_forbids() -> None:
    waiting = done(1, exit_price=120).model_copy(update={"state": OrderState.PLANNED, "entry": None, "exit": None})
    assert {"R6.unresolved", "R6.open"} <= no(asked(held=Account(Decimal(1_000_000), (waiting,), ())))


class Prices:
    """Implements `guardian.ports.Quotes` as a test says."""

    def __init__(self, at: datetime | None) -> None:
        self.at = at

    def book(self, contract: str) -> TopOfBook:
        if self.at is None:
            raise MissingDataError(f"no price of {contract}")
        ask, bid = SETUP.premium_entry, SETUP.premium_entry - Decimal("0.1")
        return TopOfBook(contract=contract, at=self.at, ltp=ask, bid=bid, ask=ask)

    def underlying(self, name: str) -> Quote:
        if self.at is None:
            raise MissingDataError(f"no price of {name}")
        return Quote(instrument=name, at=self.at, ltp=SETUP.spot)

    def refresh(self, names: Sequence[str]) -> None:
        raise AssertionError(names)


def test_the_guardian_holds_a_request_against_live_prices() -> None:
    assert no(asked(sending(SETUP, Prices(NOW), limits=LIMITS, now=NOW))) == set()
    late = Prices(NOW - timedelta(seconds=6))
    assert no(asked(sending(SETUP, late, limits=LIMITS, now=NOW))) == {"R7.index", "R7.quote"}
    assert no(asked(sending(SETUP, late, limits=LIMITS, now=NOW, speed=5))) == set()
    assert no(asked(sending(SETUP, Prices(None), limits=LIMITS, now=NOW))) >= {"R7.index", "R7.quote"}
    far = setup_of(spot=SETUP.spot * Decimal("1.01"))
    assert sending(far, Prices(NOW), limits=LIMITS, now=NOW).index_move == pytest.approx(-0.0099, abs=1e-4)


@pytest.mark.parametrize(("limits", "rules"), [(None, set()), (LIMITS, {"R7.index"})])
def test_a_recording_has_no_stale_prices(limits: Limits | None, rules: set[str]) -> None:
    old = Quote(instrument="NIFTY", at=NOW - timedelta(minutes=3), ltp=SETUP.spot)
    seen = deciding(
        SETUP,
        chain_of(),
        old,
        limits=limits,
        now=NOW,
        zones_at=NOW - timedelta(minutes=3),
        state=DeskState.ACTIVE,
        halted="",
        days=None,
    )
    assert no(asked(seen)) == rules
    assert seen.last is not None


def test_a_contract_is_valued_by_its_neighbours() -> None:
    chain = chain_of()
    market = market_of(chain, NOW, RATE)
    fair = fair_value(chain, market, SETUP.contract)
    assert fair == pytest.approx(ENTRY, rel=0.03)
    own = next(quote for quote in chain.quotes if quote.contract.instrument == SETUP.contract)
    dear = own.model_copy(update={"ltp": own.ltp * 2, "bid": None, "ask": None})
    quotes = tuple(dear if quote is own else quote for quote in chain.quotes)
    assert fair_value(chain.model_copy(update={"quotes": quotes}), market, SETUP.contract) == fair
    assert fair_value(chain.model_copy(update={"quotes": (own,)}), market, SETUP.contract) is None


def test_the_list_of_special_days_knows_its_days_and_its_end() -> None:
    days = load_special_days(None, beyond=0.5)
    assert days.look(date(2024, 6, 4)) == ("results of the general election", 0.0)
    assert days.look(date(2025, 10, 1)) == ("RBI policy", 0.5)
    assert days.look(date(2025, 10, 3)) == ("", 1.0)
    what, factor = days.look(date(2031, 1, 1))
    assert (str(days.until) in what, factor) == (True, 0.5)


def test_the_worst_of_two_reasons_counts() -> None:
    on = date(2025, 2, 1)
    days = SpecialDays([SpecialDay(on, "rbi", "a", "x"), SpecialDay(on, "budget", "b", "y")], beyond=1.0)
    assert days.look(on) == ("b", 0.0)


def test_freshness_is_stated_in_seconds() -> None:
    assert Limits().sending == Freshness(index=3.0, quote=5.0, chain=120.0, zones=900.0, clock_skew=1.0)
