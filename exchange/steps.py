"""The steps of an order's life that take time: planned by name, so that a restarted exchange still takes them."""

from collections.abc import Callable

from exchange.clock import Millis
from exchange.orderbook import OrderBook
from exchange.orders import Order
from exchange.services import Services, Task


class Steps:
    """Plans what happens to orders later.

    Parameters
    ----------
    services : Services
        What every part shares.
    book : OrderBook
        Where an order is found again by its id.
    """

    def __init__(self, services: Services, book: OrderBook) -> None:
        self._services = services
        self._book = book

    def teach(self, name: str, step: Callable[[Order, Task], None]) -> None:
        """Say what a step does; with an order that is over and filed it does nothing."""

        def take(task: Task) -> None:
            order = self._book.named(task.about)
            if order is not None:
                step(order, task)

        self._services.timeline.doers[name] = take

    def plan(self, name: str, order: Order, at: Millis, detail: tuple[int | str, ...] = ()) -> None:
        """Take a step with an order at a moment."""
        self._services.timeline.plan_task(at, Task(name, order.order_id, detail))

    def after_transit(self, order: Order) -> Millis:
        """Return when the broker has an order that is sent now."""
        return self._after("transit", order, self._services.rules.transit)

    def after_queue(self, order: Order) -> Millis:
        """Return when the exchange has what the broker sends it now."""
        return self._after("queue", order, self._services.rules.queue)

    def _after(self, step: str, order: Order, latency: tuple[Millis, Millis]) -> Millis:
        return self._services.now + self._services.chance.between(*latency, step, order.order_id, order.modifications)
