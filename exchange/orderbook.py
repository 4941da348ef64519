"""All orders of the day, their names, and who is told when one changes.

What is said about an order goes out as an event ``order`` whose detail is the `Order` as it stands after the change.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from exchange.clock import ist
from exchange.contracts import Contract
from exchange.orders import Order, Origin, Ticket
from exchange.services import Services

Watcher = Callable[[Order], None]


class OrderBook:
    """All orders of the day in the order in which they came, and their names.

    `counts` says how far the numbers of each date have been given out, `turns` how often orders have been filed.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._orders: dict[str, Order] = {}
        self._of: dict[str, list[Order]] = {}
        self.counts: dict[date, int] = {}
        self.turns = 0
        self.watchers: list[Watcher] = []

    def open(self, origin: Origin, ticket: Ticket, contract: Contract) -> Order:
        """Enter a new order under a new id."""
        now, chance = self._services.now, self._services.chance
        on = ist(now).date()
        count = self.counts[on] if on in self.counts else chance.between(1_000, 40_000, "first order", on)
        count += chance.between(1, 9, "order gap", on, count)
        self.counts[on] = count
        lead = chance.between(1, 9, "order lead", on, count)
        order = Order(
            order_id=f"{lead}2{on:%y%m%d}{count:05d}",
            number=count,
            origin=origin,
            ticket=ticket,
            contract=contract,
            created_at=now,
            kind=ticket.kind,
            price=ticket.price,
            trigger=ticket.trigger,
            quantity=ticket.quantity,
            updated_at=now,
        )
        self.put(order)
        return order

    def put(self, order: Order) -> None:
        """Enter an order that has its id."""
        self._orders[order.order_id] = order
        self._of.setdefault(order.origin.client_id, []).append(order)

    def named(self, order_id: str) -> Order | None:
        """Return an order of anybody, or None."""
        return self._orders.get(order_id)

    def find(self, order_id: str, client_id: str) -> Order | None:
        """Return an order of a client, or None."""
        order = self._orders.get(order_id)
        return order if order is not None and order.origin.client_id == client_id else None

    def of(self, client_id: str) -> list[Order]:
        """Return a client's orders of the day, oldest first."""
        return list(self._of.get(client_id, ()))

    def all(self) -> list[Order]:
        """Return everybody's orders of the day, oldest first."""
        return list(self._orders.values())

    def clear(self, *, keep_open: bool = False) -> None:
        """Begin another day, with the orders that wait for it or with none."""
        self.turns += 1
        self._orders = {name: order for name, order in self._orders.items() if keep_open and order.is_open}
        self._of.clear()
        for order in self._orders.values():
            self._of.setdefault(order.origin.client_id, []).append(order)

    def changed(self, order: Order) -> None:
        """Tell listeners how an order stands, then the parts that follow it."""
        self._services.publish("order", order.origin.client_id, replace(order, trades=list(order.trades)))
        for watcher in self.watchers:
            watcher(order)
