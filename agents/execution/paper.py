"""The broker in process: a book of super orders that recorded or simulated candles fill."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from agents.domain.costs import PAISA
from agents.domain.cycle import Approval
from agents.domain.errors import OrderRejectedError
from agents.domain.orders import OPEN_STATES, Fill, OrderState, SuperOrder, Trade
from agents.domain.profit import day_result
from agents.domain.values import IST
from agents.execution.fills import SLIP_TICKS, advance, minutes_of, moved, sold
from agents.execution.gateway import FillRow, TradeSide
from agents.ports import MarketData

FLATTEN_PATIENCE = timedelta(minutes=10)


class OrderBook(Protocol):
    """Where orders are kept: every change is appended, the last one of each order is its state."""

    def save(self, order: SuperOrder) -> None:
        """Append a change. It must survive before this returns."""
        ...

    def latest(self) -> Sequence[SuperOrder]:
        """Return the last state of each order, in the order in which they were first saved."""
        ...


class MemoryBook:
    """A book that lives as long as its process, for replays and tests."""

    def __init__(self) -> None:
        self._orders: dict[str, SuperOrder] = {}

    def save(self, order: SuperOrder) -> None:
        """Keep the order's new state."""
        self._orders[order.correlation_id] = order

    def latest(self) -> Sequence[SuperOrder]:
        """Return each order as it stands."""
        return tuple(self._orders.values())


class PaperBroker:
    """Implements `ports.Broker`: fills orders by the rules of `agents.execution.fills` as their minutes close.

    Parameters
    ----------
    market : MarketData
        Where the contract's one-minute candles come from.
    book : OrderBook
        Where orders are kept.
    brokerage : Decimal
        Rupees for each executed order.
    """

    def __init__(self, market: MarketData, book: OrderBook, brokerage: Decimal) -> None:
        self._market = market
        self._book = book
        self._brokerage = brokerage

    def settle(self, now: datetime) -> None:
        """Apply every candle that closed by `now` to the open orders; save what changed.

        Raises
        ------
        MissingDataError
            If a position must be closed and its contract has no price at all.
        """
        for order in self._book.latest():
            if order.state in OPEN_STATES:
                settled = self._settled(order, now)
                if settled != order:
                    self._book.save(settled)

    def place(self, order: SuperOrder, approval: Approval | None = None) -> SuperOrder:  # noqa: ARG002 - the port's
        """Take a planned order into the book and return it pending; whatever stands behind it was checked before.

        Raises
        ------
        OrderRejectedError
            If its correlation id was used before, it buys nothing, or its prices make no bracket on whole ticks.
        """
        fault = self._fault(order)
        if fault:
            raise OrderRejectedError(f"order {order.correlation_id} was refused: {fault}; build a new setup")
        pending = moved(order, OrderState.ENTRY_PENDING)
        self._book.save(pending)
        return pending

    def orders(self, on: date) -> Sequence[SuperOrder]:
        """Return the super orders placed on that date (India), oldest first."""
        return tuple(order for order in self._book.latest() if order.placed_at.astimezone(IST).date() == on)

    def trades(self, on: date, *, since: date | None = None) -> Sequence[Trade]:
        """Return the round trips that ended on that date, or from `since` to it, by exit, costs included."""
        closed = (trade for order in self._book.latest() if (trade := trade_of(order, self._brokerage)))
        found = [trade for trade in closed if (since or on) <= trade.exit_at.astimezone(IST).date() <= on]
        return tuple(sorted(found, key=lambda trade: (trade.exit_at, trade.setup_id)))

    def _fault(self, order: SuperOrder) -> str:
        used = {known.correlation_id for known in self._book.latest()}
        prices = (order.entry_limit, order.stop_trigger, order.target_limit)
        checks = (
            (order.correlation_id in used, "its correlation id was used before"),
            (order.state is not OrderState.PLANNED, f"its state is {order.state}, not planned"),
            (order.quantity <= 0, "its quantity is zero"),
            (any(price % order.tick_size for price in prices), "a price is not a whole number of ticks"),
            (
                not Decimal(0) < order.stop_trigger < order.entry_limit < order.target_limit,
                f"stop {order.stop_trigger}, entry {order.entry_limit}, target {order.target_limit} are not in order",
            ),
        )
        return next((text for failed, text in checks if failed), "")

    def _settled(self, order: SuperOrder, now: datetime) -> SuperOrder:
        since = order.settled_until or order.placed_at
        for minute in minutes_of(self._market.minutes(order.contract, since, now)):
            order = advance(order, minute)
            if order.state not in OPEN_STATES:
                return order
        if order.state is OrderState.ENTRY_PENDING and now >= min(order.cancel_entry_at, order.flatten_at):
            return moved(order, OrderState.CANCELLED, settled_until=now)
        if order.state is OrderState.PROTECTED and now >= order.flatten_at + FLATTEN_PATIENCE:
            # The contract has not traded since the time to be flat: sell against its last price instead.
            last = self._market.quote(order.contract, now).ltp
            return sold(order, OrderState.FLATTENED, last - order.half_spread - SLIP_TICKS * order.tick_size, now)
        return order


def trade_of(order: SuperOrder, brokerage: Decimal) -> Trade | None:
    """Return the round trip of a closed order in rupees, None while it is open or when it never filled."""
    if order.entry is None or order.exit is None:
        return None
    both = (_execution(order, TradeSide.BUY, order.entry), _execution(order, TradeSide.SELL, order.exit))
    found = day_result(both, brokerage)
    return Trade(
        setup_id=order.setup_id,
        contract=order.contract,
        lots=order.lots,
        entry_at=order.entry.at,
        entry=order.entry.price,
        exit_at=order.exit.at,
        exit=order.exit.price,
        exit_reason=order.state,
        gross=found.gross.quantize(PAISA),
        costs=found.charges,
        net=found.net.quantize(PAISA),
    )


def _execution(order: SuperOrder, side: TradeSide, fill: Fill) -> FillRow:
    """Return a fill of the book as a row of a trade book: entry and exit are orders of their own."""
    name = f"{order.setup_id}/{side}"
    return FillRow(
        order_id=name,
        trade_id=name,
        contract=order.contract,
        side=side,
        quantity=fill.quantity,
        price=fill.price,
        at=fill.at,
    )
