"""Where clients hand in, change and take back super orders."""

from dataclasses import replace

from exchange.accounts import Account
from exchange.counter import TOO_MANY_CHANGES, Gate, change_of
from exchange.envelopes import NO_SUCH_ORDER, input_error, order_error
from exchange.orders import Leg, Order
from exchange.services import Services
from exchange.superorders import SuperOrder, SuperOrders, Terms
from exchange.tickets import INVALID_PRICE, Body, Reader, read_terms, read_ticket
from exchange.venue import Venue


class SuperCounter:
    """Takes requests about super orders.

    Parameters
    ----------
    services : Services
        What every part shares.
    gate : Gate
        What is asked of every request.
    venue : Venue
        Takes entries through their lives.
    supers : SuperOrders
        The super orders of the day.
    """

    def __init__(self, services: Services, gate: Gate, venue: Venue, supers: SuperOrders) -> None:
        self._services = services
        self._gate = gate
        self._venue = venue
        self._supers = supers

    def place(self, account: Account, body: Body, ip: str) -> Order:
        """Take a super order in."""
        contract = self._gate.admitted(account, body, ip)
        ticket = read_ticket(body, contract, self._services.rules)
        if ticket.kind not in {"LIMIT", "MARKET"}:
            raise input_error()
        terms = read_terms(body)
        suits = terms.suit(ticket.side, ticket.price) if ticket.price else terms.target or terms.stop
        if not suits:
            raise input_error()
        self._gate.must_trade(account, amo=False)
        return self._supers.place(account.client_id, replace(ticket, validity="DAY", amo=""), contract, terms)

    def modify(self, account: Account, order_id: str, body: Body, ip: str) -> Order:
        """Change a super order by its entry, or one of its exits."""
        order = self._super(account, order_id)
        self._gate.may_send(account, ip)
        self._gate.must_be_open()
        leg, read = Reader(body).word("legName"), Reader(body)
        if leg == "ENTRY_LEG":
            self._modify_entry(order, body)
            return order.entry
        if leg not in {"TARGET_LEG", "STOP_LOSS_LEG"}:
            raise input_error()
        self._exit_alive(order, "TARGET_LEG" if leg == "TARGET_LEG" else "STOP_LOSS_LEG")
        terms = (
            replace(order.terms, target=read.paise("targetPrice"))
            if leg == "TARGET_LEG"
            # A stop that is sent without a jump stops trailing: the jump is then 0, as it is live.
            else replace(order.terms, stop=read.paise("stopLossPrice"), jump=read.paise("trailingJump"))
        )
        self._amend_terms(order, terms, leg)
        return order.entry

    def cancel(self, account: Account, order_id: str, leg: str, ip: str) -> None:
        """Take a super order or one of its exits back."""
        order = self._super(account, order_id)
        self._gate.may_send(account, ip)
        self._gate.must_be_open()
        known: dict[str, Leg] = {name: name for name in ("ENTRY_LEG", "TARGET_LEG", "STOP_LOSS_LEG")}
        if leg not in known:
            raise input_error()
        self._supers.cancel(order, known[leg])

    def _super(self, account: Account, order_id: str) -> SuperOrder:
        order = self._supers.find(order_id, account.client_id)
        if order is None:
            raise order_error(NO_SUCH_ORDER)
        return order

    def _modify_entry(self, order: SuperOrder, body: Body) -> None:
        entry = order.entry
        if not entry.is_open:
            raise order_error(NO_SUCH_ORDER)
        if entry.modifications >= self._services.rules.modifications:
            raise order_error(TOO_MANY_CHANGES)
        change, terms = change_of(entry, body), read_terms(body)
        if change.kind not in {"LIMIT", "MARKET"} or not terms.suit(entry.ticket.side, change.price or entry.price):
            raise input_error(INVALID_PRICE)
        self._venue.amend(entry, change)
        self._supers.amend_terms(order, terms)

    def _exit_alive(self, order: SuperOrder, leg: Leg) -> None:
        over = order.leg_status(leg) not in {"PENDING", "TRIGGERED", "PART_TRADED"}
        if over or order.price(leg) == 0 or order.status == "CLOSED":
            raise order_error(NO_SUCH_ORDER)

    def _amend_terms(self, order: SuperOrder, terms: Terms, leg: str) -> None:
        if (terms.target if leg == "TARGET_LEG" else terms.stop) == 0:
            raise input_error()
        if terms.target and terms.stop and order.entry.sign * (terms.target - terms.stop) <= 0:
            raise input_error(INVALID_PRICE)
        self._supers.amend_terms(order, terms)
