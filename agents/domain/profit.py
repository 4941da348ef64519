"""Profit and loss, computed here alone: from executions, each charged by itself as the broker does. Pure.

The rule: whoever shows money won or lost asks `day_result`, of the executions of a day, of an order or of all. Charges
are rounded for each execution, so that the results of the orders of a day add up to the day's, and to the account's.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from agents.domain.costs import of_execution
from agents.domain.values import IST, Frozen, Rupees

ZERO = Decimal(0)
BUY = "buy"


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
