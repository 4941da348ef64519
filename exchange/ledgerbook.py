"""What a client owns and has traded: cash, positions, trades, charges; every paisa has a line that it came from.

Options are paid for when they trade. A future is not: what it gains or loses is booked when it is closed and, at the
end of each session, at the closing price.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from exchange.charges import Charges, exercise_tax, trade_charges
from exchange.clock import Millis, ist
from exchange.contracts import Contract
from exchange.orders import Order, Side

PriceOf = Callable[[Contract], int]


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill of one order."""

    order: "TradeOrder"
    trade_id: str
    contract: Contract
    side: Side
    product: str
    price: int
    quantity: int
    at: Millis
    charges: Charges

    @property
    def value(self) -> int:
        """Price times quantity, in paise."""
        return self.price * self.quantity


class TradeOrder(NamedTuple):
    """What a trade repeats of its order."""

    order_id: str
    exchange_order_id: str
    kind: str


class Adjustment(NamedTuple):
    """Cash that moved without a trade: a settlement at expiry, its tax, a future's gain of the day; in paise."""

    at: Millis
    security_id: int
    product: str
    amount: int
    why: str


@dataclass(slots=True)
class Position:
    """One contract under one product. Carried quantity and value are signed; a carried value is what it stands at.

    Bought and sold are of the day, as quantity and value in paise.
    """

    contract: Contract
    product: str
    carried_quantity: int = 0
    carried_value: int = 0
    bought: int = 0
    bought_value: int = 0
    sold: int = 0
    sold_value: int = 0

    @property
    def net(self) -> int:
        """Contracts held: long above 0, short below."""
        return self.carried_quantity + self.bought - self.sold

    @property
    def total_bought(self) -> tuple[int, int]:
        """Quantity and value bought, with what was carried long."""
        long = self.carried_quantity > 0
        carried = (self.carried_quantity, self.carried_value) if long else (0, 0)
        return self.bought + carried[0], self.bought_value + carried[1]

    @property
    def total_sold(self) -> tuple[int, int]:
        """Quantity and value sold, with what was carried short."""
        short = self.carried_quantity < 0
        carried = (-self.carried_quantity, -self.carried_value) if short else (0, 0)
        return self.sold + carried[0], self.sold_value + carried[1]

    @property
    def realised(self) -> int:
        """What closed contracts have gained, in paise, halves up; charges not taken off."""
        (bought, paid), (sold, received) = self.total_bought, self.total_sold
        closed = min(bought, sold)
        if closed == 0:
            return 0
        return (2 * closed * (received * bought - paid * sold) + bought * sold) // (2 * bought * sold)

    def gain(self, price: int) -> int:
        """Return what it has gained altogether if the rest is worth `price`, in paise."""
        return self.total_sold[1] - self.total_bought[1] + self.net * price

    def unrealised(self, price: int) -> int:
        """Return what open contracts have gained at a price; with `realised` it adds up to `gain`."""
        return self.gain(price) - self.realised


@dataclass
class Ledger:
    """One client's money and positions. `cash` is what is in the account, margins not taken off."""

    client_id: str
    cash: int
    opening: int = 0
    positions: dict[tuple[int, str, str], Position] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    history: list[Trade] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.opening = self.cash

    def position(self, contract: Contract, product: str) -> Position:
        """Return the position in a contract under a product, opened if need be."""
        key = (contract.security_id, contract.segment, product)
        return self.positions.setdefault(key, Position(contract, product))

    def net(self, contract: Contract, product: str) -> int:
        """Return the contracts held, without opening a position."""
        held = self.positions.get((contract.security_id, contract.segment, product))
        return held.net if held else 0

    def book(self, order: Order, price: int, quantity: int, at: Millis, trade_id: str) -> Trade:
        """Enter a fill: position, cash and charges together."""
        contract, ticket = order.contract, order.ticket
        option = contract.kind == "OPTIDX"
        costs = trade_charges(
            turnover=price * quantity,
            buys=ticket.side == "BUY",
            option=option,
            on=ist(at).date(),
            first_of_order=not order.trades,
        )
        names = TradeOrder(order.order_id, order.exchange_order_id, order.kind)
        trade = Trade(names, trade_id, contract, ticket.side, ticket.product, price, quantity, at, costs)
        position = self.position(contract, ticket.product)
        before = position.realised
        if ticket.side == "BUY":
            position.bought += quantity
            position.bought_value += trade.value
        else:
            position.sold += quantity
            position.sold_value += trade.value
        self.cash += -order.sign * trade.value if option else position.realised - before
        self.cash -= costs.paise
        self.trades.append(trade)
        return trade

    def convert(self, contract: Contract, before: str, after: str, quantity: int) -> None:
        """Move contracts of a position to another product at what they cost; nothing is gained and no cash moves."""
        old, new = self.position(contract, before), self.position(contract, after)
        sign = 1 if old.net > 0 else -1
        held, value = old.total_bought if sign > 0 else old.total_sold
        moved = value * quantity // held
        if sign > 0:
            old.sold, old.sold_value = old.sold + quantity, old.sold_value + moved
            new.bought, new.bought_value = new.bought + quantity, new.bought_value + moved
        else:
            old.bought, old.bought_value = old.bought + quantity, old.bought_value + moved
            new.sold, new.sold_value = new.sold + quantity, new.sold_value + moved

    def adjust(self, at: Millis, position: Position, amount: int, why: str) -> None:
        """Move cash without a trade."""
        if amount:
            self.cash += amount
            self.adjustments.append(Adjustment(at, position.contract.security_id, position.product, amount, why))

    def close_session(self, at: Millis, on: date, final_price: PriceOf) -> None:
        """Settle what expires on a date and bring futures to the closing price.

        Parameters
        ----------
        at : int
            The moment of the entries.
        on : date
            The session that ends.
        final_price : callable
            What a contract is worth at the end: intrinsic value for an expiring option, closing price for a future.
        """
        for position in self.positions.values():
            contract, net = position.contract, position.net
            expires = contract.expiry_on is not None and contract.expiry_on <= on
            if not net or not (expires or contract.kind == "FUTIDX"):
                continue
            price = final_price(contract)
            if contract.kind == "FUTIDX":
                self.adjust(at, position, position.unrealised(price), "futures at the closing price")
            else:
                self.adjust(at, position, net * price, "option settled at expiry")
                if net > 0:
                    self.adjust(at, position, -exercise_tax(net * price, on), "transaction tax on exercise")
            _start_anew(position, 0 if expires else net, net * price)

    def open_session(self) -> None:
        """Carry open positions into the next session, drop closed ones, and file the trades."""
        for key, position in list(self.positions.items()):
            net = position.net
            if net == 0:
                del self.positions[key]
                continue
            (bought, paid), (sold, received) = position.total_bought, position.total_sold
            open_value = paid * net // bought if net > 0 else received * net // sold
            if position.contract.kind == "OPTIDX":
                _start_anew(position, net, open_value)
        self.history.extend(self.trades)
        self.trades.clear()
        self.opening = self.cash


def _start_anew(position: Position, quantity: int, value: int) -> None:
    position.carried_quantity, position.carried_value = quantity, value if quantity else 0
    position.bought = position.bought_value = position.sold = position.sold_value = 0
