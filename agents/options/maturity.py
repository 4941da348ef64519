"""Volatility that compares across days: at the money, for a constant maturity of seven days, and its standing."""

import math
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from agents.domain.chain import DailyIv, IvStanding
from agents.domain.errors import MissingDataError
from agents.domain.market import OptionChain
from agents.domain.values import IST
from agents.options.forward import market_of
from agents.options.premiums import has_book
from agents.options.pricing import MINUTES_PER_YEAR
from agents.options.volatility import at_the_money, volatilities
from agents.ports import MarketData

MATURITY_DAYS = 7
MEASURED_AT = time(15, 20)
LEAST_DAYS = 60
MOST_DAYS = 252
# An expiry this near to the maturity counts as the maturity itself.
TOLERANCE = timedelta(hours=12)
LEAST_MINUTES = 60
_CHAIN_AGE = timedelta(minutes=5)
_DAY_MINUTES = 1440


def total_variance(chain: OptionChain, now: datetime, rate: float) -> tuple[float, float] | None:
    """Return years to expiry and the variance at the money until then; None without an honest volatility.

    Raises
    ------
    ValueError
        If the chain has expired.
    """
    market = market_of(chain, now, rate)
    found = volatilities(chain.quotes, market, booked=has_book(chain.quotes), seen=chain.at)
    iv = at_the_money(chain.quotes, found.values, market)
    return None if iv is None else (market.years, iv * iv * market.years)


def constant_maturity(near: OptionChain, far: OptionChain, now: datetime, rate: float) -> float | None:
    """Return the volatility at the money in seven days, read in a straight line over total variance.

    Parameters
    ----------
    near, far : OptionChain
        An expiry before the maturity and one after it; or the same chain twice, if it expires within twelve hours of
        it.
    now : datetime
        Aware.
    rate : float
        A year, continuous.

    Returns
    -------
    float or None
        A decimal a year; None where an expiry has no honest volatility, where the two do not lie around the maturity,
        or where variance would shrink with time.

    Raises
    ------
    ValueError
        If a chain has expired.
    """
    ends = total_variance(far, now, rate)
    if ends is None:
        return None
    if is_at_maturity(far, now):
        return math.sqrt(ends[1] / ends[0])
    begins = total_variance(near, now, rate)
    wanted = MATURITY_DAYS * _DAY_MINUTES / MINUTES_PER_YEAR
    if begins is None or not begins[0] <= wanted <= ends[0] or ends[1] < begins[1]:
        return None
    share = (wanted - begins[0]) / (ends[0] - begins[0])
    return math.sqrt((begins[1] + share * (ends[1] - begins[1])) / wanted)


def is_at_maturity(chain: OptionChain, now: datetime) -> bool:
    """Whether a chain expires seven days from `now`, give or take twelve hours."""
    return abs(chain.expiry_at - now - timedelta(days=MATURITY_DAYS)) <= TOLERANCE


def daily_iv(market: MarketData, underlying: str, at: datetime, rate: float) -> DailyIv | None:
    """Return the day's constant-maturity volatility as the market knew it at `at`.

    Parameters
    ----------
    market : MarketData
        Chains of at least two expiries, unless one lies at the maturity itself.
    underlying : str
        An index.
    at : datetime
        Aware; by custom 15:20 of a session.
    rate : float
        A year, continuous.

    Returns
    -------
    DailyIv or None
        None where a chain is missing, older than five minutes, or says nothing honest.
    """
    least = MATURITY_DAYS * _DAY_MINUTES - int(TOLERANCE.total_seconds() // 60)
    try:
        far = market.chain(underlying, at, min_minutes=least)
        near = far if is_at_maturity(far, at) else market.chain(underlying, at, min_minutes=LEAST_MINUTES)
    except MissingDataError:
        return None
    if at - min(near.at, far.at) > _CHAIN_AGE:
        return None
    iv = constant_maturity(near, far, at, rate)
    if iv is None:
        return None
    return DailyIv(
        underlying=underlying,
        session=at.astimezone(IST).date(),
        measured_at=at,
        maturity_days=MATURITY_DAYS,
        iv=iv,
        near_expiry_on=near.expiry_at.astimezone(IST).date(),
        far_expiry_on=far.expiry_at.astimezone(IST).date(),
    )


def standing(iv: float | None, history: Sequence[DailyIv]) -> IvStanding:
    """Return where a constant-maturity volatility stands among the last 252 stored days.

    Parameters
    ----------
    iv : float or None
        Today's.
    history : sequence of DailyIv
        Earlier days, oldest first.

    Returns
    -------
    IvStanding
        Rank and percentile are None until there are sixty days, or without a volatility today. A volatility outside all
        earlier ones has rank 0 or 1; where all were the same there is no rank.
    """
    known = [day.iv for day in history[-MOST_DAYS:]]
    if iv is None or len(known) < LEAST_DAYS:
        return IvStanding(iv=iv, days=len(known), rank=None, percentile=None)
    low, high = min(known), max(known)
    rank = min(max((iv - low) / (high - low), 0.0), 1.0) if high > low else None
    return IvStanding(iv=iv, days=len(known), rank=rank, percentile=sum(each < iv for each in known) / len(known))
