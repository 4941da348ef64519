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

OWN_LISTS = frozenset({"exits", "legs"})
"""Lists of what belongs to an event's own order; what stands in any other list was only looked at."""

LONGEST = 128


def refs_of(key: str | None, payload: Mapping[str, Any]) -> list[str]:  # Any: whatever JSON can hold
    """Return the ids that an event is about: its key and the id fields of its payload, each once, in order.

    Objects inside the payload count, lists do not (a cycle lists every zone it saw, and must not be found under all of
    them), except those of an order's own parts.
    """
    found = dict.fromkeys([key] if key else [])
    found.update(dict.fromkeys(_ids(payload)))
    return [ref for ref in found if len(ref) <= LONGEST]


def _ids(payload: Mapping[str, Any]) -> Iterator[str]:  # Any: as above
    for name, value in payload.items():
        if isinstance(value, Mapping):
            yield from _ids(value)
        elif name in OWN_LISTS and isinstance(value, list):
            for part in value:
                yield from _ids(part) if isinstance(part, Mapping) else ()
        elif name in ID_FIELDS and isinstance(value, str) and value:
            yield value


def first_id(payload: Mapping[str, Any], field: str) -> str | None:  # Any: as above
    """Return the id under `field` that stands highest in the payload, None if there is none."""
    value = payload.get(field)
    if isinstance(value, str) and value:
        return value
    inner = (first_id(part, field) for part in payload.values() if isinstance(part, Mapping))
    return next((found for found in inner if found), None)
