"""Which fills a book grants an order: pure arithmetic on paise and contracts.

An order that arrives takes what is shown, level by level, at the prices shown. One that rests is met at its own price
once the other side has come to it. Nobody trades at a price better than the best one shown, and what is shown can be
taken once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from exchange.contracts import Contract
from exchange.market import Book
from exchange.orders import Order, Side
from exchange.rules import Rules


class Grant(NamedTuple):
    """A fill that the book allows, and the level it takes from."""

    price: int
    quantity: int
    level: int


@dataclass
class Taken:
    """How much of a level has been taken since it was last seen to change."""

    shown: int
    quantity: int = 0


class Liquidity:
    """What has been taken from each level, so that a book that stands still does not fill an order twice."""

    def __init__(self) -> None:
        self._taken: dict[tuple[int, str, Side], dict[int, Taken]] = {}

    def levels(self, order: Order, book: Book) -> list[tuple[int, int]]:
        """Return price and quantity left on the side that an order would take from, best first."""
        side = order.ticket.side
        shown = dict(opposite(side, book))
        seen = self._taken.setdefault((order.contract.security_id, order.contract.segment, side), {})
        for price in list(seen):
            if shown.get(price) != seen[price].shown:
                del seen[price]
        return [(price, quantity - (seen[price].quantity if price in seen else 0)) for price, quantity in shown.items()]

    def take(self, order: Order, book: Book, grant: Grant) -> None:
        """Write down a fill."""
        side = order.ticket.side
        shown = dict(opposite(side, book))[grant.level]
        seen = self._taken.setdefault((order.contract.security_id, order.contract.segment, side), {})
        seen.setdefault(grant.level, Taken(shown)).quantity += grant.quantity

    def forget(self) -> None:
        """Start the next session."""
        self._taken.clear()


def opposite(side: Side, book: Book) -> list[tuple[int, int]]:
    """Return price and quantity of the levels that a side takes from, best first, empty ones left out."""
    if side == "BUY":
        deeper = [(level.ask, level.ask_quantity) for level in book.depth[1:]]
        levels = [(book.ask, book.ask_quantity), *deeper]
    else:
        deeper = [(level.bid, level.bid_quantity) for level in book.depth[1:]]
        levels = [(book.bid, book.bid_quantity), *deeper]
    return [(price, quantity) for price, quantity in levels if price > 0 and quantity > 0]


def crosses(side: Side, limit: int, price: int) -> bool:
    """Return whether a limit price accepts a price."""
    return price <= limit if side == "BUY" else price >= limit


def grants(order: Order, levels: Iterable[tuple[int, int]], most: int) -> list[Grant]:
    """Return the fills of an order against levels, up to `most` contracts."""
    found = []
    left = min(order.remaining, most)
    for price, quantity in levels:
        if left <= 0 or not crosses(order.ticket.side, order.price, price):
            break
        if quantity <= 0:
            continue
        part = min(left, quantity)
        found.append(Grant(order.price if order.passive else price, part, price))
        left -= part
    return found


def protected_price(side: Side, reference: int, contract: Contract, rules: Rules) -> int:
    """Return the worst price at which a market order may trade, in whole ticks and inside the circuit.

    Parameters
    ----------
    side : {"BUY", "SELL"}
        The order's.
    reference : int
        Last price, or the stop's trigger, in paise.
    """
    tick = max(contract.tick, 1)
    band = reference * rules.protection_percent(reference) // 100
    if side == "BUY":
        price = (reference + band) // tick * tick
        return min(price, contract.upper_limit) if contract.upper_limit else price
    price = -(-(reference - band) // tick) * tick
    return max(price, contract.lower_limit, tick)


def touches(order: Order, prices: Iterable[int]) -> bool:
    """Return whether any traded price sets off a stop."""
    if order.ticket.side == "BUY":
        return any(price >= order.trigger for price in prices)
    return any(price <= order.trigger for price in prices)
