"""Cases and the broker's rows, as the tests of the pure parts need them."""

from datetime import timedelta
from decimal import Decimal

from agents.domain.lifecycle import TradeState
from agents.execution.gateway import BrokerState, FillRow, Leg, LegRow, SuperRow, TradeSide
from agents.execution.guardian.case import Case
from agents.execution.guardian.view import View
from tests.agents.execution.guardian.story import CONTRACT, OPENS, order_of

NOW = OPENS.replace(hour=10)


def case_of(number: int = 1, **update: object) -> Case:
    case = Case(
        setup_id=f"setup{number:05d}",
        order=order_of(number, NOW),
        cycle_id="cycle",
        equity=Decimal(500_000),
        opened_at=NOW + timedelta(seconds=number),
        state=TradeState.ENTRY_PENDING,
        order_id=f"{number}",
    )
    return case.model_copy(update=update)


def leg_of(leg: Leg, state: BrokerState = BrokerState.PENDING, filled: int = 0) -> LegRow:
    price = Decimal(120) if leg is Leg.TARGET else Decimal(88)
    trigger = Decimal(90) if leg is Leg.STOP else None
    return LegRow(leg=leg, order_id=f"1{leg}", state=state, quantity=130, filled=filled, price=price, trigger=trigger)


def row_of(state: BrokerState = BrokerState.TRADED, filled: int = 130, **update: object) -> SuperRow:
    row = SuperRow(
        order_id="1",
        correlation_id=order_of(1, NOW).correlation_id,
        contract=CONTRACT,
        state=state,
        quantity=130,
        filled=filled,
        average=Decimal(100),
        entry_price=Decimal(100),
        legs=(leg_of(Leg.TARGET), leg_of(Leg.STOP)),
    )
    return row.model_copy(update=update)


def view_of(*rows: SuperRow, **update: object) -> View:
    return View(0.0, tuple(rows), **update)  # type: ignore[arg-type]  # the fields of a View


def fill(order_id: str, side: TradeSide, quantity: int, trade_id: str, price: int = 100) -> FillRow:
    return FillRow(
        order_id=order_id,
        trade_id=trade_id,
        contract=CONTRACT,
        side=side,
        quantity=quantity,
        price=Decimal(price),
        at=NOW,
    )
