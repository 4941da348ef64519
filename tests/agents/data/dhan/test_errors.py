"""What replies mean, by message first."""

import json
from typing import Any

import pytest

from agents.data.dhan.errors import (
    DhanError,
    DhanThrottledError,
    DhanUnavailableError,
    Fault,
    TokenRefusedError,
    Trouble,
    classify,
    classify_file,
    error_of,
)
from agents.data.dhan.reply import Reply
from agents.domain.errors import ConfigError, MissingDataError


def reply(status: int, body: Any) -> Reply:  # Any: JSON, or bytes as they are
    return Reply("GET", "/v2/x", status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def order_error(code: str, message: str) -> dict[str, str]:
    return {"errorType": "Order_Error", "errorCode": code, "errorMessage": message}


def data_error(code: int, message: str) -> dict[str, object]:
    return {"data": {str(code): message}, "status": "failed"}


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (400, order_error("DH-906", "Invalid Token"), Trouble.TOKEN),
        (401, data_error(808, "Authentication Failed - Client ID or Token invalid"), Trouble.TOKEN),
        (401, data_error(807, "Access token is expired"), Trouble.TOKEN),
        (400, order_error("DH-906", "Incorrect request for order and cannot be processed"), Trouble.UNKNOWN_ORDER),
        (400, order_error("DH-906", "Order is in Transit state"), Trouble.IN_TRANSIT),
        (400, order_error("DH-906", "Market is Closed! You cannot modify/cancel an order now."), Trouble.ORDER),
        (400, order_error("DH-906", "Trigger Price should be greater than Price"), Trouble.ORDER),
        (400, order_error("DH-905", "Invalid Price for orderType"), Trouble.ORDER),
        (400, order_error("DH-905", "Invalid IP"), Trouble.ADDRESS),
        (400, order_error("DH-905", "quantity is required"), Trouble.REQUEST),
        (400, order_error("DH-905", "Data for Intraday Charts can be fetched for 90 days at a time"), Trouble.REQUEST),
        (400, order_error("DH-907", "no data present"), Trouble.NO_DATA),
        (500, order_error("DH-1111", "No holdings available"), Trouble.NO_DATA),
        (400, order_error("DH-902", "No access"), Trouble.ACCESS),
        (429, data_error(805, "Too many requests. Further requests may result in being blocked."), Trouble.THROTTLED),
        (400, data_error(811, "Invalid Expiry Date"), Trouble.REQUEST),
        (400, data_error(813, "Invalid SecurityId"), Trouble.REQUEST),
        (400, data_error(806, "Data APIs not subscribed"), Trouble.ACCESS),
        (500, order_error("DH-908", "Internal Server Error"), Trouble.SERVER),
        (200, [{"message": "Something went wrong", "status": "ERROR"}], Trouble.SERVER),
        (502, b"<html>Bad Gateway</html>", Trouble.SERVER),
        (429, b"", Trouble.THROTTLED),
        (202, b"", Trouble.UNREADABLE),
        (200, b"<html>Please wait.</html>", Trouble.UNREADABLE),
        (200, b"7", Trouble.SERVER),
        (418, {"odd": 1}, Trouble.REQUEST),
    ],
)
def test_a_reply_means(status: int, body: Any, trouble: Trouble) -> None:
    fault = classify(reply(status, body))
    assert fault is not None
    assert fault.trouble is trouble


@pytest.mark.parametrize("body", [[], {}, {"data": {"IDX_I": {}}, "status": "success"}, {"orderStatus": "TRANSIT"}])
def test_an_empty_answer_is_a_success(body: Any) -> None:
    assert classify(reply(200, body)) is None


def test_a_file_of_text_is_no_json_and_still_a_success() -> None:
    assert classify_file(reply(200, b"EXCH_ID,SEGMENT\nNSE,D\n")) is None
    html, refused, nothing = reply(200, b"<html>"), reply(400, order_error("DH-905", "bad")), reply(200, b"")
    troubles = [fault.trouble for fault in map(classify_file, (html, refused, nothing)) if fault]
    assert troubles == [Trouble.UNREADABLE, Trouble.REQUEST, Trouble.UNREADABLE]


@pytest.mark.parametrize(
    ("trouble", "kind", "again"),
    [
        (Trouble.TOKEN, TokenRefusedError, False),
        (Trouble.ACCESS, ConfigError, False),
        (Trouble.THROTTLED, DhanThrottledError, True),
        (Trouble.SERVER, DhanUnavailableError, True),
        (Trouble.UNREADABLE, DhanUnavailableError, True),
        (Trouble.NO_DATA, MissingDataError, False),
        (Trouble.REQUEST, DhanError, False),
        (Trouble.ADDRESS, DhanError, False),
        (Trouble.NO_SUCH_PATH, DhanError, False),
    ],
)
def test_an_error_says_whether_to_ask_again(trouble: Trouble, kind: type[Exception], *, again: bool) -> None:
    error = error_of(Fault(trouble, 400, "DH-906", "why"), "candles of NIFTY")
    assert type(error) is kind
    assert error.retryable is again
    assert "candles of NIFTY" in str(error)
    assert "why" in str(error)


def test_nan_is_nothing_and_the_date_header_is_the_servers_clock() -> None:
    said = Reply("GET", "/", 200, {"date": "Sat, 25 Jan 2025 09:54:55 GMT"}, b'{"a": NaN, "b": 1.7375706E9}')
    assert said.json() == {"a": None, "b": 1737570600.0}
    assert said.served_at is not None
    assert said.served_at.isoformat() == "2025-01-25T09:54:55+00:00"
    assert Reply("GET", "/", 200, {"date": "noon"}, b"").served_at is None
