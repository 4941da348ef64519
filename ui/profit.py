"""Profit and loss: the one place where the dashboard computes it."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from agents.domain.values import IST
from ui.snapshot import Order

PAISA = Decimal("0.01")
ZERO = Decimal(0)


class Profit(NamedTuple):
    """Rupees won or lost. `after_costs` says whether charges are in `value`; `priced` whether all has a price."""

    value: Decimal
    after_costs: bool = True
    priced: bool = True


def of_order(order: Order, prices: Mapping[str, Decimal], nets: Mapping[str, Decimal]) -> Profit:
    """Return what an order has won: after costs when it is closed and accounted for, before them otherwise."""
    if order.held == 0 and order.setup_id in nets:
        return Profit(nets[order.setup_id])
    price = prices.get(order.contract)
    if order.held and price is None:
        return Profit((order.earned - order.spent).quantize(PAISA), after_costs=False, priced=False)
    value = order.earned - order.spent + order.held * (price or ZERO)
    return Profit(value.quantize(PAISA), after_costs=order.bought == 0)


def of_day(orders: Iterable[Order], on: date, prices: Mapping[str, Decimal], nets: Mapping[str, Decimal]) -> Profit:
    """Return the result of the orders placed on a date in India, and of those still held."""
    counted = [order for order in orders if order.held or order.placed_at.astimezone(IST).date() == on]
    each = [of_order(order, prices, nets) for order in counted]
    return Profit(
        sum((profit.value for profit in each if profit.priced), ZERO),
        after_costs=all(profit.after_costs for profit in each),
        priced=all(profit.priced for profit in each),
    )
