"""Order updates as Dhan words them: one message an order's change, in camelCase unless asked otherwise."""

from collections.abc import Mapping
from typing import Any, Literal

from exchange.clock import ist_text
from exchange.dialects import Json
from exchange.orders import Leg, Order, Status, rupees

Style = Literal["camel", "pascal", "both"]

PRODUCTS: Mapping[str, str] = {"CNC": "C", "INTRADAY": "I", "MARGIN": "M", "MTF": "F", "CO": "V", "BO": "B"}
KINDS: Mapping[str, str] = {"LIMIT": "LMT", "MARKET": "MKT", "STOP_LOSS": "SL", "STOP_LOSS_MARKET": "SLM"}
LEGS: Mapping[Leg, int] = {"NA": 1, "ENTRY_LEG": 1, "STOP_LOSS_LEG": 2, "TARGET_LEG": 3}
SEGMENTS: Mapping[str, str] = {"EQ": "E", "FNO": "D", "CURRENCY": "C", "COMM": "M"}
WORDS: Mapping[Status, str] = {
    Status.TRANSIT: "Transit",
    Status.PENDING: "Pending",
    # Fills in part are told by the quantities; the word is not documented.
    Status.PART_TRADED: "Part_traded",
    Status.TRADED: "Traded",
    Status.CANCELLED: "Cancelled",
    Status.REJECTED: "Rejected",
    Status.EXPIRED: "Expired",
}


def message(order: Order, last_price: int, style: Style = "camel", source: str = "") -> Mapping[str, Json]:
    """Return the message of an order as it stands.

    Parameters
    ----------
    order : Order
        After its change.
    last_price : int
        Of the instrument, in paise.
    style : {"camel", "pascal", "both"}
        How keys are spelt; "both" repeats some of them in either spelling, as old samples do.
    source : str, optional
        In place of the order's own source.
    """
    data = {**_identity(order, source), **_state(order), **_instrument(order, last_price)}
    if style == "pascal":
        data = {_pascal(key): value for key, value in data.items()}
    elif style == "both":
        repeated = ("series", "goodTillDaysDate", "refLtp", "tickSize", "algoId", "multiplier")
        data |= {_pascal(key): data[key] for key in repeated}
    return {"Data": data, "Type": "order_alert"}


def _pascal(key: str) -> str:
    return key[:1].upper() + key[1:]


def _identity(order: Order, source: str) -> dict[str, Json]:
    origin, ticket = order.origin, order.ticket
    exchange, _, segment = ticket.segment.partition("_")
    is_super = origin.leg != "NA"
    return {
        "exchange": exchange,
        "segment": SEGMENTS.get(segment, "D"),
        "source": source or origin.source,
        "securityId": str(ticket.security_id),
        "clientId": origin.client_id,
        "exchOrderNo": order.exchange_order_id,
        "orderNo": order.order_id,
        "product": PRODUCTS[ticket.product],
        "txnType": ticket.side[0],
        "orderType": KINDS[order.kind],
        "validity": ticket.validity,
        "orderPlatform": origin.platform if not source or source == origin.source else "FAST",
        "algoOrdNo": int(origin.parent) if origin.parent else None,
        "legNo": LEGS[origin.leg],
        "offMktFlag": "1" if ticket.amo else "0",
        "mktType": "NL",
        "remarks": "Super Order" if is_super else "NR",
        "correlationId": ticket.correlation_id or "NA",
        "algoId": "0",
    }


def _state(order: Order) -> dict[str, Json]:
    return {
        "status": WORDS[order.status],
        "quantity": order.quantity,
        "discQuantity": order.ticket.disclosed,
        "discQtyRem": min(order.ticket.disclosed, order.remaining),
        "remainingQuantity": order.remaining,
        "tradedQty": order.filled,
        "price": rupees(order.price),
        "triggerPrice": rupees(order.trigger),
        "tradedPrice": rupees(order.last_price),
        "avgTradedPrice": order.average,
        "orderDateTime": ist_text(order.created_at),
        "exchOrderTime": ist_text(order.exchange_at) if order.exchange_at else "",
        "lastUpdatedTime": ist_text(order.updated_at),
        "reasonDescription": order.reason,
    }


def _instrument(order: Order, last_price: int) -> dict[str, Json]:
    contract = order.contract
    return {
        "instrument": contract.kind,
        "instrumentType": contract.kind,
        "symbol": contract.underlying,
        "displayName": contract.display,
        "productName": order.ticket.product,
        "series": "NA",
        "isin": "NA",
        "lotSize": contract.lot_size,
        "multiplier": 1,
        "strikePrice": float(contract.strike),
        "refLtp": rupees(last_price),
        "tickSize": rupees(contract.tick),
        "expiryDate": f"{contract.expiry_on.isoformat()} 14:30:00" if contract.expiry_on else "",
        "optType": contract.option_type,
        "goodTillDaysDate": "",
    }


def login_of(text: Any) -> tuple[str, str] | None:  # Any: what a client sends is whatever it is
    """Return client id and token of a login message that has been parsed from JSON, or None if it is none."""
    request = text.get("LoginReq") if isinstance(text, dict) else None
    if not isinstance(request, dict) or request.get("MsgCode") != 42:  # noqa: PLR2004 - the protocol's own number
        return None
    client_id, token = request.get("ClientId"), request.get("Token")
    return (client_id, token) if isinstance(client_id, str) and isinstance(token, str) else None
