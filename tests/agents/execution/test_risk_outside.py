"""What surrounds an order besides prices: mode, address, clock, requests, depth, volatility, earlier sessions."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agents.domain.checks import CheckWord
from agents.domain.orders import OrderState
from agents.execution.guardian.ports import TopOfBook
from agents.execution.risk import Limits, Outside, sending
from tests.agents.execution.test_risk import LIMITS, SETUP
from tests.agents.execution.test_risk_rules import Prices, asked, earlier, no, with_past
from tests.agents.options.chains import NOW


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        ({"address": "the broker sees 198.51.100.9"}, "R11.address"),
        ({"mode": "live trading is not confirmed"}, "R11.mode"),
        ({"account": "2", "expected_account": "1"}, "R11.account"),
        ({"halted": "the file HALT is there"}, "R11.state"),
        ({"clock_skew": 1.2}, "R7.clock"),
        ({"requests_second": 2}, "R12.second"),
        ({"requests_day": 60}, "R12.day"),
    ],
)
def test_what_the_sender_knows_of_itself_can_forbid(known: dict[str, Any], rule: str) -> None:
    around = sending(SETUP, Prices(NOW), limits=LIMITS, now=NOW, outside=Outside(**known))
    assert no(asked(around)) == {rule}


def test_a_fast_market_excuses_no_wrong_clock() -> None:
    around = sending(SETUP, Prices(NOW), limits=LIMITS, now=NOW, speed=20, outside=Outside(clock_skew=-1.2))
    [found] = [each for each in asked(around) if each.word is CheckWord.FORBID]
    assert (found.rule, found.text) == ("R7.clock", "this machine's clock differs from the broker's by -1.2 s")


@pytest.mark.parametrize(("age", "rules"), [(899, set()), (900, {"R7.zones"})])
def test_zones_that_grew_old_on_the_way_forbid(age: int, rules: set[str]) -> None:
    zones_at = NOW - timedelta(seconds=age)
    assert no(asked(sending(SETUP, Prices(NOW), limits=LIMITS, now=NOW, zones_at=zones_at))) == rules


class Thin(Prices):
    """A book with little on sale."""

    def book(self, contract: str) -> TopOfBook:
        return super().book(contract).model_copy(update={"offered": 9 * SETUP.lot_size})


def test_an_order_larger_than_a_tenth_of_what_is_on_offer_is_refused() -> None:
    assert no(asked(sending(SETUP, Thin(NOW), limits=LIMITS, now=NOW))) == {"R3.depth"}


def test_a_high_volatility_halves_and_may_forbid() -> None:
    around = sending(SETUP, Prices(NOW), limits=LIMITS, now=NOW, vix=30.0)
    assert "R13.vix" in {each.rule for each in asked(around) if each.word is CheckWord.SHRINK}
    assert "R13.vix" in no(asked(around, limits=replace(LIMITS, vix_factor=0.0)))


def test_a_drawdown_is_looked_at_over_so_many_sessions() -> None:
    fall = earlier(*[-90] * 9, state=OrderState.FLATTENED)
    past = with_past(*fall)
    days = len({trade.exit_at.date() for trade in fall})
    assert past.drawdown(days) > Decimal(80_000)
    if days > 1:
        assert past.drawdown(1) < past.drawdown(days)
    assert past.drawdown(0) == sum((trade.net for trade in past.trades if trade.net < 0), Decimal(0)) * -1


def test_the_look_back_reaches_over_weekends_and_holidays() -> None:
    assert Limits().looked_back_from(date(2026, 11, 24)) == date(2026, 10, 5)
    assert Limits(drawdown_sessions=1, stop_guard_sessions=5).looked_back_from(date(2026, 11, 24)) == date(2026, 11, 4)
