"""A round trip's money, against an exchange's own account of the same executions."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agents.domain.lifecycle import TradeState
from agents.execution.gateway import FillRow, Leg, TradeSide
from agents.execution.guardian.attribute import attributed
from agents.execution.guardian.case import Case
from agents.execution.guardian.standing import left_on, standing_of, trade_of
from agents.execution.guardian.view import View
from exchange.charges import trade_charges
from tests.agents.execution.guardian.cases import NOW, case_of, fill, leg_of

BROKERAGE = Decimal(20)
BUY, SELL = TradeSide.BUY, TradeSide.SELL
ON: date = NOW.date()

parts = st.lists(st.tuples(st.integers(1, 8_000), st.integers(1, 8)), min_size=1, max_size=4)


def account(fills: list[FillRow]) -> tuple[Decimal, Decimal]:
    """Return gross and charges in rupees as the exchange books them, one execution after the other."""
    seen: set[str] = set()
    gross = paise = 0
    for each in fills:
        turnover, buys = int(each.price * 100) * each.quantity, each.side is BUY
        gross += -turnover if buys else turnover
        paise += trade_charges(
            turnover=turnover, buys=buys, option=True, on=ON, first_of_order=each.order_id not in seen
        ).paise
        seen.add(each.order_id)
    return Decimal(gross) / 100, Decimal(paise) / 100


def executions(order_id: str, side: TradeSide, deals: list[tuple[int, int]]) -> list[FillRow]:
    return [
        fill(order_id, side, lots * 65, f"{order_id}-{n}").model_copy(
            update={"price": Decimal(ticks) / 20, "at": NOW + timedelta(seconds=n)}
        )
        for n, (ticks, lots) in enumerate(deals)
    ]


def closed(number: int, fills: list[FillRow]) -> Case:
    units = sum(each.quantity for each in fills if each.side is BUY)
    leg = leg_of(Leg.TARGET, filled=units).model_copy(update={"order_id": f"{number}target"})
    case = case_of(number, bought=units, legs=(leg,))
    case = case.model_copy(update=attributed((case,), fills)[case.setup_id])
    return case.model_copy(update={"state": TradeState.CLOSED, "filled_at": NOW, "closed_at": NOW})


def bought_and_sold(number: int, bought: list[tuple[int, int]], sold: list[int]) -> list[FillRow]:
    """Return purchases, and sales of as many units in as many executions."""
    sales = [(ticks, lots) for ticks, (_, lots) in zip(sold * len(bought), bought, strict=False)]
    return executions(f"{number}", BUY, bought) + executions(f"{number}target", SELL, sales)


@given(parts, st.lists(st.integers(1, 8_000), min_size=1, max_size=4))
def test_a_round_trip_costs_what_the_account_is_charged(bought: list[tuple[int, int]], sold: list[int]) -> None:
    fills = bought_and_sold(1, bought, sold)
    trade = trade_of(closed(1, fills), BROKERAGE)
    assert trade is not None
    assert (trade.gross, trade.costs) == account(fills)
    assert trade.net == trade.gross - trade.costs


@given(parts, parts, st.integers(1, 8_000))
def test_round_trips_add_up_to_the_account(one: list[tuple[int, int]], two: list[tuple[int, int]], sold: int) -> None:
    deals = {1: bought_and_sold(1, one, [sold]), 2: bought_and_sold(2, two, [sold])}
    gross, charges = account([each for fills in deals.values() for each in fills])
    cases = [closed(number, fills) for number, fills in deals.items()]
    assert sum(trade.net for case in cases if (trade := trade_of(case, BROKERAGE))) == gross - charges


def test_a_loss_belongs_to_the_day_it_was_left_on() -> None:
    night = timedelta(days=1)
    kept = closed(1, bought_and_sold(1, [(2_000, 1)], [1_000])).model_copy(update={"opened_at": NOW - night})
    gone = closed(2, bought_and_sold(2, [(2_000, 1)], [1_500])).model_copy(
        update={"opened_at": NOW - night, "closed_at": NOW - night}
    )
    mine = closed(3, bought_and_sold(3, [(2_000, 1)], [2_100]))
    cases = (mine, gone, kept)
    assert {trade.setup_id for trade in left_on(cases, ON, BROKERAGE)} == {kept.setup_id, mine.setup_id}
    assert len(left_on(cases, ON, BROKERAGE, since=ON - night)) == 3
    standing = standing_of(cases, View(0.0, (), ()), Decimal(1_000_000), BROKERAGE, NOW)
    assert [order.setup_id for order in standing.orders] == [mine.setup_id]
    assert {trade.setup_id for trade in standing.trades} == {kept.setup_id, mine.setup_id}
    assert sum(trade.net for trade in standing.trades) < Decimal(-3_000)


def test_a_trade_book_that_lags_takes_no_execution_back() -> None:
    fills = bought_and_sold(1, [(2_000, 1), (2_010, 1)], [2_100])
    case = closed(1, fills)
    assert case.fills == tuple(sorted(fills, key=lambda each: (each.at, each.trade_id)))
    assert "fills" not in attributed((case,), fills[:1]).get(case.setup_id, {})


def test_a_journal_without_executions_is_charged_for_one_a_side() -> None:
    fills = bought_and_sold(1, [(2_000, 2)], [2_100])
    case = closed(1, fills)
    old = case.model_copy(update={"fills": ()})
    assert trade_of(old, BROKERAGE) == trade_of(case, BROKERAGE)
