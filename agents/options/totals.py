"""Sums over a chain: put-call ratios, max pain, walls of open interest, what built up, and naive gamma exposure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from agents.domain.chain import BuildUp, PutCallRatios
from agents.domain.market import OptionQuote
from agents.domain.values import OptionType
from analytics_ext import max_pain as least_pain

PAISE = 100
FLAT_INTEREST = 0.005
ONE_PERCENT = 0.01
_WORDS = {
    (True, True): BuildUp.LONG_BUILD_UP,
    (False, True): BuildUp.SHORT_BUILD_UP,
    (True, False): BuildUp.SHORT_COVERING,
    (False, False): BuildUp.LONG_UNWINDING,
}


def put_call_ratio(calls: float, puts: float) -> float | None:
    """Return puts over calls, None when there are no calls."""
    return puts / calls if calls > 0 else None


def put_call_ratios(quotes: Sequence[OptionQuote]) -> PutCallRatios:
    """Return the ratios over all of `quotes`.

    Raises
    ------
    ValueError
        If there is no quote.
    """
    if not quotes:
        raise ValueError("an empty chain has no ratios; ask for the chain again")
    strikes = {quote.contract.strike for quote in quotes}
    calls = [quote for quote in quotes if quote.contract.option_type is OptionType.CE]
    puts = [quote for quote in quotes if quote.contract.option_type is OptionType.PE]
    return PutCallRatios(
        strikes=len(strikes),
        lowest=min(strikes),
        highest=max(strikes),
        oi=put_call_ratio(sum(q.open_interest for q in calls), sum(q.open_interest for q in puts)),
        volume=put_call_ratio(sum(q.volume for q in calls), sum(q.volume for q in puts)),
        oi_change=_ratio_of_changes(calls, puts),
    )


def _ratio_of_changes(calls: Sequence[OptionQuote], puts: Sequence[OptionQuote]) -> float | None:
    """Return the ratio of what open interest grew by, None unless it grew on both sides and all of it is known."""
    changes = []
    for side in (calls, puts):
        known = [interest_change(quote) for quote in side]
        changes.append(sum(change for change in known if change is not None) if None not in known else 0)
    return changes[1] / changes[0] if min(changes) > 0 else None


def interest_change(quote: OptionQuote) -> int | None:
    """Return open interest less that of the session before, in contracts; None where that is not known."""
    return None if quote.previous_open_interest is None else quote.open_interest - quote.previous_open_interest


def nearest_strikes(quotes: Sequence[OptionQuote], forward: float, each_way: int) -> Sequence[OptionQuote]:
    """Return the quotes of the strike nearest `forward` and of `each_way` strikes on each side of it."""
    strikes = sorted({quote.contract.strike for quote in quotes})
    middle = min(range(len(strikes)), key=lambda row: (abs(float(strikes[row]) - forward), row))
    kept = frozenset(strikes[max(middle - each_way, 0) : middle + each_way + 1])
    return [quote for quote in quotes if quote.contract.strike in kept]


def max_pain(quotes: Iterable[OptionQuote], forward: float) -> float | None:
    """Return the strike at which option buyers would be paid least at expiry; ties go to the one nearest `forward`.

    None without open interest.
    """
    interest: dict[int, list[int]] = {}
    for quote in quotes:
        row = interest.setdefault(int(quote.contract.strike * PAISE), [0, 0])
        row[quote.contract.option_type is OptionType.PE] += quote.open_interest
    if not interest:
        return None
    strikes = sorted(interest)
    # In steps that all strikes share: paise times contracts times paise would outgrow 64 bits on a crowded chain.
    step = int(np.gcd.reduce(np.array(strikes, dtype=np.int64)))
    calls, puts = ([interest[strike][side] for strike in strikes] for side in (0, 1))
    found = least_pain([strike // step for strike in strikes], calls, puts, forward=forward * PAISE / step)
    return None if found is None else found.strike * step / PAISE


def wall(quotes: Iterable[OptionQuote], right: OptionType, forward: float) -> Decimal | None:
    """Return the strike with the most open interest of one right, of two the one nearer `forward`; None without any."""
    held: defaultdict[Decimal, int] = defaultdict(int)
    for quote in quotes:
        if quote.contract.option_type is right:
            held[quote.contract.strike] += quote.open_interest
    if not any(held.values()):
        return None
    return max(held, key=lambda strike: (held[strike], -abs(float(strike) - forward), -strike))


def build_up(price_change: Decimal | None, before: int | None, now: int, tick: Decimal) -> BuildUp | None:
    """Return what price and open interest of one option did together.

    Parameters
    ----------
    price_change : Decimal or None
        Rupees.
    before, now : int
        Open interest in contracts.
    tick : Decimal
        A smaller change of price is none; nor is one of open interest below half a per cent.

    Returns
    -------
    BuildUp or None
        None where the change of price or the open interest before is not known.
    """
    if price_change is None or before is None:
        return None
    gained = now - before
    if abs(price_change) < tick or gained == 0 or abs(gained) < FLAT_INTEREST * before:
        return BuildUp.FLAT
    return _WORDS[price_change > 0, gained > 0]


def gamma_exposure(quotes: Sequence[OptionQuote], gammas: NDArray[np.float64], forward: float) -> float | None:
    """Return rupees of delta that one per cent of the index changes, calls less puts; None without any gamma.

    Options without an honest volatility have no gamma and are left out.
    """
    known = np.isfinite(gammas)
    if not known.any():
        return None
    signs = np.array([1 if quote.contract.option_type is OptionType.CE else -1 for quote in quotes])
    interest = np.array([quote.open_interest for quote in quotes], dtype=np.float64)
    return float(np.sum((signs * gammas * interest)[known]) * forward**2 * ONE_PERCENT)
