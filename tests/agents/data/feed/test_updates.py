"""Order updates: read in any spelling, harmless in any order, and heard again after every fault of the wire."""

import asyncio
import contextlib
import json
import logging
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.data.feed.alerts import AlertLog, AlertStatus, OrderAlert, UnreadableAlertError, read_alert
from agents.data.feed.link import Stop
from agents.data.feed.updates import UpdatesClient
from exchange.clock import ist
from exchange.orders import Origin, Ticket
from tests.agents.data.feed.venues import CLIENT, QUICK, Venue, until, venue

CAMEL: dict[str, Any] = {  # Any: JSON
    "orderNo": "452511190001",
    "legNo": 1,
    "algoOrdNo": None,
    "status": "Pending",
    "source": "P",
    "orderPlatform": "API",
    "securityId": "42528",
    "txnType": "B",
    "quantity": 65,
    "tradedQty": 0,
    "price": 134.05,
    "triggerPrice": 0.0,
    "avgTradedPrice": 0.0,
    "correlationId": "zd-1",
    "lastUpdatedTime": "2026-11-19 10:00:01",
    "reasonDescription": "CONFIRMED",
}


def worded(**changes: object) -> str:
    return json.dumps({"Data": {**CAMEL, **changes}, "Type": "order_alert"})


def read(**changes: object) -> OrderAlert:
    found = read_alert(worded(**changes))
    assert found is not None
    return found


def test_keys_are_read_in_any_case() -> None:
    pascal = {key[:1].upper() + key[1:]: value for key, value in CAMEL.items()}
    assert read_alert(json.dumps({"data": pascal, "type": "ORDER_ALERT"})) == read()


def test_of_two_spellings_the_one_that_says_something_counts() -> None:
    assert read_alert(json.dumps({"Data": {"CorrelationId": "", **CAMEL}, "Type": "order_alert"})) == read()


def test_prices_are_exact() -> None:
    assert read(price=134.05).price == Decimal("134.05")


@pytest.mark.parametrize(("number", "parent"), [(None, None), (32_132_609_031_621, "32132609031621"), ("", None)])
def test_a_parent_comes_as_a_number_or_not_at_all(number: object, parent: str | None) -> None:
    assert read(algoOrdNo=number).parent_id == parent


def test_quantities_correct_a_word_that_lags() -> None:
    assert read(status="Pending", tradedQty=30).status is AlertStatus.PART_TRADED
    assert read(status="PENDING", tradedQty=65).status is AlertStatus.TRADED
    assert read(status="Traded", tradedQty=30).status is AlertStatus.PART_TRADED
    assert read(status="Cancelled", tradedQty=30).status is AlertStatus.CANCELLED


def test_an_order_from_elsewhere_is_foreign() -> None:
    assert not read().foreign
    assert read(source="N", orderPlatform="FAST").foreign


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 100_000, worded(quantity="many"), worded(status="Dancing"), worded(orderNo=""),
     worded(price=float("nan")), worded(quantity=10**30 + 0.5)[:-20]],
)  # fmt: skip
def test_what_cannot_be_read_says_so_without_values(text: str) -> None:
    with pytest.raises(UnreadableAlertError) as caught:
        read_alert(text)
    assert "many" not in str(caught.value)


def test_other_messages_are_none_of_ours() -> None:
    assert read_alert('{"Type":"news"}') is None
    assert read_alert("[]") is None


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_no_text_raises_anything_else(raw: bytes) -> None:
    with contextlib.suppress(UnreadableAlertError):
        read_alert(raw.decode("utf-8", "replace"))


LIFE = [
    read(status="Transit", lastUpdatedTime="2026-11-19 10:00:00"),
    read(status="Pending"),
    read(status="Pending", tradedQty=20, lastUpdatedTime="2026-11-19 10:00:02"),
    read(status="Pending", tradedQty=40, lastUpdatedTime="2026-11-19 10:00:02"),
    read(status="Traded", tradedQty=65, lastUpdatedTime="2026-11-19 10:00:03"),
]


@given(st.permutations(LIFE * 2))
def test_repeats_and_disorder_end_the_same_and_never_go_back(alerts: list[OrderAlert]) -> None:
    log = AlertLog()
    news = [found for found in map(log.take, alerts) if found is not None]
    ranks = [(one.status.rank, one.traded_quantity) for one in news]
    assert ranks == sorted(ranks)
    assert news[-1] == LIFE[-1]
    assert [log.take(alert) for alert in alerts] == [None] * len(alerts)


def test_another_price_of_a_resting_order_is_news_once() -> None:
    log = AlertLog()
    log.take(LIFE[1])
    moved = LIFE[1]._replace(price=Decimal("133.5"))
    assert log.take(moved) == moved
    assert log.take(moved) is None


def test_a_fill_that_crosses_a_cancel_is_news() -> None:
    log = AlertLog()
    log.take(read(status="Cancelled", tradedQty=0))
    crossed = log.take(read(status="Traded", tradedQty=65))
    assert crossed is not None
    assert crossed.traded_quantity == 65


@dataclass
class Desk:
    """A listener that keeps everything."""

    alerts: list[OrderAlert] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)

    def opened(self, now: datetime) -> None:  # noqa: ARG002  (the protocol's)
        self.happened.append("opened")

    def closed(self, now: datetime) -> None:  # noqa: ARG002  (the protocol's)
        self.happened.append("closed")

    def changed(self, alert: OrderAlert, now: datetime) -> None:  # noqa: ARG002  (the protocol's)
        self.alerts.append(alert)

    def unsure(self, reason: str, now: datetime) -> None:  # noqa: ARG002  (the protocol's)
        self.happened.append(reason)


def client_of(place: Venue, desk: Desk) -> UpdatesClient:
    address = f"ws://127.0.0.1:{place.ports.public}/order-update"
    return UpdatesClient(address, place.keys, desk, place, sleep=asyncio.sleep, rng=Random(2), pace=QUICK)


def buy(place: Venue, source: Literal["P", "N"] = "P", platform: str = "API") -> str:
    key = place.listed("OPTIDX", 50)
    contract = place.market.contract(key.security_id, key.segment, ist(place.core.settle()).date())
    book = place.market.top_of_book(key.security_id, key.segment, place.core.now)
    ticket = Ticket(
        side="BUY",
        segment="NSE_FNO",
        product="INTRADAY",
        kind="LIMIT",
        validity="DAY",
        security_id=key.security_id,
        quantity=contract.lot_size,
        price=book.ask + 200,
        trigger=0,
    )
    return place.core.venue.place(Origin(CLIENT, source, platform), ticket, contract).order_id


UPDATE_FAULTS = [
    ("updates_refused", {"times": 2}, "updates_ended{busy}"),
    ("updates_reset", {"times": 1}, "updates_ended{lost}"),
    ("updates_duplicated", {"times": None}, "updates_repeated"),
    ("updates_reordered", {"times": 1}, ""),
    ("updates_delayed", {"times": 1, "parameters": {"seconds": 2.0}}, ""),
    ("updates_dropped", {"times": 1}, ""),
    ("updates_case", {"times": None}, ""),
    ("updates_foreign", {"times": None}, "updates_foreign"),
]


@pytest.mark.parametrize(("name", "script", "shows"), UPDATE_FAULTS)
def test_no_fault_of_the_updates_hides_an_order_for_good(
    name: str, script: dict[str, object], shows: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def play() -> tuple[Desk, UpdatesClient, str]:
        async with venue(20.0) as place:
            place.fault(name, **script)
            desk, stop = Desk(), Stop()
            client = client_of(place, desk)
            running = asyncio.create_task(client.run(stop))
            await until(lambda: client.connected)
            await asyncio.sleep(0.1)  # the login has no answer: the server may still be reading it
            buy(place)
            await asyncio.sleep(0.5)
            await until(lambda: client.connected)
            await asyncio.sleep(0.1)
            last = buy(place)
            await until(lambda: any(a.order_id == last and a.status is AlertStatus.TRADED for a in desk.alerts))
            stop.say()
            await asyncio.wait_for(running, 3.0)
            assert place.keys.now not in caplog.text
            return desk, client, last

    desk, client, _ = asyncio.run(play())
    assert not shows or client.counts.all()[shows] > 0
    assert desk.happened[0] == "opened"
    assert desk.happened[-1] == "closed"
    for order in {alert.order_id for alert in desk.alerts}:
        ranks = [(a.status.rank, a.traded_quantity) for a in desk.alerts if a.order_id == order]
        assert ranks == sorted(ranks)


def test_a_refused_login_waits_for_another_token() -> None:
    async def play() -> tuple[int, int]:
        async with venue(20.0) as place:
            good, place.keys.now = place.keys.now, "paper.of.nobody"
            desk, stop = Desk(), Stop()
            client = client_of(place, desk)
            running = asyncio.create_task(client.run(stop))
            await until(lambda: client.counts.all().get("updates_ended{credentials}", 0) == 1)
            await asyncio.sleep(0.3)
            tried = client.counts.of("updates_connected")
            place.keys.now = good
            await until(lambda: client.counts.of("updates_connected") == tried + 1)
            await asyncio.sleep(0.1)
            order = buy(place, "N", "FAST")
            await until(lambda: any(alert.order_id == order for alert in desk.alerts))
            stop.say()
            await running
            return tried, client.counts.of("updates_foreign")

    tried, foreign = asyncio.run(play())
    assert tried == 1
    assert foreign > 0
