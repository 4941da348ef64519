"""Black-76, implied volatility and max pain: what must hold for every option, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics_ext import black76, implied_volatility, max_pain

F = 25_000.0
strikes = st.floats(15_000.0, 40_000.0)
deviations = st.floats(1e-3, 3.0)
times = st.floats(1 / 525_600, 3.0)
discounts = st.floats(0.7, 1.0)
signs = st.sampled_from((1, -1))


@given(strikes, deviations, times, discounts)
def test_calls_less_puts_is_the_discounted_forward(k: float, deviation: float, years: float, discount: float) -> None:
    volatility = deviation / years**0.5
    both = black76(F, k, years, volatility, discount=discount, sign=[1, -1])
    assert both.price[0] - both.price[1] == pytest.approx(discount * (F - k), abs=1e-7)
    assert both.gamma[0] == both.gamma[1]
    assert both.vega[0] == both.vega[1]
    assert both.delta[0] - both.delta[1] == pytest.approx(discount, abs=1e-12)


@given(strikes, deviations, times, discounts, signs)
def test_a_price_lies_between_intrinsic_value_and_its_most(
    k: float, deviation: float, years: float, discount: float, sign: int
) -> None:
    price = black76(F, k, years, deviation / years**0.5, discount=discount, sign=sign).price[0]
    assert price >= discount * max(sign * (F - k), 0.0) - 1e-7
    assert price <= discount * (F if sign > 0 else k) + 1e-7


@given(strikes, deviations, times, discounts, signs)
def test_volatility_comes_back_from_the_price(
    k: float, deviation: float, years: float, discount: float, sign: int
) -> None:
    volatility = deviation / years**0.5
    values = black76(F, k, years, volatility, discount=discount, sign=sign)
    found = implied_volatility(values.price, F, k, years, discount=discount, sign=sign)[0]
    intrinsic = discount * max(sign * (F - k), 0.0)
    # What rounding of the price can move: its last bits over vega. Without time value there is nothing to find.
    vega = 100.0 * values.vega[0]
    doubt = 1e-12 * max(F, k) / vega if vega > 0.0 else np.inf
    if values.price[0] - intrinsic > 1e-3 and doubt < 1e-3 * volatility:
        assert found == pytest.approx(volatility, abs=1e-9 + 8 * doubt)
    else:
        assert np.isnan(found) or found > 0.0


@given(strikes, times, st.lists(deviations, min_size=2, max_size=8), signs)
def test_prices_never_fall_as_volatility_rises(k: float, years: float, some: list[float], sign: int) -> None:
    ascending = np.sort(np.array(some)) / years**0.5
    prices = black76(F, k, years, ascending, discount=1.0, sign=sign).price
    assert np.all(np.diff(prices) >= -1e-8)


@given(strikes, st.floats(0.02, 1.0), st.floats(1 / 365, 1.0), signs)
def test_greeks_are_the_slopes_of_the_price(k: float, volatility: float, years: float, sign: int) -> None:
    rate = 0.055

    def price(forward: float, sigma: float, time: float) -> float:
        return float(black76(forward, k, time, sigma, discount=np.exp(-rate * time), sign=sign).price[0])

    got = black76(F, k, years, volatility, discount=np.exp(-rate * years), sign=sign)
    step = 1.0
    up, here, down = price(F + step, volatility, years), price(F, volatility, years), price(F - step, volatility, years)
    assert got.delta[0] == pytest.approx((up - down) / 2, abs=1e-4)
    assert got.gamma[0] == pytest.approx(up - 2 * here + down, abs=1e-4)
    vega = (price(F, volatility + 1e-5, years) - price(F, volatility - 1e-5, years)) / 2e-3
    assert got.vega[0] == pytest.approx(vega, rel=1e-3, abs=1e-4)
    hour = 1.0 / 365 / 24
    theta = (price(F, volatility, years - hour) - price(F, volatility, years + hour)) * 12
    assert got.theta[0] == pytest.approx(theta, rel=2e-2, abs=2e-2)


@pytest.mark.parametrize("premium", [np.nan, 0.0, -1.0, 999.0, 1000.0, 25_000.0, 30_000.0])
def test_premiums_without_a_volatility_give_nan(premium: float) -> None:
    assert np.isnan(implied_volatility([premium], F, 24_000.0, 0.05, discount=1.0, sign=1)[0])


def test_rows_without_volatility_are_nan_and_leave_the_others_alone() -> None:
    values = black76(F, [24_900.0, 25_000.0], 0.02, [np.nan, 0.12], discount=1.0, sign=1)
    assert all(np.isnan(column[0]) and np.isfinite(column[1]) for column in values)


def test_without_volatility_an_option_is_worth_what_exercising_pays() -> None:
    values = black76(F, [24_000.0, 26_000.0], 0.1, 0.0, discount=0.99, sign=1)
    assert values.price.tolist() == [990.0, 0.0]
    assert values.delta.tolist() == [0.99, 0.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strike": [25_000.0, -1.0]}, r"strike\[1\]: must be above 0"),
        ({"forward": [np.nan]}, r"forward\[0\]: nan is not finite"),
        ({"years": [0.0]}, r"years\[0\]: must be above 0"),
        ({"sign": [2]}, r"sign\[0\]: must be \+1 or -1"),
        ({"volatility": [-0.1]}, "volatility: must be 0 or more"),
        ({"strike": [1.0, 2.0], "years": [0.1, 0.2, 0.3]}, "lengths .* differ"),
    ],
)
def test_a_bad_term_is_named(change: dict[str, list[float]], words: str) -> None:
    terms: dict[str, object] = {"forward": F, "strike": F, "years": 0.1, "volatility": 0.1, "discount": 1.0, "sign": 1}
    terms |= change
    with pytest.raises(ValueError, match=words):
        black76(**terms)  # type: ignore[arg-type]  # wrong on purpose


def brute_force(strike: NDArray[np.int64], calls: NDArray[np.int64], puts: NDArray[np.int64]) -> NDArray[np.int64]:
    settled = strike[:, None]
    paid = np.maximum(settled - strike, 0) * calls + np.maximum(strike - settled, 0) * puts
    result: NDArray[np.int64] = paid.sum(axis=1)
    return result


@given(
    st.lists(
        st.tuples(st.integers(1, 4000), st.integers(0, 10**7), st.integers(0, 10**7)),
        min_size=1,
        max_size=60,
        unique_by=lambda row: row[0],
    ),
    st.floats(0.0, 4000.0),
)
def test_max_pain_is_what_adding_up_every_payment_says(rows: list[tuple[int, int, int]], forward: float) -> None:
    strike, calls, puts = np.array(sorted(rows), dtype=np.int64).T
    found = max_pain(strike, calls, puts, forward=forward)
    if not (calls.any() or puts.any()):
        assert found is None
        return
    assert found is not None
    pain = brute_force(strike, calls, puts)
    assert found.pain.tolist() == pain.tolist()
    least = strike[pain == pain.min()]
    assert found.strike == min(least.tolist(), key=lambda k: (abs(k - forward), k))


def test_strikes_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="must ascend"):
        max_pain([2, 1], [1, 1], [1, 1], forward=1.0)


def test_interest_that_would_overflow_is_refused() -> None:
    with pytest.raises(ValueError, match="larger unit"):
        max_pain([1, 2**40], [2**30, 1], [0, 0], forward=1.0)
