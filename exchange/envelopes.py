"""The shapes in which Dhan's servers refuse; there is no single one, so each has a name here.

A refusal is raised as `ApiError` wherever it is found out and becomes an HTTP answer at the edge.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from exchange.clock import Millis
from exchange.dialects import Dialect, Json, dumps

JSON_TYPE = "application/json"

MISSING_FIELDS = "Missing required fields, bad values for parameters etc."
NO_SUCH_ORDER = "Incorrect request for order and cannot be processed"
TOO_MANY = "Too many requests on server from single user breaching rate limits. Try throttling API calls."
NO_DATA = "System is unable to fetch data due to incorrect parameters or no data present."
AUTHENTICATION_FAILED = "Authentication Failed - Client ID or Token invalid"
TOO_MANY_QUOTES = "Too many requests. Further requests may result in the user being blocked."

FeedCode = Literal[800, 804, 805, 806, 807, 808, 809, 810, 811, 812, 813, 814]


@dataclass(frozen=True)
class Reply:
    """An HTTP answer before it is one."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE


class ApiError(Exception):
    """A request was refused; `reply` is what goes over the wire."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with HTTP {reply.status}: {reply.body.decode(errors='replace')}")
        self.reply = reply


def java(value: Json, status: int = 200) -> Reply:
    """Return an answer of a Java service: orders, funds, charts, profile."""
    return _json(value, "java", status)


def go(value: Json, status: int = 200) -> Reply:
    """Return an answer of a Go service: quotes and chains."""
    return _json(value, "go", status)


def trading_error(kind: str, code: str, message: str, status: int = 400) -> ApiError:
    """Return envelope A with any type and code; the functions below name the usual ones."""
    return ApiError(java({"errorType": kind, "errorCode": code, "errorMessage": message}, status))


def order_error(message: str, status: int = 400) -> ApiError:
    """Return DH-906, a business refusal of an order."""
    return trading_error("Order_Error", "DH-906", message, status)


def input_error(message: str = MISSING_FIELDS) -> ApiError:
    """Return DH-905, which names no field unless the message does."""
    return trading_error("Input_Exception", "DH-905", message)


def invalid_token() -> ApiError:
    """Return how orders, charts and profile refuse a token: DH-906 with 400, not 401."""
    return order_error("Invalid Token")


def rate_limited() -> ApiError:
    """Return DH-904; it carries no Retry-After."""
    return trading_error("Rate_Limit", "DH-904", TOO_MANY, 429)


def no_data() -> ApiError:
    """Return DH-907: no candles, or not for these parameters."""
    return trading_error("Data_Error", "DH-907", NO_DATA)


def server_error() -> ApiError:
    """Return DH-908."""
    return trading_error("Internal_Server_Error", "DH-908", "Internal Server Error", 500)


def no_holdings() -> ApiError:
    """Return how an empty portfolio is told."""
    return trading_error("HOLDING_ERROR", "DH-1111", "No holdings available", 500)


def data_error(code: FeedCode, message: str, status: int = 400) -> ApiError:
    """Return envelope B, of quotes and chains."""
    return ApiError(go({"data": {str(code): message}, "status": "failed"}, status))


def data_authentication_failed() -> ApiError:
    """Return 808, how quotes and chains refuse a token."""
    return data_error(808, AUTHENTICATION_FAILED, 401)


def data_rate_limited() -> ApiError:
    """Return 805."""
    return data_error(805, TOO_MANY_QUOTES, 429)


def data_not_subscribed() -> ApiError:
    """Return 806 as it was recorded: a bare object, at HTTP 200."""
    return ApiError(go({"errorCode": 806, "errorMessage": "Data APIs not subscribed"}))


def ip_error() -> Reply:
    """Return envelope C: an error inside a list, at HTTP 200."""
    return java([{"message": "Something went wrong", "status": "ERROR"}])


def not_found(path: str, now: Millis, status: int = 404) -> Reply:
    """Return envelope D, the gateway's answer to an unknown path, or with 405 to an unknown method."""
    return java({"timestamp": now, "status": status, "error": HTTPStatus(status).phrase, "path": path}, status)


def internal_error(message: str, status: Literal[400, 500] = 400) -> ApiError:
    """Return envelope E, a form that leaks from inside."""
    name = "BAD_REQUEST" if status == 400 else "INTERNAL_SERVER_ERROR"  # noqa: PLR2004 - HTTP's own numbers
    return ApiError(
        java(
            {
                "errorCode": "NONE" if status == 400 else name,  # noqa: PLR2004 - HTTP's own numbers
                "httpStatus": name,
                "internalErrorCode": "RS-9005",
                "internalErrorMessage": message,
            },
            status,
        )
    )


def gateway_error(status: Literal[502, 503, 504]) -> Reply:
    """Return envelope F: HTML from a load balancer."""
    name = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}[status]
    page = f"<html>\r\n<head><title>{status} {name}</title></head>\r\n<body>\r\n<center><h1>{status} {name}</h1>"
    return Reply(status, f"{page}</center>\r\n</body>\r\n</html>\r\n".encode(), "text/html")


def _json(value: Json, dialect: Dialect, status: int) -> Reply:
    return Reply(status, dumps(value, dialect))
