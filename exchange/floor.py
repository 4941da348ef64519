"""Where orders meet the market: matched when they come to the exchange, then again on a fixed grid of moments."""

from collections.abc import Callable
from datetime import timedelta

from exchange.checks import is_open_at
from exchange.clock import Millis, at_ist, ist
from exchange.ledgerbook import Ledger
from exchange.market import Book, Market
from exchange.matching import Grant, Liquidity, crosses, grants, protected_price, touches
from exchange.orderbook import OrderBook
from exchange.orders import RISK_PLATFORM, Order, Status
from exchange.ranges import Ranges
from exchange.services import Faults, Services


class Floor:
    """The orders at the exchange.

    While it is `unattended`, because the exchange did not run at that time, only the broker's own exits are matched.

    Parameters
    ----------
    services : Services
        What every part shares.
    book : OrderBook
        Told of every change.
    ledger : callable
        A client's ledger, where fills are entered; each is also an event ``trade`` with its `Trade`.
    """

    def __init__(self, services: Services, book: OrderBook, ledger: Callable[[str], Ledger]) -> None:
        self._services = services
        self._book = book
        self._ledger = ledger
        self.unattended = False
        self.ranges = Ranges(services)
        self._working: dict[str, Order] = {}
        self._liquidity = Liquidity()
        self._pass_at: Millis | None = None
        self.before_pass: list[Callable[[], None]] = []

    def enter(self, order: Order) -> None:
        """Take an order in and let it meet the book."""
        order.exchange_at = order.watched_from = self._services.now
        self._working[order.order_id] = order
        self.meet(order)
        self._plan_pass()

    def leave(self, order: Order) -> None:
        """Stop matching an order."""
        self._working.pop(order.order_id, None)

    def meet(self, order: Order) -> None:
        """Let an order that is here meet the book now."""
        contract, market, now = order.contract, self._services.market, self._services.now
        if is_open_at(market, now) and self._attends(order):
            self._match(order, market.top_of_book(contract.security_id, contract.segment, now))

    def put_back(self, order: Order) -> None:
        """Take an order in that was here when the exchange stopped."""
        self._working[order.order_id] = order

    def attend(self) -> None:
        """Match all orders from now on; what was traded before does not set them off."""
        self.unattended = False
        for order in self._working.values():
            order.watched_from = self._services.now
        self._plan_pass()

    def forget(self, *, orders: bool = False) -> None:
        """Forget which quantities have been taken, and all orders too when the day begins anew."""
        self._liquidity.forget()
        if orders:
            self._working.clear()
            self._pass_at = None

    def _attends(self, order: Order) -> bool:
        return not self.unattended or order.origin.platform == RISK_PLATFORM

    def _plan_pass(self) -> None:
        """Plan the next look at resting orders, on a grid, so that it does not matter who asked when."""
        every, now = self._services.rules.match_every, self._services.now
        attended = any(map(self._attends, self._working.values()))
        if attended and (self._pass_at is None or self._pass_at <= now):
            self._pass_at = _first_look(self._services.market, (now // every + 1) * every, every)
            self._services.timeline.plan(self._pass_at, self._pass)

    def _pass(self) -> None:
        for look in () if self.unattended else self.before_pass:
            look()
        books: dict[tuple[int, str], Book] = {}
        working = list(self._working.values()) if is_open_at(self._services.market, self._services.now) else []
        for order in filter(self._attends, working):
            key = (order.contract.security_id, order.contract.segment)
            if key not in books:
                books[key] = self._services.market.top_of_book(*key, self._services.now)
            self._match(order, books[key])
        self._plan_pass()

    def _match(self, order: Order, book: Book) -> None:
        if order.order_id not in self._working:
            return
        if order.waits_for_trigger and not self._touched(order, book):
            return
        best = book.ask if order.ticket.side == "BUY" else book.bid
        if best == 0 or not crosses(order.ticket.side, order.price, best):
            order.passive = True
            return
        is_stop = order.origin.leg == "STOP_LOSS_LEG"
        if is_stop and self._services.faults.strike("stop_unfilled", order.origin.client_id) is not None:
            return
        levels = self._liquidity.levels(order, book)
        most, cut = _most(self._services.faults, order)
        for grant in grants(order, levels, most):
            if order.is_open:
                self._liquidity.take(order, book, grant)
                self._fill(order, grant)
        if cut and order.is_open:
            self.leave(order)
            order.reason = "Cancelled by the exchange"
            order.move(Status.CANCELLED, self._services.now)
            self._book.changed(order)

    def _touched(self, order: Order, book: Book) -> bool:
        contract, now = order.contract, self._services.now
        traded = self.ranges.since(contract, order.watched_from)
        order.watched_from = now
        if not touches(order, (book.ltp, *traded)):
            return False
        order.triggered, order.passive = True, False
        if order.kind == "STOP_LOSS_MARKET":
            order.price = protected_price(order.ticket.side, order.trigger, contract, self._services.rules)
        order.updated_at = now
        self._book.changed(order)
        return order.is_open

    def _fill(self, order: Order, grant: Grant) -> None:
        quantity = min(grant.quantity, order.remaining)
        now, client_id = self._services.now, order.origin.client_id
        chance = self._services.chance
        trade_id = str(chance.between(10_000, 999_999_999, "trade", order.order_id, len(order.trades)))
        trade = self._ledger(client_id).book(order, grant.price, quantity, now, trade_id)
        order.trades.append(trade_id)
        order.filled += quantity
        order.value += trade.value
        order.last_price, order.last_quantity = grant.price, quantity
        order.reason = "TRADE CONFIRMED"
        order.exchange_at = now
        order.move(Status.TRADED if order.filled == order.quantity else Status.PART_TRADED, now)
        if not order.is_open:
            self.leave(order)
        self._services.publish("trade", client_id, trade)
        self._book.changed(order)


def _first_look(market: Market, at: Millis, every: Millis) -> Millis:
    """Return when orders are looked at next: at once while the market is open, else as it opens or the day ends."""
    if is_open_at(market, at):
        return at
    on = ist(at).date()
    hours = market.hours(on)
    opens = hours.open_at if hours is not None and at < hours.open_at else at_ist(on + timedelta(days=1), 0, 0)
    return -(-opens // every) * every


def _most(faults: Faults, order: Order) -> tuple[int, bool]:
    """Return how much an order may fill now, and whether the rest is then cancelled; faults say less than all."""
    strike, client_id = faults.strike, order.origin.client_id
    if order.origin.leg in {"NA", "ENTRY_LEG"} and strike("entry_part_cancelled", client_id) is not None:
        return order.contract.lot_size, True
    partial = strike("partial_fill", client_id)
    return order.remaining if partial is None else int(partial["lots"]) * order.contract.lot_size, False
