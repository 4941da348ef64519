"""How the REST API prints super orders."""

from exchange.clock import ist_text
from exchange.dialects import Json
from exchange.orders import Leg, order_row, rupees
from exchange.rules import Rules
from exchange.superorders import EXITS, SuperOrder

_KEPT = (
    "dhanClientId",
    "orderId",
    "correlationId",
    "orderStatus",
    "transactionType",
    "exchangeSegment",
    "productType",
    "orderType",
    "validity",
    "tradingSymbol",
    "securityId",
    "quantity",
    "remainingQuantity",
    "price",
    "afterMarketOrder",
    "legName",
    "exchangeOrderId",
    "createTime",
    "updateTime",
    "exchangeTime",
    "omsErrorDescription",
    "averageTradedPrice",
    "filledQty",
)


def super_row(order: SuperOrder, last_price: int, rules: Rules) -> dict[str, Json]:
    """Return the row of the super order list; `last_price` in paise."""
    whole = order_row(order.entry)
    row = {name: whole[name] for name in _KEPT}
    row["orderStatus"] = order.status
    row["updateTime"] = ist_text(max(one.updated_at for one in (order.entry, *order.exits.values())))
    row["ltp"] = rupees(last_price)
    row["legDetails"] = [_leg_row(order, leg, rules) for leg in EXITS if order.price(leg)]
    return row


def _leg_row(order: SuperOrder, leg: Leg, rules: Rules) -> dict[str, Json]:
    exit_order = order.exits.get(leg)
    own = exit_order is not None and rules.leg_ids == "own"
    planned = order.entry.quantity if order.entry.is_open else 0
    row: dict[str, Json] = {
        "orderId": exit_order.order_id if own and exit_order is not None else order.entry.order_id,
        "legName": leg,
        "transactionType": "SELL" if order.entry.ticket.side == "BUY" else "BUY",
        "remainingQuantity": planned if exit_order is None else exit_order.remaining,
        "triggeredQuantity": order.filled(leg),
        "price": rupees(order.price(leg)),
        "orderStatus": order.leg_status(leg),
        "trailingJump": rupees(order.terms.jump) if leg == "STOP_LOSS_LEG" else 0.0,
    }
    if leg == "STOP_LOSS_LEG":
        row["totalQuatity"] = planned if exit_order is None else exit_order.quantity
    return row
