"""Which contract to buy at a zone: deterministic rules, and a reason for every contract that is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from agents.domain.cycle import Candidate
from agents.domain.market import OptionChain, OptionQuote
from agents.domain.values import OptionType, Side
from agents.options import black76
from agents.options.chain import DIGITS, Market, half_spread, middle, volatility


@dataclass(frozen=True)
class ContractRules:
    """What a contract must show to be bought. Premiums in rupees, interest and volume in lots."""

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


@dataclass(frozen=True)
class Levels:
    """Where the index stands and where the trade ends, in rupees of the index; `probability` of the target first."""

    spot: float
    stop: float
    target: float
    probability: float


@dataclass(frozen=True)
class Outlook:
    """One contract at the trade's levels, in rupees of premium: repriced, not delta times the move."""

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


@dataclass(frozen=True)
class Choice:
    """The contract chosen (None when none passes) and every contract looked at."""

    best: Outlook | None
    candidates: tuple[Candidate, ...]


def side_of(side: Side) -> OptionType:
    """Return the option that gains when a zone of `side` holds: calls at demand, puts at supply."""
    return OptionType.CE if side is Side.DEMAND else OptionType.PE


def choose(
    chain: OptionChain, market: Market, side: Side, levels: Levels, *, now: datetime, rules: ContractRules
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

    Returns
    -------
    Choice
        `candidates` holds one entry for each contract of the chosen right, in order of strike, with the reason it was
        refused, empty for an eligible one.
    """
    quotes = sorted(
        (q for q in chain.quotes if q.contract.option_type is side_of(side)), key=lambda q: q.contract.strike
    )
    outlooks: list[Outlook] = []
    candidates = []
    for quote in quotes:
        view = outlook(quote, market, levels, rules)
        refused = refusal(quote, view, now, rules)
        if view is not None and not refused:
            outlooks.append(view)
        candidates.append(_candidate(quote, view, refused))
    best = max(outlooks, key=lambda view: _rank(view, market), default=None)
    return Choice(best, tuple(candidates))


def outlook(quote: OptionQuote, market: Market, levels: Levels, rules: ContractRules) -> Outlook | None:
    """Return one contract repriced at the levels after the usual holding time, None when it has no honest volatility.

    The forward moves with the index point for point and the strike keeps its volatility.
    """
    iv = volatility(quote, market)
    if iv is None:
        return None
    contract, strike = quote.contract, float(quote.contract.strike)
    later = max(market.years - rules.holding_minutes / black76.MINUTES_PER_YEAR, 1.0 / black76.MINUTES_PER_YEAR)

    def at(level: float) -> float:
        moved = market.forward + level - levels.spot
        return black76.price(moved, strike, later, iv, discount=market.discount, option_type=contract.option_type)

    premium = middle(quote)
    half, modelled = half_spread(quote)
    at_stop, at_target, decay = at(levels.stop), at(levels.target), premium - at(levels.spot)
    risk = max(premium - at_stop, float(contract.tick_size))
    expected = levels.probability * (at_target - premium) - (1.0 - levels.probability) * risk
    return Outlook(
        quote=quote,
        volatility=iv,
        delta=black76.delta(
            market.forward, strike, market.years, iv, discount=market.discount, option_type=contract.option_type
        ),
        middle=premium,
        half_spread=half,
        spread_modelled=modelled,
        at_stop=at_stop,
        at_target=at_target,
        decay=decay,
        score=(expected - 2.0 * float(half) - decay) / risk,
    )


def refusal(quote: OptionQuote, view: Outlook | None, now: datetime, rules: ContractRules) -> str:
    """Return why a contract may not be bought, empty when it may."""
    lots = quote.contract.lot_size
    spread = 2.0 * float(half_spread(quote)[0])
    tick = float(quote.contract.tick_size)
    premium = middle(quote)
    checks = (
        (view is None, "no honest implied volatility"),
        (view is not None and abs(view.delta) < rules.least_delta, f"delta below {rules.least_delta}"),
        (view is not None and abs(view.delta) > rules.most_delta, f"delta above {rules.most_delta}"),
        (premium < rules.least_premium, f"premium below {rules.least_premium:g}"),
        (premium > rules.most_premium, f"premium above {rules.most_premium:g}"),
        (spread > max(tick, premium * rules.most_spread_share) + 1e-9, f"spread above {rules.most_spread_share:.0%}"),
        (quote.open_interest < rules.least_interest * lots, f"open interest below {rules.least_interest} lots"),
        (quote.volume < rules.least_volume * lots, f"volume below {rules.least_volume} lots"),
        (now - quote.at > rules.most_age, f"last seen more than {rules.most_age.total_seconds():.0f} s ago"),
    )
    return next((reason for failed, reason in checks if failed), "")


def _rank(view: Outlook, market: Market) -> tuple[float, float, float]:
    strike = float(view.quote.contract.strike)
    return round(view.score, DIGITS), -abs(strike - market.forward), -strike


def _candidate(quote: OptionQuote, view: Outlook | None, refused: str) -> Candidate:
    return Candidate(
        contract=quote.contract.instrument,
        strike=quote.contract.strike,
        premium=quote.ltp,
        delta=None if view is None else round(view.delta, DIGITS),
        score=None if view is None else round(view.score, DIGITS),
        rejected=refused,
    )


def eligible(candidates: Sequence[Candidate]) -> bool:
    """Whether any contract passed the rules."""
    return any(not candidate.rejected for candidate in candidates)
