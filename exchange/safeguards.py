"""What closes positions other than their owner's orders: exit-all, square-off, the kill switch, exits by profit."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from exchange.checks import is_open_at, next_open
from exchange.counter import CLOSED, slices
from exchange.envelopes import order_error
from exchange.ledgerbook import Position
from exchange.ledgers import Ledgers
from exchange.orderbook import OrderBook
from exchange.orders import RISK_PLATFORM, Origin, Ticket
from exchange.services import Event, Services, Task
from exchange.venue import Venue

ALL_PRODUCTS = ("INTRADAY", "MARGIN", "CNC", "MTF")
PRODUCTS_OF: Mapping[str, tuple[str, ...]] = {"INTRADAY": ("INTRADAY",), "DELIVERY": ("MARGIN", "CNC", "MTF")}
WATCH_EVERY = 1_000
STILL_OPEN = "Kill Switch cannot be activated with open positions or pending orders"


@dataclass(frozen=True)
class PnlExit:
    """Leave everything when profit or loss reaches an amount in paise; `names` are the products as they were sent."""

    profit: int
    loss: int
    products: tuple[str, ...]
    names: tuple[str, ...]
    kill: bool

    def reached(self, gain: int) -> bool:
        """Return whether a gain, below 0 a loss, sets it off."""
        return gain >= self.profit or -gain >= self.loss


class Safeguards:
    """What stands between all clients and more loss.

    Parameters
    ----------
    services : Services
        What every part shares.
    book : OrderBook
        Open orders, to be cancelled.
    venue : Venue
        Takes the exits.
    ledgers : Ledgers
        The positions.
    """

    def __init__(self, services: Services, book: OrderBook, venue: Venue, ledgers: Ledgers) -> None:
        self._services = services
        self._book = book
        self._venue = venue
        self._ledgers = ledgers
        self.kills: set[str] = set()
        self.exits: dict[str, PnlExit] = {}
        self._watching = False
        services.timeline.doers["square off"] = lambda task: self.square_off(task.about)
        services.subscribe("trade", self._square_off_by_fault)

    def killed(self, client_id: str) -> bool:
        """Return whether a client's kill switch is on."""
        return client_id in self.kills

    def kill(self, client_id: str, *, on: bool) -> None:
        """Turn the kill switch; on only with nothing open.

        Raises
        ------
        ApiError
            If there are open positions or orders.
        """
        if not on:
            self.kills.discard(client_id)
            return
        positions = self._ledgers.of(client_id).positions.values()
        if any(position.net for position in positions) or any(order.is_open for order in self._book.of(client_id)):
            raise order_error(STILL_OPEN)
        self.kills.add(client_id)

    def exit_all(self, client_id: str) -> None:
        """Cancel every open order and leave every position at the market.

        Raises
        ------
        ApiError
            If the market is closed.
        """
        if not is_open_at(self._services.market, self._services.now):
            raise order_error(CLOSED)
        self._leave(client_id, ALL_PRODUCTS, Origin(client_id))

    def square_off(self, client_id: str) -> None:
        """Do to intraday orders and positions what the broker does at the end of a day."""
        self._leave(client_id, ("INTRADAY",), Origin(client_id, source="N", platform=RISK_PLATFORM))

    def square_off_all(self) -> None:
        """Square off every client."""
        clients = {ledger.client_id for ledger in self._ledgers} | {
            order.origin.client_id for order in self._book.all()
        }
        for client_id in sorted(clients):
            self.square_off(client_id)

    def set_pnl_exit(self, client_id: str, terms: PnlExit) -> None:
        """Watch a client's gains for the rest of the day; what is reached already fires at once."""
        self.exits[client_id] = terms
        self._fire(client_id)
        self.watch()

    def pnl_exit(self, client_id: str) -> PnlExit | None:
        """Return what is being watched, or None."""
        return self.exits.get(client_id)

    def stop_pnl_exit(self, client_id: str) -> None:
        """Stop watching."""
        self.exits.pop(client_id, None)

    def gain(self, client_id: str, products: Collection[str] = ALL_PRODUCTS) -> int:
        """Return the gain of a client's positions at last prices, in paise; charges not taken off."""
        positions = self._ledgers.of(client_id).positions.values()
        return sum(one.gain(self.last_price(one)) for one in positions if one.product in products)

    def last_price(self, position: Position) -> int:
        """Return what one contract of a position last traded at, in paise."""
        contract = position.contract
        return self._services.market.top_of_book(contract.security_id, contract.segment, self._services.now).ltp

    def clear(self) -> None:
        """Begin another day: switches are off, nothing is watched."""
        self.kills.clear()
        self.exits.clear()

    def _leave(self, client_id: str, products: Collection[str], origin: Origin) -> None:
        for order in self._book.of(client_id):
            if order.is_open and order.ticket.product in products:
                self._venue.withdraw(order, reason="Cancelled on exit of positions")
        for position in list(self._ledgers.of(client_id).positions.values()):
            if position.product in products and position.net:
                self._close(position, origin)

    def _close(self, position: Position, origin: Origin) -> None:
        contract, whole = position.contract, _exit_of(position)
        for part in slices(contract, whole.quantity):
            self._venue.place(origin, replace(whole, quantity=part), contract)

    def watch(self) -> None:
        """Plan the next look at the gains, while there is someone to look at."""
        if not self._watching and self.exits:
            self._watching = True
            at = (self._services.now // WATCH_EVERY + 1) * WATCH_EVERY
            self._services.timeline.plan(max(at, next_open(self._services.market, self._services.now)), self._look)

    def _look(self) -> None:
        self._watching = False
        for client_id in list(self.exits):
            self._fire(client_id)
        self.watch()

    def _fire(self, client_id: str) -> None:
        terms = self.exits[client_id]
        if not is_open_at(self._services.market, self._services.now):
            return
        if not terms.reached(self.gain(client_id, terms.products)):
            return
        del self.exits[client_id]
        self._leave(client_id, terms.products, Origin(client_id, source="N", platform=RISK_PLATFORM))
        if terms.kill:
            self.kills.add(client_id)
        self._services.publish("pnl_exit", client_id, terms)

    def _square_off_by_fault(self, event: Event) -> None:
        if self._services.faults.strike("square_off", event.client_id) is not None:
            self._services.timeline.plan_task(self._services.now, Task("square off", event.client_id))


def _exit_of(position: Position) -> Ticket:
    """Return the market order that closes a position, which may be larger than one order may be."""
    return Ticket(
        side="SELL" if position.net > 0 else "BUY",
        segment=position.contract.segment,
        product=position.product,
        kind="MARKET",
        validity="DAY",
        security_id=position.contract.security_id,
        quantity=abs(position.net),
        price=0,
        trigger=0,
    )
