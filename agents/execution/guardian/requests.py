"""Trade requests from the journal, and the one answer that each of them gets.

The rules: every request is answered once; what was ordered before is answered by what became of it; what nobody can
read is refused by name. The journal holds both, so a run that is repeated finds its answer and asks nothing again.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from agents.domain.cycle import Veto
from agents.domain.lifecycle import TradeState
from agents.execution.guardian.case import Case
from agents.execution.guardian.past import name_of
from agents.execution.guardian.ports import REQUEST, AnswerKind, Journal, TradeAnswer, TradeRequest

_REFUSED = frozenset({TradeState.REJECTED})
_UNCERTAIN = frozenset({TradeState.INTENT, TradeState.SENT, TradeState.UNKNOWN, TradeState.ABANDONED})


class Inbox:
    """Requests that were not answered, oldest first."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen = 0
        self._waiting: deque[tuple[str, Mapping[str, Any]]] = deque()

    def poll(self, answered: Callable[[str], bool], after: int = 0) -> None:
        """Read what was appended since the last call and after event `after`. Raises what the journal raises."""
        for event in self._journal.events(REQUEST, after=max(self._seen, after)):
            self._seen = event.seq
            key = name_of(event)
            if not answered(key):
                self._waiting.append((key, event.payload))

    def next(self) -> tuple[str, Mapping[str, Any]] | None:
        """Take the oldest request out, None when there is none. Any: whatever a request's JSON holds."""
        return self._waiting.popleft() if self._waiting else None


def parsed(key: str, payload: Mapping[str, Any]) -> TradeRequest | Veto:
    """Return a request, or the veto that says why it is none. Any: as above."""
    try:
        request = TradeRequest.model_validate_json(json.dumps(dict(payload)))
    except (ValueError, TypeError):  # its text may quote whatever the request holds, so it is not repeated
        return Veto(rule="G.request", limit=0.0, value=1.0, text="the request cannot be read; write it anew")
    if request.setup.setup_id != key:
        return Veto(rule="G.key", limit=0.0, value=1.0, text="the request's key is not its setup; write it anew")
    return request


def refused(key: str, vetoes: tuple[Veto, ...], at: datetime) -> TradeAnswer:
    """Return the answer to a request of which nothing was sent."""
    detail = ", ".join(veto.rule for veto in vetoes)
    return TradeAnswer(setup_id=key, outcome=AnswerKind.REFUSED, vetoes=vetoes, detail=detail, at=at)


def answer_of(case: Case, at: datetime) -> TradeAnswer:
    """Return the answer to a request that became an order."""
    if case.state in _REFUSED:
        outcome = AnswerKind.REJECTED
    else:
        outcome = AnswerKind.UNKNOWN if case.state in _UNCERTAIN else AnswerKind.PLACED
    return TradeAnswer(
        setup_id=case.setup_id,
        outcome=outcome,
        correlation_id=case.correlation_id,
        order_id=case.order_id,
        detail=case.why,
        at=at,
    )
