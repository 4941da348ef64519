"""What is asked of the broker and what came back."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from pydantic import AwareDatetime

from agents.domain.values import Frozen, Lots, OptionType, Rupees, Side


class TradeSetup(Frozen):
    """A trade as planned: levels on the underlying from the zone, mapped to premium by repricing the contract.

    `premium_entry` is the limit to buy at; `stop` and `target` are sell levels of the same option. `risk_reward` is
    net of `costs_per_unit`, all in rupees of premium. `spread_modelled` says that bid and ask were unknown, `synthetic`
    that the market is a simulated one.
    """

    setup_id: str
    zone_id: str
    instrument: str
    side: Side
    decided_at: AwareDatetime
    contract: str
    option_type: OptionType
    strike: Rupees
    expiry_at: AwareDatetime
    lot_size: int
    spot: Rupees
    spot_stop: Rupees
    spot_target: Rupees
    premium_entry: Rupees
    premium_stop: Rupees
    premium_target: Rupees
    half_spread: Rupees
    costs_per_unit: Rupees
    risk_reward: float
    baseline_probability: float
    spread_modelled: bool = False
    synthetic: bool = False


class OrderState(StrEnum):
    """Where a super order stands."""

    PLANNED = "planned"
    ENTRY_PENDING = "entry_pending"
    PROTECTED = "protected"
    TARGET_DONE = "target_done"
    STOP_DONE = "stop_done"
    FLATTENED = "flattened"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = MappingProxyType(
    {
        OrderState.PLANNED: frozenset({OrderState.ENTRY_PENDING, OrderState.REJECTED}),
        # An entry that fills in a minute which also touches the stop goes through PROTECTED in the same minute.
        OrderState.ENTRY_PENDING: frozenset({OrderState.PROTECTED, OrderState.CANCELLED, OrderState.REJECTED}),
        OrderState.PROTECTED: frozenset({OrderState.TARGET_DONE, OrderState.STOP_DONE, OrderState.FLATTENED}),
        OrderState.TARGET_DONE: frozenset(),
        OrderState.STOP_DONE: frozenset(),
        OrderState.FLATTENED: frozenset(),
        OrderState.CANCELLED: frozenset(),
        OrderState.REJECTED: frozenset(),
    }
)

OPEN_STATES = frozenset({OrderState.PLANNED, OrderState.ENTRY_PENDING, OrderState.PROTECTED})


class Fill(Frozen):
    """Shares changed hands: price per unit before costs."""

    at: AwareDatetime
    price: Rupees
    quantity: int


class SuperOrder(Frozen):
    """Entry, target and stop as one order. `correlation_id` is ours and is never used twice."""

    correlation_id: str
    setup_id: str
    zone_id: str
    underlying: str
    contract: str
    option_type: OptionType
    lots: Lots
    lot_size: int
    tick_size: Decimal
    entry_limit: Rupees
    stop_trigger: Rupees
    target_limit: Rupees
    half_spread: Rupees
    placed_at: AwareDatetime
    cancel_entry_at: AwareDatetime
    flatten_at: AwareDatetime
    state: OrderState = OrderState.PLANNED
    entry: Fill | None = None
    exit: Fill | None = None
    settled_until: AwareDatetime | None = None

    @property
    def quantity(self) -> int:
        """Units ordered: lots times the lot size of the contract."""
        return self.lots * self.lot_size


class Trade(Frozen):
    """A round trip, in rupees. `gross` is before costs; `exit_reason` is the final state of the order."""

    setup_id: str
    contract: str
    lots: Lots
    entry_at: AwareDatetime
    entry: Rupees
    exit_at: AwareDatetime
    exit: Rupees
    exit_reason: OrderState
    gross: Rupees
    costs: Rupees
    net: Rupees
