"""Time, rights and Black-76 in the words of a chain; the sums are done by the kernels of `analytics_ext`.

Time is in years of 525,600 minutes, volatility a decimal a year (0.118 is 11.8 %), rates continuous. Functions take the
discount factor ``exp(-rate * years)`` instead of the rate, so that a chain computes it once.
"""

from datetime import datetime

from agents.domain.values import OptionType
from analytics_ext import black76

MINUTES_PER_YEAR = 525_600.0
CONVENTIONS = (
    "Black-76 on the forward by put-call parity; years of 525,600 minutes; continuous rate; volatility a decimal a "
    "year; delta and gamma per rupee of forward, discounted; vega per 0.01 of volatility; theta per 1/365 year"
)


def years_between(now: datetime, expiry_at: datetime) -> float:
    """Return calendar time to expiry in years, never below one minute; 0.0 when the option has expired."""
    minutes = (expiry_at - now).total_seconds() / 60.0
    return max(minutes, 1.0) / MINUTES_PER_YEAR if minutes > 0.0 else 0.0


def sign_of(option_type: OptionType) -> int:
    """Return +1 for a call and -1 for a put, the kernels' sign."""
    return 1 if option_type is OptionType.CE else -1


def price(
    forward: float, strike: float, years: float, volatility: float, *, discount: float, option_type: OptionType
) -> float:
    """Return the premium of one option, in the units of `forward`; whole chains go to the kernel at once.

    Parameters
    ----------
    forward, strike : float
        Rupees, ``> 0``.
    years : float
        Time to expiry, ``> 0``.
    volatility : float
        A year, ``>= 0``; at 0 the premium is the intrinsic value.
    discount : float
        Present value of one rupee paid at expiry.
    option_type : OptionType
        Call or put.

    Raises
    ------
    ValueError
        If a number is outside its bounds; the message names it.
    """
    values = black76(forward, strike, years, volatility, discount=discount, sign=sign_of(option_type))
    return float(values.price[0])
