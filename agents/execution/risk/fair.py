"""What a contract is worth by its neighbours: its own price must not be the only witness of itself."""

from decimal import Decimal

from agents.domain.market import OptionChain, OptionQuote
from agents.options import Market
from agents.options.pricing import price
from agents.options.volatility import volatility


def fair_value(chain: OptionChain, market: Market, contract: str) -> float | None:
    """Return a contract's premium in rupees at the volatility of the strikes beside it.

    The two volatilities are weighed by nearness, and the contract's own plays no part.

    Parameters
    ----------
    chain : OptionChain
        With the contract in it.
    market : Market
        Forward, time and discount of the chain's expiry.
    contract : str
        Its name.

    Returns
    -------
    float or None
        None where the contract, or an honest volatility on one of its sides, is missing.
    """
    own = next((quote for quote in chain.quotes if quote.contract.instrument == contract), None)
    if own is None:
        return None
    strike, right = own.contract.strike, own.contract.option_type
    same = [quote for quote in chain.quotes if quote.contract.option_type is right]
    below = _nearest([quote for quote in same if quote.contract.strike < strike], strike)
    above = _nearest([quote for quote in same if quote.contract.strike > strike], strike)
    if below is None or above is None:
        return None
    low, high = volatility(below, market), volatility(above, market)
    if low is None or high is None:
        return None
    share = float((strike - below.contract.strike) / (above.contract.strike - below.contract.strike))
    implied = low + (high - low) * share
    return price(market.forward, float(strike), market.years, implied, discount=market.discount, option_type=right)


def _nearest(quotes: list[OptionQuote], strike: Decimal) -> OptionQuote | None:
    return min(quotes, key=lambda quote: abs(quote.contract.strike - strike), default=None)
