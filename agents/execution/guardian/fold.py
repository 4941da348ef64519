"""From events to cases and back: pure, and the only place where a case changes.

The rule: a step that the table of transitions does not allow raises, it is never written and never folded.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from agents.domain.errors import InvariantViolationError
from agents.domain.lifecycle import OVER, TradeState, checked
from agents.domain.values import IST
from agents.execution.guardian.case import Case, OrderEvent

_OVER = frozenset(state.value for state in OVER)
_WHOLE = frozenset(Case.model_fields) - {"setup_id", "number", "state", "why"}


def opened(case: Case, at: datetime, why: str) -> tuple[Case, OrderEvent]:
    """Return a planned case as an intent, with the event that says everything about it."""
    new = case.model_copy(
        update={"state": checked(case.state, TradeState.INTENT, case.setup_id), "number": 0, "why": why}
    )
    return new, _event(case, new, at, why, _WHOLE)


def stepped(
    case: Case, at: datetime, why: str, state: TradeState | None = None, **changes: Any
) -> tuple[Case, OrderEvent]:  # Any: fields of a Case
    """Return the case one event further.

    Raises
    ------
    InvariantViolationError
        If the case may not go to `state`.
    """
    new_state = case.state if state is None or state is case.state else checked(case.state, state, case.setup_id)
    new = case.model_copy(update={**changes, "state": new_state, "number": case.number + 1, "why": why})
    return new, _event(case, new, at, why, frozenset(changes))


def folded(steps: Iterable[Mapping[str, Any]]) -> Case | None:  # Any: whatever JSON can hold
    """Return the case that the events of one setup come to, None where there are none.

    Raises
    ------
    InvariantViolationError
        If the events are not those of one case from its beginning, or go where it may not go.
    """
    state, known, due = TradeState.PLANNED, dict[str, Any](), 0
    for step in steps:
        event = OrderEvent.model_validate_json(json.dumps(dict(step)))
        _check_number(event, due)
        known |= {"setup_id": event.setup_id, **_after(state, event)}
        state, due = event.state, due + 1
    return Case.model_validate_json(json.dumps(known)) if known else None


def fold(payloads: Iterable[Mapping[str, Any]], today: date) -> dict[str, Case]:  # Any: whatever JSON can hold
    """Return the cases by setup that are of `today`, or not over; older ones that are over are left out."""
    by_setup: dict[str, list[Mapping[str, Any]]] = {}
    for payload in payloads:
        by_setup.setdefault(payload["setup_id"], []).append(payload)
    cases: dict[str, Case] = {}
    for setup_id, steps in by_setup.items():
        last_on = datetime.fromisoformat(steps[-1]["at"]).astimezone(IST).date()
        if steps[-1]["state"] in _OVER and last_on < today:
            continue
        case = folded(steps)
        if case is not None:
            cases[setup_id] = case
    return cases


def _check_number(event: OrderEvent, due: int) -> None:
    if event.number != due:
        raise InvariantViolationError(
            f"event {event.key} follows number {due - 1} of its setup; the journal lacks an event"
        )


def _after(was: TradeState, event: OrderEvent) -> dict[str, Any]:  # Any: the JSON of a Case's fields
    state = was if event.state is was else checked(was, event.state, event.setup_id)
    return {**event.changes, "state": state.value, "number": event.number, "why": event.why}


def _event(before: Case, after: Case, at: datetime, why: str, fields: frozenset[str]) -> OrderEvent:
    return OrderEvent(
        setup_id=after.setup_id,
        number=after.number,
        at=at,
        was=before.state,
        state=after.state,
        why=why,
        changes=after.model_dump(mode="json", include=set(fields)),
    )
