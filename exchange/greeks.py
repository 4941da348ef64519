"""Implied volatility and greeks of one expiry in the units of Dhan's chain, by Black's 1976 formula."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exchange import premiums

Float64s = NDArray[np.float64]

LOWEST_IV, HIGHEST_IV = 0.005, 5.0
HALVINGS = 45
DAYS = 365.0
SHORTEST = 60.0


class Greeks(NamedTuple):
    """Columns of one expiry; `iv` in percent, theta a day, vega a point of volatility. Zero where there is no iv."""

    iv: Float64s
    delta: Float64s
    theta: Float64s
    gamma: Float64s
    vega: Float64s


def greeks(
    price: Float64s, strike: Float64s, calls: NDArray[np.bool_], spot: float | Float64s, seconds_left: float | Float64s
) -> Greeks:
    """Return the greeks that prices imply.

    Parameters
    ----------
    price, strike : ndarray of float64, shape (n_contracts,)
        Rupees.
    calls : ndarray of bool, shape (n_contracts,)
        Which of them are calls.
    spot, seconds_left : float or ndarray of float64, shape (n_contracts,)
        The index, and the time to the expiry, of which at least a minute is used: one for all, or one for each.
    """
    years = np.maximum(seconds_left, SHORTEST) / premiums.SECONDS_PER_YEAR
    forward, discount = spot * np.exp(premiums.RATE * years), np.exp(-premiums.RATE * years)
    iv = _implied(np.where(calls, price, price + discount * (forward - strike)), strike, forward, years)
    root = np.sqrt(years)
    deviation = np.where(np.isnan(iv), 1.0, iv) * root
    d1 = np.log(forward / strike) / deviation + 0.5 * deviation
    density = np.exp(-0.5 * d1 * d1) / np.sqrt(2.0 * np.pi)
    call_delta = premiums.normal_cdf(d1)
    gamma = density / (spot * deviation)
    vega = spot * density * root / 100.0
    carry = premiums.RATE * discount * strike * premiums.normal_cdf(np.where(calls, d1 - deviation, deviation - d1))
    decay = -spot * density * np.where(np.isnan(iv), 0.0, iv) / (2.0 * root)
    theta = (decay - np.where(calls, carry, -carry)) / DAYS
    known = ~np.isnan(iv)

    def shown(values: Float64s) -> Float64s:
        return np.where(known, values, 0.0)

    delta = np.where(calls, call_delta, call_delta - 1.0)
    return Greeks(shown(iv * 100.0), shown(delta), shown(theta), shown(gamma), shown(vega))


def _implied(call: Float64s, strike: Float64s, forward: Float64s, years: Float64s) -> Float64s:
    """Return the volatility at which a call has its price, NaN where none does; by halving."""
    low, high = np.full_like(call, LOWEST_IV), np.full_like(call, HIGHEST_IV)

    def value(iv: Float64s) -> Float64s:
        on = premiums.Surface(np.atleast_2d(forward), np.atleast_2d(years), strike, iv[None, :])
        return np.asarray(premiums.call_values(on)[0], dtype=np.float64)

    possible = (call > value(low)) & (call < value(high))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        below = value(middle) < call
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(possible, 0.5 * (low + high), np.nan)
