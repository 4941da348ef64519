"""What an option chain says: the forward, volatility, put-call ratios, max pain and the expected move.

A number that cannot be had honestly is None, never zero. A recording has no bid and ask; there the last trade stands
in for the middle and half the spread is modelled, which `half_spread` states.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from agents.domain.cycle import ChainSummary
from agents.domain.market import OptionChain, OptionQuote
from agents.domain.values import OptionType
from agents.options import black76

FORWARD_STRIKES = 11
LEAST_FORWARD_STRIKES = 5
FORWARD_SPREAD_POINTS = 3.0
MODEL_SPREAD_SHARE = 0.0025
PAISA = Decimal("0.01")
FRESH = timedelta(minutes=1)
DIGITS = 6


@dataclass(frozen=True)
class Market:
    """What pricing an option of a chain needs: the forward, time and the discount factor.

    `forward_source` says how the forward was found: "parity of 9 strikes", or "spot carried at 5.50 %" when parity
    gave no answer.
    """

    forward: float
    years: float
    discount: float
    forward_source: str


def middle(quote: OptionQuote) -> float:
    """Return the middle of bid and ask, or the last trade where either is unknown, in rupees."""
    if quote.bid is None or quote.ask is None:
        return float(quote.ltp)
    return float(quote.bid + quote.ask) / 2.0


def half_spread(quote: OptionQuote) -> tuple[Decimal, bool]:
    """Return half the spread in rupees, and whether it was modelled because bid or ask is unknown.

    The model is 0.25 % of the premium, rounded up to the paisa, and at least one tick.
    """
    if quote.bid is None or quote.ask is None:
        share = quote.ltp * Decimal(str(MODEL_SPREAD_SHARE))
        return max(quote.contract.tick_size, share.quantize(PAISA, ROUND_CEILING)), True
    return (quote.ask - quote.bid) / 2, False


def market_of(chain: OptionChain, now: datetime, rate: float) -> Market:
    """Return the forward and time of the chain's expiry.

    The forward is the mean of ``K + (C - P) / discount``, weighted by the inverse of the spreads (the median where
    spreads are unknown), over the 11 strikes where calls and puts cost most nearly the same; at least five strikes
    must agree to within three points (standard deviation). Otherwise spot is carried at `rate`, and said so.

    Raises
    ------
    ValueError
        If the chain has expired at `now`.
    """
    years = black76.years_between(now, chain.expiry_at)
    if years <= 0.0:
        raise ValueError(f"the chain of {chain.underlying} expired at {chain.expiry_at}; ask for the next expiry")
    discount = math.exp(-rate * years)
    implied = _implied_forwards(_pairs(chain.quotes, now, FRESH), discount)
    if len(implied) < LEAST_FORWARD_STRIKES:
        implied = _implied_forwards(_pairs(chain.quotes, now, 5 * FRESH), discount)
    values = [value for value, _, _ in implied]
    if len(values) < LEAST_FORWARD_STRIKES or statistics.stdev(values) > FORWARD_SPREAD_POINTS:
        carried = float(chain.spot) * math.exp(rate * years)
        return Market(carried, years, discount, f"spot carried at {rate:.2%}")
    if any(modelled for _, _, modelled in implied):
        forward = statistics.median(values)
    else:
        weights = [weight for _, weight, _ in implied]
        forward = math.fsum(v * w for v, w in zip(values, weights, strict=True)) / math.fsum(weights)
    return Market(forward, years, discount, f"parity of {len(values)} strikes")


def _pairs(quotes: Iterable[OptionQuote], now: datetime, oldest: timedelta) -> list[tuple[OptionQuote, OptionQuote]]:
    """Return the call and put of each strike where both were seen within `oldest` and are two-sided or recorded."""
    sides: dict[OptionType, dict[Decimal, OptionQuote]] = {OptionType.CE: {}, OptionType.PE: {}}
    for quote in quotes:
        one_sided = (quote.bid is None) != (quote.ask is None)
        if now - quote.at <= oldest and not one_sided and middle(quote) > 0.0:
            sides[quote.contract.option_type][quote.contract.strike] = quote
    calls, puts = sides[OptionType.CE], sides[OptionType.PE]
    return [(calls[strike], puts[strike]) for strike in sorted(calls.keys() & puts.keys())]


def _implied_forwards(
    pairs: Sequence[tuple[OptionQuote, OptionQuote]], discount: float
) -> list[tuple[float, float, bool]]:
    """Return (forward, weight, spread modelled) of the strikes nearest to where call and put cost the same."""
    nearest = sorted(pairs, key=lambda pair: (abs(middle(pair[0]) - middle(pair[1])), pair[0].contract.strike))
    found = []
    for call, put in nearest[:FORWARD_STRIKES]:
        (call_half, call_modelled), (put_half, put_modelled) = half_spread(call), half_spread(put)
        spread = max(2.0 * float(call_half + put_half), float(call.contract.tick_size))
        forward = float(call.contract.strike) + (middle(call) - middle(put)) / discount
        found.append((forward, 1.0 / spread, call_modelled or put_modelled))
    return found


def volatility(quote: OptionQuote, market: Market) -> float | None:
    """Return the implied volatility of one quote, None where it has no honest one.

    There is none when the quote is one-sided, when its spread exceeds 10 % of the middle (2 points below a premium of
    20), or when its time value is one tick or less.
    """
    if (quote.bid is None) != (quote.ask is None):
        return None
    premium, contract = middle(quote), quote.contract
    half, modelled = half_spread(quote)
    widest = 2.0 if premium < 20.0 else 0.10 * premium  # noqa: PLR2004 - the two bounds of the docstring
    if not modelled and 2.0 * float(half) > widest:
        return None
    sign = black76.sign_of(contract.option_type)
    intrinsic = market.discount * max(sign * (market.forward - float(contract.strike)), 0.0)
    if premium - intrinsic <= float(contract.tick_size) * (1.0 + 1e-9):
        return None
    return black76.implied_volatility(
        premium,
        market.forward,
        float(contract.strike),
        market.years,
        discount=market.discount,
        option_type=contract.option_type,
    )


def put_call_ratio(calls: float, puts: float) -> float | None:
    """Return puts over calls, None when there are no calls."""
    return puts / calls if calls > 0 else None


def max_pain(quotes: Iterable[OptionQuote], forward: float) -> float | None:
    """Return the strike at which option buyers would be paid least at expiry; ties go to the one nearest `forward`.

    One pass up for calls and one down for puts, so it is linear in the strikes. None without open interest.
    """
    interest: dict[int, list[int]] = {}
    for quote in quotes:
        row = interest.setdefault(int(quote.contract.strike * 100), [0, 0])
        row[quote.contract.option_type is OptionType.PE] += quote.open_interest
    strikes = sorted(interest)
    if not any(sum(row) for row in interest.values()):
        return None
    pain = dict.fromkeys(strikes, 0)
    for side, ordered in ((0, strikes), (1, strikes[::-1])):
        held = weighted = 0
        for strike in ordered:
            pain[strike] += abs(strike * held - weighted)
            held += interest[strike][side]
            weighted += strike * interest[strike][side]
    return min(strikes, key=lambda strike: (pain[strike], abs(strike / 100 - forward), strike)) / 100


def at_the_money_volatility(quotes: Iterable[OptionQuote], market: Market) -> float | None:
    """Return the implied volatility at the forward: each strike's mean of call and put, linear between two strikes.

    None unless a strike on each side of the forward (or one exactly at it) has a volatility for both rights.
    """
    found: dict[float, list[float]] = {}
    for quote in quotes:
        iv = volatility(quote, market)
        if iv is not None:
            found.setdefault(float(quote.contract.strike), []).append(iv)
    both = {strike: statistics.fmean(ivs) for strike, ivs in found.items() if len(ivs) == 2}  # noqa: PLR2004 - CE, PE
    below = max((strike for strike in both if strike <= market.forward), default=None)
    above = min((strike for strike in both if strike >= market.forward), default=None)
    if below is None or above is None:
        return None
    share = (market.forward - below) / (above - below) if above > below else 0.0
    return both[below] + share * (both[above] - both[below])


def summarise(chain: OptionChain, now: datetime, rate: float) -> ChainSummary:
    """Return what the chain says at `now`, over all strikes of its expiry.

    Parameters
    ----------
    chain : OptionChain
        One expiry; open interest and volume in contracts, prices in rupees.
    now : datetime
        Aware, before the expiry.
    rate : float
        Yearly, continuous.

    Returns
    -------
    ChainSummary
        `expected_move` is one standard deviation to expiry in points, ``F * IV * sqrt(T)``. Numbers are rounded to
        six decimals, so that two machines write the same record.

    Raises
    ------
    ValueError
        If the chain has expired at `now`.
    """
    market = market_of(chain, now, rate)
    calls = [q for q in chain.quotes if q.contract.option_type is OptionType.CE]
    puts = [q for q in chain.quotes if q.contract.option_type is OptionType.PE]
    iv = at_the_money_volatility([q for q in chain.quotes if now - q.at <= 5 * FRESH], market)
    return ChainSummary(
        at=chain.at,
        expiry_at=chain.expiry_at,
        forward=_rounded(market.forward),
        forward_source=market.forward_source,
        pcr_oi=_rounded(put_call_ratio(sum(q.open_interest for q in calls), sum(q.open_interest for q in puts))),
        pcr_volume=_rounded(put_call_ratio(sum(q.volume for q in calls), sum(q.volume for q in puts))),
        max_pain=max_pain(chain.quotes, market.forward),
        atm_iv=_rounded(iv),
        expected_move=_rounded(None if iv is None else market.forward * iv * math.sqrt(market.years)),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
