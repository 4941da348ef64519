"""The broker as the guardian sees it: the sole way to the order endpoints, in the desk's own words.

Contracts are our instrument names; an adapter maps them to the broker's ids. Three rules hold for every adapter:

* a call that makes an order (`place_super`, `place_exit`) is one request and is never repeated inside;
* what is not certainly a refusal is `OrderUnknownError`: a timeout, a 5xx, an answer that nobody can read;
* there is no call that cancels one exit leg, because the broker does not give a cancelled leg back.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from pydantic import AwareDatetime

from agents.domain.orders import SuperOrder
from agents.domain.values import Frozen, Rupees


class BrokerState(StrEnum):
    """Where the broker says that an order or a leg stands. A word that is not in the table is `UNKNOWN`."""

    TRANSIT = "TRANSIT"
    PENDING = "PENDING"
    PART_TRADED = "PART_TRADED"
    TRADED = "TRADED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    CLOSED = "CLOSED"
    TRIGGERED = "TRIGGERED"
    UNKNOWN = "UNKNOWN"


DEAD_STATES = frozenset({BrokerState.REJECTED, BrokerState.CANCELLED, BrokerState.EXPIRED})
"""Nothing more will trade, and what has not traded never will."""

DONE_STATES = DEAD_STATES | {BrokerState.TRADED, BrokerState.CLOSED}
"""Nothing more will trade."""


class Leg(StrEnum):
    """The three legs of a super order."""

    ENTRY = "entry"
    TARGET = "target"
    STOP = "stop"


class TradeSide(StrEnum):
    """The side of an order or a fill."""

    BUY = "buy"
    SELL = "sell"


class Ack(Frozen):
    """The broker took a request: not yet the order's fate. `state` is usually TRANSIT."""

    order_id: str
    state: BrokerState


class LegRow(Frozen):
    """An exit leg. `order_id` is the leg's own or the entry's, as the broker prints it. `filled` counts units sold.

    `price` is the limit of a target; `trigger` that of a stop. `average` is None where the broker does not say it.
    """

    leg: Leg
    order_id: str
    state: BrokerState
    quantity: int
    filled: int
    price: Rupees
    trigger: Rupees | None = None
    average: Rupees | None = None


class SuperRow(Frozen):
    """A super order as the broker lists it. `quantity`, `filled` and `average` are the entry's, in units and rupees.

    `state` is the state of the whole: the entry's until an exit is set off, then TRIGGERED, then CLOSED. `entry_state`
    is the entry's own where the broker prints it; adapters that do not see it leave it None. A cancelled entry may
    have filled in part.
    """

    order_id: str
    correlation_id: str
    contract: str
    state: BrokerState
    quantity: int
    filled: int
    average: Rupees
    entry_price: Rupees
    legs: tuple[LegRow, ...] = ()
    message: str = ""
    entry_state: BrokerState | None = None


class OrderRow(Frozen):
    """An order of the plain order list. `parent_id` is the super order of a leg, None where it has none or unknown."""

    order_id: str
    correlation_id: str
    contract: str
    side: TradeSide
    state: BrokerState
    quantity: int
    filled: int
    price: Rupees
    average: Rupees
    parent_id: str | None = None
    message: str = ""


class FillRow(Frozen):
    """A row of the trade book: one execution. `trade_id` is unique in a session; `order_id` may be a leg's."""

    order_id: str
    trade_id: str
    contract: str
    side: TradeSide
    quantity: int
    price: Rupees
    at: AwareDatetime


class PositionRow(Frozen):
    """What the account holds of a contract, in units; below zero is short."""

    contract: str
    net_quantity: int
    realised: Rupees = Decimal(0)


class Funds(Frozen):
    """The account's money in rupees."""

    available: Rupees
    start_of_day: Rupees


class OrderUpdate(Frozen):
    """A hint that something happened to an order. It is never evidence: whoever gets it reads over REST."""

    order_id: str
    correlation_id: str = ""
    state: BrokerState = BrokerState.UNKNOWN


class OrderGateway(Protocol):
    """The order endpoints and what surrounds them.

    Requests that change something raise `OrderRejectedError` for a refusal that is on the allow-list, and
    `OrderUnknownError` for anything else that is not a success. Reads raise `BrokerUnavailableError`; an empty answer
    means that there is nothing, never that nobody could look.
    """

    def place_super(self, order: SuperOrder) -> Ack:
        """Buy with a target and a stop attached: one POST, never repeated inside."""
        ...

    def place_exit(self, correlation_id: str, contract: str, quantity: int, limit: Decimal) -> Ack:
        """Sell intraday by a plain LIMIT order for the day: one POST, never repeated inside."""
        ...

    def modify_leg(
        self,
        order_id: str,
        leg: Leg,
        *,
        price: Decimal | None = None,
        trigger: Decimal | None = None,
        quantity: int | None = None,
    ) -> None:
        """Change a leg of a super order by its parent's id; what is not named stays (the adapter reads first).

        `price` is the entry's limit or the target's, `trigger` the stop's. `quantity` is for the entry alone: the
        total it shall have, which ends an entry that has bought as much. The same change twice has the effect of one.
        """
        ...

    def modify_exit(self, order_id: str, limit: Decimal) -> None:
        """Move the limit of a plain exit order that still rests. The same change twice has the effect of one."""
        ...

    def cancel_entry(self, order_id: str) -> None:
        """Cancel the whole super order: the entry if it still rests, and both exits with it."""
        ...

    def cancel_order(self, order_id: str) -> None:
        """Cancel a plain order that still rests."""
        ...

    def super_orders(self) -> Sequence[SuperRow]:
        """Return today's super orders of the account."""
        ...

    def orders(self) -> Sequence[OrderRow]:
        """Return today's orders of the account; the legs of super orders may be among them."""
        ...

    def trades(self) -> Sequence[FillRow]:
        """Return today's executions of the account."""
        ...

    def positions(self) -> Sequence[PositionRow]:
        """Return today's positions of the account; closed ones may be listed with nothing."""
        ...

    def funds(self) -> Funds:
        """Return the account's money."""
        ...

    def find(self, correlation_id: str) -> SuperRow | OrderRow | None:
        """Return the order of that correlation id; None also while it is still in transit."""
        ...

    def arm_loss_exit(self, loss: Decimal) -> None:
        """Have the broker leave every intraday position by itself once the day has lost `loss` rupees."""
        ...

    def loss_exit(self) -> Decimal | None:
        """Return the loss in rupees at which the broker leaves by itself, None when that is not armed."""
        ...

    def exit_all(self) -> None:
        """Have the broker cancel every order and leave every position: the last resort."""
        ...
