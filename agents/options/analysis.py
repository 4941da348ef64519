"""One chain, read whole: every number of `ChainAnalysis`, and the few of them that a cycle's record keeps.

A number that cannot be had honestly is None, never zero.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from agents.domain.chain import BuildUp, ChainAnalysis, DailyIv, OptionReading, PutCallRatios
from agents.domain.cycle import ChainSummary
from agents.domain.market import OptionChain, OptionQuote
from agents.domain.values import OptionType, Rupees
from agents.options.forward import Market, market_of
from agents.options.maturity import constant_maturity, standing
from agents.options.premiums import has_book, middle, one_sided, two_sided
from agents.options.pricing import CONVENTIONS, sign_of
from agents.options.totals import (
    build_up,
    gamma_exposure,
    interest_change,
    max_pain,
    nearest_strikes,
    put_call_ratios,
    wall,
)
from agents.options.volatility import Volatilities, at_the_money, skew, smile, volatilities
from analytics_ext import OptionValues, black76

NEAR_EACH_WAY = 10
SESSIONS_PER_YEAR = 252
MOST_VENDOR_GAP = 0.02
DIGITS = 6


@dataclass(frozen=True, eq=False)
class _Read:
    """A chain with what the kernels say of each of its quotes, in the same order."""

    chain: OptionChain
    market: Market
    ivs: Volatilities
    values: OptionValues


def analyse(
    chain: OptionChain,
    now: datetime,
    rate: float,
    *,
    earlier: OptionChain | None = None,
    far: OptionChain | None = None,
    history: Sequence[DailyIv] = (),
) -> ChainAnalysis:
    """Return everything that a chain says; see `agents.options.agent.OptionsAnalysisAgent.analyze_option_chain`."""
    read = _read(chain, now, rate)
    market, quotes = read.market, chain.quotes
    iv = at_the_money(quotes, read.ivs.values, market)
    straddle_strike, straddle, gap = _around_the_money(read)
    today = None if far is None else constant_maturity(chain, far, now, rate)
    return ChainAnalysis(
        underlying=chain.underlying,
        at=chain.at,
        analysed_at=now,
        expiry_at=chain.expiry_at,
        conventions=CONVENTIONS,
        synthetic=chain.synthetic,
        spot=chain.spot,
        **_forward_part(market),
        **_sums_part(quotes, market.forward),
        atm_strike=straddle_strike,
        atm_iv=iv,
        straddle=straddle,
        **_moves_part(market, iv),
        skew=skew(quotes, read.ivs.values, read.values.delta, iv),
        gamma_exposure=gamma_exposure(quotes, read.values.gamma, market.forward),
        vendor_gap=gap,
        standing=standing(today, history),
        smile=smile(quotes, read.ivs.values, market),
        options=_readings(read, earlier),
        warnings=tuple(_warnings(read, iv, gap)),
    )


class _ForwardPart(TypedDict):
    years: float
    discount: float
    forward: float
    forward_source: str
    forward_strikes: int
    forward_deviation: float | None


class _SumsPart(TypedDict):
    whole: PutCallRatios
    near: PutCallRatios
    max_pain: float | None
    call_wall: Rupees | None
    put_wall: Rupees | None


class _MovesPart(TypedDict):
    expected_move: float | None
    expected_size: float | None
    session_move: float | None


def _forward_part(market: Market) -> _ForwardPart:
    return _ForwardPart(
        years=market.years,
        discount=market.discount,
        forward=market.forward,
        forward_source=market.forward_source,
        forward_strikes=market.strikes,
        forward_deviation=market.deviation,
    )


def _sums_part(quotes: Sequence[OptionQuote], forward: float) -> _SumsPart:
    return _SumsPart(
        whole=put_call_ratios(quotes),
        near=put_call_ratios(nearest_strikes(quotes, forward, NEAR_EACH_WAY)),
        max_pain=max_pain(quotes, forward),
        call_wall=wall(quotes, OptionType.CE, forward),
        put_wall=wall(quotes, OptionType.PE, forward),
    )


def _moves_part(market: Market, iv: float | None) -> _MovesPart:
    """Return how far the index may go, in points; None without a volatility at the money."""
    if iv is None:
        return _MovesPart(expected_move=None, expected_size=None, session_move=None)
    sized = market.forward * iv
    return _MovesPart(
        expected_move=sized * math.sqrt(market.years),
        expected_size=sized * math.sqrt(2.0 * market.years / math.pi),
        session_move=sized / math.sqrt(SESSIONS_PER_YEAR),
    )


def summarise(chain: OptionChain, now: datetime, rate: float) -> ChainSummary:
    """Return the numbers of a chain that a cycle's record keeps, over all strikes of its expiry.

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
        If the chain has expired at `now`, or is empty.
    """
    found = analyse(chain, now, rate)
    return ChainSummary(
        at=found.at,
        expiry_at=found.expiry_at,
        forward=_rounded(found.forward),
        forward_source=found.forward_source,
        pcr_oi=_rounded(found.whole.oi),
        pcr_volume=_rounded(found.whole.volume),
        max_pain=found.max_pain,
        atm_iv=_rounded(found.atm_iv),
        expected_move=_rounded(found.expected_move),
        pcr_oi_change=_rounded(found.whole.oi_change),
        straddle=_rounded(found.straddle),
        risk_reversal=_rounded(found.skew.risk_reversal),
        butterfly=_rounded(found.skew.butterfly),
        strikes=found.whole.strikes,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _read(chain: OptionChain, now: datetime, rate: float) -> _Read:
    market = market_of(chain, now, rate)
    if not chain.quotes:
        raise ValueError(f"the chain of {chain.underlying} for {chain.expiry_at} has no option; ask for it again")
    booked = has_book(chain.quotes)
    ivs = volatilities(chain.quotes, market, booked=booked, seen=chain.at if booked else now)
    values = black76(
        market.forward,
        [float(quote.contract.strike) for quote in chain.quotes],
        market.years,
        ivs.values,
        discount=market.discount,
        sign=[sign_of(quote.contract.option_type) for quote in chain.quotes],
    )
    return _Read(chain, market, ivs, values)


def _around_the_money(read: _Read) -> tuple[Rupees, float | None, float | None]:
    """Return the strike nearest the forward, what its call and put cost, and own less vendor's volatility there."""
    booked = has_book(read.chain.quotes)
    strikes = {quote.contract.strike for quote in read.chain.quotes}
    nearest = min(strikes, key=lambda strike: (abs(float(strike) - read.market.forward), strike))
    rows = [row for row, quote in enumerate(read.chain.quotes) if quote.contract.strike == nearest]
    quotes = [read.chain.quotes[row] for row in rows]
    both = len(quotes) == len(OptionType)
    priced = both and not any(one_sided(quote) or (booked and not two_sided(quote)) for quote in quotes)
    own = [float(read.ivs.values[row]) for row in rows]
    vendor = [quote.vendor_iv for quote in quotes if quote.vendor_iv is not None]
    told = both and len(vendor) == len(quotes) and not any(math.isnan(iv) for iv in own)
    gap = (math.fsum(own) - math.fsum(vendor)) / len(own) if told else None
    return nearest, math.fsum(middle(quote) for quote in quotes) if priced else None, gap


def _warnings(read: _Read, iv: float | None, gap: float | None) -> list[str]:
    market, found = read.market, []
    if not market.by_parity:
        apart = "" if market.deviation is None else f", {market.deviation:.2f} points apart"
        found.append(f"no forward by parity: {market.strikes} strikes{apart}; there are no volatilities")
    elif iv is None:
        found.append("no volatility at the money")
    if gap is not None and abs(gap) > MOST_VENDOR_GAP:
        found.append(f"the vendor's volatility at the money is {-gap * 100:+.1f} points from ours")
    return found


def _readings(read: _Read, earlier: OptionChain | None) -> tuple[OptionReading, ...]:
    """Return each option of the chain, by strike, calls first."""
    before = {} if earlier is None else {quote.contract.instrument: quote for quote in earlier.quotes}
    found = [_reading(read, row, quote, before) for row, quote in enumerate(read.chain.quotes)]
    return tuple(sorted(found, key=lambda each: (each.strike, each.option_type.value)))


def _reading(read: _Read, row: int, quote: OptionQuote, before: Mapping[str, OptionQuote]) -> OptionReading:
    contract, values = quote.contract, read.values
    since = None
    if (old := before.get(contract.instrument)) is not None:
        since = build_up(quote.ltp - old.ltp, old.open_interest, quote.open_interest, contract.tick_size)
    return OptionReading(
        contract=contract.instrument,
        strike=contract.strike,
        option_type=contract.option_type,
        premium=middle(quote),
        bid=quote.bid,
        ask=quote.ask,
        open_interest=quote.open_interest,
        open_interest_change=interest_change(quote),
        volume=quote.volume,
        iv=_known(read.ivs.values, row),
        no_iv=read.ivs.why[row],
        delta=_known(values.delta, row),
        gamma=_known(values.gamma, row),
        vega=_known(values.vega, row),
        theta=_known(values.theta, row),
        vendor_iv=quote.vendor_iv,
        build_up=_since_yesterday(quote),
        build_up_since=since,
    )


def _since_yesterday(quote: OptionQuote) -> BuildUp | None:
    moved = None if quote.previous_close is None else quote.ltp - quote.previous_close
    return build_up(moved, quote.previous_open_interest, quote.open_interest, quote.contract.tick_size)


def _known(column: NDArray[np.float64], row: int) -> float | None:
    value = float(column[row])
    return None if math.isnan(value) else value
