from typing import Any

import pytest

from exchange.envelopes import ApiError
from exchange.market import Print
from exchange.orders import Status
from exchange.superorders import SuperOrder
from exchange.superrows import super_row
from tests.exchange.shelves import CALL, CLIENT, LOT, Desk, Wanted, book


def held(desk: Desk, **change: Any) -> SuperOrder:
    order: SuperOrder = desk.bracket(**change)
    desk.wait()
    assert order.entry.status is Status.TRADED
    return order


def modify(desk: Desk, order: SuperOrder, leg: str, **change: Any) -> None:
    body = {"orderId": order.entry.order_id, "legName": leg, **change}
    desk.core.super_counter.modify(desk.account, order.entry.order_id, body, "127.0.0.1")


def cancel(desk: Desk, order: SuperOrder, leg: str) -> None:
    desk.core.super_counter.cancel(desk.account, order.entry.order_id, leg, "127.0.0.1")


def test_exits_come_to_life_when_the_entry_fills() -> None:
    desk = Desk()
    order = desk.bracket(price=133.0)
    desk.wait()
    assert order.exits == {}
    assert [order.leg_status("TARGET_LEG"), order.leg_status("STOP_LOSS_LEG")] == ["PENDING", "PENDING"]
    desk.shelf.books[CALL] = book(13200, 13290)
    desk.wait()
    assert {leg: exit_order.quantity for leg, exit_order in order.exits.items()} == {
        "TARGET_LEG": LOT,
        "STOP_LOSS_LEG": LOT,
    }
    assert all(exit_order.origin.parent == order.entry.order_id for exit_order in order.exits.values())


def test_a_target_that_fills_cancels_the_stop_and_closes_the_whole() -> None:
    desk = Desk()
    order = held(desk)
    desk.shelf.books[CALL] = book(15010, 15020)
    desk.wait()
    assert order.exits["TARGET_LEG"].average == 150.0
    assert order.exits["STOP_LOSS_LEG"].status is Status.CANCELLED
    assert order.status == "CLOSED"
    assert desk.ledger.net(order.entry.contract, "INTRADAY") == 0


def test_a_stop_that_fires_sells_into_the_bid() -> None:
    desk = Desk()
    order = held(desk)
    desk.shelf.books[CALL] = book(11950, 12050)
    desk.wait()
    assert order.exits["STOP_LOSS_LEG"].average == 119.5
    assert order.exits["TARGET_LEG"].status is Status.CANCELLED
    assert order.status == "CLOSED"


def test_a_stop_can_be_left_behind_by_a_gap() -> None:
    desk = Desk()
    order = held(desk)
    desk.shelf.books[CALL] = book(10000, 10100)
    desk.wait(10_000)
    assert order.leg_status("STOP_LOSS_LEG") == "TRIGGERED"
    assert order.status == "TRIGGERED"
    assert desk.ledger.net(order.entry.contract, "INTRADAY") == LOT


def test_a_print_between_two_looks_sets_the_stop_off() -> None:
    desk = Desk()
    order = held(desk)
    desk.shelf.traded[CALL] = [Print(desk.core.now + 60, 11990, LOT, 2000)]
    desk.wait()
    assert order.exits["STOP_LOSS_LEG"].triggered


def test_exits_follow_a_partial_entry() -> None:
    desk = Desk()
    desk.shelf.books[CALL] = book(13300, 13400, size=LOT)
    order = desk.bracket(quantity=3 * LOT)
    desk.wait()
    assert order.entry.status is Status.PART_TRADED
    assert [one.quantity for one in order.exits.values()] == [LOT, LOT]
    desk.shelf.books[CALL] = book(13300, 13395, size=2 * LOT)
    desk.wait()
    assert [one.quantity for one in order.exits.values()] == [3 * LOT, 3 * LOT]


def test_a_partial_exit_shrinks_the_other_leg() -> None:
    desk = Desk()
    order = held(desk, quantity=2 * LOT)
    desk.shelf.books[CALL] = book(15000, 15020, size=LOT)
    desk.shelf.books[CALL] = desk.shelf.books[CALL].__class__(
        **{name: getattr(desk.shelf.books[CALL], name) for name in desk.shelf.books[CALL].__slots__} | {"depth": ()}
    )
    desk.wait()
    assert order.exits["TARGET_LEG"].filled == LOT
    assert order.exits["STOP_LOSS_LEG"].quantity == LOT


def test_the_stop_trails_by_whole_jumps_and_never_back() -> None:
    desk = Desk()
    order = held(desk, trailingJump=2.0)
    stop = order.exits["STOP_LOSS_LEG"]
    desk.shelf.traded[CALL] = [
        Print(desk.core.now + 50, 13999, LOT, 2000),
        Print(desk.core.now + 1050, 13500, LOT, 2100),
    ]
    desk.wait()
    assert stop.trigger == 12000 + 400
    desk.wait()
    assert stop.trigger == 12400
    modify(desk, order, "STOP_LOSS_LEG", stopLossPrice=125.0, trailingJump=0.0)
    assert (stop.trigger, order.terms.jump) == (12500, 0)


def test_a_cancelled_exit_cannot_be_had_again() -> None:
    desk = Desk()
    order = held(desk)
    cancel(desk, order, "TARGET_LEG")
    assert order.leg_status("TARGET_LEG") == "CANCELLED"
    with pytest.raises(ApiError, match="Incorrect request"):
        modify(desk, order, "TARGET_LEG", targetPrice=160.0)
    with pytest.raises(ApiError, match="Incorrect request"):
        cancel(desk, order, "TARGET_LEG")
    desk.shelf.books[CALL] = book(17000, 17010)
    desk.wait()
    assert order.exits["TARGET_LEG"].filled == 0
    assert order.exits["STOP_LOSS_LEG"].is_open


def test_a_leg_cancelled_before_the_entry_fills_never_comes() -> None:
    desk = Desk()
    order = desk.bracket(price=133.0)
    desk.wait()
    cancel(desk, order, "STOP_LOSS_LEG")
    desk.shelf.books[CALL] = book(13200, 13290)
    desk.wait()
    assert list(order.exits) == ["TARGET_LEG"]


def test_cancelling_the_entry_cancels_every_leg_and_leaves_the_position() -> None:
    desk = Desk()
    order = held(desk)
    cancel(desk, order, "ENTRY_LEG")
    assert all(one.status is Status.CANCELLED for one in order.exits.values())
    assert desk.ledger.net(order.entry.contract, "INTRADAY") == LOT
    with pytest.raises(ApiError, match="Incorrect request"):
        cancel(desk, order, "ENTRY_LEG")


def test_an_entry_that_waits_is_modified_with_its_exits() -> None:
    desk = Desk()
    order = desk.bracket(price=133.0)
    desk.wait()
    modify(
        desk,
        order,
        "ENTRY_LEG",
        orderType="LIMIT",
        quantity=2 * LOT,
        price=134.0,
        targetPrice=145.0,
        stopLossPrice=125.0,
        trailingJump=1.0,
    )
    desk.wait()
    assert order.entry.filled == 2 * LOT
    assert order.exits["TARGET_LEG"].price == 14500
    assert order.exits["STOP_LOSS_LEG"].trigger == 12500


def test_an_entry_made_as_large_as_what_it_bought_is_done_and_keeps_its_exits() -> None:
    desk = Desk()
    desk.shelf.books[CALL] = book(13300, 13400, size=LOT)
    order = desk.bracket(price=134.0, quantity=3 * LOT)
    desk.wait()
    assert (order.entry.filled, order.entry.status) == (LOT, Status.PART_TRADED)
    desk.shelf.books[CALL] = book(13500, 13600)
    prices = {"orderType": "LIMIT", "price": 134.0, "targetPrice": 150.0, "stopLossPrice": 120.0}
    with pytest.raises(ApiError, match="DH-905"):
        modify(desk, order, "ENTRY_LEG", quantity=LOT - 1, **prices)
    modify(desk, order, "ENTRY_LEG", quantity=LOT, **prices)
    desk.wait()
    assert (order.entry.quantity, order.entry.status) == (LOT, Status.TRADED)
    assert all(exit_order.is_open and exit_order.quantity == LOT for exit_order in order.exits.values())
    desk.shelf.books[CALL] = book(13300, 13390)
    desk.wait()
    assert order.entry.filled == LOT


def test_terms_must_lie_on_the_right_side() -> None:
    desk = Desk()
    for change in ({"targetPrice": 130.0}, {"stopLossPrice": 140.0}, {"targetPrice": 0, "stopLossPrice": 0}):
        with pytest.raises(ApiError, match="DH-905"):
            desk.bracket(**change)
    with pytest.raises(ApiError, match="Invalid Price for orderType"):
        desk.bracket(orderType="MARKET")


def test_both_exits_fill_only_where_that_fault_strikes_and_then_it_is_reported() -> None:
    desk = Desk(Wanted(oco_race=1))
    order = held(desk)
    desk.shelf.books[CALL] = book(15010, 15020)
    desk.wait()
    assert order.closed == 2 * LOT
    assert desk.ledger.net(order.entry.contract, "INTRADAY") == -LOT
    reported: list[Any] = [event.detail for event in desk.core.events if event.kind == "oco_race"]
    assert [quantity for _, _, quantity in reported] == [2 * LOT]


def test_a_rejected_leg_leaves_the_other() -> None:
    desk = Desk(Wanted(leg_rejected=1))
    order = held(desk)
    assert order.leg_status("TARGET_LEG") == "REJECTED"
    assert order.leg_status("STOP_LOSS_LEG") == "PENDING"


def test_an_unfilled_stop_fault_keeps_the_stop_triggered() -> None:
    desk = Desk(Wanted(stop_unfilled=1000))
    order = held(desk)
    desk.shelf.books[CALL] = book(11950, 12050)
    desk.wait()
    assert order.leg_status("STOP_LOSS_LEG") == "TRIGGERED"


def test_the_row_has_the_misspelt_quantity_on_the_stop_only() -> None:
    desk = Desk()
    order = held(desk)
    row: Any = super_row(order, 13400, desk.core.rules)
    target, stop = row["legDetails"]
    assert row["ltp"] == 134.0
    assert stop["totalQuatity"] == LOT
    assert "totalQuatity" not in target
    assert target["orderId"] == row["orderId"]


def test_legs_appear_in_the_order_book_under_their_own_ids() -> None:
    desk = Desk()
    order = held(desk)
    legs = {one.origin.leg: one.order_id for one in desk.core.orders.of(CLIENT)}
    assert set(legs) == {"ENTRY_LEG", "TARGET_LEG", "STOP_LOSS_LEG"}
    desk.core.counter.cancel(desk.account, legs["TARGET_LEG"], "127.0.0.1")
    assert order.leg_status("TARGET_LEG") == "CANCELLED"
