"""What the broker's risk system asks of an order that has arrived, and what an account can still spend."""

from collections.abc import Callable
from datetime import date, timedelta

from exchange.clock import Millis, at_ist, ist
from exchange.contracts import Contract
from exchange.ledgerbook import Ledger
from exchange.margins import Margin, Prices, order_margin, portfolio_margin
from exchange.market import IDX_I, Market
from exchange.orderbook import OrderBook
from exchange.orders import Order
from exchange.services import Services

LONGEST_BREAK = 15
PRODUCTS = ("INTRADAY", "MARGIN")


def is_open_at(market: Market, now: Millis) -> bool:
    """Return whether orders are matched at a moment."""
    hours = market.hours(ist(now).date())
    return hours is not None and hours.open_at <= now < hours.close_at


def next_open(market: Market, now: Millis) -> Millis:
    """Return when the session opens in which an order that is sent now would trade; `now` if it is open.

    Raises
    ------
    LookupError
        If the market knows no session within the next fifteen days.
    """
    on = ist(now).date()
    for days in range(LONGEST_BREAK + 1):
        hours = market.hours(on + timedelta(days=days))
        if hours is not None and now < hours.close_at:
            return max(now, hours.open_at)
    raise LookupError(f"no session follows {on} within {LONGEST_BREAK} days; give the market a longer calendar")


def release_at(market: Market, order: Order) -> Millis:
    """Return when an order may go to the exchange: the next open, some minutes later if an after-market order asks."""
    if not order.ticket.amo:
        return order.created_at
    later = {"OPEN_30": 30, "OPEN_60": 60}.get(order.ticket.amo, 0)
    return next_open(market, order.created_at) + later * 60_000


def wrong_form(order: Order) -> str | None:
    """Return what product, quantity or price of an order its contract does not allow, or None."""
    contract, ticket = order.contract, order.ticket
    if ticket.product not in PRODUCTS:
        return f"Product {ticket.product} is not allowed in segment {ticket.segment}"
    if order.quantity % contract.lot_size:
        return f"Quantity {order.quantity} is not a multiple of lot size {contract.lot_size}"
    if contract.freeze and order.quantity > contract.freeze:
        return f"Quantity {order.quantity} exceeds freeze quantity {contract.freeze}"
    if contract.tick and (order.price % contract.tick or order.trigger % contract.tick):
        return f"Price is not a multiple of tick size {contract.tick / 100:.2f}"
    if contract.upper_limit and order.price and not contract.lower_limit <= order.price <= contract.upper_limit:
        return f"Rate Not Within Ckt Limit {contract.lower_limit / 100:.2f} To {contract.upper_limit / 100:.2f}"
    return None


class Checks:
    """The broker's risk system.

    Parameters
    ----------
    services : Services
        What every part shares.
    book : OrderBook
        Orders that tie up money already.
    ledger : callable
        A client's ledger.
    """

    def __init__(self, services: Services, book: OrderBook, ledger: Callable[[str], Ledger]) -> None:
        self._services = services
        self._book = book
        self._ledger = ledger

    def refusal(self, order: Order) -> str | None:
        """Return why an order is refused, in the risk system's words, or None."""
        late = order.ticket.product == "INTRADAY" and not order.ticket.amo and order.origin.source == "P"
        if late and self._services.now >= self.square_off_at():
            return "Intraday orders are not allowed after square off time"
        return wrong_form(order) or self._short_of_funds(order)

    def square_off_at(self, on: date | None = None) -> Millis:
        """Return when intraday positions of a date, today unless given, are squared off.

        A session that only opens later, in the evening of a festival, is squared off at its close.
        """
        on, at = on or ist(self._services.now).date(), self._services.rules.square_off_at
        usual = at_ist(on, at.hour, at.minute, at.second)
        hours = self._services.market.hours(on)
        return hours.close_at if hours is not None and hours.open_at >= usual else usual

    def available(self, client_id: str) -> int:
        """Return what an account can still spend, in paise."""
        return self._ledger(client_id).cash - self.utilised(client_id)

    def utilised(self, client_id: str) -> int:
        """Return what positions and pending orders tie up, in paise."""
        needs = self._needs(client_id, self._pending(client_id))
        return self.position_margin(client_id).total + sum(needs.values())

    def position_margin(self, client_id: str) -> Margin:
        """Return the margin on a client's positions."""
        held = self._ledger(client_id).positions.values()
        return portfolio_margin([(position.contract, position.net) for position in held], self.prices_of)

    def prices_of(self, contract: Contract) -> Prices:
        """Return the last price of a contract and of its index."""
        market, now = self._services.market, self._services.now
        own = market.top_of_book(contract.security_id, contract.segment, now).ltp
        return Prices(market.top_of_book(contract.underlying_id, IDX_I, now).ltp, own)

    def _short_of_funds(self, order: Order) -> str | None:
        client_id = order.origin.client_id
        others = [other for other in self._pending(client_id) if other.order_id != order.order_id]
        needs = self._needs(client_id, [*others, order])
        needed = needs.pop(order.order_id)
        if needed == 0:
            return None
        free = self._ledger(client_id).cash - self.position_margin(client_id).total - sum(needs.values())
        if needed <= free:
            return None
        return f"Insufficient Funds. Available {free / 100:.2f} Required {needed / 100:.2f}"

    def _pending(self, client_id: str) -> list[Order]:
        """Return the open orders that have passed the checks; exit legs tie up nothing and are left out."""
        return [
            order
            for order in self._book.of(client_id)
            if order.is_open and order.exchange_order_id != "0" and order.origin.leg in {"NA", "ENTRY_LEG"}
        ]

    def _needs(self, client_id: str, orders: list[Order]) -> dict[str, int]:
        """Return what the opening part of each order ties up, in paise, by order id.

        A position can be closed once: earlier orders use it up, those that follow open a new one.
        """
        ledger = self._ledger(client_id)
        closing = self._closing_legs(client_id)
        needs = {}
        for order in orders:
            contract, ticket = order.contract, order.ticket
            key = (contract.security_id, ticket.product, ticket.side)
            wanted = order.quantity - order.filled
            closable = max(0, -order.sign * ledger.net(contract, ticket.product) - closing.get(key, 0))
            closing[key] = closing.get(key, 0) + min(wanted, closable)
            opens = wanted - min(wanted, closable)
            needs[order.order_id] = self._opening_margin(order, opens)
        return needs

    def _closing_legs(self, client_id: str) -> dict[tuple[int, str, str], int]:
        """Return how much of each position the exits of super orders will close; a target and its stop count once."""
        closing: dict[tuple[int, str, str], dict[str, int]] = {}
        for order in self._book.of(client_id):
            if order.is_open and order.origin.parent:
                key = (order.contract.security_id, order.ticket.product, order.ticket.side)
                parents = closing.setdefault(key, {})
                parents[order.origin.parent] = max(parents.get(order.origin.parent, 0), order.remaining)
        return {key: sum(parents.values()) for key, parents in closing.items()}

    def _opening_margin(self, order: Order, quantity: int) -> int:
        if quantity <= 0:
            return 0
        buys = order.ticket.side == "BUY"
        needed = order_margin(order.contract, buys=buys, price=order.price, quantity=quantity, prices_of=self.prices_of)
        return needed.total
