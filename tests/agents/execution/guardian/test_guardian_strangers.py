"""What others do with a contract that the desk holds, and what the broker sells twice."""

from datetime import timedelta
from decimal import Decimal

import pytest

from agents.domain.lifecycle import TradeState
from agents.execution.gateway import BrokerState, FillRow, Leg, OrderRow, PositionRow, TradeSide
from agents.execution.guardian.attribute import attributed
from agents.execution.guardian.reconcile import Strangers, left_for, price_taken, shortfall, strangers
from agents.execution.guardian.standing import trade_of
from tests.agents.execution.guardian.cases import NOW, case_of, fill, leg_of, view_of
from tests.agents.execution.guardian.story import CONTRACT


def by_others(*steps: tuple[TradeSide, int]) -> tuple[FillRow, ...]:
    rows = [fill(f"other{n}", side, units, f"o{n}") for n, (side, units) in enumerate(steps)]
    return tuple(row.model_copy(update={"at": NOW + timedelta(seconds=n)}) for n, row in enumerate(rows))


BUY, SELL = TradeSide.BUY, TradeSide.SELL


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        (((BUY, 65), (SELL, 65)), Strangers(0, 0)),
        (((SELL, 130), (BUY, 130)), Strangers(130, 130)),
        (((BUY, 65), (SELL, 195)), Strangers(0, 130)),
    ],
)
def test_a_stranger_sells_his_own_units_first(steps: tuple[tuple[TradeSide, int], ...], found: Strangers) -> None:
    assert strangers([case_of(bought=130)], CONTRACT, by_others(*steps)) == found


def test_units_that_a_person_bought_are_not_left_for_our_setups() -> None:
    case = case_of(bought=130, state=TradeState.LEG_LOST)
    sold_and_bought = by_others((SELL, 130), (BUY, 130))
    positions = (PositionRow(contract=CONTRACT, net_quantity=130),)
    seen = view_of(fills=sold_and_bought, positions=positions)
    assert left_for([case], CONTRACT, seen) == 0
    assert shortfall(case, [case], seen) == 130


def test_what_others_sold_before_a_purchase_does_not_price_it() -> None:
    earlier, later = by_others((SELL, 130), (SELL, 130))
    earlier, later = (
        earlier.model_copy(update={"price": Decimal(140)}),
        later.model_copy(update={"price": Decimal(120)}),
    )
    bought = fill("ours", BUY, 130, "1").model_copy(update={"at": later.at})
    case = case_of(bought=130, state=TradeState.LEG_LOST).model_copy(
        update={"fills": (bought,), "trade_ids": (bought.trade_id,)}
    )
    assert price_taken(case, [case], (earlier, bought, later)) == Decimal(120)
    assert price_taken(case, [case], (earlier, bought)) is None


def test_what_was_sold_twice_and_bought_back_is_not_taken_from_another_setup() -> None:
    raced = case_of(1, bought=130, sold_elsewhere=260, state=TradeState.CLOSED)
    held = case_of(2, bought=65, state=TradeState.PROTECTED)
    for net, fills in ((-65, ()), (65, by_others((BUY, 130)))):
        seen = view_of(fills=fills, positions=(PositionRow(contract=CONTRACT, net_quantity=net),))
        assert left_for([raced, held], CONTRACT, seen) == 65
        assert shortfall(held, [raced, held], seen) == 0


def test_what_was_sold_twice_is_no_profit() -> None:
    case = case_of(bought=130, state=TradeState.CLOSED, priced=260, sold_elsewhere=260)
    money = {"spent": Decimal(13_000), "earned": Decimal(23_400)}
    trade = trade_of(case.model_copy(update=money), Decimal(20))
    assert trade is not None
    assert trade.gross == Decimal(-1_300)
    assert trade.net < trade.gross


def test_a_sale_without_an_owner_goes_to_the_leg_that_sold_at_its_price() -> None:
    stop = leg_of(Leg.STOP, BrokerState.TRADED, 130).model_copy(update={"average": Decimal(90)})
    case = case_of(bought=130, legs=(leg_of(Leg.TARGET, BrokerState.CANCELLED), stop))
    fills = [fill("person", SELL, 130, "a", price=120), fill("hidden", SELL, 130, "b", price=90)]
    assert attributed([case], fills)[case.setup_id]["trade_ids"] == ("b",)


def test_a_parent_named_in_the_order_list_owns_its_leg() -> None:
    case = case_of(bought=130)
    leg = OrderRow(
        order_id="77", correlation_id="NA", contract=CONTRACT, side=SELL, state=BrokerState.TRADED,
        quantity=130, filled=130, price=Decimal(90), average=Decimal(90), parent_id="1",
    )  # fmt: skip
    assert attributed([case], [fill("77", SELL, 130, "a")], [leg])[case.setup_id]["trade_ids"] == ("a",)
