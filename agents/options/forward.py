"""The forward of an expiry by put-call parity, and what else pricing its options needs."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from agents.domain.market import OptionChain, OptionQuote
from agents.domain.values import OptionType
from agents.options.premiums import half_spread, has_book, middle, one_sided, two_sided
from agents.options.pricing import years_between

FORWARD_STRIKES = 11
LEAST_FORWARD_STRIKES = 5
FORWARD_SPREAD_POINTS = 3.0
FRESH = timedelta(minutes=1)


@dataclass(frozen=True)
class Market:
    """What pricing an option of a chain needs: the forward, time and the discount factor.

    `forward_source` says how the forward was found: "parity of 9 strikes", or "spot carried at 5.50 %" when parity
    gave no answer; `by_parity` is False then. `strikes` had their say in it, `deviation` points apart (one standard
    deviation); None where fewer than two did.
    """

    forward: float
    years: float
    discount: float
    forward_source: str
    by_parity: bool = True
    strikes: int = 0
    deviation: float | None = None


@dataclass(frozen=True)
class _Implied:
    """The forward that one strike implies. Heavier is surer; a modelled spread has no say in the weight."""

    forward: float
    weight: float
    modelled: bool


def market_of(chain: OptionChain, now: datetime, rate: float) -> Market:
    """Return the forward and time of the chain's expiry.

    The forward is the mean of ``K + (C - P) / discount``, weighted by the inverse of the spreads (the median where
    spreads are unknown), over the 11 strikes where calls and puts cost most nearly the same; at least five strikes
    must agree to within three points (standard deviation). Otherwise spot is carried at `rate`, and said so.

    Parameters
    ----------
    chain : OptionChain
        One expiry.
    now : datetime
        Aware.
    rate : float
        A year, continuous.

    Raises
    ------
    ValueError
        If the chain has expired at `now`.
    """
    years = years_between(now, chain.expiry_at)
    if years <= 0.0:
        raise ValueError(f"the chain of {chain.underlying} expired at {chain.expiry_at}; ask for the next expiry")
    discount = math.exp(-rate * years)
    implied = _implied_forwards(_pairs(chain.quotes, now, FRESH), discount)
    if len(implied) < LEAST_FORWARD_STRIKES:
        implied = _implied_forwards(_pairs(chain.quotes, now, 5 * FRESH), discount)
    values = [each.forward for each in implied]
    count = len(values)
    deviation = statistics.stdev(values) if count > 1 else None
    if count < LEAST_FORWARD_STRIKES or deviation is None or deviation > FORWARD_SPREAD_POINTS:
        carried = float(chain.spot) * math.exp(rate * years)
        said = f"spot carried at {rate:.2%}"
        return Market(carried, years, discount, said, by_parity=False, strikes=count, deviation=deviation)
    if any(each.modelled for each in implied):
        forward = statistics.median(values)
    else:
        weights = [each.weight for each in implied]
        forward = math.fsum(v * w for v, w in zip(values, weights, strict=True)) / math.fsum(weights)
    return Market(forward, years, discount, f"parity of {count} strikes", strikes=count, deviation=deviation)


def _pairs(quotes: Sequence[OptionQuote], now: datetime, oldest: timedelta) -> list[tuple[OptionQuote, OptionQuote]]:
    """Return the call and put of each strike where both were seen within `oldest` and are two-sided or recorded."""
    sides: dict[OptionType, dict[Decimal, OptionQuote]] = {OptionType.CE: {}, OptionType.PE: {}}
    booked = has_book(quotes)
    for quote in quotes:
        unsure = one_sided(quote) or (booked and not two_sided(quote))
        if now - quote.at <= oldest and not unsure and middle(quote) > 0.0:
            sides[quote.contract.option_type][quote.contract.strike] = quote
    calls, puts = sides[OptionType.CE], sides[OptionType.PE]
    return [(calls[strike], puts[strike]) for strike in sorted(calls.keys() & puts.keys())]


def _implied_forwards(pairs: Iterable[tuple[OptionQuote, OptionQuote]], discount: float) -> list[_Implied]:
    """Return the forwards of the strikes nearest to where call and put cost the same."""
    nearest = sorted(pairs, key=lambda pair: (abs(middle(pair[0]) - middle(pair[1])), pair[0].contract.strike))
    found = []
    for call, put in nearest[:FORWARD_STRIKES]:
        (call_half, call_modelled), (put_half, put_modelled) = half_spread(call), half_spread(put)
        spread = max(2.0 * float(call_half + put_half), float(call.contract.tick_size))
        forward = float(call.contract.strike) + (middle(call) - middle(put)) / discount
        found.append(_Implied(forward, 1.0 / spread, call_modelled or put_modelled))
    return found
