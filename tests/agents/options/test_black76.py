import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.values import OptionType
from agents.options import black76

FORWARD = 22_640.0
DISCOUNT = 0.9998


def premium(strike: float, kind: OptionType, *, iv: float = 0.16, years: float = 0.003) -> float:
    return black76.price(FORWARD, strike, years, iv, discount=DISCOUNT, option_type=kind)


@given(strike=st.floats(22_000, 23_300), iv=st.floats(0.05, 1.5), kind=st.sampled_from(OptionType))
def test_volatility_comes_back_from_the_price(strike: float, iv: float, kind: OptionType) -> None:
    value = premium(strike, kind, iv=iv, years=0.01)
    intrinsic = DISCOUNT * max(black76.sign_of(kind) * (FORWARD - strike), 0.0)
    if value - intrinsic > 0.05:
        found = black76.implied_volatility(value, FORWARD, strike, 0.01, discount=DISCOUNT, option_type=kind)
        assert found == pytest.approx(iv, abs=1e-8)


@given(strike=st.floats(20_000, 25_000), iv=st.floats(0.05, 1.5))
def test_call_minus_put_is_the_discounted_forward_minus_strike(strike: float, iv: float) -> None:
    gap = premium(strike, OptionType.CE, iv=iv) - premium(strike, OptionType.PE, iv=iv)
    assert gap == pytest.approx(DISCOUNT * (FORWARD - strike), abs=1e-8)


@given(strike=st.floats(22_000, 23_300), kind=st.sampled_from(OptionType))
def test_delta_is_the_slope_of_the_price(strike: float, kind: OptionType) -> None:
    up, down = (
        black76.price(FORWARD + step, strike, 0.01, 0.2, discount=DISCOUNT, option_type=kind) for step in (0.5, -0.5)
    )
    assert black76.delta(FORWARD, strike, 0.01, 0.2, discount=DISCOUNT, option_type=kind) == pytest.approx(
        up - down, abs=1e-5
    )


@pytest.mark.parametrize("premium_asked", [0.0, -1.0, FORWARD, 2 * FORWARD])
def test_no_volatility_outside_the_bounds_of_arbitrage(premium_asked: float) -> None:
    assert (
        black76.implied_volatility(premium_asked, FORWARD, 22_600, 0.003, discount=DISCOUNT, option_type=OptionType.CE)
        is None
    )


def test_no_volatility_below_intrinsic_value() -> None:
    assert (
        black76.implied_volatility(39.0, FORWARD, 22_600, 0.003, discount=DISCOUNT, option_type=OptionType.CE) is None
    )


def test_at_expiry_the_price_is_intrinsic() -> None:
    assert black76.price(FORWARD, 22_600, 0.0, 0.2, discount=1.0, option_type=OptionType.CE) == 40.0
    assert math.isclose(black76.price(FORWARD, 22_600, 0.0, 0.2, discount=1.0, option_type=OptionType.PE), 0.0)


def test_a_negative_strike_is_refused_with_its_value() -> None:
    with pytest.raises(ValueError, match="strike -1"):
        black76.price(FORWARD, -1, 0.003, 0.2, discount=1.0, option_type=OptionType.CE)
    with pytest.raises(ValueError, match="volatility 0"):
        black76.delta(FORWARD, 22_600, 0.003, 0.0, discount=1.0, option_type=OptionType.CE)
