"""Orders, trades and money over HTTP, with the statuses, shapes and misspellings of the live server."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from exchange import routes_orders
from exchange.app import create_app
from tests.exchange.shelves import CALL, CLIENT, FUTURE, LOT, PUT, Desk, Wanted, book, order_body, super_body

Answer = tuple[int, Any]  # Any: JSON


class Counter:
    """A client at the counter: each request finds the core settled, and its rate limit fresh."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.core.limits.enforced = False
        self._http = TestClient(create_app(desk.core, routes_orders.routes(desk.core)), client=("127.0.0.1", 5))

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        reply = self._http.request(method, f"/v2{path}", json=body, headers={"access-token": self.desk.token})
        return reply.status_code, json.loads(reply.content) if reply.content else None

    def filled(self, **change: Any) -> str:
        _, reply = self.ask("POST", "/orders", order_body(**change))
        self.desk.wait()
        return str(reply["orderId"])


@pytest.fixture
def counter() -> Counter:
    return Counter(Desk())


def test_an_order_is_acknowledged_in_transit(counter: Counter) -> None:
    status, reply = counter.ask("POST", "/orders", order_body())
    assert status == 200
    assert list(reply) == ["orderId", "orderStatus"]
    assert reply["orderStatus"] == "TRANSIT"


def test_an_order_by_id_is_a_list_and_unknown_ones_an_empty_list(counter: Counter) -> None:
    order_id = counter.filled()
    assert [row["orderId"] for row in counter.ask("GET", f"/orders/{order_id}")[1]] == [order_id]
    assert counter.ask("GET", "/orders/1") == (200, [])


def test_an_order_in_transit_is_not_found_by_its_correlation_id(counter: Counter) -> None:
    counter.ask("POST", "/orders", order_body(correlationId="desk-1"))
    status, reply = counter.ask("GET", "/orders/external/desk-1")
    assert (status, reply["errorCode"]) == (404, "DH-906")
    counter.desk.wait()
    assert counter.ask("GET", "/orders/external/desk-1")[1]["orderStatus"] == "TRADED"


def test_a_repeated_correlation_id_is_a_second_order(counter: Counter) -> None:
    for _ in range(2):
        counter.ask("POST", "/orders", order_body(correlationId="desk-1"))
    assert len(counter.ask("GET", "/orders")[1]) == 2


def test_cancel_answers_202_and_refuses_in_transit_and_afterwards(counter: Counter) -> None:
    _, reply = counter.ask("POST", "/orders", order_body(price=130.0))
    path = f"/orders/{reply['orderId']}"
    assert counter.ask("DELETE", path)[1]["errorMessage"] == "Order is in Transit state"
    counter.desk.wait()
    assert counter.ask("PUT", path, {"price": 131.0, "quantity": LOT, "orderType": "LIMIT", "legName": None})[0] == 200
    counter.desk.wait()
    assert counter.ask("DELETE", path) == (202, {"orderId": reply["orderId"], "orderStatus": "CANCELLED"})
    assert counter.ask("DELETE", path)[0] == 400
    row = counter.ask("GET", path)[1][0]
    assert (row["orderStatus"], row["remainingQuantity"], row["price"]) == ("CANCELLED", 0, 131.0)


def test_slicing_answers_a_list(counter: Counter) -> None:
    status, reply = counter.ask("POST", "/orders/slicing", order_body(quantity=28 * LOT, price=10.0))
    assert status == 200
    assert [row["orderStatus"] for row in reply] == ["TRANSIT", "TRANSIT"]


def test_a_super_order_is_listed_with_its_legs_and_cancelled_leg_by_leg(counter: Counter) -> None:
    _, reply = counter.ask("POST", "/super/orders", super_body())
    counter.desk.wait()
    order_id = reply["orderId"]
    row = counter.ask("GET", "/super/orders")[1][0]
    assert (row["orderId"], row["legName"], row["orderStatus"]) == (order_id, "ENTRY_LEG", "TRADED")
    assert {leg["legName"] for leg in row["legDetails"]} == {"TARGET_LEG", "STOP_LOSS_LEG"}
    change = {"orderId": order_id, "legName": "STOP_LOSS_LEG", "stopLossPrice": 125.0, "trailingJump": 0.0}
    assert counter.ask("PUT", f"/super/orders/{order_id}", change)[1]["orderStatus"] == "TRANSIT"
    assert counter.ask("DELETE", f"/super/orders/{order_id}/TARGET_LEG")[0] == 202
    assert counter.ask("DELETE", f"/super/orders/{order_id}/TARGET_LEG")[0] == 400
    assert counter.ask("DELETE", f"/super/orders/{order_id}/SIDE_LEG")[1]["errorCode"] == "DH-905"
    assert counter.ask("DELETE", "/super/orders/1/ENTRY_LEG")[1]["errorCode"] == "DH-906"


def test_trades_are_found_with_and_without_a_slash_by_order_and_by_date(counter: Counter) -> None:
    order_id = counter.filled()
    assert counter.ask("GET", "/trades") == counter.ask("GET", "/trades/")
    (trade,) = counter.ask("GET", f"/trades/{order_id}")[1]
    assert (trade["tradedQuantity"], trade["tradedPrice"], trade["drvOptionType"]) == (LOT, 134.0, "NA")
    (past,) = counter.ask("GET", "/trades/2026-11-20/2026-11-20/0")[1]
    assert (past["brokerageCharges"], past["drvOptionType"], past["createTime"]) == (20.0, "CALL", "NA")
    assert counter.ask("GET", "/trades/2026-11-20/2026-11-20/1")[1] == []
    assert counter.ask("GET", "/trades/2026-11-18/2026-11-19/0")[1] == []
    assert counter.ask("GET", "/trades/2026-11-18/2026-11-19/x")[0] == 400


def test_funds_positions_and_trades_tell_the_same_story(counter: Counter) -> None:
    counter.filled()
    counter.desk.shelf.books[CALL] = book(14000, 14050)
    (row,) = counter.ask("GET", "/positions")[1]
    funds = counter.ask("GET", "/fundlimit")[1]
    costs = sum(trade.charges.paise for trade in counter.desk.ledger.trades) / 100
    assert (row["netQty"], row["buyAvg"], row["unrealizedProfit"]) == (LOT, 134.0, 6.0 * LOT)
    assert row["positionType"] == "LONG"
    assert funds["availabelBalance"] == pytest.approx(1_000_000 - 134.0 * LOT - costs)
    assert funds["utilizedAmount"] + funds["availabelBalance"] == pytest.approx(funds["sodLimit"])


def test_positions_are_converted_with_202_and_nothing(counter: Counter) -> None:
    counter.filled()
    body = {
        "fromProductType": "INTRADAY",
        "exchangeSegment": "NSE_FNO",
        "positionType": "LONG",
        "securityId": str(CALL),
        "convertQty": LOT,
        "toProductType": "MARGIN",
    }
    assert counter.ask("POST", "/positions/convert", body) == (202, None)
    assert counter.ask("POST", "/positions/convert", body)[0] == 400
    held = {row["productType"]: row["netQty"] for row in counter.ask("GET", "/positions")[1]}
    assert held == {"INTRADAY": 0, "MARGIN": LOT}


def test_exit_all_answers_success(counter: Counter) -> None:
    counter.filled()
    assert counter.ask("DELETE", "/positions")[1]["status"] == "SUCCESS"
    counter.desk.wait()
    assert counter.ask("GET", "/positions")[1][0]["positionType"] == "CLOSED"


def test_margins_have_the_live_types(counter: Counter) -> None:
    single = counter.ask("POST", "/margincalculator", order_body())[1]
    assert (single["totalMargin"], single["leverage"]) == (134.0 * LOT, "1X")
    sold = order_body(transactionType="SELL", securityId=str(FUTURE), price=25650.0)
    assert counter.ask("POST", "/margincalculator", sold)[1]["spanMargin"] > 100_000
    many = {"includePosition": True, "includeOrder": True, "scripList": [sold, order_body(securityId=str(PUT))]}
    status, reply = counter.ask("POST", "/margincalculator/multi", many)
    assert status == 200
    assert all(isinstance(value, str) for value in reply.values())
    assert counter.ask("POST", "/margincalculator/multi", {"scripList": "x"})[0] == 400


def test_the_kill_switch_is_asked_by_query(counter: Counter) -> None:
    assert counter.ask("POST", "/killswitch?killSwitchStatus=OFF")[0] == 400
    reply = counter.ask("POST", "/killswitch?killSwitchStatus=ACTIVATE")[1]
    assert reply["killSwitchStatus"] == "Kill Switch has been successfully activated"
    assert counter.ask("GET", "/killswitch")[1]["killSwitchStatus"] == "ACTIVATE"
    assert "Kill Switch" in counter.ask("POST", "/orders", order_body())[1]["errorMessage"]


def test_the_profit_exit_is_set_shown_and_stopped(counter: Counter) -> None:
    body = {
        "profitValue": 1500.0,
        "lossValue": 500.0,
        "productType": ["INTRADAY", "DELIVERY"],
        "enableKillSwitch": True,
    }
    assert counter.ask("POST", "/pnlExit", body)[1]["pnlExitStatus"] == "ACTIVE"
    shown = counter.ask("GET", "/pnlExit")[1]
    assert (shown["profit"], shown["loss"], shown["enable_kill_switch"]) == ("1500.00", "500.00", True)
    assert counter.ask("DELETE", "/pnlExit")[1]["pnlExitStatus"] == "DISABLED"
    assert counter.ask("GET", "/pnlExit")[1]["pnlExitStatus"] == "DISABLED"
    assert counter.ask("POST", "/pnlExit", {**body, "productType": ["BONDS"]})[0] == 400


def test_an_empty_portfolio_is_an_error(counter: Counter) -> None:
    assert counter.ask("GET", "/holdings")[0] == 500


@pytest.mark.parametrize("body", [{}, {"quantity": {}}, {"quantity": 65, "securityId": []}, order_body(price={})])
def test_nonsense_is_a_refusal_and_never_a_crash(counter: Counter, body: Any) -> None:
    for path in ("/orders", "/orders/slicing", "/super/orders"):
        assert counter.ask("POST", path, body)[0] == 400


def test_another_clients_order_does_not_exist(counter: Counter) -> None:
    order_id = counter.filled(price=130.0)
    assert counter.desk.core.orders.find(order_id, "1000000002") is None
    assert counter.desk.core.orders.find(order_id, CLIENT) is not None


def test_a_stuck_leg_shows_as_rejected() -> None:
    counter = Counter(Desk(Wanted(leg_rejected=1)))
    counter.ask("POST", "/super/orders", super_body())
    counter.desk.wait()
    row = counter.ask("GET", "/super/orders")[1][0]
    assert {leg["legName"]: leg["orderStatus"] for leg in row["legDetails"]} == {
        "TARGET_LEG": "REJECTED",
        "STOP_LOSS_LEG": "PENDING",
    }
