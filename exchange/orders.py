"""An order, the states it may pass through, and how the REST API prints it.

Prices are paise, quantities contracts, moments milliseconds since 1970 UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, get_args

from exchange.clock import Millis, ist_text
from exchange.contracts import Contract
from exchange.dialects import Json

Side = Literal["BUY", "SELL"]
Kind = Literal["LIMIT", "MARKET", "STOP_LOSS", "STOP_LOSS_MARKET"]
Leg = Literal["NA", "ENTRY_LEG", "TARGET_LEG", "STOP_LOSS_LEG"]
Amo = Literal["", "PRE_OPEN", "OPEN", "OPEN_30", "OPEN_60"]

RISK_PLATFORM = "RMS"  # where orders of the broker's own risk system come from
NO_TIME = "0001-01-01 00:00:00"
NO_DATE = "0001-01-01"
KINDS: Mapping[str, Kind] = {name: name for name in get_args(Kind)}
OPTION_WORDS: Mapping[str, str] = {"CE": "CALL", "PE": "PUT"}


class Status(StrEnum):
    """Where an order stands. TRIGGERED and CLOSED are said of super orders only."""

    TRANSIT = "TRANSIT"
    PENDING = "PENDING"
    PART_TRADED = "PART_TRADED"
    TRADED = "TRADED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    # An order that is expired in transit never left the broker: it was sent a moment before the close.
    Status.TRANSIT: frozenset({Status.PENDING, Status.REJECTED, Status.CANCELLED, Status.EXPIRED}),
    # From PENDING to REJECTED: the exchange itself refuses what the broker let pass.
    Status.PENDING: frozenset({Status.PART_TRADED, Status.TRADED, Status.CANCELLED, Status.REJECTED, Status.EXPIRED}),
    Status.PART_TRADED: frozenset({Status.PART_TRADED, Status.TRADED, Status.CANCELLED, Status.EXPIRED}),
    Status.TRADED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.EXPIRED: frozenset(),
}
OPEN = frozenset({Status.TRANSIT, Status.PENDING, Status.PART_TRADED})


class WrongTransitionError(RuntimeError):
    """The core tried to take an order where no order goes; a mistake in the exchange, not in a request."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a client asked for; `price` and `trigger` are 0 where they do not apply."""

    side: Side
    segment: str
    product: str
    kind: Kind
    validity: Literal["DAY", "IOC"]
    security_id: int
    quantity: int
    price: int
    trigger: int
    disclosed: int = 0
    correlation_id: str = ""
    amo: Amo = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent an order and as which part of what; `source` P is the API, N anything else."""

    client_id: str
    source: Literal["P", "N"] = "P"
    platform: str = "API"
    leg: Leg = "NA"
    parent: str = ""


@dataclass(slots=True)
class Order:
    """One order of the order book; what changes over its life lives here, what was asked in `ticket`.

    `kind`, `price`, `trigger` and `quantity` start as the ticket's and follow modifications. `value` is the sum of
    price times quantity over the fills. `passive` says that the book has come to the order rather than the reverse.
    """

    order_id: str
    number: int
    origin: Origin
    ticket: Ticket
    contract: Contract
    created_at: Millis
    kind: Kind
    price: int
    trigger: int
    quantity: int
    updated_at: Millis = 0
    exchange_at: Millis = 0
    exchange_order_id: str = "0"
    status: Status = Status.TRANSIT
    filled: int = 0
    value: int = 0
    last_price: int = 0
    last_quantity: int = 0
    error: str = "0"
    reason: str = ""
    modifications: int = 0
    triggered: bool = False
    passive: bool = False
    watched_from: Millis = 0
    trades: list[str] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        """Contracts still to be filled; none once the order is over."""
        return self.quantity - self.filled if self.status in OPEN else 0

    @property
    def is_open(self) -> bool:
        """Whether it may still change."""
        return self.status in OPEN

    @property
    def sign(self) -> int:
        """Return 1 for a buy, -1 for a sell."""
        return 1 if self.ticket.side == "BUY" else -1

    @property
    def waits_for_trigger(self) -> bool:
        """Whether it is a stop whose trigger has not been touched."""
        return self.kind in {"STOP_LOSS", "STOP_LOSS_MARKET"} and not self.triggered

    @property
    def average(self) -> float:
        """The mean price of the fills in rupees, 0 before the first."""
        return round(self.value / self.filled / 100.0, 4) if self.filled else 0.0

    def move(self, status: Status, at: Millis) -> None:
        """Take the order to another state.

        Raises
        ------
        WrongTransitionError
            If `TRANSITIONS` has no such step.
        """
        if status not in TRANSITIONS[self.status]:
            raise WrongTransitionError(f"order {self.order_id} cannot go from {self.status} to {status}")
        self.status = status
        self.updated_at = at


def rupees(paise: int) -> float:
    """Return paise as the double that REST rows carry."""
    return paise / 100.0


def derivative_fields(contract: Contract) -> dict[str, Json]:
    """Return expiry, option type and strike as order rows print them."""
    return {
        "drvExpiryDate": contract.expiry_on.isoformat() if contract.expiry_on else NO_DATE,
        "drvOptionType": OPTION_WORDS.get(contract.option_type, "NA"),
        "drvStrikePrice": float(contract.strike),
    }


def order_row(order: Order) -> dict[str, Json]:
    """Return the row of the order book."""
    ticket = order.ticket
    return {
        "dhanClientId": order.origin.client_id,
        "orderId": order.order_id,
        "exchangeOrderId": order.exchange_order_id,
        "correlationId": ticket.correlation_id or "NA",
        "orderStatus": order.status.value,
        "transactionType": ticket.side,
        "exchangeSegment": ticket.segment,
        "productType": ticket.product,
        "orderType": order.kind,
        "validity": ticket.validity,
        "tradingSymbol": order.contract.symbol,
        "securityId": str(ticket.security_id),
        "quantity": order.quantity,
        "disclosedQuantity": ticket.disclosed,
        "price": rupees(order.price),
        "triggerPrice": rupees(order.trigger),
        "afterMarketOrder": bool(ticket.amo),
        "boProfitValue": 0.0,
        "boStopLossValue": 0.0,
        "legName": order.origin.leg,
        "createTime": ist_text(order.created_at),
        "updateTime": ist_text(order.updated_at or order.created_at),
        "exchangeTime": ist_text(order.exchange_at) if order.exchange_at else NO_TIME,
        **derivative_fields(order.contract),
        "omsErrorCode": order.error,
        "omsErrorDescription": order.reason,
        "algoId": "0",
        "remainingQuantity": order.remaining,
        "averageTradedPrice": order.average,
        "filledQty": order.filled,
    }
