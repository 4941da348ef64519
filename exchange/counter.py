"""Where clients hand in, change and take back orders; every refusal is an `ApiError` in the live server's words."""

from collections.abc import Callable
from dataclasses import replace

from exchange.accounts import Account
from exchange.checks import is_open_at
from exchange.clock import ist
from exchange.contracts import Contract
from exchange.envelopes import NO_SUCH_ORDER, input_error, order_error
from exchange.market import UnknownInstrumentError
from exchange.orderbook import OrderBook
from exchange.orders import KINDS, Order, Origin, Status
from exchange.services import Services
from exchange.superorders import IN_TRANSIT, SuperOrders
from exchange.tickets import (
    Body,
    Reader,
    instrument_of,
    price_problem,
    quantity_of,
    read_ticket,
)
from exchange.venue import Change, Venue

CLOSED = "Market is Closed! You cannot modify/cancel an order now."
CLOSED_TO_NEW = "Market is Closed! Want to place an offline order?"
KILLED = "Kill Switch is active. Trading is disabled for the day."
TOO_MANY_CHANGES = "Maximum number of modifications reached for this order"


class Gate:
    """What is asked of every request before its order is looked at.

    Parameters
    ----------
    services : Services
        What every part shares.
    killed : callable
        Whether a client's kill switch is on.
    """

    def __init__(self, services: Services, killed: Callable[[str], bool]) -> None:
        self._services = services
        self._killed = killed

    def contract(self, body: Body) -> Contract:
        """Return the instrument that a body names, if it can be traded."""
        security_id, segment = instrument_of(body)
        try:
            found = self._services.market.contract(security_id, segment, ist(self._services.now).date())
        except UnknownInstrumentError as error:
            raise input_error() from error
        if found.kind == "INDEX":
            raise input_error()
        return found

    def admitted(self, account: Account, body: Body, ip: str) -> Contract:
        """Return the instrument of a request that may be made; quantity, address and instrument in that order."""
        quantity_of(body)
        self.may_send(account, ip)
        return self.contract(body)

    @staticmethod
    def may_send(account: Account, ip: str) -> None:
        """Refuse an address that is not listed."""
        if not account.orders_allowed(ip):
            raise input_error("Invalid IP")

    def must_trade(self, account: Account, *, amo: bool) -> None:
        """Refuse new orders behind a kill switch or a closed market."""
        if self._killed(account.client_id):
            raise order_error(KILLED)
        if not amo and not is_open_at(self._services.market, self._services.now):
            raise order_error(CLOSED_TO_NEW)

    def must_be_open(self) -> None:
        """Refuse changes in a closed market."""
        if not is_open_at(self._services.market, self._services.now):
            raise order_error(CLOSED)


class Counter:
    """Takes requests about orders.

    Parameters
    ----------
    services : Services
        What every part shares.
    book : OrderBook
        The orders of the day.
    venue : Venue
        Takes orders through their lives.
    supers : SuperOrders
        The super orders of the day.
    gate : Gate
        What is asked of every request.
    """

    def __init__(
        self,
        services: Services,
        book: OrderBook,
        venue: Venue,
        supers: SuperOrders,
        gate: Gate,
    ) -> None:
        self._services = services
        self._book = book
        self._venue = venue
        self._supers = supers
        self.gate = gate

    def place(self, account: Account, body: Body, ip: str) -> Order:
        """Take one order in."""
        contract = self.gate.admitted(account, body, ip)
        ticket = read_ticket(body, contract, self._services.rules)
        self.gate.must_trade(account, amo=bool(ticket.amo))
        return self._venue.place(Origin(account.client_id), ticket, contract)

    def slice(self, account: Account, body: Body, ip: str) -> list[Order]:
        """Take an order in as several, none above the freeze quantity."""
        contract = self.gate.admitted(account, body, ip)
        ticket = read_ticket(body, contract, self._services.rules)
        self.gate.must_trade(account, amo=bool(ticket.amo))
        origin = Origin(account.client_id)
        parts = slices(contract, ticket.quantity)
        return [self._venue.place(origin, replace(ticket, quantity=part), contract) for part in parts]

    def modify(self, account: Account, order_id: str, body: Body, ip: str) -> Order:
        """Change an open order; `quantity` is the whole quantity, not what is left of it."""
        order = self._changeable(account, order_id, ip)
        if order.origin.leg != "NA":
            raise order_error(NO_SUCH_ORDER)
        if order.modifications >= self._services.rules.modifications:
            raise order_error(TOO_MANY_CHANGES)
        self._venue.amend(order, change_of(order, body))
        return order

    def cancel(self, account: Account, order_id: str, ip: str) -> None:
        """Take an open order back; a super order's entry takes its exits along."""
        order = self._changeable(account, order_id, ip)
        if order.status is Status.TRANSIT:
            raise order_error(IN_TRANSIT)
        if order.origin.leg == "NA":
            self._venue.withdraw(order)
        else:
            whole = self._supers.find(order_id, account.client_id)
            if whole is None:
                raise order_error(NO_SUCH_ORDER)
            self._supers.cancel(whole, order.origin.leg)

    def _changeable(self, account: Account, order_id: str, ip: str) -> Order:
        self.gate.may_send(account, ip)
        order = self._book.find(order_id, account.client_id)
        if order is None or not order.is_open:
            raise order_error(NO_SUCH_ORDER)
        if not order.ticket.amo:
            self.gate.must_be_open()
        return order


def change_of(order: Order, body: Body) -> Change:
    """Return what a modification asks for; what it leaves out stays."""
    read = Reader(body)
    kind = KINDS.get(read.word("orderType", default=order.kind))
    if kind is None:
        raise input_error()
    quantity = read.whole("quantity", default=order.quantity)
    price = read.paise("price", default=0 if kind == "MARKET" else order.price)
    trigger = read.paise("triggerPrice", default=order.trigger)
    if quantity < max(order.filled, 1):  # as much as is filled gives up the rest
        raise input_error()
    problem = price_problem(order.ticket.side, kind, price, trigger, order.contract)
    if problem is not None:
        raise problem
    return Change(kind, quantity, price, trigger)


def slices(contract: Contract, quantity: int) -> list[int]:
    """Return quantities that add up, each of whole lots within the freeze quantity except where the sum is not."""
    largest = contract.freeze // contract.lot_size * contract.lot_size if contract.freeze else quantity
    largest = max(largest, 1)
    full, rest = divmod(quantity, largest)
    return [largest] * full + ([rest] if rest else [])
