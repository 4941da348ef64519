"""Super orders: an entry with a target and a stop, of which one closes what the entry opened.

The exits come to life as the entry fills and never add up to more than it. When one fills the other shrinks, and a leg
that has been cancelled does not come back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from exchange.clock import Millis
from exchange.contracts import Contract
from exchange.envelopes import NO_SUCH_ORDER, order_error
from exchange.matching import protected_price
from exchange.orderbook import OrderBook
from exchange.orders import Leg, Order, Origin, Side, Status, Ticket
from exchange.rules import Rules
from exchange.services import Services
from exchange.venue import Venue

EXITS: tuple[Leg, Leg] = ("TARGET_LEG", "STOP_LOSS_LEG")
OTHER: Mapping[Leg, Leg] = {"TARGET_LEG": "STOP_LOSS_LEG", "STOP_LOSS_LEG": "TARGET_LEG"}
IN_TRANSIT = "Order is in Transit state"


@dataclass(frozen=True)
class Terms:
    """Where a super order leaves, in paise; 0 means that there is no such leg, or no trailing."""

    target: int
    stop: int
    jump: int

    def suit(self, side: Side, price: int) -> bool:
        """Return whether target, entry and stop lie in the order that the side needs."""
        sign = 1 if side == "BUY" else -1
        above = self.target == 0 or sign * (self.target - price) > 0
        below = self.stop == 0 or sign * (price - self.stop) > 0
        return above and below and (self.target > 0 or self.stop > 0) and self.jump >= 0


@dataclass
class SuperOrder:
    """One super order. `reference` is the price that the trail counts from, `watched_from` how far it has looked.

    While it is `racing` or `sizing`, changes of its own legs are its own doing.
    """

    entry: Order
    terms: Terms
    exits: dict[Leg, Order] = field(default_factory=dict)
    cancelled: set[Leg] = field(default_factory=set)
    reference: int = 0
    watched_from: Millis = 0
    racing: bool = False
    sizing: bool = False

    def price(self, leg: Leg) -> int:
        """Return where an exit leaves, in paise."""
        return self.terms.target if leg == "TARGET_LEG" else self.terms.stop

    def filled(self, leg: Leg) -> int:
        """Return how many contracts an exit has closed."""
        return self.exits[leg].filled if leg in self.exits else 0

    @property
    def closed(self) -> int:
        """How many contracts both exits have closed."""
        return sum(self.filled(leg) for leg in EXITS)

    @property
    def status(self) -> str:
        """The state of the whole: the entry's until an exit has been set off."""
        if self.entry.filled and self.closed >= self.entry.filled and not self.entry.is_open:
            return "CLOSED"
        return "TRIGGERED" if any(self.leg_status(leg) == "TRIGGERED" for leg in EXITS) else self.entry.status.value

    def leg_status(self, leg: Leg) -> str:
        """Return the state of an exit."""
        if leg in self.exits:
            order = self.exits[leg]
            set_off = order.triggered or order.filled > 0
            return "TRIGGERED" if order.is_open and set_off else order.status.value
        over = leg in self.cancelled or not self.entry.is_open
        return "CANCELLED" if over else "PENDING"


def exit_ticket(order: SuperOrder, leg: Leg, quantity: int, rules: Rules) -> Ticket:
    """Return the order that an exit is: a limit at the target, or a stop whose limit lies a protection band beyond."""
    entry, price = order.entry, order.price(leg)
    side: Side = "SELL" if entry.ticket.side == "BUY" else "BUY"
    if leg == "TARGET_LEG":
        return replace(entry.ticket, side=side, kind="LIMIT", quantity=quantity, price=price, trigger=0)
    limit = protected_price(side, price, entry.contract, rules)
    return replace(entry.ticket, side=side, kind="STOP_LOSS", quantity=quantity, price=limit, trigger=price)


class SuperBook:
    """The super orders of the day, by their entries.

    Parameters
    ----------
    book : OrderBook
        Where entries and exits are entered.
    """

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._supers: dict[str, SuperOrder] = {}

    def put(self, order: SuperOrder) -> None:
        """Enter a super order whose entry is in the book."""
        self._supers[order.entry.order_id] = order

    def find(self, order_id: str, client_id: str) -> SuperOrder | None:
        """Return the super order whose entry or exit has that id."""
        order = self._book.find(order_id, client_id)
        if order is None:
            return None
        return self._supers.get(order.origin.parent or order.order_id)

    def named(self, order_id: str) -> SuperOrder | None:
        """Return the super order whose entry has that id."""
        return self._supers.get(order_id)

    def of(self, client_id: str) -> list[SuperOrder]:
        """Return a client's super orders, oldest first."""
        return [one for one in self._supers.values() if one.entry.origin.client_id == client_id]

    def all(self) -> list[SuperOrder]:
        """Return everybody's super orders, oldest first."""
        return list(self._supers.values())

    def clear(self) -> None:
        """Begin another day."""
        self._supers.clear()


class SuperOrders(SuperBook):
    """Takes the super orders of the day through their lives.

    Parameters
    ----------
    services : Services
        What every part shares.
    book : OrderBook
        Where entries and exits are entered.
    venue : Venue
        Takes them through their lives.
    """

    def __init__(self, services: Services, book: OrderBook, venue: Venue) -> None:
        super().__init__(book)
        self._services = services
        self._venue = venue
        book.watchers.append(self._follow)

    def place(self, client_id: str, ticket: Ticket, contract: Contract, terms: Terms) -> Order:
        """Take a super order in and return its entry."""
        entry = self._venue.place(Origin(client_id, leg="ENTRY_LEG"), ticket, contract)
        self.put(SuperOrder(entry, terms))
        return entry

    def attend(self) -> None:
        """Trail from now on; what was traded before moves no stop."""
        for order in self._supers.values():
            order.watched_from = self._services.now

    def amend_terms(self, order: SuperOrder, terms: Terms) -> None:
        """Move the exits of a super order; the trail counts from the last price anew."""
        order.terms = terms
        order.reference = self._last_price(order)
        for leg, exit_order in list(order.exits.items()):
            if exit_order.is_open and not exit_order.triggered:
                self.move(order, leg, order.price(leg))

    def cancel(self, order: SuperOrder, leg: Leg) -> None:
        """Cancel the whole by its entry, or one exit for good.

        Raises
        ------
        ApiError
            If it is in transit, or there is nothing left to cancel.
        """
        if order.entry.status is Status.TRANSIT:
            raise order_error(IN_TRANSIT)
        if leg == "ENTRY_LEG":
            self._cancel_all(order)
            return
        exit_order = order.exits.get(leg)
        over = not (exit_order or order.entry).is_open
        if leg in order.cancelled or over or order.price(leg) == 0 or order.status == "CLOSED":
            raise order_error(NO_SUCH_ORDER)
        order.cancelled.add(leg)
        if exit_order is not None:
            self._venue.withdraw(exit_order)

    def _cancel_all(self, order: SuperOrder) -> None:
        waiting = [one for one in (order.entry, *order.exits.values()) if one.is_open]
        if not waiting:
            raise order_error(NO_SUCH_ORDER)
        order.cancelled.update(EXITS)
        for one in waiting:
            if one.is_open:
                self._venue.withdraw(one)

    def _follow(self, changed: Order) -> None:
        """Keep the exits in step with what has just changed."""
        order = self._supers.get(changed.origin.parent or changed.order_id)
        if order is None:
            return
        if changed.origin.leg != "ENTRY_LEG" and changed.filled and not order.racing:
            if order.entry.is_open:
                self._venue.withdraw(order.entry, reason="An exit leg has traded")
            self._race(order, changed)
        if order.entry.filled and not order.racing and not order.sizing:
            order.sizing = True
            known = -1
            while known != order.closed:  # an exit may fill the moment it is opened
                known = order.closed
                self._size(order)
            order.sizing = False

    def _size(self, order: SuperOrder) -> None:
        """Bring each exit to what the entry has opened and the other has not closed."""
        for leg in EXITS:
            wanted = order.entry.filled - order.filled(OTHER[leg])
            existing = order.exits.get(leg)
            if existing is not None:
                self._venue.resize(existing, wanted)
            elif wanted > 0 and order.price(leg) and leg not in order.cancelled:
                self._open(order, leg, wanted)

    def _open(self, order: SuperOrder, leg: Leg, quantity: int) -> None:
        entry = order.entry
        if leg == "STOP_LOSS_LEG":
            order.reference, order.watched_from = entry.last_price, self._services.now
        origin = replace(entry.origin, leg=leg, parent=entry.order_id)
        ticket = exit_ticket(order, leg, quantity, self._services.rules)
        order.exits[leg] = self._book.open(origin, ticket, entry.contract)
        self._venue.work(order.exits[leg])

    def _race(self, order: SuperOrder, first: Order) -> None:
        """Let the other exit fill too where that fault strikes, and say so."""
        other = order.exits.get(OTHER[first.origin.leg])
        client_id = first.origin.client_id
        if other is None or not other.is_open:
            return
        if self._services.faults.strike("oco_race", client_id) is None:
            return
        order.racing = True
        last = self._last_price(order)
        self._venue.force(other, protected_price(other.ticket.side, last, other.contract, self._services.rules))
        order.racing = False
        self._services.publish("oco_race", client_id, (first.order_id, other.order_id, order.closed))

    def move(self, order: SuperOrder, leg: Leg, price: int) -> None:
        """Put an exit at another price; a stop takes its limit along."""
        exit_order = order.exits[leg]
        if leg == "TARGET_LEG":
            self._venue.reprice(exit_order, price=price, trigger=0)
            return
        limit = protected_price(exit_order.ticket.side, price, exit_order.contract, self._services.rules)
        order.terms = replace(order.terms, stop=price)
        self._venue.reprice(exit_order, price=limit, trigger=price)

    def _last_price(self, order: SuperOrder) -> int:
        contract = order.entry.contract
        return self._services.market.top_of_book(contract.security_id, contract.segment, self._services.now).ltp
