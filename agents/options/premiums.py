"""What one quote says an option costs, and how sure that is.

A recording has no bid and ask; there the last trade stands in for the middle and half the spread is modelled. In a
chain that has bids and asks, an option without them has no price.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal

from agents.domain.market import OptionQuote

MODEL_SPREAD_SHARE = 0.0025
PAISA = Decimal("0.01")


def two_sided(quote: OptionQuote) -> bool:
    """Whether somebody bids and somebody asks."""
    return quote.bid is not None and quote.ask is not None


def one_sided(quote: OptionQuote) -> bool:
    """Whether a bid or an ask is there without the other."""
    return (quote.bid is None) != (quote.ask is None)


def has_book(quotes: Iterable[OptionQuote]) -> bool:
    """Whether the source of a chain shows bids and asks at all."""
    return any(quote.bid is not None or quote.ask is not None for quote in quotes)


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
