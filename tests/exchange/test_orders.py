from typing import Any

import pytest

from exchange.clock import at_ist
from exchange.envelopes import ApiError
from exchange.orders import TRANSITIONS, Status, WrongTransitionError, order_row
from tests.exchange.shelves import CALL, CLIENT, FUTURE, INDEX, LOT, ON, Desk, Wanted, book, order_body


def refusal(desk: Desk, **change: Any) -> str:
    with pytest.raises(ApiError) as caught:
        desk.place(**change)
    return caught.value.reply.body.decode()


def test_an_order_is_in_transit_then_fills_at_the_ask() -> None:
    desk = Desk()
    order = desk.place(price=140.0)
    assert order.status == "TRANSIT"
    desk.wait()
    assert order.status == "TRADED"
    assert order.average == 134.0
    assert desk.ledger.trades[0].price == 13400


def test_a_limit_below_the_ask_rests_and_fills_at_its_own_price_when_the_ask_comes() -> None:
    desk = Desk()
    order = desk.place(price=133.5)
    desk.wait()
    assert order.status == "PENDING"
    desk.shelf.books[CALL] = book(13200, 13300)
    desk.wait()
    assert order.status == "TRADED"
    assert order.average == 133.5


def test_a_book_that_stands_still_fills_an_order_once() -> None:
    desk = Desk()
    desk.shelf.books[CALL] = book(13300, 13400, size=LOT)
    order = desk.place(quantity=3 * LOT, price=134.0)
    desk.wait(5000)
    assert (order.status, order.filled) == (Status.PART_TRADED, LOT)
    desk.shelf.books[CALL] = book(13300, 13395, size=2 * LOT)
    desk.wait()
    assert order.status == "TRADED"


def test_an_order_larger_than_the_best_level_walks_the_depth_within_its_limit() -> None:
    desk = Desk()
    desk.shelf.books[CALL] = book(13300, 13400, size=LOT)
    order = desk.place(quantity=3 * LOT, price=134.05)
    desk.wait()
    assert [(trade.price, trade.quantity) for trade in desk.ledger.trades] == [(13400, LOT), (13405, LOT)]
    assert order.remaining == LOT


def test_a_market_order_becomes_a_limit_within_the_protection_band() -> None:
    desk = Desk()
    desk.shelf.books[CALL] = book(13300, 14000)
    order = desk.place(orderType="MARKET", price=0.0)
    desk.wait()
    assert (order.kind, order.price, order.status) == ("LIMIT", 13565, Status.PENDING)


def test_a_stop_limit_can_be_jumped() -> None:
    desk = Desk()
    desk.place(price=134.0)
    desk.wait()
    stop = desk.place(transactionType="SELL", orderType="STOP_LOSS", price=129.0, triggerPrice=130.0)
    desk.wait()
    assert stop.waits_for_trigger
    desk.shelf.books[CALL] = book(12500, 12600)
    desk.wait()
    assert stop.triggered
    assert stop.status == "PENDING"
    desk.shelf.books[CALL] = book(12900, 13000)
    desk.wait()
    assert stop.average == 129.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"quantity": 0}, "quantity is required"),
        ({"quantity": None, "securityId": "1"}, "quantity is required"),
        ({"securityId": "999999"}, "Missing required fields"),
        ({"securityId": str(INDEX), "exchangeSegment": "IDX_I"}, "Missing required fields"),
        ({"price": ""}, "Missing required fields"),
        ({"price": 0.0}, "Invalid Price for orderType"),
        ({"orderType": "MARKET", "price": 5.0}, "Invalid Price for orderType"),
        ({"orderType": ["LIMIT"]}, "Missing required fields"),
        ({"quantity": [1]}, "Missing required fields"),
        ({"correlationId": "x" * 26}, "Missing required fields"),
        ({"correlationId": "a/b"}, "Missing required fields"),
        ({"orderType": "STOP_LOSS_MARKET", "price": 0.0, "triggerPrice": 130.0}, "Trigger Price should be greater"),
        (
            {"transactionType": "SELL", "orderType": "STOP_LOSS", "price": 130, "triggerPrice": 129},
            "greater than Price",
        ),
    ],
)
def test_a_malformed_order_is_refused_in_the_live_words(change: dict[str, Any], says: str) -> None:
    assert says in refusal(Desk(), **change)


def test_the_address_is_looked_at_after_the_quantity_and_before_the_instrument() -> None:
    desk = Desk()
    desk.account.needs_ip = True
    assert "quantity is required" in refusal(desk, quantity=0, securityId="1")
    assert "Invalid IP" in refusal(desk, securityId="1")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"quantity": 64}, "lot size 65"),
        ({"quantity": 1820}, "freeze quantity 1755"),
        ({"price": 134.03}, "tick size 0.05"),
        ({"price": 500.0}, "Rate Not Within Ckt Limit 0.05 To 450.00"),
        ({"productType": "CNC"}, "Product CNC is not allowed"),
        ({"quantity": 1755, "price": 449.0, "securityId": str(CALL)}, ""),
    ],
)
def test_the_risk_system_rejects_after_transit(change: dict[str, Any], says: str) -> None:
    desk = Desk()
    order = desk.place(**change)
    assert order.status == "TRANSIT"
    desk.wait()
    if says:
        assert order.status == "REJECTED"
        assert order.reason.startswith(f"RMS:{order.order_id}:")
        assert says in order.reason
    else:
        assert order.status is not Status.REJECTED


def test_an_order_beyond_the_funds_is_rejected() -> None:
    desk = Desk()
    desk.ledger.cash = 100_00
    order = desk.place()
    desk.wait()
    assert "Insufficient Funds. Available 100.00 Required 8710.00" in order.reason


def test_selling_what_is_not_held_needs_margin() -> None:
    desk = Desk()
    desk.ledger.cash = 50_000_00
    order = desk.place(transactionType="SELL", price=133.0)
    desk.wait()
    assert "Insufficient Funds" in order.reason


def test_an_order_in_transit_can_be_modified_but_not_cancelled() -> None:
    desk = Desk()
    order = desk.place(price=130.0)
    with pytest.raises(ApiError, match="Order is in Transit state"):
        desk.core.counter.cancel(desk.account, order.order_id, "127.0.0.1")
    desk.core.counter.modify(desk.account, order.order_id, {"price": 131.0, "quantity": 2 * LOT}, "127.0.0.1")
    desk.wait()
    assert (order.price, order.quantity, order.status) == (13100, 2 * LOT, Status.PENDING)
    desk.core.counter.cancel(desk.account, order.order_id, "127.0.0.1")
    assert order.status == "CANCELLED"
    desk.shelf.books[CALL] = book(12000, 12100)
    desk.wait()
    assert order.filled == 0


def test_the_twenty_sixth_modification_is_refused() -> None:
    desk = Desk()
    order = desk.place(price=130.0)
    desk.wait()
    for _ in range(25):
        desk.core.counter.modify(desk.account, order.order_id, {"price": 131.0}, "127.0.0.1")
        desk.wait(100)
    with pytest.raises(ApiError, match="modifications"):
        desk.core.counter.modify(desk.account, order.order_id, {"price": 131.0}, "127.0.0.1")


def test_a_closed_market_takes_no_orders_and_no_changes_except_for_later() -> None:
    desk = Desk()
    resting = desk.place(price=130.0, productType="MARGIN")
    desk.until(15, 45)
    assert resting.status == "EXPIRED"
    assert "Market is Closed" in refusal(desk)
    later = desk.place(afterMarketOrder=True, price=140.0)
    desk.wait()
    assert later.status == "PENDING"
    desk.next_day()
    desk.next_day()
    desk.next_day()
    assert later.status == "TRADED"


def test_an_ioc_order_does_not_rest() -> None:
    desk = Desk()
    order = desk.place(price=130.0, validity="IOC")
    desk.wait()
    assert (order.status, order.filled) == (Status.CANCELLED, 0)


def test_intraday_is_squared_off_at_twenty_past_three_by_the_broker() -> None:
    desk = Desk()
    desk.place(price=140.0)
    desk.wait()
    resting = desk.place(price=100.0)
    desk.until(15, 21)
    assert resting.status == "CANCELLED"
    last = desk.core.orders.of(CLIENT)[-1]
    assert (last.origin.source, last.status, last.ticket.side) == ("N", Status.TRADED, "SELL")
    assert desk.ledger.net(last.contract, "INTRADAY") == 0
    late = desk.place()
    desk.wait()
    assert "square off" in late.reason


def test_slices_stay_within_the_freeze_quantity() -> None:
    desk = Desk()
    body = order_body(quantity=4000 // LOT * LOT, price=20.0)
    orders = desk.core.counter.slice(desk.account, body, "127.0.0.1")
    assert [order.quantity for order in orders] == [1755, 1755, 455]


def test_an_order_goes_nowhere_from_an_end() -> None:
    desk = Desk()
    order = desk.place(price=140.0)
    desk.wait()
    for status in Status:
        with pytest.raises(WrongTransitionError, match=order.order_id):
            order.move(status, desk.core.now)
    assert set(TRANSITIONS) == set(Status)


def test_faults_reject_and_cut_orders() -> None:
    desk = Desk(Wanted(reject_after_pending=1))
    order = desk.place(price=140.0)
    desk.wait()
    assert (order.status, order.error) == (Status.REJECTED, "16283")
    desk = Desk(Wanted(entry_part_cancelled=1))
    order = desk.place(price=140.0, quantity=3 * LOT)
    desk.wait()
    assert (order.status, order.filled, order.remaining) == (Status.CANCELLED, LOT, 0)
    desk = Desk(Wanted(square_off=1))
    order = desk.place(price=140.0)
    desk.wait()
    assert desk.ledger.net(order.contract, "INTRADAY") == 0


def test_a_row_has_the_live_keys_and_sentinels() -> None:
    desk = Desk()
    row = order_row(desk.place(securityId=str(FUTURE), price=25000.0))
    assert row["correlationId"] == "NA"
    assert row["exchangeOrderId"] == "0"
    assert row["exchangeTime"] == "0001-01-01 00:00:00"
    assert row["createTime"] == "2026-11-20 09:30:00"
    assert isinstance(row["orderId"], str)
    assert 12 <= len(row["orderId"]) <= 14
    assert row["orderId"][1:8] == "2261120"


def test_the_same_seed_and_script_give_the_same_orders() -> None:
    def played() -> list[Any]:
        desk = Desk()
        for price in (133.0, 140.0, 134.0):
            desk.place(price=price)
            desk.wait(137)
        return [order_row(order) for order in desk.core.orders.all()]

    assert played() == played()


def test_how_often_time_is_settled_makes_no_difference() -> None:
    def played(step: int) -> list[Any]:
        desk = Desk()
        desk.place(price=140.0)
        desk.place(price=133.0)
        for _ in range(2000 // step):
            desk.wait(step)
        desk.shelf.books[CALL] = book(13100, 13200)
        for _ in range(2000 // step):
            desk.wait(step)
        return [order_row(order) for order in desk.core.orders.all()]

    assert played(10) == played(2000)


def test_moving_back_in_time_begins_anew() -> None:
    desk = Desk()
    desk.place(price=140.0)
    desk.wait()
    desk.core.restart(at_ist(ON, 9, 20))
    assert desk.core.now == at_ist(ON, 9, 20)
    assert desk.core.orders.all() == []
    assert desk.core.ledgers.of(CLIENT).cash == desk.account.opening_balance
