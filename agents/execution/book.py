"""A book of orders in the ledger: appended events, of which the last one of each order is its state."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from agents.domain.orders import SuperOrder

ORDER = "order"


class Event(Protocol):
    """One appended fact."""

    @property
    def seq(self) -> int:
        """Return its place in the log."""
        ...

    @property
    def payload(self) -> Mapping[str, Any]:  # Any: whatever JSON can hold
        """Return what was appended."""
        ...


class EventLog(Protocol):
    """What the book needs of a ledger."""

    def append(self, kind: str, payload: Mapping[str, Any]) -> object:  # Any: whatever JSON can hold
        """Add an event that survives before this returns."""
        ...

    def events(self, kind: str | None = None, *, after: int = 0) -> Sequence[Event]:
        """Return the events of a kind with ``seq > after``, in order."""
        ...


class LedgerBook:
    """Implements `paper.OrderBook` over a ledger's events; several processes may hold one each."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._seen = 0
        self._orders: dict[str, SuperOrder] = {}

    def save(self, order: SuperOrder) -> None:
        """Append the order as it now stands."""
        self._log.append(ORDER, order.model_dump(mode="json"))

    def latest(self) -> Sequence[SuperOrder]:
        """Return each order as its last event left it, oldest first; reads only what was appended since."""
        for event in self._log.events(ORDER, after=self._seen):
            order = SuperOrder.model_validate_json(json.dumps(dict(event.payload)))
            self._orders[order.correlation_id] = order
            self._seen = event.seq
        return tuple(self._orders.values())
