"""What positions and orders tie up: premiums of what is bought, and for what is short the worst of a range of moves.

The clearing house's own scan needs its daily risk files. This one moves the underlying over the same range, keeps each
option's time value, and adds the exposure margin on notional; spreads therefore need less than their legs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from exchange.contracts import Contract

# Per mille of the underlying's price: the least price scan range of index derivatives and its steps, and exposure.
SCAN = tuple(range(-93, 94, 31))
EXPOSURE = 20
PER_MILLE = 1000


class Prices(NamedTuple):
    """Prices in paise: of the underlying index, and of the contract itself."""

    underlying: int
    own: int


PricesOf = Callable[[Contract], Prices]


@dataclass(frozen=True)
class Margin:
    """What a set of positions ties up, in paise."""

    scan: int
    exposure: int
    premium: int = 0

    @property
    def total(self) -> int:
        """Everything together."""
        return self.scan + self.exposure + self.premium


def portfolio_margin(held: Iterable[tuple[Contract, int]], prices_of: PricesOf) -> Margin:
    """Return the margin on positions: what closing everything may cost after the worst move, and exposure.

    Parameters
    ----------
    held : iterable of (Contract, int)
        Contracts and net quantities, short below 0.
    prices_of : callable
        Prices of a contract and of its underlying.
    """
    priced = [(contract, net, prices_of(contract)) for contract, net in held if net]
    losses = [sum(_loss(contract, net, prices, move) for contract, net, prices in priced) for move in SCAN]
    exposed = (prices.underlying * abs(net) for contract, net, prices in priced if net < 0 or contract.kind == "FUTIDX")
    return Margin(max(0, *losses), sum(exposed) * EXPOSURE // PER_MILLE)


def order_margin(contract: Contract, *, buys: bool, price: int, quantity: int, prices_of: PricesOf) -> Margin:
    """Return what an order that opens a position ties up; `price` in paise is what a buyer of options pays at most."""
    if buys and contract.kind == "OPTIDX":
        return Margin(0, 0, price * quantity)
    return portfolio_margin([(contract, quantity if buys else -quantity)], prices_of)


def intrinsic(contract: Contract, underlying: int) -> int:
    """Return what an option is worth when exercised, in paise."""
    distance = underlying - contract.strike * 100
    return max(distance if contract.option_type == "CE" else -distance, 0)


def _loss(contract: Contract, net: int, prices: Prices, move: int) -> int:
    """Return what closing costs after a move, in paise; below 0 it brings money in."""
    if contract.kind == "FUTIDX":
        return -net * (prices.own * move // PER_MILLE)
    moved = prices.underlying + prices.underlying * move // PER_MILLE
    time_value = max(prices.own - intrinsic(contract, prices.underlying), 0)
    return -net * (intrinsic(contract, moved) + time_value)
