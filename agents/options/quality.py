"""How good a chain is: which part of it counts, and how much of that part can be traded."""

from collections.abc import Sequence

from agents.domain.market import OptionChain, OptionQuote

NEAR_STRIKES = 21


def near_the_money(chain: OptionChain, strikes: int = NEAR_STRIKES) -> Sequence[OptionQuote]:
    """Return the quotes of the `strikes` strikes nearest to spot, lowest strike first."""
    listed = sorted({quote.contract.strike for quote in chain.quotes}, key=lambda strike: abs(strike - chain.spot))
    near = frozenset(listed[:strikes])
    found = [quote for quote in chain.quotes if quote.contract.strike in near]
    return sorted(found, key=lambda quote: (quote.contract.strike, quote.contract.option_type.value))


def two_sided_share(chain: OptionChain, strikes: int = NEAR_STRIKES) -> float | None:
    """Return the share of options near the money that have a bid and an ask, in [0, 1]; None for an empty chain."""
    near = near_the_money(chain, strikes)
    if not near:
        return None
    return sum(quote.bid is not None and quote.ask is not None for quote in near) / len(near)
