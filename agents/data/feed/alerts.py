"""One order's change as the broker tells it: any case of keys and words, and repeats and disorder made harmless."""

import json
from collections import OrderedDict
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Any, Final, NamedTuple

from agents.domain.values import IST

MOST_ORDERS: Final = 20_000
_NOTHING: Final = frozenset({"", "NA", "NR", "0", "0.0"})
_TIME: Final = "%Y-%m-%d %H:%M:%S"


class AlertStatus(IntEnum):
    """How far an order has come; an order never goes back to a smaller rank."""

    TRANSIT = 0
    PENDING = 1
    TRIGGERED = 2
    PART_TRADED = 3
    TRADED = 4
    CANCELLED = 5
    REJECTED = 6
    EXPIRED = 7
    CLOSED = 8

    @property
    def rank(self) -> int:
        """Return the place in that order; all ends are equal."""
        return min(self.value, AlertStatus.TRADED.value)


_WORDS: Final = {
    **{status.name: status for status in AlertStatus},
    "CONFIRM": AlertStatus.PENDING,
    "MODIFIED": AlertStatus.PENDING,
    "PARTTRADED": AlertStatus.PART_TRADED,
    "PARTIALLY_TRADED": AlertStatus.PART_TRADED,
}


class OrderAlert(NamedTuple):
    """The state of one order, of any platform of the account.

    Attributes
    ----------
    order_id : str
        As in the REST replies.
    leg : int
        1 entry, 2 stop, 3 target.
    parent_id : str or None
        The entry's order, for the exit legs of a super order.
    correlation_id : str or None
        Ours, if the order is one of ours.
    status : AlertStatus
        Corrected by the quantities where the word lags behind.
    quantity, traded_quantity : int
        Units; the second is the sum so far.
    price, trigger, average : Decimal
        Rupees.
    updated_at : datetime or None
        To the second, as the broker says.
    """

    order_id: str
    leg: int
    parent_id: str | None
    correlation_id: str | None
    status: AlertStatus
    security_id: str
    side: str
    quantity: int
    traded_quantity: int
    price: Decimal
    trigger: Decimal
    average: Decimal
    updated_at: datetime | None
    source: str
    platform: str
    reason: str

    @property
    def foreign(self) -> bool:
        """Whether the order was not sent through the API."""
        return self.source != "P" or self.platform not in {"", "API"}


class UnreadableAlertError(ValueError):
    """A message is not an order alert that can be understood; the text says what is wrong and holds no values."""


def read_alert(text: str) -> OrderAlert | None:
    """Return what a message says; None if it is well formed and about something else.

    Raises
    ------
    UnreadableAlertError
        If it is not JSON, or lacks what an alert must have.
    """
    try:
        message = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise UnreadableAlertError("a message is not JSON") from None
    outer = _folded(message)
    if str(outer.get("type", "")).lower() != "order_alert":
        return None
    data = _folded(outer.get("data"))
    order_id = _text(data, "orderno")
    if not order_id:
        raise UnreadableAlertError("an alert has no order number")
    try:
        return _alert(order_id, data)
    except (InvalidOperation, ValueError, TypeError, OverflowError):
        raise UnreadableAlertError(f"the alert of order {order_id} has numbers or a status nobody knows") from None


class AlertLog:
    """Remembers how far each order has come, so that a repeat or an old alert is no news."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, int], OrderAlert] = OrderedDict()

    def take(self, alert: OrderAlert) -> OrderAlert | None:
        """Return what is new, status and traded quantity never less than before; None if nothing is."""
        key = (alert.order_id, alert.leg)
        known = self._seen.get(key)
        if known is not None:
            if alert.status.rank < known.status.rank:
                alert = alert._replace(status=known.status)
            grown = alert.traded_quantity > known.traded_quantity or alert.status.rank > known.status.rank
            if not grown and not _is_later(alert, known):
                return None
        self._seen[key] = alert
        self._seen.move_to_end(key)
        if len(self._seen) > MOST_ORDERS:
            self._seen.popitem(last=False)
        return alert


def _is_later(alert: OrderAlert, known: OrderAlert) -> bool:
    """Whether an alert that came no further tells of a change all the same, such as another price."""
    return (
        alert.traded_quantity == known.traded_quantity
        and alert != known
        and alert.updated_at is not None
        and known.updated_at is not None
        and alert.updated_at >= known.updated_at
        and known.status.rank < AlertStatus.TRADED
    )


def _alert(order_id: str, data: dict[str, Any]) -> OrderAlert:
    quantity, traded = _units(data, "quantity"), _units(data, "tradedqty")
    return OrderAlert(
        order_id=order_id,
        leg=_units(data, "legno") or 1,
        parent_id=_name(data, "algoordno"),
        correlation_id=_name(data, "correlationid"),
        status=_status(_text(data, "status"), quantity, traded),
        security_id=_text(data, "securityid"),
        side=_text(data, "txntype").upper()[:1],
        quantity=quantity,
        traded_quantity=traded,
        price=_rupees(data, "price"),
        trigger=_rupees(data, "triggerprice"),
        average=_rupees(data, "avgtradedprice"),
        updated_at=_time(_text(data, "lastupdatedtime")),
        source=_text(data, "source"),
        platform=_text(data, "orderplatform"),
        reason=_text(data, "reasondescription"),
    )


def _status(word: str, quantity: int, traded: int) -> AlertStatus:
    status = _WORDS.get(word.strip().upper().replace(" ", "_"))
    if status is None:
        raise ValueError(word)
    if traded and status.rank <= AlertStatus.TRADED and status < AlertStatus.CANCELLED:
        return AlertStatus.TRADED if traded >= quantity > 0 else AlertStatus.PART_TRADED
    return status


def _folded(found: Any) -> dict[str, Any]:  # Any: what JSON can hold
    """Return an object with its keys in lower case; of two spellings the first that says something counts."""
    folded: dict[str, Any] = {}
    if isinstance(found, dict):
        for key, value in found.items():
            if folded.get(key.lower()) in (None, ""):
                folded[key.lower()] = value
    return folded


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return "" if value is None else str(value).strip()


def _name(data: dict[str, Any], key: str) -> str | None:
    """Return an id, which may come as a number, or None where there is none."""
    value = data.get(key)
    text = str(int(value)) if isinstance(value, Decimal) else _text(data, key)
    return None if text.upper() in _NOTHING else text


def _units(data: dict[str, Any], key: str) -> int:
    return int(Decimal(_text(data, key) or "0"))


def _rupees(data: dict[str, Any], key: str) -> Decimal:
    value = Decimal(_text(data, key) or "0")
    if not value.is_finite():
        raise ValueError(key)
    return value


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=IST)
    except ValueError:
        return None


def _refuse(name: str) -> None:
    raise ValueError(name)
