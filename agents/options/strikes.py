"""Which contract to buy at a zone: deterministic rules, and a reason for every contract that is refused."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from agents.domain.cycle import Candidate
from agents.domain.market import OptionChain, OptionQuote
from agents.domain.values import OptionType, Side
from agents.options.forward import Market
from agents.options.premiums import half_spread, has_book, middle
from agents.options.pricing import MINUTES_PER_YEAR, sign_of
from agents.options.volatility import volatilities
from analytics_ext import OptionValues, black76

DIGITS = 6


@dataclass(frozen=True)
class ContractRules:
    """What a contract must show to be bought. Premiums in rupees, interest and volume in lots.

    The smaller of the quantities at the best bid and ask must be `depth_orders` times the order, where it is known.
    """

    least_delta: float = 0.35
    most_delta: float = 0.60
    least_premium: float = 30.0
    most_premium: float = 300.0
    least_interest: int = 500
    least_volume: int = 2_000
    most_spread_share: float = 0.01
    most_age: timedelta = timedelta(minutes=5)
    minutes_to_expiry: int = 120
    holding_minutes: float = 20.0
    depth_orders: int = 3


@dataclass(frozen=True)
class Levels:
    """Where the index stands and where the trade ends, in rupees of the index; `probability` of the target first."""

    spot: float
    stop: float
    target: float
    probability: float


@dataclass(frozen=True)
class Outlook:
    """One contract at the trade's levels, in rupees of premium: repriced, not delta times the move.

    `expected` is what the trade is worth before spread and decay at the probability of its levels, `risk` what the
    stop costs; `parts` are expected value, spread and decay over the risk, and `score` is their sum. `theta` is a
    calendar day's.
    """

    quote: OptionQuote
    volatility: float
    delta: float
    middle: float
    half_spread: Decimal
    spread_modelled: bool
    at_stop: float
    at_target: float
    decay: float
    score: float
    theta: float
    expected: float
    risk: float
    parts: tuple[float, float, float]


@dataclass(frozen=True)
class Choice:
    """The contract chosen (None when none passes) and every contract looked at."""

    best: Outlook | None
    candidates: tuple[Candidate, ...]


def side_of(side: Side) -> OptionType:
    """Return the option that gains when a zone of `side` holds: calls at demand, puts at supply."""
    return OptionType.CE if side is Side.DEMAND else OptionType.PE


def choose(
    chain: OptionChain,
    market: Market,
    side: Side,
    levels: Levels,
    *,
    now: datetime,
    rules: ContractRules,
    lots: int = 1,
) -> Choice:
    """Return the eligible contract with the best score.

    The score is ``(EV - 2 h - decay) / risk`` in units of the risk at the stop: EV from the probability and the
    premiums at target and stop, `h` half the spread, `decay` what 20 minutes cost. Ties go to the strike nearer the
    forward, then to the lower strike.

    Parameters
    ----------
    chain : OptionChain
        One expiry, as known at `now`.
    market : Market
        Forward, time and discount of that expiry.
    side : Side
        Demand buys calls, supply buys puts.
    levels : Levels
        On the index, rupees.
    now : datetime
        Aware.
    rules : ContractRules
        What a contract must show.
    lots : int
        What is to be bought.

    Returns
    -------
    Choice
        `candidates` holds one entry for each contract of the chosen right, in order of strike, with the reasons it was
        refused for, none for an eligible one.
    """
    wanted = [quote for quote in chain.quotes if quote.contract.option_type is side_of(side)]
    quotes = sorted(wanted, key=lambda quote: quote.contract.strike)
    booked = has_book(chain.quotes)
    ivs = volatilities(quotes, market, booked=booked, seen=chain.at if booked else None)
    outlooks: list[Outlook] = []
    candidates = []
    for quote, view, why in zip(quotes, _outlooks(quotes, ivs.values, market, levels, rules), ivs.why, strict=True):
        refused = refusals(quote, view, now, rules, no_iv=why, lots=lots)
        if view is not None and not refused:
            outlooks.append(view)
        candidates.append(_candidate(quote, view, refused))
    best = max(outlooks, key=lambda view: _rank(view, market), default=None)
    return Choice(best, tuple(candidates))


def _outlooks(
    quotes: Sequence[OptionQuote],
    ivs: NDArray[np.float64],
    market: Market,
    levels: Levels,
    rules: ContractRules,
) -> list[Outlook | None]:
    """Return each contract repriced at the levels after the usual holding time, None when it has no honest volatility.

    The forward moves with the index point for point and the strike keeps its volatility.
    """
    if not quotes:
        return []
    strikes = [float(quote.contract.strike) for quote in quotes]
    signs = [sign_of(quote.contract.option_type) for quote in quotes]
    later = max(market.years - rules.holding_minutes / MINUTES_PER_YEAR, 1.0 / MINUTES_PER_YEAR)

    def valued(level: float, years: float) -> OptionValues:
        moved = market.forward + level - levels.spot
        return black76(moved, strikes, years, ivs, discount=market.discount, sign=signs)

    now = valued(levels.spot, market.years)
    stops, targets, stays = (valued(level, later).price for level in (levels.stop, levels.target, levels.spot))
    return [
        None
        if math.isnan(ivs[row])
        else _outlook(
            quote,
            float(ivs[row]),
            (float(now.delta[row]), float(now.theta[row])),
            (float(stops[row]), float(targets[row]), float(stays[row])),
            levels.probability,
        )
        for row, quote in enumerate(quotes)
    ]


def _outlook(
    quote: OptionQuote,
    iv: float,
    greeks: tuple[float, float],
    later: tuple[float, float, float],
    probability: float,
) -> Outlook:
    """Return a contract's outlook: `greeks` are delta and theta, `later` its premium at stop, at target and at spot."""
    premium = middle(quote)
    half, modelled = half_spread(quote)
    at_stop, at_target, decay = later[0], later[1], premium - later[2]
    risk = max(premium - at_stop, float(quote.contract.tick_size))
    expected = probability * (at_target - premium) - (1.0 - probability) * risk
    spread = 2.0 * float(half)
    return Outlook(
        quote=quote,
        volatility=iv,
        delta=greeks[0],
        middle=premium,
        half_spread=half,
        spread_modelled=modelled,
        at_stop=at_stop,
        at_target=at_target,
        decay=decay,
        score=(expected - spread - decay) / risk,
        theta=greeks[1],
        expected=expected,
        risk=risk,
        parts=(expected / risk, -spread / risk, -decay / risk),
    )


def refusals(
    quote: OptionQuote, view: Outlook | None, now: datetime, rules: ContractRules, *, no_iv: str = "", lots: int = 1
) -> tuple[str, ...]:
    """Return every reason why a contract may not be bought, none when it may.

    Parameters
    ----------
    quote : OptionQuote
        The contract.
    view : Outlook or None
        Its outlook, None when it has no honest volatility.
    now : datetime
        Aware.
    rules : ContractRules
        What a contract must show.
    no_iv : str
        Why it has no volatility.
    lots : int
        What is to be bought.
    """
    lot, tick, premium = quote.contract.lot_size, float(quote.contract.tick_size), middle(quote)
    spread = 2.0 * float(half_spread(quote)[0])
    delta = None if view is None else abs(view.delta)
    left = (quote.contract.expiry_at - now).total_seconds() / 60.0
    known = [count for count in (quote.bid_quantity, quote.ask_quantity) if count is not None]
    checks = (
        (delta is None, f"no honest implied volatility: {no_iv}"),
        (delta is not None and delta < rules.least_delta, f"delta below {rules.least_delta}"),
        (delta is not None and delta > rules.most_delta, f"delta above {rules.most_delta}"),
        (premium < rules.least_premium, f"premium below {rules.least_premium:g}"),
        (premium > rules.most_premium, f"premium above {rules.most_premium:g}"),
        (spread > max(tick, premium * rules.most_spread_share) + 1e-9, f"spread above {rules.most_spread_share:.0%}"),
        (quote.open_interest < rules.least_interest * lot, f"open interest below {rules.least_interest} lots"),
        (quote.volume < rules.least_volume * lot, f"volume below {rules.least_volume} lots"),
        (now - quote.at > rules.most_age, f"last seen more than {rules.most_age.total_seconds():.0f} s ago"),
        (left < rules.minutes_to_expiry, f"expires in less than {rules.minutes_to_expiry} minutes"),
        (
            bool(known) and min(known) < rules.depth_orders * lots * lot,
            f"fewer than {rules.depth_orders * lots} lots at the best price",
        ),
    )
    return tuple(reason for failed, reason in checks if failed)


def _rank(view: Outlook, market: Market) -> tuple[float, float, float]:
    strike = float(view.quote.contract.strike)
    return round(view.score, DIGITS), -abs(strike - market.forward), -strike


def _candidate(quote: OptionQuote, view: Outlook | None, refused: tuple[str, ...]) -> Candidate:
    half, modelled = half_spread(quote)
    bare = Candidate(
        contract=quote.contract.instrument,
        strike=quote.contract.strike,
        premium=quote.ltp,
        delta=None,
        score=None,
        rejected=refused[0] if refused else "",
        refusals=refused,
        middle=round(middle(quote), DIGITS),
        spread=2 * half,
        spread_modelled=modelled,
        open_interest=quote.open_interest,
        volume=quote.volume,
    )
    if view is None:
        return bare
    numbers = {
        "delta": view.delta,
        "score": view.score,
        "iv": view.volatility,
        "theta": view.theta,
        "at_stop": view.at_stop,
        "at_target": view.at_target,
        "expected_value": view.expected,
        "risk": view.risk,
        "decay": view.decay,
    }
    parts = tuple(round(part, DIGITS) for part in view.parts)
    return bare.model_copy(
        update={**{name: round(value, DIGITS) for name, value in numbers.items()}, "score_parts": parts}
    )
