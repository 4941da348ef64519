"""The day's result, against the charges that an exchange of its own reckons for the same executions."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.costs import of_execution
from agents.domain.profit import day_result
from agents.domain.values import IST
from agents.execution.gateway import FillRow, TradeSide
from exchange.charges import trade_charges

BROKERAGE = Decimal(20)
DAYS = (
    datetime(2023, 5, 2, 10, tzinfo=IST),
    datetime(2024, 10, 3, 10, tzinfo=IST),
    datetime(2026, 11, 19, 10, tzinfo=IST),
)


def fill(number: int, side: TradeSide, price: str, quantity: int = 65, order: str = "") -> FillRow:
    return FillRow(
        order_id=order or f"o{number}",
        trade_id=f"t{number}",
        contract="NIFTY26112425650CE",
        side=side,
        quantity=quantity,
        price=Decimal(price),
        at=DAYS[-1] + timedelta(seconds=number),
    )


@given(
    ticks=st.integers(1, 40_000),
    lots=st.integers(1, 27),
    buys=st.booleans(),
    first=st.booleans(),
    day=st.sampled_from(DAYS),
)
def test_an_execution_costs_what_the_exchange_takes(
    *, ticks: int, lots: int, buys: bool, first: bool, day: datetime
) -> None:
    theirs = trade_charges(turnover=ticks * 5 * lots * 65, buys=buys, option=True, on=day.date(), first_of_order=first)
    ours = of_execution(
        price=Decimal(ticks) / 20,
        quantity=lots * 65,
        buys=buys,
        on=day.date(),
        brokerage=BROKERAGE if first else Decimal(0),
    )
    assert ours * 100 == theirs.paise


def test_brokerage_is_charged_once_an_order_and_all_else_for_each_execution() -> None:
    whole = day_result([fill(1, TradeSide.BUY, "100", 130)], BROKERAGE)
    parts = day_result([fill(n, TradeSide.BUY, "100", order="o1") for n in (1, 2)], BROKERAGE)
    assert abs(whole.charges - parts.charges) < Decimal("0.02")
    assert parts.held == {"NIFTY26112425650CE": 130}


def test_a_round_trip_brings_the_difference_less_the_charges() -> None:
    found = day_result([fill(2, TradeSide.SELL, "140"), fill(1, TradeSide.BUY, "134")], BROKERAGE)
    assert found.gross == 390
    assert found.charges == Decimal("68.60")
    assert found.net == found.gross - found.charges
    assert (found.held, found.executions) == ({}, 2)


def test_nothing_done_brings_nothing() -> None:
    assert day_result([], BROKERAGE).net == pytest.approx(0)
