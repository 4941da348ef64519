"""Positions, funds, margins, kill switch and exits by profit over HTTP."""

from typing import TYPE_CHECKING, Any

from exchange.calls import Call, Route
from exchange.charges import BROKERAGE
from exchange.dialects import Json
from exchange.envelopes import Reply, input_error, java, no_holdings, order_error
from exchange.ledgerbook import Position
from exchange.margins import Margin, order_margin, portfolio_margin
from exchange.orders import NO_DATE, OPTION_WORDS, rupees
from exchange.safeguards import PRODUCTS_OF, PnlExit
from exchange.tickets import Reader, quantity_of

if TYPE_CHECKING:
    from exchange.core import Core

NOT_CONVERTIBLE = "Position cannot be converted"


def positions(core: "Core", call: Call) -> Reply:
    """Answer GET /positions, closed ones of the day included."""
    client_id = call.account.client_id
    held = core.ledgers.of(client_id).positions.values()
    return java([_position_row(client_id, one, core.safeguards.last_price(one)) for one in held])


def exit_all(core: "Core", call: Call) -> Reply:
    """Answer DELETE /positions."""
    core.safeguards.exit_all(call.account.client_id)
    return java({"status": "SUCCESS", "message": "All orders and positions exited successfully"})


def convert(core: "Core", call: Call) -> Reply:
    """Answer POST /positions/convert, by document with 202 and nothing."""
    read, ledger = Reader(call.body), core.ledgers.of(call.account.client_id)
    contract, quantity = core.counter.gate.contract(call.body), read.whole("convertQty")
    before, after = read.word("fromProductType"), read.word("toProductType")
    net = ledger.net(contract, before)
    known = {before, after} == {"INTRADAY", "MARGIN"}
    if not known or not 0 < quantity <= abs(net) or read.word("positionType") != ("LONG" if net > 0 else "SHORT"):
        raise order_error(NOT_CONVERTIBLE)
    ledger.convert(contract, before, after, quantity)
    return Reply(202, b"")


def holdings(core: "Core", call: Call) -> Reply:  # noqa: ARG001 - every route is told the core and the call
    """Answer GET /holdings: this exchange has no delivery, so nobody holds shares."""
    raise no_holdings()


def funds(core: "Core", call: Call) -> Reply:
    """Answer GET /fundlimit; the misspelt key is the live one. Utilised and left add up to what the day began with."""
    client_id = call.account.client_id
    opening, available = core.ledgers.of(client_id).opening, core.checks.available(client_id)
    return java(
        {
            "dhanClientId": client_id,
            "availabelBalance": rupees(available),
            "sodLimit": rupees(opening),
            "collateralAmount": 0.0,
            "receiveableAmount": 0.0,
            "utilizedAmount": rupees(opening - available),
            "blockedPayoutAmount": 0.0,
            "withdrawableBalance": rupees(max(0, min(opening, available))),
        }
    )


def margin(core: "Core", call: Call) -> Reply:
    """Answer POST /margincalculator."""
    needed = _margin_of(core, call.body)
    available = core.checks.available(call.account.client_id)
    return java(
        {
            "totalMargin": rupees(needed.total),
            "spanMargin": rupees(needed.scan),
            "exposureMargin": rupees(needed.exposure),
            "availableBalance": rupees(available),
            "variableMargin": rupees(needed.premium),
            "insufficientBalance": rupees(max(0, needed.total - available)),
            "brokerage": BROKERAGE / 10_000,
            "leverage": "1X",
        }
    )


def margin_multi(core: "Core", call: Call) -> Reply:
    """Answer POST /margincalculator/multi, whose keys documents and SDK spell differently; values are text."""
    scripts = call.body.get("scripList", call.body.get("scripts"))
    if not isinstance(scripts, list) or not scripts or not all(isinstance(one, dict) for one in scripts):
        raise input_error()
    alone = [_margin_of(core, one) for one in scripts]
    held = [(core.counter.gate.contract(one), _signed(one)) for one in scripts]
    if call.body.get("includePosition"):
        mine = core.ledgers.of(call.account.client_id).positions.values()
        held.extend((one.contract, one.net) for one in mine)
    if call.body.get("includeOrder", call.body.get("includeOrders")):
        mine_open = core.orders.of(call.account.client_id)
        held.extend((order.contract, order.sign * order.remaining) for order in mine_open if order.remaining)
    together = portfolio_margin(held, core.checks.prices_of)
    total = together.total + sum(one.premium for one in alone)
    separate = sum(one.total for one in alone)
    return java(
        {
            "total_margin": _text(total),
            "span_margin": _text(together.scan),
            "exposure_margin": _text(together.exposure),
            "equity_margin": "0.00",
            "fo_margin": _text(total),
            "commodity_margin": "0.00",
            "currency": "INR",
            "hedge_benefit": _text(max(0, separate - total)),
        }
    )


def kill_switch(core: "Core", call: Call) -> Reply:
    """Answer POST /killswitch?killSwitchStatus=, which has no body."""
    wanted, client_id = call.query.get("killSwitchStatus", ""), call.account.client_id
    if wanted not in {"ACTIVATE", "DEACTIVATE"}:
        raise input_error()
    core.safeguards.kill(client_id, on=wanted == "ACTIVATE")
    word = "activated" if wanted == "ACTIVATE" else "deactivated"
    return java({"dhanClientId": client_id, "killSwitchStatus": f"Kill Switch has been successfully {word}"})


def kill_switch_status(core: "Core", call: Call) -> Reply:
    """Answer GET /killswitch."""
    client_id = call.account.client_id
    return java(
        {
            "dhanClientId": client_id,
            "killSwitchStatus": "ACTIVATE" if core.safeguards.killed(client_id) else "DEACTIVATE",
        }
    )


def set_pnl_exit(core: "Core", call: Call) -> Reply:
    """Answer POST /pnlExit."""
    read, names = Reader(call.body), call.body.get("productType")
    if not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
        raise input_error()
    profit, loss = read.paise("profitValue"), read.paise("lossValue")
    if not set(names) <= set(PRODUCTS_OF) or not profit or not loss:
        raise input_error()
    products = tuple(product for name in names for product in PRODUCTS_OF[name])
    terms = PnlExit(profit, loss, products, tuple(names), kill=bool(call.body.get("enableKillSwitch")))
    core.safeguards.set_pnl_exit(call.account.client_id, terms)
    return java({"pnlExitStatus": "ACTIVE", "message": "P&L based exit configured successfully"})


def pnl_exit(core: "Core", call: Call) -> Reply:
    """Answer GET /pnlExit."""
    terms = core.safeguards.pnl_exit(call.account.client_id)
    return java(
        {
            "pnlExitStatus": "DISABLED" if terms is None else "ACTIVE",
            "profit": _text(0 if terms is None else terms.profit),
            "loss": _text(0 if terms is None else terms.loss),
            "productType": [] if terms is None else list(terms.names),
            "enable_kill_switch": terms is not None and terms.kill,
        }
    )


def stop_pnl_exit(core: "Core", call: Call) -> Reply:
    """Answer DELETE /pnlExit."""
    core.safeguards.stop_pnl_exit(call.account.client_id)
    return java({"pnlExitStatus": "DISABLED", "message": "P&L based exit stopped successfully"})


def _text(paise: int) -> str:
    return f"{paise / 100:.2f}"


def _margin_of(core: "Core", body: Any) -> Margin:  # Any: what clients send is checked field by field
    contract = core.counter.gate.contract(body)
    price = Reader(body).paise("price") or core.checks.prices_of(contract).own
    signed = _signed(body)
    prices_of = core.checks.prices_of
    return order_margin(contract, buys=signed > 0, price=price, quantity=abs(signed), prices_of=prices_of)


def _signed(body: Any) -> int:  # Any: as above
    side = Reader(body).word("transactionType")
    if side not in {"BUY", "SELL"}:
        raise input_error()
    return quantity_of(body) if side == "BUY" else -quantity_of(body)


def _position_row(client_id: str, one: Position, last_price: int) -> dict[str, Json]:
    contract, net = one.contract, one.net
    (bought, paid), (sold, received) = one.total_bought, one.total_sold
    average_bought, average_sold = _average(paid, bought), _average(received, sold)
    long, short = max(one.carried_quantity, 0), max(-one.carried_quantity, 0)
    return {
        "dhanClientId": client_id,
        "tradingSymbol": contract.symbol,
        "securityId": str(contract.security_id),
        "positionType": "CLOSED" if net == 0 else ("LONG" if net > 0 else "SHORT"),
        "exchangeSegment": contract.segment,
        "productType": one.product,
        "buyAvg": average_bought,
        "buyQty": bought,
        "costPrice": average_bought if net >= 0 else average_sold,
        "sellAvg": average_sold,
        "sellQty": sold,
        "netQty": net,
        "realizedProfit": rupees(one.realised),
        "unrealizedProfit": rupees(one.unrealised(last_price)),
        "rbiReferenceRate": 1.0,
        "multiplier": 1,
        "carryForwardBuyQty": long,
        "carryForwardSellQty": short,
        "carryForwardBuyValue": rupees(one.carried_value if long else 0),
        "carryForwardSellValue": rupees(-one.carried_value if short else 0),
        "dayBuyQty": one.bought,
        "daySellQty": one.sold,
        "dayBuyValue": rupees(one.bought_value),
        "daySellValue": rupees(one.sold_value),
        "drvExpiryDate": f"{contract.expiry_on.isoformat()} 14:30:00" if contract.expiry_on else NO_DATE,
        "drvOptionType": OPTION_WORDS.get(contract.option_type, "NA"),
        "drvStrikePrice": float(contract.strike),
        "crossCurrency": False,
    }


def _average(value: int, quantity: int) -> float:
    return round(value / quantity / 100.0, 4) if quantity else 0.0


MONEY = (
    Route("GET", "/positions", positions, "other"),
    Route("DELETE", "/positions", exit_all, "order"),
    Route("POST", "/positions/convert", convert, "other"),
    Route("GET", "/holdings", holdings, "other"),
    Route("GET", "/fundlimit", funds, "other"),
    Route("POST", "/margincalculator", margin, "other"),
    Route("POST", "/margincalculator/multi", margin_multi, "other"),
    Route("POST", "/killswitch", kill_switch, "other"),
    Route("GET", "/killswitch", kill_switch_status, "other"),
    Route("POST", "/pnlExit", set_pnl_exit, "other"),
    Route("GET", "/pnlExit", pnl_exit, "other"),
    Route("DELETE", "/pnlExit", stop_pnl_exit, "other"),
)
