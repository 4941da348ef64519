"""Faults behind the wire, in the life of orders: the data agent tells each of them, and what it tells is the book."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from agents.data.dhan.account import plain_row
from agents.data.dhan.address import Address
from agents.data.dhan.http import Wire
from agents.data.feed.alerts import AlertStatus, OrderAlert
from agents.data.feed.link import Stop
from agents.data.feed.packets import FeedKey
from exchange.clock import ist
from tests.agents.data.feed.test_updates import Desk, client_of
from tests.agents.data.feed.venues import CLIENT, Venue, until, venue

LOTS = 2
Told = Mapping[str, OrderAlert]


def options(place: Venue) -> tuple[FeedKey, int, int]:
    """Return a liquid call, its lot size and its ask in paise."""
    on = ist(place.core.now).date()
    spot = place.market.top_of_book(13, "IDX_I", place.core.now).ltp / 100
    calls = [one for one in place.market.contracts(on) if one.option_type == "CE" and one.kind == "OPTIDX"]
    call = min(calls, key=lambda one: (one.expiry_on, abs(float(one.strike) - spot)))
    book = place.market.top_of_book(call.security_id, call.segment, place.core.now)
    return FeedKey(call.segment, call.security_id), call.lot_size, book.ask


def bracket(place: Venue, above: int, below: int) -> str:
    """Place a super order that fills at once; its exits are so many ticks away from its price."""
    place.core.settle()
    key, lot, ask = options(place)
    price = (ask + 50) // 5 * 5
    body = {
        **dict.fromkeys(("disclosedQuantity", "triggerPrice"), 0),
        "transactionType": "BUY",
        "exchangeSegment": key.segment,
        "productType": "INTRADAY",
        "orderType": "LIMIT",
        "securityId": str(key.security_id),
        "quantity": LOTS * lot,
        "price": price / 100,
        "targetPrice": (price + 5 * above) / 100,
        "stopLossPrice": (price - 5 * below) / 100,
        "trailingJump": 0.0,
        "dhanClientId": CLIENT,
    }
    return place.core.super_counter.place(place.core.accounts.all()[0], body, "127.0.0.1").order_id


def legs(told: Told, parent: str) -> dict[int, OrderAlert]:
    """Return what was told last of each leg of a super order."""
    return {one.leg: one for one in told.values() if parent in {one.order_id, one.parent_id}}


def is_over(alert: OrderAlert | None) -> bool:
    return alert is not None and alert.status >= AlertStatus.TRADED


FAR, NEAR = 400, 1
# Fault, its script, where target and stop lie, and what must have been told of the legs in the end.
CASES: list[tuple[str, dict[str, Any], tuple[int, int], Callable[[dict[int, OrderAlert]], bool]]] = [
    ("leg_rejected", {}, (FAR, FAR), lambda of: any(one.status is AlertStatus.REJECTED for one in of.values())),
    ("stop_unfilled", {"times": 8}, (FAR, NEAR), lambda of: 2 in of and of[2].status is AlertStatus.TRADED),
    ("oco_race", {}, (FAR, NEAR), lambda of: all(leg in of and of[leg].traded_quantity for leg in (1, 2, 3))),
    ("partial_fill", {"times": 2}, (FAR, FAR), lambda of: of[1].status is AlertStatus.TRADED and {2, 3} <= of.keys()),
    ("entry_part_cancelled", {}, (FAR, FAR), lambda of: of[1].status is AlertStatus.CANCELLED and {2, 3} <= of.keys()),
    ("reject_after_pending", {}, (FAR, FAR), lambda of: of[1].status is AlertStatus.REJECTED),
    ("square_off", {}, (FAR, FAR), lambda of: {2, 3} <= of.keys() and all(is_over(one) for one in of.values())),
]


@pytest.mark.parametrize(("name", "script", "exits", "shows"), CASES, ids=[case[0] for case in CASES])
def test_a_fault_of_an_order_is_told_and_what_is_told_is_the_book(
    name: str,
    script: dict[str, Any],
    exits: tuple[int, int],
    shows: Callable[[dict[int, OrderAlert]], bool],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    async def play() -> tuple[Desk, Told, list[Mapping[str, Any]], Mapping[str, int]]:
        async with venue(20.0) as place:
            desk, stop = Desk(), Stop()
            client = client_of(place, desk)
            running = asyncio.create_task(client.run(stop))
            await until(lambda: client.connected)
            await asyncio.sleep(0.1)  # the login has no answer
            place.fault(name, **script)
            parent = bracket(place, *exits)
            await until(lambda: 1 in legs(last(desk), parent) and shows(legs(last(desk), parent)), 20.0)
            await until(lambda: place.box.scripts()[0].struck > 0)
            await asyncio.sleep(0.3)
            rows = await asyncio.to_thread(book, place)
            stop.say()
            await asyncio.wait_for(running, 3.0)
            assert place.keys.now not in caplog.text
            return desk, last(desk), rows, client.counts.all()

    desk, told, rows, counts = asyncio.run(play())
    assert desk.happened == ["opened", "closed"]
    assert {row["orderId"] for row in rows} == told.keys()
    for row in rows:
        alert = told[row["orderId"]]
        assert (alert.status.name, alert.traded_quantity) == (row["orderStatus"], row["filledQty"])
    assert counts["updates_heard"] >= len(told)
    rejected = [one for one in told.values() if one.status is AlertStatus.REJECTED]
    assert counts.get("updates_rejected", 0) == len(rejected)
    assert all(f"order {one.order_id}" in caplog.text for one in told.values())


def last(desk: Desk) -> Told:
    """Return the last that was told of every order."""
    return {alert.order_id: alert for alert in desk.alerts}


def book(place: Venue) -> list[Mapping[str, Any]]:
    """Return the order book over REST, which decides."""
    wire = Wire(Address.on_loopback(place.ports.public), CLIENT, SecretStr(place.keys.now))
    try:
        rows = wire.call("the order book", lambda client: client.get_order_list()).json()
    finally:
        wire.close()
    return [plain_row(row) for row in rows]
