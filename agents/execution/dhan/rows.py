"""Dhan's rows of orders, fills and positions in our words: pure, tolerant of what is missing, deaf to what is extra.

A word of state that is not in the table is `BrokerState.UNKNOWN`. A row without its id, quantity or contract cannot be
read, and then neither can the list: half a list would look like orders that ended.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from agents.domain.errors import BrokerUnavailableError
from agents.domain.values import IST
from agents.execution.gateway import (
    BrokerState,
    FillRow,
    Funds,
    Leg,
    LegRow,
    OrderRow,
    PositionRow,
    SuperRow,
    TradeSide,
)

T = TypeVar("T")
Row = Mapping[str, Any]  # Any: JSON
NameOf = Callable[[str, int], str]

LEG_NAMES: Mapping[Leg, str] = {Leg.ENTRY: "ENTRY_LEG", Leg.TARGET: "TARGET_LEG", Leg.STOP: "STOP_LOSS_LEG"}
_LEGS = {name: leg for leg, name in LEG_NAMES.items()}
_STATES = {state.value: state for state in BrokerState} | {
    "CONFIRM": BrokerState.PENDING,
    "PARTTRADED": BrokerState.PART_TRADED,
    "PARTIALLY_TRADED": BrokerState.PART_TRADED,
    "CANCELED": BrokerState.CANCELLED,
}
_NOTHING = frozenset({"", "NA", "NR", "0"})
_WITH_FILLS = frozenset({BrokerState.PART_TRADED, BrokerState.TRADED, BrokerState.TRIGGERED, BrokerState.CLOSED})


def state_of(word: object) -> BrokerState:
    """Return what a word of state means."""
    return _STATES.get(str(word or "").strip().upper().replace(" ", "_"), BrokerState.UNKNOWN)


def super_rows(body: Any, name_of: NameOf) -> tuple[SuperRow, ...]:  # Any: JSON
    """Return the super orders of a list. Raises `BrokerUnavailableError` if it cannot be read."""
    return _read("super orders", body, lambda row: _super(row, name_of))


def order_rows(body: Any, name_of: NameOf, parents: Mapping[str, str]) -> tuple[OrderRow, ...]:  # Any: JSON
    """Return the orders of a list; `parents` are the super orders of legs by the leg's id. Raises as `super_rows`."""
    return _read("orders", body, lambda row: _order(row, name_of, parents))


def fill_rows(body: Any, name_of: NameOf) -> tuple[FillRow, ...]:  # Any: JSON
    """Return the executions of a trade book. Raises as `super_rows`."""
    return _read("trades", body, lambda row: _fill(row, name_of))


def position_rows(body: Any, name_of: NameOf) -> tuple[PositionRow, ...]:  # Any: JSON
    """Return the positions of a list. Raises as `super_rows`."""
    return _read("positions", body, lambda row: _position(row, name_of))


def funds_of(body: Any) -> Funds:  # Any: JSON
    """Return the money of an account. Raises as `super_rows`."""
    [funds] = _read("funds", [body], _funds)
    return funds


def listed(body: Any) -> Sequence[Row]:  # Any: JSON
    """Return a list of rows, one row as a list of one. Raises `TypeError` if it is neither."""
    rows = [body] if isinstance(body, Mapping) else body
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise TypeError("expected a list of rows")
    return rows


def is_exit_leg(row: Row) -> bool:
    """Whether a row of the order list is the target or the stop of a super order."""
    return _LEGS.get(str(row.get("legName"))) in {Leg.TARGET, Leg.STOP}


def leg_of(row: Row, leg: Leg) -> Row:
    """Return an exit leg's own row within a super order's, empty where it has none."""
    return next((each for each in row.get("legDetails") or () if each.get("legName") == LEG_NAMES[leg]), {})


def _read(what: str, body: Any, read: Callable[[Row], T]) -> tuple[T, ...]:  # Any: JSON
    try:
        return tuple(read(row) for row in listed(body))
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise BrokerUnavailableError(
            f"Dhan's {what} read differently than we know ({type(error).__name__}: {error}); "
            "see agents/execution/dhan/rows.py"
        ) from error


def _super(row: Row, name_of: NameOf) -> SuperRow:
    order_id, state, quantity = str(row["orderId"]), state_of(row.get("orderStatus")), int(row["quantity"])
    exits = [(_LEGS.get(str(each.get("legName"))), each) for each in row.get("legDetails") or ()]
    filled = _filled(row, state, quantity)
    return SuperRow(
        order_id=order_id,
        correlation_id=_text(row, "correlationId"),
        contract=name_of(str(row["exchangeSegment"]), int(row["securityId"])),
        state=state,
        quantity=quantity,
        filled=filled,
        average=_money(row.get("averageTradedPrice")),
        entry_price=_money(row.get("price")),
        legs=tuple(_leg(leg, each, order_id) for leg, each in exits if leg in {Leg.TARGET, Leg.STOP}),
        message=_text(row, "omsErrorDescription"),
    )


def _leg(leg: Leg | None, row: Row, parent: str) -> LegRow:
    assert leg is not None  # the caller has seen to it
    sold, price = int(row.get("triggeredQuantity") or 0), _money(row.get("price"))
    total = row.get("totalQuatity", row.get("totalQuantity"))  # the misspelling is Dhan's
    return LegRow(
        leg=leg,
        order_id=str(row.get("orderId") or parent),
        state=state_of(row.get("orderStatus")),
        quantity=int(total) if total is not None else int(row.get("remainingQuantity") or 0) + sold,
        filled=sold,
        price=price,
        trigger=price if leg is Leg.STOP else None,
    )


def _order(row: Row, name_of: NameOf, parents: Mapping[str, str]) -> OrderRow:
    order_id, state, quantity = str(row["orderId"]), state_of(row.get("orderStatus")), int(row["quantity"])
    return OrderRow(
        order_id=order_id,
        # A leg carries the name of its super order, whose name stands for the entry alone.
        correlation_id="" if is_exit_leg(row) else _text(row, "correlationId"),
        contract=name_of(str(row["exchangeSegment"]), int(row["securityId"])),
        side=_side(row),
        state=state,
        quantity=quantity,
        filled=_filled(row, state, quantity),
        price=_money(row.get("price")),
        average=_money(row.get("averageTradedPrice")),
        parent_id=parents.get(order_id) or _text(row, "algoOrdNo") or None,
        message=_text(row, "omsErrorDescription"),
    )


def _fill(row: Row, name_of: NameOf) -> FillRow:
    at = next(text for text in (_text(row, "exchangeTime"), _text(row, "createTime")) if text)
    return FillRow(
        order_id=str(row["orderId"]),
        trade_id=str(row["exchangeTradeId"]),
        contract=name_of(str(row["exchangeSegment"]), int(row["securityId"])),
        side=_side(row),
        quantity=int(row["tradedQuantity"]),
        price=Decimal(str(row["tradedPrice"])),
        at=datetime.fromisoformat(at).replace(tzinfo=IST),
    )


def _position(row: Row, name_of: NameOf) -> PositionRow:
    return PositionRow(
        contract=name_of(str(row["exchangeSegment"]), int(row["securityId"])),
        net_quantity=int(row["netQty"]),
        realised=_money(row.get("realizedProfit")),
    )


def _funds(row: Row) -> Funds:
    available = row["availabelBalance"] if "availabelBalance" in row else row["availableBalance"]  # Dhan's misspelling
    return Funds(available=Decimal(str(available)), start_of_day=Decimal(str(row["sodLimit"])))


def _filled(row: Row, state: BrokerState, quantity: int) -> int:
    """Return the units filled; what remains says it where nothing else does, and only while that means something."""
    if row.get("filledQty") is not None:
        return int(row["filledQty"])
    left = row.get("remainingQuantity")
    if state in {BrokerState.TRADED, BrokerState.CLOSED} and left is None:
        return quantity
    return quantity - int(left) if left is not None and (state in _WITH_FILLS or int(left) > 0) else 0


def _side(row: Row) -> TradeSide:
    return {"BUY": TradeSide.BUY, "SELL": TradeSide.SELL}[str(row["transactionType"]).upper()]


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return "" if value is None or str(value) in _NOTHING else str(value)


def _money(value: Any) -> Decimal:  # Any: JSON
    return Decimal(str(value)) if isinstance(value, int | float) or value else Decimal(0)
