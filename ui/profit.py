"""Profit and loss of what the pages show, by `agents.domain.profit`: no page computes one of its own."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from agents.domain.values import IST
from ui.trading import Order

PAISA = Decimal("0.01")
ZERO = Decimal(0)


class Profit(NamedTuple):
    """Rupees won or lost, less all that was charged so far. `charges` are those.

    `final` says that nothing of it can still change, `priced` whether all that is held has a price.
    """

    value: Decimal
    charges: Decimal = ZERO
    final: bool = True
    priced: bool = True


def of_order(order: Order, prices: Mapping[str, Decimal]) -> Profit:
    """Return what an order has won, what it holds counted at its price.

    Until its executions are in the ledger, which takes a moment, what the broker said of its legs stands for them. What
    was sold at a price that nobody has told has no result yet, rather than a wrong one.
    """
    price = prices.get(order.contract)
    lacking = (bool(order.held) and price is None) or bool(order.unpriced)
    worth = ZERO if price is None else order.held * price
    if order.result is None:
        value = order.earned - order.spent + worth
        return Profit(value.quantize(PAISA), final=order.bought == 0, priced=not lacking)
    found = order.result
    return Profit((found.net + worth).quantize(PAISA), found.charges, final=order.held == 0, priced=not lacking)


def counts(order: Order, on: date) -> bool:
    """Whether an order is part of the result of a date in India."""
    return bool(order.held) or order.ended_at.astimezone(IST).date() == on


def of_day(orders: Iterable[Order], on: date, prices: Mapping[str, Decimal]) -> Profit:
    """Return the result of the orders left on a date in India, and of those still held.

    One that was kept over a midnight counts while it is held, and whole on the date on which it was left, so that the
    results of all dates add up to that of all executions.
    """
    each = [of_order(order, prices) for order in orders if counts(order, on)]
    return Profit(
        sum((profit.value for profit in each if profit.priced), ZERO),
        sum((profit.charges for profit in each if profit.priced), ZERO),
        final=all(profit.final for profit in each),
        priced=all(profit.priced for profit in each),
    )
