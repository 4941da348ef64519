import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import premiums
from exchange.greeks import greeks

DAY = 86_400.0


def value(spot: float, strike: float, iv: float, days: float, *, call: bool) -> float:
    years = days / 365.0
    forward, left = np.array([[spot * np.exp(premiums.RATE * years)]]), np.array([[years]])
    surface = premiums.Surface(forward, left, np.array([strike]), np.array([[iv]]))
    calls = premiums.call_values(surface)
    return float((calls if call else premiums.put_values(surface, calls))[0, 0])


@given(st.floats(0.05, 1.5), st.integers(-8, 8), st.booleans(), st.floats(0.5, 60.0))
def test_the_volatility_found_gives_the_price_back(iv: float, steps: int, call: bool, days: float) -> None:  # noqa: FBT001 - drawn, not passed
    strike = 24_000.0 + 50.0 * steps
    price = value(24_000.0, strike, iv, days, call=call)
    found = greeks(np.array([price]), np.array([strike]), np.array([call]), 24_000.0, days * DAY)
    if found.iv[0] > 0.0:
        assert value(24_000.0, strike, found.iv[0] / 100.0, days, call=call) == pytest.approx(price, abs=0.005)


@pytest.mark.parametrize("call", [True, False])
def test_greeks_are_slopes_of_the_price(*, call: bool) -> None:
    spot, strike, iv, days = 24_000.0, 24_200.0, 0.13, 9.0

    def moved(spot_by: float = 0.0, iv_by: float = 0.0, days_by: float = 0.0) -> float:
        return value(spot + spot_by, strike, iv + iv_by, days + days_by, call=call)

    found = greeks(np.array([moved()]), np.array([strike]), np.array([call]), spot, days * DAY)
    assert found.iv[0] == pytest.approx(13.0, abs=1e-4)
    assert found.delta[0] == pytest.approx((moved(20.0) - moved(-20.0)) / 40.0, abs=1e-4)
    assert found.gamma[0] == pytest.approx((moved(20.0) - 2 * moved() + moved(-20.0)) / 400.0, abs=1e-5)
    assert found.vega[0] == pytest.approx((moved(iv_by=0.01) - moved(iv_by=-0.01)) / 2.0, rel=1e-3)
    assert found.theta[0] == pytest.approx((moved(days_by=-0.1) - moved(days_by=0.1)) / 0.2, rel=1e-3)


@pytest.mark.parametrize("price", [0.0, 25_000.0])
def test_a_price_no_volatility_explains_has_no_greeks(price: float) -> None:
    found = greeks(np.array([price]), np.array([24_000.0]), np.array([True]), 24_000.0, 60.0)
    assert [float(column[0]) for column in found] == [0.0] * 5
