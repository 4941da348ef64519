"""From the body of a request to a ticket, checked in the order in which the live server complains.

The quantity comes first, then the address, then the instrument and the rest; most complaints name no field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from exchange.contracts import Contract
from exchange.envelopes import ApiError, input_error, order_error
from exchange.orders import KINDS, Amo, Side, Ticket
from exchange.rules import Rules
from exchange.superorders import Terms

Body = Mapping[str, Any]  # Any: what clients send is checked field by field here

INVALID_PRICE = "Invalid Price for orderType"
TRIGGER_ABOVE = "Trigger Price should be greater than Price"
TRIGGER_BELOW = "Trigger Price should be less than Price"
SEGMENTS = frozenset({"NSE_EQ", "NSE_FNO", "NSE_CURRENCY", "BSE_EQ", "BSE_FNO", "BSE_CURRENCY", "MCX_COMM"})
PRODUCTS = frozenset({"CNC", "INTRADAY", "MARGIN", "MTF"})
SIDES: Mapping[str, Side] = {name: name for name in get_args(Side)}
AMOS: Mapping[str, Amo] = {name: name for name in get_args(Amo) if name}
_CORRELATION = re.compile(r"[A-Za-z0-9_ -]*")
_LARGEST = 10_000_000


@dataclass(frozen=True)
class Reader:
    """Reads the fields of one body; whatever is wrong is the same unspecific refusal."""

    body: Body

    def word(self, name: str, *, default: str = "") -> str:
        """Return a text field."""
        value = self.body.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise input_error()
        return value

    def whole(self, name: str, *, default: int | None = None) -> int:
        """Return a whole number that may also be spelled as text."""
        value = self.body.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
            raise input_error()
        return value

    def paise(self, name: str, *, default: int = 0) -> int:
        """Return an amount in rupees as paise; an empty text is refused, nothing at all is 0."""
        value = self.body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
            raise input_error()
        found = round(value * 100)
        if abs(value * 100 - found) > 1e-6 * max(found, 1):
            raise input_error()
        return found


def quantity_of(body: Body) -> int:
    """Return the quantity.

    Raises
    ------
    ApiError
        If there is none, or it is not a whole number above 0.
    """
    if not body.get("quantity"):
        raise input_error("quantity is required")
    return Reader(body).whole("quantity")


def instrument_of(body: Body) -> tuple[int, str]:
    """Return security id and segment; whether there is such an instrument is for the market to say."""
    segment, security_id = Reader(body).word("exchangeSegment"), body.get("securityId")
    text = str(security_id) if isinstance(security_id, int | str) and not isinstance(security_id, bool) else ""
    if segment not in SEGMENTS or not (text.isascii() and text.isdigit()):
        raise input_error()
    return int(text), segment


def read_ticket(body: Body, contract: Contract, rules: Rules) -> Ticket:
    """Return what an order asks for.

    Parameters
    ----------
    body, contract : mapping, Contract
        With the SDK's keys, and the instrument that `instrument_of` finds in it.
    rules : Rules
        Say how long a correlation id may be.

    Raises
    ------
    ApiError
        If a field is missing, of the wrong type, or does not fit the others.
    """
    read = Reader(body)
    side, kind, product = read.word("transactionType"), read.word("orderType"), read.word("productType")
    validity = read.word("validity", default="DAY")
    correlation = read.word("correlationId")
    if side not in SIDES or kind not in KINDS or product not in PRODUCTS or validity not in {"DAY", "IOC"}:
        raise input_error()
    if len(correlation) > rules.correlation_length or not _CORRELATION.fullmatch(correlation):
        raise input_error()
    price, trigger = read.paise("price"), read.paise("triggerPrice")
    if (problem := price_problem(side, kind, price, trigger, contract)) is not None:
        raise problem
    return Ticket(
        side=SIDES[side],
        segment=contract.segment,
        product=product,
        kind=KINDS[kind],
        validity="IOC" if validity == "IOC" else "DAY",
        security_id=contract.security_id,
        quantity=quantity_of(body),
        price=price,
        trigger=trigger if kind.startswith("STOP") else 0,
        disclosed=read.whole("disclosedQuantity", default=0),
        correlation_id=correlation,
        amo=_amo(read),
    )


def price_problem(side: str, kind: str, price: int, trigger: int, contract: Contract) -> ApiError | None:
    """Return what is wrong with prices in paise for a kind of order, or None."""
    if kind == "MARKET":
        return input_error(INVALID_PRICE) if price else None
    if kind == "STOP_LOSS_MARKET":
        # NSE takes no stop at market for options since 2021; the live server has answered so.
        return order_error(TRIGGER_ABOVE) if contract.kind == "OPTIDX" or not trigger else None
    if price == 0:
        return input_error(INVALID_PRICE)
    if kind == "STOP_LOSS":
        if trigger == 0 or (side == "SELL" and trigger < price):
            return order_error(TRIGGER_ABOVE)
        if side == "BUY" and trigger > price:
            return order_error(TRIGGER_BELOW)
    return None


def read_terms(body: Body) -> Terms:
    """Return where a super order leaves."""
    read = Reader(body)
    return Terms(read.paise("targetPrice"), read.paise("stopLossPrice"), read.paise("trailingJump"))


def _amo(read: Reader) -> Amo:
    wanted = read.body.get("afterMarketOrder")
    if not isinstance(wanted, bool | None):
        raise input_error()
    when = AMOS.get(read.word("amoTime", default="OPEN"))
    if when is None:
        raise input_error()
    return when if wanted else ""
