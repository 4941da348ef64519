"""Implied volatilities of a chain: which options have an honest one, at the money, by strike, and the skew."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from agents.domain.chain import Skew, SmilePoint
from agents.domain.market import OptionQuote
from agents.domain.values import OptionType
from agents.options.forward import Market
from agents.options.premiums import half_spread, middle, one_sided, two_sided
from agents.options.pricing import sign_of
from analytics_ext import implied_volatility

Float64s = NDArray[np.float64]

LEAST_VOLATILITY = 1e-4
MOST_VOLATILITY = 10.0
WIDEST_SHARE = 0.10
CHEAP = 20.0
WIDEST_CHEAP = 2.0
QUOTE_AGE = timedelta(seconds=5)
TRADE_AGE = timedelta(minutes=5)
QUARTER_DELTA = 0.25
# Half of what separates two prices on the grid of ticks is below this share of a tick.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Volatilities:
    """One entry per quote: a decimal a year, NaN where `why` says why there is none (empty where there is one)."""

    values: Float64s
    why: tuple[str, ...]


def volatilities(
    quotes: Sequence[OptionQuote], market: Market, *, booked: bool, seen: datetime | None = None
) -> Volatilities:
    """Return the implied volatilities of quotes, with the reason where one would not be honest.

    There is none without a forward by parity; when one side is not quoted, or neither in a chain that is quoted; when
    the spread exceeds 10 % of the middle (2 points below a premium of 20); when the time value is one tick or less; and
    when the quote is old.

    Parameters
    ----------
    quotes : sequence of OptionQuote, length n
        Options of the expiry of `market`.
    market : Market
        Forward, time and discount.
    booked : bool
        Whether the source shows bids and asks at all.
    seen : datetime, optional
        The chain's moment: a bid and ask may be five seconds older, a last trade five minutes. Without it age has no
        say.

    Returns
    -------
    Volatilities
        Arrays of length n.
    """
    count = len(quotes)
    why = [_objection(quote, market, booked=booked, seen=seen) for quote in quotes]
    found = np.full(count, np.nan)
    asked = np.array([row for row in range(count) if not why[row]], dtype=np.int64)
    if asked.size:
        chosen = [quotes[row] for row in asked]
        solved = implied_volatility(
            [middle(quote) for quote in chosen],
            market.forward,
            [float(quote.contract.strike) for quote in chosen],
            market.years,
            discount=market.discount,
            sign=[sign_of(quote.contract.option_type) for quote in chosen],
        )
        sane = (solved > LEAST_VOLATILITY) & (solved < MOST_VOLATILITY)
        found[asked] = np.where(sane, solved, np.nan)
        for row in asked[~sane]:
            why[row] = "no volatility gives that premium"
    return Volatilities(found, tuple(why))


def volatility(quote: OptionQuote, market: Market) -> float | None:
    """Return the implied volatility of one quote, None where it has no honest one; see `volatilities`."""
    found = float(volatilities([quote], market, booked=two_sided(quote)).values[0])
    return None if np.isnan(found) else found


def _objection(quote: OptionQuote, market: Market, *, booked: bool, seen: datetime | None) -> str:
    """Return why a quote has no honest volatility, empty if nothing is known against it."""
    premium, contract = middle(quote), quote.contract
    half, modelled = half_spread(quote)
    widest = WIDEST_CHEAP if premium < CHEAP else WIDEST_SHARE * premium
    intrinsic = market.discount * max(sign_of(contract.option_type) * (market.forward - float(contract.strike)), 0.0)
    objections = (
        (not market.by_parity, "no forward by parity"),
        (one_sided(quote), "only one side is quoted"),
        (booked and not two_sided(quote), "nobody bids or asks"),
        (half < 0, "the bid is above the ask"),
        (not modelled and 2.0 * float(half) > widest, "the spread is too wide"),
        (premium - intrinsic <= float(contract.tick_size) * (1.0 + _ROUNDING), "no time value"),
        (_is_old(quote, seen), "the quote is old"),
    )
    return next((reason for holds, reason in objections if holds), "")


def _is_old(quote: OptionQuote, seen: datetime | None) -> bool:
    return seen is not None and seen - quote.at > (QUOTE_AGE if two_sided(quote) else TRADE_AGE)


def at_the_money(quotes: Sequence[OptionQuote], ivs: Float64s, market: Market) -> float | None:
    """Return the implied volatility at the forward: each strike's mean of call and put, linear between two strikes.

    None unless a strike on each side of the forward (or one exactly at it) has a volatility for both rights.
    """
    found: dict[float, list[float]] = {}
    for quote, iv in zip(quotes, ivs.tolist(), strict=True):
        if iv == iv:  # noqa: PLR0124 - False for NaN, which has no honest value
            found.setdefault(float(quote.contract.strike), []).append(iv)
    both = {strike: statistics.fmean(each) for strike, each in found.items() if len(each) == len(OptionType)}
    below = max((strike for strike in both if strike <= market.forward), default=None)
    above = min((strike for strike in both if strike >= market.forward), default=None)
    if below is None or above is None:
        return None
    share = (market.forward - below) / (above - below) if above > below else 0.0
    return both[below] + share * (both[above] - both[below])


def smile(quotes: Sequence[OptionQuote], ivs: Float64s, market: Market) -> tuple[SmilePoint, ...]:
    """Return the volatility of each strike, lowest first: the option out of the money if it has one, else the other."""
    found: dict[object, dict[OptionType, float]] = {}
    for quote, iv in zip(quotes, ivs.tolist(), strict=True):
        row = found.setdefault(quote.contract.strike, {})
        if iv == iv:  # noqa: PLR0124 - as above
            row[quote.contract.option_type] = iv
    points = []
    for strike in sorted({quote.contract.strike for quote in quotes}):
        outside = OptionType.CE if float(strike) >= market.forward else OptionType.PE
        inside = OptionType.PE if outside is OptionType.CE else OptionType.CE
        right = next((each for each in (outside, inside) if each in found[strike]), None)
        points.append(SmilePoint(strike=strike, iv=None if right is None else found[strike][right], option_type=right))
    return tuple(points)


def skew(quotes: Sequence[OptionQuote], ivs: Float64s, deltas: Float64s, atm_iv: float | None) -> Skew:
    """Return the volatilities of the call and the put with a quarter of delta, and what they make of a smile.

    Parameters
    ----------
    quotes : sequence of OptionQuote, length n
        Calls and puts of one expiry.
    ivs, deltas : ndarray of float64, shape (n,)
        Of each quote, NaN where there is none.
    atm_iv : float or None
        At the money.
    """
    call = _at_delta(quotes, ivs, deltas, OptionType.CE)
    put = _at_delta(quotes, ivs, deltas, OptionType.PE)
    reversal = butterfly = None
    if call is not None and put is not None:
        reversal = call[1] - put[1]
        butterfly = None if atm_iv is None else (call[1] + put[1]) / 2.0 - atm_iv
    return Skew(
        call_strike=call and call[0],
        call_iv=call and call[1],
        put_strike=put and put[0],
        put_iv=put and put[1],
        risk_reversal=reversal,
        butterfly=butterfly,
    )


def _at_delta(
    quotes: Sequence[OptionQuote], ivs: Float64s, deltas: Float64s, right: OptionType
) -> tuple[float, float] | None:
    """Return strike and volatility where options of one right have a quarter of delta; None outside those quoted."""
    mine = np.array([quote.contract.option_type is right for quote in quotes], dtype=np.bool_) & np.isfinite(ivs)
    strikes = np.array([float(quote.contract.strike) for quote in quotes])[mine]
    size = np.abs(deltas[mine])
    order = np.argsort(size, kind="stable")
    if not size.size or not size[order[0]] <= QUARTER_DELTA <= size[order[-1]]:
        return None
    at = [float(np.interp(QUARTER_DELTA, size[order], column[order])) for column in (strikes, ivs[mine])]
    return at[0], at[1]
