"""What one recorded minute does to one super order: pure, pessimistic, never better than the candle allows.

A recorded candle holds trades, not quotes, so half a spread `h` stands between it and us:

* nothing fills in the candle of the decision; the entry buys at ``open + h + 1 tick`` where its limit reaches that
  far, else at its limit once the candle's low lies a tick below it;
* a stop sells at ``min(open, stop) - h - 3 ticks``; where the low lies more than the buffer of the stop's limit below
  the trigger, the limit was jumped over and the candle's low is paid if that is worse;
* a target sells at its limit once the candle's high lies ``h + 1 tick`` above it;
* where one candle touches both, the stop came first; a target counts in the candle of the entry only when the entry
  was bought at its open;
* at the time to be flat the position is sold at ``open - h - 1 tick``.

Only slippage can move a fill outside the candle, and only to the worse side. Orders fill whole or not at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from agents.domain.candles import Candles, moment
from agents.domain.errors import InvariantViolationError
from agents.domain.orders import TRANSITIONS, Fill, OrderState, SuperOrder
from agents.domain.values import to_rupees

LATENCY = timedelta(seconds=2)
SECOND = timedelta(seconds=1)
SLIP_TICKS = 1
STOP_SLIP_TICKS = 3
STOP_BUFFER_SHARE = Decimal("0.02")


@dataclass(frozen=True)
class Minute:
    """One candle of the contract in rupees. It opened at `opened_at` and was known at `closed_at`."""

    opened_at: datetime
    closed_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal


def minutes_of(candles: Candles) -> Iterator[Minute]:
    """Yield the candles in rupees, oldest first."""
    tick = candles.tick_size
    for i in range(len(candles)):
        yield Minute(
            opened_at=moment(candles.opened_at[i]),
            closed_at=moment(candles.closed_at[i]),
            open=to_rupees(candles.open[i], tick),
            high=to_rupees(candles.high[i], tick),
            low=to_rupees(candles.low[i], tick),
        )


def moved(order: SuperOrder, state: OrderState, **facts: object) -> SuperOrder:
    """Return the order in its next state.

    Raises
    ------
    InvariantViolationError
        If `TRANSITIONS` does not lead from the order's state to `state`.
    """
    if state not in TRANSITIONS[order.state]:
        raise InvariantViolationError(
            f"order {order.correlation_id} cannot go from {order.state} to {state}; stop trading and look at the ledger"
        )
    return order.model_copy(update={"state": state, **facts})


def stop_buffer(order: SuperOrder) -> Decimal:
    """Return how far below its trigger the stop's limit lies: 2 % of the trigger, at least its usual slippage."""
    usual = order.half_spread + STOP_SLIP_TICKS * order.tick_size
    return max(usual, order.stop_trigger * STOP_BUFFER_SHARE)


def advance(order: SuperOrder, minute: Minute) -> SuperOrder:
    """Return the order after one more candle of its contract.

    Parameters
    ----------
    order : SuperOrder
        In any state; a finished order is returned as it is.
    minute : Minute
        The next candle, not seen before.

    Raises
    ------
    InvariantViolationError
        If the order would leave `TRANSITIONS`.
    """
    if order.state is OrderState.ENTRY_PENDING:
        return _enter(order, minute)
    if order.state is OrderState.PROTECTED:
        return _leave(order, minute, target_counts=True)
    return order


def _enter(order: SuperOrder, minute: Minute) -> SuperOrder:
    if minute.opened_at < order.placed_at:
        return order
    if minute.opened_at >= min(order.cancel_entry_at, order.flatten_at):
        return moved(order, OrderState.CANCELLED, settled_until=minute.opened_at)
    tick = order.tick_size
    if minute.low > order.entry_limit - tick:
        return order
    market = _up(minute.open + order.half_spread + SLIP_TICKS * tick, tick)
    at_open = market <= order.entry_limit
    fill = Fill(
        at=minute.opened_at + LATENCY if at_open else minute.closed_at - SECOND,
        price=market if at_open else order.entry_limit,
        quantity=order.quantity,
    )
    held = moved(order, OrderState.PROTECTED, entry=fill, settled_until=minute.closed_at)
    return _leave(held, minute, target_counts=at_open)


def _leave(order: SuperOrder, minute: Minute, *, target_counts: bool) -> SuperOrder:
    tick, half = order.tick_size, order.half_spread
    if minute.opened_at >= order.flatten_at:
        return sold(order, OrderState.FLATTENED, minute.open - half - SLIP_TICKS * tick, minute.opened_at)
    inside = minute.closed_at - SECOND
    if minute.low <= order.stop_trigger:
        price = min(minute.open, order.stop_trigger) - half - STOP_SLIP_TICKS * tick
        jumped = minute.low < order.stop_trigger - stop_buffer(order)
        return sold(order, OrderState.STOP_DONE, min(price, minute.low) if jumped else price, inside)
    if target_counts and minute.high >= order.target_limit + half + SLIP_TICKS * tick:
        return sold(order, OrderState.TARGET_DONE, order.target_limit, inside)
    return order


def sold(order: SuperOrder, state: OrderState, price: Decimal, at: datetime) -> SuperOrder:
    """Return the order closed at `price`, rounded down to a tick and never below one tick."""
    paid = max(_down(price, order.tick_size), order.tick_size)
    fill = Fill(at=at, price=paid, quantity=order.quantity)
    return moved(order, state, exit=fill, settled_until=at)


def _up(price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value(ROUND_CEILING) * tick


def _down(price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value(ROUND_FLOOR) * tick
