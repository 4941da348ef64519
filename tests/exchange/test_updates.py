import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from exchange.alerts import login_of
from exchange.orders import Order, Origin
from exchange.services import Event
from exchange.tickets import read_ticket
from exchange.updates import Mailbox, Updates
from tests.exchange.shelves import CALL, CLIENT, FAST, LOT, Desk, Wanted, contract, order_body


def login(desk: Desk, token: str | None = None) -> dict[str, Any]:
    return {
        "LoginReq": {"MsgCode": 42, "ClientId": CLIENT, "Token": desk.token if token is None else token},
        "UserType": "SELF",
    }


def messages(desk: Desk, box: Mailbox) -> list[dict[str, Any]]:
    return [json.loads(text) for text in box.take(desk.core.now)]


def boxed(desk: Desk) -> Mailbox:
    box = Mailbox(desk.core, CLIENT)
    desk.core.subscribe("order", box.hear)
    return box


def test_an_orders_life_is_told_in_order_and_in_camel_case() -> None:
    desk = Desk()
    box = boxed(desk)
    order = desk.place(quantity=LOT, correlationId="desk-1")
    desk.wait()
    told = messages(desk, box)
    assert [one["Type"] for one in told] == ["order_alert"] * 3
    assert [one["Data"]["status"] for one in told] == ["Transit", "Pending", "Traded"]
    last = told[-1]["Data"]
    assert last["orderNo"] == order.order_id
    assert (last["tradedQty"], last["remainingQuantity"], last["tradedPrice"]) == (LOT, 0, 134.0)
    assert (last["source"], last["orderPlatform"], last["algoOrdNo"], last["correlationId"]) == (
        "P",
        "API",
        None,
        "desk-1",
    )
    assert (last["txnType"], last["product"], last["orderType"], last["optType"]) == ("B", "I", "LMT", "CE")


def test_legs_of_a_super_order_name_their_parent_and_number() -> None:
    desk = Desk()
    box = boxed(desk)
    order = desk.bracket()
    desk.wait()
    legs = {one["Data"]["legNo"]: one["Data"] for one in messages(desk, box)}
    assert set(legs) == {1, 2, 3}
    assert legs[2]["algoOrdNo"] == legs[3]["algoOrdNo"] == int(order.entry.order_id)
    assert {one["remarks"] for one in legs.values()} == {"Super Order"}


def test_orders_from_elsewhere_are_told_too() -> None:
    desk = Desk()
    box = boxed(desk)
    ticket = read_ticket(order_body(), contract(CALL), FAST)
    desk.core.venue.place(Origin(CLIENT, source="N", platform="FAST"), ticket, contract(CALL))
    (told,) = messages(desk, box)
    assert (told["Data"]["source"], told["Data"]["orderPlatform"]) == ("N", "FAST")


def test_what_happened_before_the_login_is_never_told() -> None:
    desk = Desk()
    desk.place()
    box = boxed(desk)
    desk.wait()
    assert [one["Data"]["status"] for one in messages(desk, box)] == ["Pending", "Traded"]


def test_another_clients_orders_stay_private() -> None:
    desk = Desk()
    box = boxed(desk)
    order: Order = desk.place()
    box.take(desk.core.now)
    box.hear(Event("order", desk.core.now, "1000000002", order))
    assert messages(desk, box) == []


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ("updates_dropped", ["Pending", "Traded"]),
        ("updates_duplicated", ["Transit", "Transit", "Pending", "Traded"]),
        ("updates_reordered", ["Pending", "Transit", "Traded"]),
    ],
)
def test_faults_of_updates(fault: str, statuses: list[str]) -> None:
    desk = Desk(Wanted(**{fault: 1}))
    box = boxed(desk)
    desk.place()
    desk.wait()
    assert [one["Data"]["status"] for one in messages(desk, box)] == statuses


def test_a_delayed_message_waits_for_its_time() -> None:
    faults = Wanted(updates_delayed=1)
    faults.parameters["updates_delayed"] = {"seconds": 10.0}
    desk = Desk(faults)
    box = boxed(desk)
    desk.place()
    desk.wait()
    assert [one["Data"]["status"] for one in messages(desk, box)] == ["Pending", "Traded"]
    desk.wait(10_000)
    assert [one["Data"]["status"] for one in messages(desk, box)] == ["Transit"]


def test_keys_may_come_in_pascal_case() -> None:
    faults = Wanted(updates_case=1)
    faults.parameters["updates_case"] = {"style": "pascal"}
    desk = Desk(faults)
    box = boxed(desk)
    desk.place()
    assert messages(desk, box)[0]["Data"]["OrderNo"]


def session(desk: Desk) -> WebSocketTestSession:
    app = Starlette(routes=Updates(desk.core).routes())
    return TestClient(app).websocket_connect("/order-update")


def test_a_login_is_not_answered_and_a_wrong_one_ends_in_a_binary_frame() -> None:
    desk = Desk()
    with session(desk) as socket:
        socket.send_json(login(desk, "paper.wrong"))
        assert isinstance(socket.receive_bytes(), bytes)
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()


@pytest.mark.parametrize("text", ["{", "[]", '{"LoginReq": 1}', '{"LoginReq": {"MsgCode": 42, "ClientId": 1}}'])
def test_a_login_that_is_none_is_refused(text: str) -> None:
    with session(Desk()) as socket:
        socket.send_text(text)
        assert isinstance(socket.receive_bytes(), bytes)


def test_a_login_has_a_code_a_client_and_a_token() -> None:
    desk = Desk()
    assert login_of(login(desk)) == (CLIENT, desk.token)
    assert login_of({"LoginReq": {"MsgCode": 41, "ClientId": CLIENT, "Token": "x"}}) is None
