"""The sum of what closed trades brought, in the order of leaving them, and how far it fell from its highest."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from ui.profit import of_order
from ui.trading import Order

ZERO = Decimal(0)


class Point(NamedTuple):
    """The sums after one more trade, in rupees: `net` is after charges, `fall` how far it lies below its highest."""

    at: datetime
    net: Decimal
    charges: Decimal
    fall: Decimal

    @property
    def gross(self) -> Decimal:
        """The sum before charges."""
        return self.net + self.charges


def curve(orders: Iterable[Order]) -> tuple[Point, ...]:
    """Return a point for each order that bought something, holds nothing any more and whose prices are known.

    A sum begins at nothing.
    """
    closed = [order for order in orders if order.bought and not order.held and not order.unpriced]
    points: list[Point] = []
    net = charges = highest = ZERO
    for order in sorted(closed, key=lambda one: (one.ended_at, one.setup_id)):
        profit = of_order(order, {})
        net, charges = net + profit.value, charges + profit.charges
        highest = max(highest, net)
        points.append(Point(order.ended_at, net, charges, highest - net))
    return tuple(points)


def deepest_fall(points: Iterable[Point]) -> Decimal:
    """Return the deepest fall from a high, 0 where there was none."""
    return max((point.fall for point in points), default=ZERO)
