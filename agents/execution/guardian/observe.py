"""From the broker's rows to the next state of a case: pure.

The rules: quantities only grow and finished stays finished, so that an old row, a repeated one or two in the wrong
order change nothing; an unknown word of the broker changes nothing; CLOSED needs evidence of sales, not our own wish.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from agents.domain.lifecycle import TradeState
from agents.execution.gateway import DEAD_STATES, DONE_STATES, BrokerState, Leg, LegRow, OrderRow, SuperRow
from agents.execution.guardian.case import Case, Exit, ExitState
from agents.execution.guardian.view import View

_RANK: Mapping[BrokerState, int] = MappingProxyType(
    {
        BrokerState.UNKNOWN: 0,
        BrokerState.TRANSIT: 1,
        BrokerState.PENDING: 2,
        BrokerState.TRIGGERED: 3,
        BrokerState.PART_TRADED: 4,
    }
)
_FINISHED = 5


def later(known: BrokerState, said: BrokerState) -> BrokerState:
    """Return the further of two states of one order; what is finished stays as it first was."""
    return said if _RANK.get(said, _FINISHED) > _RANK.get(known, _FINISHED) else known


def facts(case: Case, view: View) -> dict[str, Any]:  # Any: fields of a Case
    """Return the fields of a case that the look changes."""
    found: dict[str, Any] = {}
    row = view.row_of(case)
    if row is not None:
        found["order_id"] = case.order_id or row.order_id
        found["entry_state"] = later(case.entry_state, _entry_state(row))
        found["bought"] = max(case.bought, row.filled)
        found["legs"] = _legs(case, row)
        # The average is rounded; once the trade book has said what was paid, only new purchases bring it back.
        if row.average > 0 and (row.filled > case.bought or not case.spent):
            found["spent"] = row.average * row.filled
    if case.exits:
        found["exits"] = tuple(_exit(one, view.exit_row(one)) for one in case.exits)
    return {name: value for name, value in found.items() if getattr(case, name) != value}


def next_state(case: Case) -> tuple[TradeState, str] | None:
    """Return the state that the facts of a case lead to, with the reason; None when it may stay where it is."""
    step = _STEPS.get(case.state)
    return step(case) if step is not None else None


def _entry_state(row: SuperRow) -> BrokerState:
    """Return the entry's own state: that of the whole tells nothing of it once an exit has been set off."""
    if row.entry_state is not None:
        return row.entry_state
    if row.state is BrokerState.TRIGGERED:
        return BrokerState.TRADED if row.filled >= row.quantity else BrokerState.PART_TRADED
    if row.state is BrokerState.CLOSED:
        return BrokerState.TRADED if row.filled else BrokerState.CANCELLED
    return row.state


def _legs(case: Case, row: SuperRow) -> tuple[LegRow, ...]:
    merged = {leg.leg: leg for leg in case.legs}
    for said in row.legs:
        known = merged.get(said.leg)
        if known is None or known == said:
            merged[said.leg] = said
            continue
        kept = {
            "state": later(known.state, said.state),
            "filled": max(known.filled, said.filled),
            "average": known.average if said.average is None or said.filled < known.filled else said.average,
            "trigger": known.trigger if said.trigger is None else said.trigger,
        }
        merged[said.leg] = said.model_copy(update=kept)
    return tuple(merged[leg] for leg in Leg if leg in merged)


def _exit(one: Exit, row: OrderRow | None) -> Exit:
    if row is None or one.state in {ExitState.DONE, ExitState.REJECTED}:
        return one
    state = ExitState.WORKING
    if row.state in DONE_STATES:
        state = ExitState.REJECTED if row.state is BrokerState.REJECTED and not row.filled else ExitState.DONE
    limit = row.price if row.price > 0 else one.limit
    return one.model_copy(
        update={"state": state, "order_id": row.order_id, "filled": max(one.filled, row.filled), "limit": limit}
    )


def _from_acked(case: Case) -> tuple[TradeState, str] | None:
    if case.entry_state is BrokerState.UNKNOWN:
        return None
    if case.entry_state is BrokerState.REJECTED and not case.bought:
        return TradeState.REJECTED, "the broker refused the order after it had taken it"
    return TradeState.ENTRY_PENDING, f"the broker lists the entry as {case.entry_state}"


def _from_entry(case: Case) -> tuple[TradeState, str] | None:
    if case.bought:
        if case.entry_is_open:
            return TradeState.PART_FILLED, f"{case.bought} of {case.order.quantity} bought"
        return TradeState.FILLED, f"{case.bought} bought"
    if case.entry_state is BrokerState.REJECTED:
        return TradeState.REJECTED, "the broker refused the order after it had taken it"
    if case.entry_state in DEAD_STATES:
        return TradeState.CANCELLED, f"the entry ended as {case.entry_state} with nothing bought"
    return None


def _from_cancelled(case: Case) -> tuple[TradeState, str] | None:
    if not case.bought:
        return None
    state = TradeState.PART_FILLED if case.entry_is_open else TradeState.FILLED
    return state, f"{case.bought} bought after all: a fill crossed the cancellation"


def _from_part(case: Case) -> tuple[TradeState, str] | None:
    return None if case.entry_is_open else (TradeState.FILLED, f"the entry ended with {case.bought} bought")


def _from_filled(case: Case) -> tuple[TradeState, str] | None:
    if case.legs_are_gone and case.sold == 0:
        return TradeState.LEG_LOST, "both exit legs ended unfilled"
    if case.legs:
        return TradeState.PROTECTED, ", ".join(f"{leg.leg} {leg.state}" for leg in case.legs)
    if case.withdrawn:
        return TradeState.LEG_LOST, "no exit leg was ever listed, and the order was taken back"
    return (TradeState.LEG_LOST, "sold by others") if case.remaining <= 0 else None


def _from_protected(case: Case) -> tuple[TradeState, str] | None:
    if case.remaining <= 0:
        return _done(case)
    if case.legs_are_gone:
        return TradeState.LEG_LOST, f"both exit legs are gone with {case.remaining} held"
    return None


def _done(case: Case) -> tuple[TradeState, str]:
    target, stop = case.leg(Leg.TARGET), case.leg(Leg.STOP)
    by_target, by_stop = (target.filled if target else 0), (stop.filled if stop else 0)
    if by_stop and by_stop >= by_target:
        return TradeState.STOP_DONE, f"the stop sold {by_stop}"
    if by_target:
        return TradeState.TARGET_DONE, f"the target sold {by_target}"
    return TradeState.LEG_LOST, "sold otherwise than by its legs"


def _from_flattening(case: Case) -> tuple[TradeState, str] | None:
    if case.remaining <= 0:
        return _closed(case)
    if case.legs_are_gone:
        return TradeState.LEG_LOST, f"both exit legs are gone with {case.remaining} held"
    return None


def _from_lost(case: Case) -> tuple[TradeState, str] | None:
    return _closed(case) if case.remaining <= 0 and case.open_exit is None else None


def _from_done(case: Case) -> tuple[TradeState, str] | None:
    return (TradeState.LEG_LOST, "more was bought than it seemed") if case.remaining > 0 else _closed(case)


def _closed(case: Case) -> tuple[TradeState, str] | None:
    """Close only what the trade book has priced, so that profit and loss are the broker's numbers."""
    if case.priced < case.sold:
        return None
    return TradeState.CLOSED, f"{case.bought} bought, {case.sold} sold, gross {case.earned - case.spent:.2f}"


def _from_closed(case: Case) -> tuple[TradeState, str] | None:
    return (TradeState.LEG_LOST, "the broker bought more than it had said") if case.remaining > 0 else None


_STEPS = MappingProxyType(
    {
        TradeState.ACKED: _from_acked,
        TradeState.ENTRY_PENDING: _from_entry,
        TradeState.CANCELLED: _from_cancelled,
        TradeState.PART_FILLED: _from_part,
        TradeState.FILLED: _from_filled,
        TradeState.PROTECTED: _from_protected,
        TradeState.STOP_TRIGGERED_UNFILLED: _from_protected,
        TradeState.FLATTENING: _from_flattening,
        TradeState.LEG_LOST: _from_lost,
        TradeState.TARGET_DONE: _from_done,
        TradeState.STOP_DONE: _from_done,
        TradeState.CLOSED: _from_closed,
    }
)
