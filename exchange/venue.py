"""Takes orders through their lives: in transit, checked by the broker, at the exchange, filled or over."""

from dataclasses import dataclass, replace

from exchange.checks import Checks, release_at
from exchange.contracts import Contract
from exchange.floor import Floor
from exchange.matching import protected_price
from exchange.orderbook import OrderBook
from exchange.orders import KINDS, Kind, Order, Origin, Status, Ticket
from exchange.services import Services, Task
from exchange.steps import Steps


@dataclass(frozen=True)
class Change:
    """What a modification makes of an order."""

    kind: Kind
    quantity: int
    price: int
    trigger: int

    def apply(self, order: Order) -> None:
        """Write it into an order."""
        order.kind, order.quantity = self.kind, self.quantity
        order.price, order.trigger = self.price, self.trigger


class Venue:
    """Broker and exchange in one.

    Parameters
    ----------
    services : Services
        What every part shares.
    book : OrderBook
        Where orders are entered.
    floor : Floor
        Where they are matched.
    checks : Checks
        What the broker asks of an order that has arrived.
    """

    def __init__(self, services: Services, book: OrderBook, floor: Floor, checks: Checks) -> None:
        self._services = services
        self._book = book
        self._floor = floor
        self._checks = checks
        self._steps = Steps(services, book)
        self._steps.teach("arrive", lambda order, _: self._arrive(order))
        self._steps.teach("enter", lambda order, _: self._enter(order))
        self._steps.teach("amend", lambda order, task: self._amend(order, _change_of(task)))

    def place(self, origin: Origin, ticket: Ticket, contract: Contract) -> Order:
        """Take an order in; it is checked and sent on when its transit is over."""
        order = self._book.open(origin, ticket, contract)
        self._book.changed(order)
        self._steps.plan("arrive", order, self._steps.after_transit(order))
        return order

    def withdraw(self, order: Order, status: Status = Status.CANCELLED, reason: str = "") -> None:
        """End an open order; what has been filled stays filled."""
        self._floor.leave(order)
        order.move(status, self._services.now)
        order.reason = reason
        self._book.changed(order)

    def amend(self, order: Order, change: Change) -> None:
        """Change an order in transit at once, one at the exchange when the change has got there."""
        order.modifications += 1
        if order.status is Status.TRANSIT:
            change.apply(order)
            return
        detail = (change.kind, change.quantity, change.price, change.trigger)
        self._steps.plan("amend", order, self._steps.after_queue(order), detail)

    def work(self, order: Order) -> None:
        """Put an exit leg before the exchange now: it is the broker's own order and needs no transit or checks."""
        self._confirm(order)
        self._enter(order)

    def resize(self, order: Order, quantity: int) -> None:
        """Give an exit leg the quantity that its entry leaves to close; end it when that is filled already."""
        if quantity == order.quantity or not order.is_open:
            return
        if quantity <= order.filled:
            self.withdraw(order)
            return
        order.quantity = quantity
        order.updated_at = self._services.now
        self._book.changed(order)

    def reprice(self, order: Order, *, price: int, trigger: int) -> None:
        """Move an exit leg's prices at once, as the broker's own engine does, and let it meet the book."""
        order.price, order.trigger, order.passive = price, trigger, False
        order.updated_at = self._services.now
        self._book.changed(order)
        self._floor.meet(order)

    def force(self, order: Order, price: int) -> None:
        """Let an exit leg trade now at up to a price, whatever it waits for."""
        order.triggered = True
        self.reprice(order, price=price, trigger=order.trigger)

    def end_session(self) -> None:
        """Expire what has not been filled; after-market orders wait for the next session."""
        for order in self._book.all():
            if order.is_open and not (order.ticket.amo and not order.exchange_at):
                self.withdraw(order, Status.EXPIRED)
        self._floor.forget()

    def _arrive(self, order: Order) -> None:
        if not order.is_open:
            return
        if order.kind == "MARKET":
            _protect(self._services, order)
        refusal = self._checks.refusal(order)
        if refusal is None:
            self._confirm(order)
            at = max(self._steps.after_queue(order), release_at(self._services.market, order))
            self._steps.plan("enter", order, at)
        else:
            self._reject(order, "RMS", f"RMS:{order.order_id}:{refusal}")

    def _confirm(self, order: Order) -> None:
        chance = self._services.chance
        lead = chance.between(11, 19, "exchange lead", order.order_id)
        order.exchange_order_id = f"{lead}{chance.between(10**6, 10**8 - 1, 'exchange', order.order_id):014d}"
        order.reason = "CONFIRMED"
        order.move(Status.PENDING, self._services.now)
        self._book.changed(order)

    def _reject(self, order: Order, error: str, reason: str) -> None:
        order.error, order.reason = error, reason
        order.move(Status.REJECTED, self._services.now)
        self._book.changed(order)

    def _enter(self, order: Order) -> None:
        if not order.is_open:
            return
        name = "reject_after_pending" if order.origin.leg in {"NA", "ENTRY_LEG"} else "leg_rejected"
        if self._services.faults.strike(name, order.origin.client_id) is not None:
            self._reject(order, "16283", "EXCHANGE:Order rejected by the exchange")
            return
        self._floor.enter(order)
        if order.ticket.validity == "IOC" and order.is_open:
            self.withdraw(order, reason="IOC order cancelled")

    def _amend(self, order: Order, change: Change) -> None:
        if not order.is_open or change.quantity < order.filled:
            return
        if change.quantity == order.filled:
            self._give_up_rest(order)
            return
        trial = replace(order)
        change.apply(trial)
        if trial.kind == "MARKET":
            _protect(self._services, trial)
        refusal = self._checks.refusal(trial)
        if refusal is None:
            replace(change, kind=trial.kind, price=trial.price).apply(order)
            order.passive = False
            order.reason = "CONFIRMED"
        else:
            order.reason = f"RMS:{order.order_id}:{refusal}"
        order.updated_at = self._services.now
        self._book.changed(order)
        self._floor.meet(order)

    def _give_up_rest(self, order: Order) -> None:
        """Let an order be as large as what it has filled: done, and not cancelled."""
        self._floor.leave(order)
        order.quantity = order.filled
        order.move(Status.TRADED, self._services.now)
        self._book.changed(order)


def _change_of(task: Task) -> Change:
    """Return the change that a task was planned with."""
    kind, quantity, price, trigger = task.detail
    return Change(KINDS[str(kind)], int(quantity), int(price), int(trigger))


def _protect(services: Services, order: Order) -> None:
    """Turn a market order into a limit order, as Dhan does since 21 March 2026."""
    contract = order.contract
    shown = services.market.top_of_book(contract.security_id, contract.segment, services.now)
    order.kind = "LIMIT"
    order.price = protected_price(order.ticket.side, shown.ltp, contract, services.rules)
