"""The book of cases as the rest of the desk knows orders and round trips.

The rule: profit and loss are made of what the trade book showed for each setup, with the charges of the day.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from agents.domain.lifecycle import TradeState, seen_as
from agents.domain.orders import Fill, OrderState, SuperOrder, Trade
from agents.domain.profit import DayResult, OrderSums, order_result
from agents.domain.values import IST
from agents.execution.gateway import Leg
from agents.execution.guardian.case import Case
from agents.execution.guardian.ports import Standing
from agents.execution.guardian.view import View

PAISA = Decimal("0.01")


def order_of(case: Case) -> SuperOrder:
    """Return the super order of a case in its state of now, with its fills."""
    entry = exit_fill = None
    if case.bought:
        entry = Fill(at=case.filled_at or case.opened_at, price=_each(case.spent, case.bought), quantity=case.bought)
    if case.state is TradeState.CLOSED and case.priced:
        exit_fill = Fill(at=case.closed_at or case.opened_at, price=_each(case.earned, case.priced), quantity=case.sold)
    state = ended_as(case) if case.state is TradeState.CLOSED else seen_as(case.state)
    return case.order.model_copy(update={"state": state, "entry": entry, "exit": exit_fill})


def ended_as(case: Case) -> OrderState:
    """Return how a closed position was left: by its target, by its stop, or otherwise."""
    target, stop = case.leg(Leg.TARGET), case.leg(Leg.STOP)
    if stop is not None and stop.filled == case.sold:
        return OrderState.STOP_DONE
    if target is not None and target.filled == case.sold and not case.moves:
        return OrderState.TARGET_DONE
    return OrderState.FLATTENED


def result_of(case: Case, brokerage: Decimal) -> DayResult:
    """Return what a case has brought: its executions, and what is known of it beside them."""
    bought_at = case.filled_at or case.opened_at
    sums = OrderSums(
        name=case.setup_id,
        contract=case.contract,
        bought=case.bought,
        spent=case.spent,
        priced=case.priced,
        earned=case.earned,
        bought_at=bought_at,
        sold_at=case.closed_at or bought_at,
    )
    return order_result(case.fills, sums, brokerage)


def trade_of(case: Case, brokerage: Decimal) -> Trade | None:
    """Return the round trip of a closed case in rupees, None while it is open or if it bought nothing."""
    if case.state is not TradeState.CLOSED or not case.bought or not case.priced:
        return None
    found = result_of(case, brokerage)
    return Trade(
        setup_id=case.setup_id,
        contract=case.contract,
        lots=case.order.lots,
        entry_at=case.filled_at or case.opened_at,
        entry=_each(case.spent, case.bought),
        exit_at=case.closed_at or case.opened_at,
        exit=_each(case.earned, case.priced),
        exit_reason=ended_as(case),
        gross=found.gross.quantize(PAISA),
        costs=found.charges,
        net=found.net.quantize(PAISA),
    )


def standing_of(cases: Iterable[Case], seen: View, equity: Decimal, brokerage: Decimal, at: datetime) -> Standing:
    """Return the account as the pre-trade checks want it.

    Parameters
    ----------
    cases : iterable of Case
        All that is known. The orders are those opened on the date of `at`, the round trips those left on it: what was
        kept over a midnight won or lost its money on the day it was sold.
    seen : View
        The complete look of `at`.
    equity, brokerage : Decimal
        Rupees that risk is measured against, and rupees for each executed order.
    at : datetime
        Aware, when the broker's book was read.
    """
    known, on = tuple(cases), day_of(at)
    return Standing(
        equity=equity,
        orders=tuple(order_of(case) for case in of_day(known, on)),
        trades=left_on(known, on, brokerage),
        positions=seen.positions or (),
        funds=seen.funds,
        reconciled_at=at,
    )


def of_day(cases: Iterable[Case], on: date) -> tuple[Case, ...]:
    """Return the cases that were opened on a date (India), oldest first."""
    found = [case for case in cases if case.opened_at.astimezone(IST).date() == on]
    return tuple(sorted(found, key=lambda case: (case.opened_at, case.setup_id)))


def left_on(cases: Iterable[Case], on: date, brokerage: Decimal, *, since: date | None = None) -> tuple[Trade, ...]:
    """Return the round trips that ended on a date (India), or from `since` to it, by their ends."""
    found = (trade for case in cases if (trade := trade_of(case, brokerage)))
    within = [trade for trade in found if (since or on) <= trade.exit_at.astimezone(IST).date() <= on]
    return tuple(sorted(within, key=lambda trade: (trade.exit_at, trade.setup_id)))


def realised(trades: Iterable[Trade]) -> Decimal:
    """Return the rupees won or lost by round trips after costs."""
    return sum((trade.net for trade in trades), Decimal(0))


@lru_cache(8)
def day_of(now: datetime) -> date:
    """Return the date in India."""
    return now.astimezone(IST).date()


def _each(value: Decimal, quantity: int) -> Decimal:
    return (value / quantity).quantize(Decimal("0.0001"))
