"""Black-76 in plain Python: price, delta and implied volatility of one European option on a forward.

Time is in years of 525,600 minutes, volatility a decimal a year (0.118 is 11.8 %), rates continuous. Every function
takes the discount factor ``exp(-rate * years)`` instead of the rate, so that a chain computes it once.
"""

import math
from datetime import datetime

from agents.domain.values import OptionType

MINUTES_PER_YEAR = 525_600.0
LEAST_VOLATILITY = 1e-4
MOST_VOLATILITY = 10.0
_TOLERANCE = 1e-13
_STEPS = 200


def years_between(now: datetime, expiry_at: datetime) -> float:
    """Return calendar time to expiry in years, never below one minute; 0.0 when the option has expired."""
    minutes = (expiry_at - now).total_seconds() / 60.0
    return max(minutes, 1.0) / MINUTES_PER_YEAR if minutes > 0.0 else 0.0


def sign_of(option_type: OptionType) -> float:
    """Return +1.0 for a call and -1.0 for a put."""
    return 1.0 if option_type is OptionType.CE else -1.0


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _d1(forward: float, strike: float, deviation: float) -> float:
    return math.log(forward / strike) / deviation + 0.5 * deviation


def price(
    forward: float, strike: float, years: float, volatility: float, *, discount: float, option_type: OptionType
) -> float:
    """Return the premium of one unit, in the units of `forward`.

    Parameters
    ----------
    forward, strike : float
        Rupees, both positive.
    years : float
        Time to expiry; at 0 the premium is the intrinsic value.
    volatility : float
        A year, positive.
    discount : float
        Present value of one rupee paid at expiry.
    option_type : OptionType
        Call or put.

    Raises
    ------
    ValueError
        If `forward` or `strike` is not positive, or `years` or `volatility` is negative.
    """
    if forward <= 0.0 or strike <= 0.0 or years < 0.0 or volatility < 0.0:
        raise ValueError(
            f"no Black-76 price for forward {forward}, strike {strike}, years {years}, volatility {volatility}"
        )
    sign = sign_of(option_type)
    deviation = volatility * math.sqrt(years)
    if deviation == 0.0:
        return discount * max(sign * (forward - strike), 0.0)
    d1 = _d1(forward, strike, deviation)
    return discount * sign * (forward * _normal_cdf(sign * d1) - strike * _normal_cdf(sign * (d1 - deviation)))


def delta(
    forward: float, strike: float, years: float, volatility: float, *, discount: float, option_type: OptionType
) -> float:
    """Return the change of premium for one rupee of forward: in [0, 1] for calls, [-1, 0] for puts.

    Parameters are those of `price`, with `years` and `volatility` positive.

    Raises
    ------
    ValueError
        If a parameter is not positive.
    """
    if min(forward, strike, years, volatility) <= 0.0:
        raise ValueError(f"no delta for forward {forward}, strike {strike}, years {years}, volatility {volatility}")
    sign = sign_of(option_type)
    return discount * sign * _normal_cdf(sign * _d1(forward, strike, volatility * math.sqrt(years)))


def implied_volatility(
    premium: float, forward: float, strike: float, years: float, *, discount: float, option_type: OptionType
) -> float | None:
    """Return the volatility at which `price` equals `premium`, None where no volatility does.

    Newton's method kept inside a bracket that bisection shrinks. The option out of the money at the same strike is
    solved instead of one in the money (put-call parity), because its premium is all time value.

    Returns
    -------
    float or None
        None for an expired option and for premiums outside the no-arbitrage bounds.
    """
    if min(premium, forward, strike, years) <= 0.0:
        return None
    value = premium
    kind = option_type
    if sign_of(option_type) * (forward - strike) > 0.0:
        value -= discount * sign_of(option_type) * (forward - strike)
        kind = OptionType.PE if option_type is OptionType.CE else OptionType.CE
    bound = discount * (forward if kind is OptionType.CE else strike)
    if not 0.0 < value < bound:
        return None
    return _solve(value, forward, strike, years, discount=discount, option_type=kind)


def _solve(
    premium: float, forward: float, strike: float, years: float, *, discount: float, option_type: OptionType
) -> float | None:
    def miss_at(volatility: float) -> float:
        return price(forward, strike, years, volatility, discount=discount, option_type=option_type) - premium

    low, high = LEAST_VOLATILITY, MOST_VOLATILITY
    if not miss_at(low) < 0.0 < miss_at(high):
        return None
    root = math.sqrt(years)
    guess = min(max(math.sqrt(2.0 * abs(math.log(forward / strike)) / years), 0.05), 2.0)
    for _ in range(_STEPS):
        miss = miss_at(guess)
        low, high = (low, guess) if miss > 0.0 else (guess, high)
        d1 = _d1(forward, strike, guess * root)
        vega = discount * forward * math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi) * root
        step = guess - miss / vega if vega > 0.0 else low
        if abs(step - guess) <= _TOLERANCE:
            return step
        guess = step if low < step < high else 0.5 * (low + high)
    return guess
