"""The venue's facts as rows of the gateway. Rows are values, so the same facts give the same object."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from agents.execution.gateway import BrokerState, FillRow, Leg, LegRow, OrderRow, PositionRow, SuperRow, TradeSide
from tests.simulation.book import Deal

TICK = Decimal("0.05")
PAISA = Decimal("0.01")
_KEPT = 4_096

OrderKey = tuple[str, str, str, str, int, int]
"""Order id, correlation id, contract, state, quantity, filled."""
LegKey = tuple[str, str, str, int, int, int, int | None, int]
"""Name, order id, state, quantity, filled, price, trigger, value of what it sold."""


@lru_cache(_KEPT)
def rupees(ticks: int) -> Decimal:
    """Return a price in rupees."""
    return ticks * TICK


@lru_cache(_KEPT)
def mean(value: int, filled: int) -> Decimal:
    """Return the mean price of fills in rupees, rounded to the paisa as brokers print it, 0 before the first."""
    return (value * TICK / filled).quantize(PAISA) if filled else Decimal(0)


@lru_cache(_KEPT)
def position_row(contract: str, net: int) -> PositionRow:
    """Return a position."""
    return PositionRow(contract=contract, net_quantity=net)


@lru_cache(_KEPT)
def leg_row(key: LegKey) -> LegRow:
    """Return an exit leg."""
    name, order_id, state, quantity, filled, price, trigger, value = key
    return LegRow(
        leg=Leg[name],
        order_id=order_id,
        state=BrokerState(state),
        quantity=quantity,
        filled=filled,
        price=rupees(price),
        trigger=None if trigger is None else rupees(trigger),
        average=mean(value, filled) if filled else None,
    )


@lru_cache(_KEPT)
def super_row(
    key: OrderKey, prices: tuple[int, int], message: str, entry_state: str, legs: tuple[LegKey, ...]
) -> SuperRow:
    """Return a super order; `prices` are its fills' value and its limit."""
    value, price = prices
    order_id, correlation_id, contract, state, quantity, filled = key
    return SuperRow(
        order_id=order_id,
        correlation_id=correlation_id,
        contract=contract,
        state=BrokerState(state),
        quantity=quantity,
        filled=filled,
        average=mean(value, filled),
        entry_price=rupees(price),
        legs=tuple(leg_row(leg) for leg in legs),
        message=message,
        entry_state=BrokerState(entry_state) if entry_state else None,
    )


@lru_cache(_KEPT)
def order_row(
    key: OrderKey, prices: tuple[int, int], parent_id: str | None, message: str, side: TradeSide = TradeSide.SELL
) -> OrderRow:
    """Return a plain sell order, or an entry or leg in the order list; `prices` are its fills' value and its limit."""
    value, price = prices
    order_id, correlation_id, contract, state, quantity, filled = key
    return OrderRow(
        order_id=order_id,
        correlation_id=correlation_id,
        contract=contract,
        side=side,
        state=BrokerState(state),
        quantity=quantity,
        filled=filled,
        price=rupees(price),
        average=mean(value, filled),
        parent_id=parent_id,
        message=message,
    )


@lru_cache(_KEPT)
def fill_row(deal: Deal, base: datetime) -> FillRow:
    """Return an execution."""
    return FillRow(
        order_id=deal.order_id,
        trade_id=deal.trade_id,
        contract=deal.contract,
        side=TradeSide.BUY if deal.side > 0 else TradeSide.SELL,
        quantity=deal.quantity,
        price=rupees(deal.price),
        at=base + timedelta(seconds=deal.at),
    )
