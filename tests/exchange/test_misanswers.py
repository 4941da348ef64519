"""Wrong answers over HTTP, from a real process to the official client and to a plain one."""

import json
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from dhanhq import dhanhq

from exchange.spoiling import spoilt

pytestmark = pytest.mark.process

HEADERS = {"client-id": "1000000001"}


@pytest.fixture(autouse=True)
def no_faults_left(venue: Any) -> Iterator[None]:  # Any: conftest cannot be imported
    yield
    venue.control("DELETE", "/faults")


@pytest.fixture(scope="module")
def client(venue: Any) -> dhanhq:
    return venue.client()


def ask(venue: Any, client: dhanhq, method: str = "GET", path: str = "/fundlimit", body: Any = None) -> Any:
    return requests.request(method, venue.url + path, json=body, headers=client.dhan_http.header, timeout=3)


def orders(client: dhanhq) -> list[str]:
    return [row["correlationId"] for row in client.get_order_list()["data"]]


def place(client: dhanhq, tag: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.place_order("53230", "NSE_FNO", "BUY", 65, "LIMIT", "INTRADAY", 24_000.0, tag=tag)
    return answer


@pytest.mark.parametrize(
    ("name", "where", "shape"),
    [
        ("rate_limited", "GET /v2/fundlimit", (429, "DH-904")),
        ("rate_limited", "POST /v2/marketfeed/ltp", (429, '"805"')),
        ("server_error", "GET /v2/fundlimit", (500, "DH-908")),
        ("gateway_error", "GET /v2/fundlimit", (502, "Bad Gateway")),
        ("invalid_ip", "GET /v2/fundlimit", (400, "Invalid IP")),
        ("invalid_token", "GET /v2/fundlimit", (400, "Invalid Token")),
        ("invalid_token", "POST /v2/marketfeed/ltp", (401, '"808"')),
    ],
)
def test_a_refusal_has_its_shape_and_strikes_once(
    venue: Any, client: dhanhq, name: str, where: str, shape: tuple[int, str]
) -> None:
    venue.fault(name, where=where)
    method, path = where.replace("/v2", "").split(" ")
    body = {"IDX_I": [13]} if method == "POST" else None
    reply = ask(venue, client, method, path, body)
    assert (reply.status_code, shape[1] in reply.text) == (shape[0], True)
    assert "Retry-After" not in reply.headers
    assert ask(venue, client, method, path, body).status_code == 200


@pytest.mark.parametrize(
    ("name", "remarks"),
    [
        ("empty_202", "Expecting value"),
        ("html_200", "Expecting value"),
        ("lost_in_gateway", "Expecting value"),
        ("dropped", "Connection aborted"),
    ],
)
def test_an_order_exists_though_the_answer_was_lost(venue: Any, client: dhanhq, name: str, remarks: str) -> None:
    venue.fault(name, where="POST /v2/orders")
    answer = place(client, f"lost-{name}")
    assert answer["status"] == "failure"
    assert remarks in str(answer["remarks"])
    assert f"lost-{name}" in orders(client)


def test_an_order_exists_though_the_connection_was_reset(venue: Any, client: dhanhq) -> None:
    venue.fault("dropped", where="POST /v2/orders", parameters={"reset": True})
    assert "Connection reset by peer" in str(place(client, "lost-reset")["remarks"])
    assert "lost-reset" in orders(client)


def test_a_slow_answer_comes_after_the_order_was_taken(venue: Any, client: dhanhq) -> None:
    venue.fault("slow", where="POST /v2/orders", parameters={"seconds": 5})
    with pytest.raises(requests.ReadTimeout):
        ask(
            venue,
            client,
            "POST",
            "/orders",
            {
                "transactionType": "BUY",
                "exchangeSegment": "NSE_FNO",
                "productType": "INTRADAY",
                "orderType": "LIMIT",
                "validity": "DAY",
                "securityId": "53230",
                "quantity": 65,
                "price": 24_000.0,
                "correlationId": "slow-1",
                "dhanClientId": "1000000001",
            },
        )
    assert "slow-1" in orders(client)


def test_a_request_that_arrives_twice_is_two_orders(venue: Any, client: dhanhq) -> None:
    venue.fault("duplicated_request", where="POST /v2/orders")
    assert place(client, "twice-1")["status"] == "success"
    assert orders(client).count("twice-1") == 2


def test_the_date_header_follows_the_machine_unless_skewed(venue: Any, client: dhanhq) -> None:
    def skew() -> float:
        return parsedate_to_datetime(ask(venue, client).headers["Date"]).timestamp() - time.time()

    assert abs(skew()) < 2
    venue.fault("clock_skew", parameters={"seconds": -300})
    assert -302 < skew() < -298
    assert abs(skew()) < 2


def test_charts_lack_candles(venue: Any, client: dhanhq) -> None:
    def chart() -> dict[str, list[float]]:
        answer = client.intraday_minute_data("13", "IDX_I", "INDEX", "2026-11-17", "2026-11-17")
        found: dict[str, list[float]] = answer["data"]
        return found

    whole = chart()
    venue.fault("empty_candles")
    assert set(map(len, chart().values())) == {0}
    venue.fault("missing_last_candle", parameters={"count": 2})
    assert chart() == {name: values[:-2] for name, values in whole.items()}
    assert chart() == whole


def test_a_chain_stays_as_it_was(venue: Any, client: dhanhq) -> None:
    expiry = client.expiry_list(13, "IDX_I")["data"]["data"][0]

    def chain() -> str:
        return json.dumps(client.option_chain(13, "IDX_I", expiry)["data"])

    before = chain()
    venue.fault("stale_chain", times=2)
    time.sleep(2)
    assert [chain(), chain()] == [before, before]
    assert chain() != before


def test_a_chain_lacks_sides_and_prices(venue: Any, client: dhanhq) -> None:
    expiry = client.expiry_list(13, "IDX_I")["data"]["data"][0]
    venue.fault("missing_side", parameters={"side": "pe", "every": 2})
    rows = client.option_chain(13, "IDX_I", expiry)["data"]["data"]["oc"].values()
    assert [("pe" in row) for row in rows][:4] == [False, True, False, True]
    venue.fault("zero_quotes")
    data = client.option_chain(13, "IDX_I", expiry)["data"]["data"]
    assert data["last_price"] > 0
    assert {row[side]["last_price"] for row in data["oc"].values() for side in row} == {0}
    venue.fault("nan_quotes")
    assert '"last_price":NaN' in ask(venue, client, "POST", "/marketfeed/ltp", {"IDX_I": [13]}).text


def test_what_is_left_alone_keeps_its_bytes() -> None:
    body = b'{"data":{"last_price":24277.25,"oc":{"24000.000000":{"ce":{"last_price":-0,"iv":7.1},"pe":{"oi":3}}}}}'
    spoilt_body = spoilt(
        body, "POST /v2/optionchain", lambda name, _: {"side": "pe", "every": 1} if name == "missing_side" else None
    )
    assert spoilt_body == body.replace(b',"pe":{"oi":3}', b"")


def test_a_late_candle_is_flat_at_the_last_close() -> None:
    body = b'{"open":[1.0],"close":[2.5],"volume":[0.0],"timestamp":[1.79508234E9]}'
    late = spoilt(body, "POST /v2/charts/intraday", lambda name, _: {} if name == "late_index_candle" else None)
    assert json.loads(late)["close"] == [2.5, 2.5]
    assert json.loads(late)["timestamp"][1] % 86_400 == 10 * 3_600


def test_the_control_api_is_guarded_and_explains_itself(venue: Any) -> None:
    url = f"http://127.0.0.1:{venue.control_port}"
    assert requests.get(f"{url}/state", timeout=3).status_code == 401
    with pytest.raises(AssertionError, match="the catalogue has"):
        venue.fault("no_such_fault")
    assert "feed_lag" in venue.control("GET", "/faults/catalogue")


def test_the_state_holds_no_secret(venue: Any) -> None:
    token = venue.token()
    shown = json.dumps([venue.control("GET", path) for path in ("/state", "/events", "/clients", "/faults")])
    assert token not in shown
    assert "123456" not in shown


def test_an_order_from_elsewhere_is_in_the_book(venue: Any) -> None:
    client = venue.client()
    body = {"security_id": 53230, "side": "BUY", "quantity": 65, "price": 2_400_000}
    order_id = venue.control("POST", "/clients/1000000001/orders", body)["order_id"]
    assert order_id in {row["orderId"] for row in client.get_order_list()["data"]}


def test_the_clock_can_be_set_moved_and_opened(venue: Any) -> None:
    venue.control("PUT", "/clock", {"mode": "set", "at": "2026-11-24T11:00:00+05:30", "speed": 0})
    assert venue.control("POST", "/clock/move", {"seconds": 90})["text"] == "2026-11-24T11:01:30+05:30"
    opened = venue.control("PUT", "/clock", {"mode": "open", "on": "2026-11-21"})
    assert opened["text"].startswith("2026-11-23T09:15:00")
    with pytest.raises(AssertionError, match="needs a moment"):
        venue.control("PUT", "/clock", {"mode": "set"})
