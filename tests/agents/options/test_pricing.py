from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.values import OptionType
from agents.options.pricing import MINUTES_PER_YEAR, price, sign_of, years_between
from analytics_ext import black76
from tests.agents.options.chains import EXPIRY, NOW

FORWARD = 22_640.0
DISCOUNT = 0.9998


def premium(strike: float, kind: OptionType, *, iv: float = 0.16, years: float = 0.003) -> float:
    return price(FORWARD, strike, years, iv, discount=DISCOUNT, option_type=kind)


@given(strike=st.floats(20_000, 25_000), iv=st.floats(0.05, 1.5))
def test_call_minus_put_is_the_discounted_forward_minus_strike(strike: float, iv: float) -> None:
    gap = premium(strike, OptionType.CE, iv=iv) - premium(strike, OptionType.PE, iv=iv)
    assert gap == pytest.approx(DISCOUNT * (FORWARD - strike), abs=1e-8)


@pytest.mark.parametrize("kind", OptionType)
def test_one_option_costs_what_the_kernel_says(kind: OptionType) -> None:
    whole = black76(FORWARD, [22_600.0], 0.003, 0.16, discount=DISCOUNT, sign=sign_of(kind))
    assert premium(22_600.0, kind) == whole.price[0]


def test_without_volatility_the_price_is_intrinsic() -> None:
    assert price(FORWARD, 22_600, 1.0, 0.0, discount=1.0, option_type=OptionType.CE) == 40.0
    assert price(FORWARD, 22_600, 1.0, 0.0, discount=1.0, option_type=OptionType.PE) == 0.0


def test_a_negative_strike_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="strike"):
        premium(-1.0, OptionType.CE)


def test_time_never_falls_below_a_minute_before_expiry_and_is_none_after() -> None:
    assert years_between(NOW, EXPIRY) == pytest.approx(1680 / MINUTES_PER_YEAR)
    assert years_between(EXPIRY - timedelta(seconds=5), EXPIRY) == 1.0 / MINUTES_PER_YEAR
    assert years_between(EXPIRY, EXPIRY) == 0.0
