"""Profit and loss, computed here alone: from executions, each charged by itself as the broker does. Pure.

The rule: whoever shows money won or lost asks `day_result`, of the executions of a day or of all, or `order_result`,
which is the same for one order. Charges are rounded for each execution and nothing else is, so that the results of the
orders of a day add up to the day's, and to the account's.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from pydantic import AwareDatetime

from agents.domain.costs import PAISA, of_execution
from agents.domain.values import IST, Frozen, Rupees

ZERO = Decimal(0)
BUY, SELL = "buy", "sell"


class Execution(Protocol):
    """What is needed of a row of the trade book: `side` is "buy" or "sell", `quantity` units, `price` rupees a unit."""

    @property
    def order_id(self) -> str:
        """The broker's id of the order or the leg that traded."""
        ...

    @property
    def trade_id(self) -> str:
        """The broker's id of the execution, unique in a session."""
        ...

    @property
    def contract(self) -> str:
        """What was traded."""
        ...

    @property
    def side(self) -> str:
        """Whether it bought or sold."""
        ...

    @property
    def quantity(self) -> int:
        """Units, above zero."""
        ...

    @property
    def price(self) -> Decimal:
        """Rupees a unit."""
        ...

    @property
    def at(self) -> datetime:
        """When it traded, aware."""
        ...


class DayResult(Frozen):
    """Rupees of one or more days: what sales brought less what purchases cost, and what both were charged.

    `held` are the units of each contract that were bought and not sold; with any left, `gross` holds their price.
    """

    gross: Rupees
    charges: Rupees
    executions: int
    held: dict[str, int]

    @property
    def net(self) -> Decimal:
        """What is left of it."""
        return self.gross - self.charges

    def at_prices(self, prices: Mapping[str, Decimal]) -> Decimal | None:
        """Return what is left once what is held counts at its price, None where a price is not known."""
        if any(contract not in prices for contract in self.held):
            return None
        return self.net + sum((prices[contract] * units for contract, units in self.held.items()), ZERO)


def day_result(fills: Iterable[Execution], brokerage: Decimal) -> DayResult:
    """Return what executions have brought.

    Parameters
    ----------
    fills : iterable of Execution
        In any order, each once.
    brokerage : Decimal
        Rupees for each order that traded.

    Raises
    ------
    ConfigError
        If no rates are known for a date.
    """
    gross, charges, held, seen = ZERO, ZERO, dict[str, int](), set[str]()
    rows = sorted(fills, key=lambda fill: (fill.at, fill.trade_id))
    for fill in rows:
        buys = fill.side == BUY
        first = fill.order_id not in seen
        seen.add(fill.order_id)
        gross += fill.price * fill.quantity * (-1 if buys else 1)
        held[fill.contract] = held.get(fill.contract, 0) + fill.quantity * (1 if buys else -1)
        charges += of_execution(
            price=fill.price,
            quantity=fill.quantity,
            buys=buys,
            on=fill.at.astimezone(IST).date(),
            brokerage=brokerage if first else ZERO,
        )
    left = {contract: units for contract, units in held.items() if units}
    return DayResult(gross=gross, charges=charges, executions=len(rows), held=left)


class OrderSums(Frozen):
    """What is known of one order in all: units bought and the rupees they cost, units sold and what they brought.

    `priced` are the units sold whose price is known; `earned` is what those brought.
    """

    name: str
    contract: str
    bought: int
    spent: Rupees
    priced: int
    earned: Rupees
    bought_at: AwareDatetime
    sold_at: AwareDatetime


class _Rest(Frozen):
    """What no execution shows of one side of an order, as one execution at its mean price."""

    order_id: str
    trade_id: str
    contract: str
    side: str
    quantity: int
    price: Decimal
    at: AwareDatetime


def order_result(fills: Iterable[Execution], sums: OrderSums, brokerage: Decimal) -> DayResult:
    """Return what one order, its legs and its exits have brought; see `day_result`.

    Parameters
    ----------
    fills : iterable of Execution
        Its executions, as far as the trade book showed them.
    sums : OrderSums
        What is known beside them. What no execution shows counts as one at its mean price: a journal may have kept
        none, and a sale by others is sometimes only reckoned.
    brokerage : Decimal
        Rupees for each order that traded.

    Returns
    -------
    DayResult
        What was sold beyond what was bought is no profit: as many units count as were bought, at the mean price of all
        sales. Every execution is charged.
    """
    rows = list(fills)
    rows += [rest for rest in (_rest(rows, sums, buys=True), _rest(rows, sums, buys=False)) if rest is not None]
    whole = day_result(rows, brokerage)
    units = sum(fill.quantity for fill in rows if fill.side != BUY)
    beyond = units - sum(fill.quantity for fill in rows if fill.side == BUY)
    gross, held = whole.gross, whole.held
    if beyond > 0:
        earned = sum((fill.price * fill.quantity for fill in rows if fill.side != BUY), ZERO)
        gross, held = gross - earned * beyond / units, {}
    return whole.model_copy(update={"gross": gross.quantize(PAISA), "held": held})


def _rest(rows: Sequence[Execution], sums: OrderSums, *, buys: bool) -> _Rest | None:
    """Return what the rows lack of a side, None where they lack nothing that has a price."""
    shown = [row for row in rows if (row.side == BUY) is buys]
    units, value = (sums.bought, sums.spent) if buys else (sums.priced, sums.earned)
    units -= sum(row.quantity for row in shown)
    value -= sum((row.price * row.quantity for row in shown), ZERO)
    if units <= 0 or value <= 0:
        return None
    name = f"{sums.name}/{BUY if buys else SELL}"
    return _Rest(
        order_id=name,
        trade_id=name,
        contract=sums.contract,
        side=BUY if buys else SELL,
        quantity=units,
        price=value / units,
        at=sums.bought_at if buys else sums.sold_at,
    )
