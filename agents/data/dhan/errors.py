"""What a reply that is no success means. Dhan's codes mislead, so its messages come first and its codes second.

There are several shapes of error, some of them with status 200, and the same code stands for a dead token, an unknown
order and a refused price. What matters is what the caller may do.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agents.data.dhan.redaction import cleaned
from agents.data.dhan.reply import Reply
from agents.domain.errors import ConfigError, DataError, MissingDataError, TradingError

_LONGEST = 200
_NO_BODY = "no body"
_SERVER_ERRORS = 500


class Trouble(StrEnum):
    """What is the matter, by what may be done about it."""

    TOKEN = "token"  # noqa: S105 - not a token; a new one must be made
    ACCESS = "access"  # the account lacks a plan, a segment or an active service
    ADDRESS = "address"  # orders are not taken from this IP address
    THROTTLED = "throttled"  # too many requests; wait
    NO_DATA = "no data"  # the question is right and the answer is nothing
    UNKNOWN_ORDER = "unknown order"  # no such order, or not yet
    IN_TRANSIT = "in transit"  # the order is on its way to the exchange; ask again
    ORDER = "order refused"  # a rule of the broker or the market
    REQUEST = "bad request"  # the question is wrong; asking again does not help
    NO_SUCH_PATH = "no such path"
    SERVER = "server"  # Dhan's side failed; a read may be repeated
    UNREADABLE = "unreadable"  # an answer came that says nothing: HTML, or no body


@dataclass(frozen=True)
class Fault:
    """Why a reply is no success; `message` holds no secret."""

    trouble: Trouble
    status: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.trouble} (HTTP {self.status}, {self.code or 'no code'}): {self.message}"


class DhanError(DataError):
    """A read of Dhan failed; `fault` says why."""

    def __init__(self, message: str, fault: Fault | None = None) -> None:
        super().__init__(message)
        self.fault = fault


class DhanUnavailableError(DhanError):
    """No answer, or none that can be used; asking again may help."""

    retryable = True


class DhanThrottledError(DhanUnavailableError):
    """Too many requests; ask again after the limit's window."""


class TokenRefusedError(ConfigError):
    """The access token is dead; nothing works until there is a new one."""


class UnansweredError(DhanUnavailableError):
    """No reply came. `sent` is False where the request cannot have reached the server."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


_BY_MESSAGE = (
    ("order is in transit", Trouble.IN_TRANSIT),
    ("invalid ip", Trouble.ADDRESS),
    ("not subscribed", Trouble.ACCESS),
    ("too many requests", Trouble.THROTTLED),
    ("once every", Trouble.THROTTLED),
    ("invalid token", Trouble.TOKEN),
    ("token is invalid", Trouble.TOKEN),
    ("token invalid", Trouble.TOKEN),
    ("token expired", Trouble.TOKEN),
    ("token is expired", Trouble.TOKEN),
    ("authentication failed", Trouble.TOKEN),
    ("invalid or expired", Trouble.TOKEN),
    ("incorrect request for order", Trouble.UNKNOWN_ORDER),
    ("market is closed", Trouble.ORDER),
    ("trigger price should be", Trouble.ORDER),
    ("invalid price for ordertype", Trouble.ORDER),
    ("no holdings", Trouble.NO_DATA),
    ("no data present", Trouble.NO_DATA),
    ("data not available", Trouble.NO_DATA),
    ("for input string", Trouble.REQUEST),
    ("days at a time", Trouble.REQUEST),
    ("missing required fields", Trouble.REQUEST),
    ("is required", Trouble.REQUEST),
    ("invalid expiry date", Trouble.REQUEST),
    ("invalid securityid", Trouble.REQUEST),
)
_BY_CODE = {
    "DH-901": Trouble.TOKEN,
    "DH-902": Trouble.ACCESS,
    "DH-903": Trouble.ACCESS,
    "DH-904": Trouble.THROTTLED,
    "DH-905": Trouble.REQUEST,
    "DH-906": Trouble.ORDER,
    "DH-907": Trouble.NO_DATA,
    "DH-908": Trouble.SERVER,
    "DH-909": Trouble.SERVER,
    "DH-911": Trouble.ADDRESS,
    "DH-1111": Trouble.NO_DATA,
    "800": Trouble.SERVER,
    "804": Trouble.REQUEST,
    "805": Trouble.THROTTLED,
    "806": Trouble.ACCESS,
    "807": Trouble.TOKEN,
    "808": Trouble.TOKEN,
    "809": Trouble.TOKEN,
    "810": Trouble.TOKEN,
    "811": Trouble.REQUEST,
    "812": Trouble.REQUEST,
    "813": Trouble.REQUEST,
    "814": Trouble.REQUEST,
    "820": Trouble.ACCESS,
    "821": Trouble.ACCESS,
}
_BY_STATUS = {
    401: Trouble.TOKEN,
    403: Trouble.ACCESS,
    404: Trouble.NO_SUCH_PATH,
    429: Trouble.THROTTLED,
}
_CURES = {
    Trouble.ACCESS: "check the data plan, segments and API access of the account on web.dhan.co",
    Trouble.ADDRESS: "register this machine's IP address with Dhan, or go on read-only",
    Trouble.REQUEST: "the same request will fail again; check instrument, dates and expiry against the master of today",
    Trouble.NO_SUCH_PATH: "check ZONEDESK_DHAN_URL",
    Trouble.ORDER: "never send it again unchanged",
}


def classify(reply: Reply) -> Fault | None:
    """Return why a reply is no success, None if it is one. Empty lists and empty data are success here."""
    try:
        body = reply.json()
    except ValueError:
        trouble = Trouble.SERVER if reply.status >= _SERVER_ERRORS else _BY_STATUS.get(reply.status, Trouble.UNREADABLE)
        return Fault(trouble, reply.status, "", _excerpt(reply.body))
    code, message = _code_and_message(body)
    if reply.is_ok and not code and not message:
        return None
    trouble = _trouble(message, code, reply)
    return Fault(trouble, reply.status, code, cleaned(message)[:_LONGEST] or _excerpt(reply.body))


def classify_file(reply: Reply) -> Fault | None:
    """Return why a reply is not the file of text that was asked for, None if it may be."""
    if reply.is_ok and reply.body and reply.body.lstrip()[:1] not in b"<{[":
        return None
    fault = classify(reply)
    return fault or Fault(Trouble.UNREADABLE, reply.status, "", _excerpt(reply.body))


def error_of(fault: Fault, what: str) -> TradingError:
    """Return the error to raise for a failed read; `what` says what was asked.

    A dead token and a missing plan are for a person (`ConfigError`); no data is `MissingDataError`; what may be asked
    again is `DhanUnavailableError`; the rest is `DhanError`.
    """
    text = f"Dhan did not give {what}: {fault}"
    if fault.trouble is Trouble.TOKEN:
        return TokenRefusedError(f"{text}; make a new access token (`zonedesk doctor` says how long it lives)")
    if fault.trouble is Trouble.ACCESS:
        return ConfigError(f"{text}; {_CURES[fault.trouble]}")
    if fault.trouble is Trouble.NO_DATA:
        return MissingDataError(f"{text}; there is nothing for those dates or that instrument")
    if fault.trouble is Trouble.THROTTLED:
        return DhanThrottledError(f"{text}; fewer programs should use this account at once", fault)
    if fault.trouble in {Trouble.SERVER, Trouble.UNREADABLE, Trouble.IN_TRANSIT}:
        return DhanUnavailableError(f"{text}; ask again later", fault)
    return DhanError(f"{text}; {_CURES.get(fault.trouble, 'look the order up first')}", fault)


def _trouble(message: str, code: str, reply: Reply) -> Trouble:
    lower = message.lower()
    for words, trouble in _BY_MESSAGE:
        if words in lower:
            return trouble
    if code in _BY_CODE:
        return _BY_CODE[code]
    if reply.status in _BY_STATUS:
        return _BY_STATUS[reply.status]
    return Trouble.SERVER if reply.is_ok or reply.status >= _SERVER_ERRORS else Trouble.REQUEST


def _code_and_message(body: Any) -> tuple[str, str]:  # Any: JSON
    """Return the code and message of any of the error shapes; both empty where there is no error."""
    if isinstance(body, list):
        first = body[0] if body and isinstance(body[0], dict) else {}
        return ("", str(first.get("message", ""))) if str(first.get("status", "")).upper() == "ERROR" else ("", "")
    if not isinstance(body, dict):
        return "", f"expected an object or a list, found {type(body).__name__}"
    for code, message in (("errorCode", "errorMessage"), ("internalErrorCode", "internalErrorMessage")):
        if body.get(message):
            return str(body.get(code) or ""), str(body[message])
    if body.get("status") in {"failed", "failure", "error"}:
        return _of_quotes(body)
    return str(body.get("errorCode") or ""), str(body["error"]) if "error" in body and "path" in body else ""


def _of_quotes(body: dict[str, Any]) -> tuple[str, str]:  # Any: JSON
    """Return code and message of the shape that quotes and chains use: ``{"data": {code: message}}``."""
    data = body.get("data")
    if isinstance(data, dict) and data:
        code, message = next(iter(data.items()))
        return str(code), str(message)
    return "", str(body.get("message") or body.get("remarks") or "failed without a reason")


def _excerpt(body: bytes) -> str:
    """Return the beginning of a body as one line without secrets."""
    text = " ".join(body[: 4 * _LONGEST].decode(errors="replace").split())
    return cleaned(text)[:_LONGEST] or _NO_BODY


__all__ = [
    "DhanError",
    "DhanThrottledError",
    "DhanUnavailableError",
    "Fault",
    "TokenRefusedError",
    "Trouble",
    "UnansweredError",
    "classify",
    "classify_file",
    "error_of",
]
