"""Orders, super orders and trades over HTTP."""

from typing import TYPE_CHECKING

from starlette.routing import Route as HttpRoute

from exchange.calls import Call, Route, http_routes
from exchange.clock import ist, ist_text
from exchange.dialects import Json
from exchange.envelopes import NO_SUCH_ORDER, Reply, input_error, java, order_error
from exchange.ledgerbook import Trade
from exchange.orders import NO_DATE, OPTION_WORDS, Order, Status, order_row, rupees
from exchange.routes_money import MONEY
from exchange.superrows import super_row

if TYPE_CHECKING:
    from exchange.core import Core

PAGE = 20
ACCEPTED = 202


def place(core: "Core", call: Call) -> Reply:
    """Answer POST /orders."""
    return java(_acknowledged(core.counter.place(call.account, call.body, call.ip)))


def place_slices(core: "Core", call: Call) -> Reply:
    """Answer POST /orders/slicing with one acknowledgement an order."""
    return java([_acknowledged(order) for order in core.counter.slice(call.account, call.body, call.ip)])


def modify(core: "Core", call: Call) -> Reply:
    """Answer PUT /orders/{id}."""
    order = core.counter.modify(call.account, call.path["order_id"], call.body, call.ip)
    return java({"orderId": order.order_id, "orderStatus": Status.TRANSIT.value})


def cancel(core: "Core", call: Call) -> Reply:
    """Answer DELETE /orders/{id}."""
    order_id = call.path["order_id"]
    core.counter.cancel(call.account, order_id, call.ip)
    return java({"orderId": order_id, "orderStatus": Status.CANCELLED.value}, ACCEPTED)


def order_list(core: "Core", call: Call) -> Reply:
    """Answer GET /orders, the latest order first."""
    return java([order_row(order) for order in reversed(core.orders.of(call.account.client_id))])


def order_by_id(core: "Core", call: Call) -> Reply:
    """Answer GET /orders/{id}: a list of one order or none."""
    order = core.orders.find(call.path["order_id"], call.account.client_id)
    return java([] if order is None else [order_row(order)])


def order_by_correlation(core: "Core", call: Call) -> Reply:
    """Answer GET /orders/external/{id}; an order in transit is not found, as if it had never arrived."""
    wanted = call.path["correlation_id"]
    for order in reversed(core.orders.of(call.account.client_id)):
        if order.ticket.correlation_id == wanted and order.origin.leg in {"NA", "ENTRY_LEG"}:
            if order.status is Status.TRANSIT:
                break
            return java(order_row(order))
    raise order_error(NO_SUCH_ORDER, 404)


def place_super(core: "Core", call: Call) -> Reply:
    """Answer POST /super/orders."""
    return java(_acknowledged(core.super_counter.place(call.account, call.body, call.ip)))


def modify_super(core: "Core", call: Call) -> Reply:
    """Answer PUT /super/orders/{id}."""
    order = core.super_counter.modify(call.account, call.path["order_id"], call.body, call.ip)
    return java({"orderId": order.order_id, "orderStatus": Status.TRANSIT.value})


def cancel_super(core: "Core", call: Call) -> Reply:
    """Answer DELETE /super/orders/{id}/{leg}."""
    order_id = call.path["order_id"]
    core.super_counter.cancel(call.account, order_id, call.path["leg"], call.ip)
    return java({"orderId": order_id, "orderStatus": Status.CANCELLED.value}, ACCEPTED)


def super_list(core: "Core", call: Call) -> Reply:
    """Answer GET /super/orders, the latest first."""
    rows: list[Json] = []
    for order in reversed(core.supers.of(call.account.client_id)):
        contract = order.entry.contract
        book = core.market.top_of_book(contract.security_id, contract.segment, core.now)
        rows.append(super_row(order, book.ltp, core.rules))
    return java(rows)


def trade_list(core: "Core", call: Call) -> Reply:
    """Answer GET /trades."""
    client_id = call.account.client_id
    return java([_trade_row(client_id, trade) for trade in core.ledgers.of(client_id).trades])


def trades_of_order(core: "Core", call: Call) -> Reply:
    """Answer GET /trades/{id}."""
    client_id, wanted = call.account.client_id, call.path["order_id"]
    trades = core.ledgers.of(client_id).trades
    return java([_trade_row(client_id, trade) for trade in trades if trade.order.order_id == wanted])


def trade_history(core: "Core", call: Call) -> Reply:
    """Answer GET /trades/{from}/{to}/{page}, the latest trade first, pages from 0."""
    first, last, page = call.path["first"], call.path["last"], call.path["page"]
    if not (page.isascii() and page.isdigit()) or len(page) > len("99999"):
        raise input_error()
    client_id = call.account.client_id
    ledger = core.ledgers.of(client_id)
    found = [trade for trade in (*ledger.history, *ledger.trades) if first <= ist(trade.at).date().isoformat() <= last]
    start = int(page) * PAGE
    return java([_history_row(client_id, trade) for trade in found[::-1][start : start + PAGE]])


def routes(core: "Core") -> list[HttpRoute]:
    """Return all routes of the order side."""
    return http_routes(core, [*TABLE, *MONEY])


def _acknowledged(order: Order) -> dict[str, Json]:
    return {"orderId": order.order_id, "orderStatus": order.status.value}


def _common(client_id: str, trade: Trade) -> dict[str, Json]:
    return {
        "dhanClientId": client_id,
        "orderId": trade.order.order_id,
        "exchangeOrderId": trade.order.exchange_order_id,
        "exchangeTradeId": trade.trade_id,
        "transactionType": trade.side,
        "exchangeSegment": trade.contract.segment,
        "productType": trade.product,
        "orderType": trade.order.kind,
    }


def _trade_row(client_id: str, trade: Trade) -> dict[str, Json]:
    """Return a row of the day's trades; the live list says NA for the type of an option too."""
    at, expiry_on = ist_text(trade.at), trade.contract.expiry_on
    return {
        **_common(client_id, trade),
        "tradingSymbol": trade.contract.symbol,
        "customSymbol": None,
        "securityId": str(trade.contract.security_id),
        "tradedQuantity": trade.quantity,
        "tradedPrice": rupees(trade.price),
        "createTime": at,
        "updateTime": at,
        "exchangeTime": at,
        "drvExpiryDate": expiry_on.isoformat() if expiry_on else NO_DATE,
        "drvOptionType": "NA",
        "drvStrikePrice": float(trade.contract.strike),
    }


def _history_row(client_id: str, trade: Trade) -> dict[str, Json]:
    charges, expiry_on = trade.charges, trade.contract.expiry_on
    return {
        **_common(client_id, trade),
        "exchangeTradeId": "0",
        "customSymbol": trade.contract.display,
        "securityId": str(trade.contract.security_id),
        "tradedQuantity": trade.quantity,
        "tradedPrice": rupees(trade.price),
        "isin": "",
        "instrument": trade.contract.kind,
        "sebiTax": charges.sebi / 10_000,
        "stt": charges.tax / 10_000,
        "brokerageCharges": charges.brokerage / 10_000,
        "serviceTax": charges.gst / 10_000,
        "exchangeTransactionCharges": (charges.exchange + charges.fund) / 10_000,
        "stampDuty": charges.stamp / 10_000,
        "createTime": "NA",
        "updateTime": "NA",
        "exchangeTime": ist_text(trade.at),
        "drvExpiryDate": f"{expiry_on.isoformat()} 00:00:00" if expiry_on else "NA",
        "drvOptionType": OPTION_WORDS.get(trade.contract.option_type, "NA"),
        "drvStrikePrice": float(trade.contract.strike),
    }


TABLE = (
    Route("POST", "/orders", place, "order"),
    Route("POST", "/orders/slicing", place_slices, "order"),
    Route("PUT", "/orders/{order_id}", modify, "order"),
    Route("DELETE", "/orders/{order_id}", cancel, "order"),
    Route("GET", "/orders", order_list, "other"),
    Route("GET", "/orders/external/{correlation_id}", order_by_correlation, "other"),
    Route("GET", "/orders/{order_id}", order_by_id, "other"),
    Route("POST", "/super/orders", place_super, "order"),
    Route("PUT", "/super/orders/{order_id}", modify_super, "order"),
    Route("DELETE", "/super/orders/{order_id}/{leg}", cancel_super, "order"),
    Route("GET", "/super/orders", super_list, "other"),
    Route("GET", "/trades", trade_list, "other"),
    Route("GET", "/trades/", trade_list, "other"),
    Route("GET", "/trades/{order_id}", trades_of_order, "other"),
    Route("GET", "/trades/{first}/{last}/{page}", trade_history, "other"),
)
