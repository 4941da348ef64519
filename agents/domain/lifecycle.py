"""The life of a real order, one for each setup: which states it can be in and which may follow which.

`OrderState` in `agents.domain.orders` is what a simulated fill needs; this is the longer life of an order that goes
over a wire, where an answer can be lost and a leg can fail. Nobody but the guardian moves an order along it.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from agents.domain.errors import InvariantViolationError
from agents.domain.orders import OrderState


class TradeState(StrEnum):
    """Where the order of a setup stands."""

    PLANNED = "planned"
    INTENT = "intent"
    SENT = "sent"
    UNKNOWN = "unknown"
    ABANDONED = "abandoned"
    ACKED = "acked"
    REJECTED = "rejected"
    ENTRY_PENDING = "entry_pending"
    PART_FILLED = "part_filled"
    CANCELLED = "cancelled"
    FILLED = "filled"
    PROTECTED = "protected"
    TARGET_DONE = "target_done"
    STOP_DONE = "stop_done"
    STOP_TRIGGERED_UNFILLED = "stop_triggered_unfilled"
    LEG_LOST = "leg_lost"
    FLATTENING = "flattening"
    CLOSED = "closed"


_S = TradeState

TRADE_TRANSITIONS: Mapping[TradeState, frozenset[TradeState]] = MappingProxyType(
    {
        _S.PLANNED: frozenset({_S.INTENT}),
        # REJECTED from here: the journal failed between the intent and the request, so the request was kept back.
        _S.INTENT: frozenset({_S.SENT, _S.REJECTED}),
        _S.SENT: frozenset({_S.ACKED, _S.REJECTED, _S.UNKNOWN}),
        _S.UNKNOWN: frozenset({_S.ACKED, _S.ABANDONED}),
        # A request that was given up may still arrive, for the rest of its day.
        _S.ABANDONED: frozenset({_S.ACKED}),
        _S.ACKED: frozenset({_S.ENTRY_PENDING, _S.CANCELLED, _S.REJECTED}),
        _S.ENTRY_PENDING: frozenset({_S.PART_FILLED, _S.FILLED, _S.CANCELLED, _S.REJECTED}),
        _S.PART_FILLED: frozenset({_S.FILLED}),
        # A fill that crosses our cancel on the way is reported after the cancellation.
        _S.CANCELLED: frozenset({_S.PART_FILLED, _S.FILLED}),
        _S.REJECTED: frozenset(),
        # LEG_LOST from here: both exits were refused at birth, so that there never was any protection.
        _S.FILLED: frozenset({_S.PROTECTED, _S.LEG_LOST}),
        _S.PROTECTED: frozenset({_S.TARGET_DONE, _S.STOP_DONE, _S.STOP_TRIGGERED_UNFILLED, _S.LEG_LOST, _S.FLATTENING}),
        # A leg may fill while it is being chased.
        _S.STOP_TRIGGERED_UNFILLED: frozenset({_S.TARGET_DONE, _S.STOP_DONE, _S.FLATTENING, _S.LEG_LOST}),
        # A leg may be lost while it is used to leave.
        _S.FLATTENING: frozenset({_S.LEG_LOST, _S.CLOSED}),
        _S.LEG_LOST: frozenset({_S.CLOSED}),
        _S.TARGET_DONE: frozenset({_S.CLOSED, _S.LEG_LOST}),
        _S.STOP_DONE: frozenset({_S.CLOSED, _S.LEG_LOST}),
        # The broker may report, afterwards, that it bought more than it had said.
        _S.CLOSED: frozenset({_S.LEG_LOST}),
    }
)

UNRESOLVED = frozenset({_S.INTENT, _S.SENT, _S.UNKNOWN})
"""A request that may or may not have reached the broker: entries are frozen."""

ENTERING = frozenset({_S.ACKED, _S.ENTRY_PENDING, _S.PART_FILLED})
"""The entry is at the broker and may still buy."""

HOLDING = frozenset({_S.PART_FILLED, _S.FILLED, _S.PROTECTED, _S.STOP_TRIGGERED_UNFILLED, _S.LEG_LOST, _S.FLATTENING})
"""Something was bought and not all of it is sold."""

OVER = frozenset({_S.CLOSED, _S.CANCELLED, _S.REJECTED, _S.ABANDONED})
"""Nothing is left to do, unless the broker says something new."""

ALIVE = frozenset(TradeState) - OVER - {_S.PLANNED}
"""There is, or may be, something at the broker that belongs to the setup."""

_SEEN_AS: Mapping[TradeState, OrderState] = MappingProxyType(
    {
        _S.PLANNED: OrderState.PLANNED,
        _S.INTENT: OrderState.PLANNED,
        _S.SENT: OrderState.PLANNED,
        _S.UNKNOWN: OrderState.PLANNED,
        _S.ABANDONED: OrderState.CANCELLED,
        _S.ACKED: OrderState.ENTRY_PENDING,
        _S.ENTRY_PENDING: OrderState.ENTRY_PENDING,
        _S.CANCELLED: OrderState.CANCELLED,
        _S.REJECTED: OrderState.REJECTED,
        _S.CLOSED: OrderState.FLATTENED,
        _S.TARGET_DONE: OrderState.TARGET_DONE,
        _S.STOP_DONE: OrderState.STOP_DONE,
    }
)


def checked(was: TradeState, state: TradeState, setup_id: str) -> TradeState:
    """Return `state` if it may follow `was`.

    Raises
    ------
    InvariantViolationError
        If `TRADE_TRANSITIONS` does not lead there.
    """
    if state not in TRADE_TRANSITIONS[was]:
        raise InvariantViolationError(
            f"the order of setup {setup_id} cannot go from {was} to {state}; look at its events before trading on"
        )
    return state


def seen_as(state: TradeState) -> OrderState:
    """Return the state as the rest of the desk knows it: unresolved is PLANNED, whatever is held is PROTECTED."""
    return _SEEN_AS.get(state, OrderState.PROTECTED)
