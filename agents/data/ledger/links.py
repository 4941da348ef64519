"""The way from an id to its events: which ids an event speaks of, kept in a table as the event is appended."""

from collections.abc import Iterator, Mapping
from typing import Any

ID_FIELDS = frozenset(
    {
        "zone_id", "setup_id", "cycle_id", "correlation_id", "order_id", "broker_order_id", "trade_id", "run_id",
        "command_id",
    }
)  # fmt: skip
"""The fields whose values are ids of something that a person may ask about."""

LONGEST = 128


def refs_of(key: str | None, payload: Mapping[str, Any]) -> list[str]:  # Any: whatever JSON can hold
    """Return the ids that an event is about: its key and the id fields of its payload, each once, in order.

    Objects inside the payload count, lists do not: what stands in a list was only looked at (a cycle lists every zone
    it saw), and an event about one zone must not be found under all others.
    """
    found = dict.fromkeys([key] if key else [])
    found.update(dict.fromkeys(_ids(payload)))
    return [ref for ref in found if len(ref) <= LONGEST]


def _ids(payload: Mapping[str, Any]) -> Iterator[str]:  # Any: as above
    for name, value in payload.items():
        if isinstance(value, Mapping):
            yield from _ids(value)
        elif name in ID_FIELDS and isinstance(value, str) and value:
            yield value
