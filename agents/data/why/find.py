"""From what a person typed to what it is an id of."""

from difflib import get_close_matches
from typing import NamedTuple

from agents.data.ledger import Ledger, LedgerEvent
from agents.data.store import Store
from agents.data.why.stored import stored_events, stored_ids
from agents.domain.errors import MissingDataError

SHORTEST_PREFIX = 6
_NEAREST = 3
_ZONE_IDS = "select id from zones where id = ? or starts_with(id, ?) order by id = ? desc, id limit 20"
_RECENT_ZONES = "select id from zones order by known_at desc limit 500"


class Found(NamedTuple):
    """An id with its events, oldest first."""

    id: str
    events: list[LedgerEvent]
    is_zone: bool


def find(ledger: Ledger, store: Store, asked: str) -> Found:
    """Return what an id, or the beginning of one of at least six characters, stands for.

    Raises
    ------
    MissingDataError
        If it stands for nothing, or for several things; the message names the nearest ids.
    """
    exact = ledger.about(asked)
    if exact:  # The store need not be opened: an event says itself whether the id is its zone's.
        return Found(asked, exact, any(event.payload.get("zone_id") == asked for event in exact))
    zones = _zones(store, asked)
    if asked in zones:
        return Found(asked, stored_events(store, asked), is_zone=True)
    stored = stored_events(store, asked)
    if stored:
        return Found(asked, stored, is_zone=False)
    near = sorted({*ledger.refs(asked), *zones, *stored_ids(store, asked)}) if len(asked) >= SHORTEST_PREFIX else []
    if len(near) == 1:
        return find(ledger, store, near[0])
    if near:
        raise MissingDataError(
            f"{asked} is the beginning of {len(near)} ids: {', '.join(near[:_NEAREST])}; give more of it"
        )
    known = [*ledger.refs(), *_recent_zones(store)]
    like = get_close_matches(asked, known, n=_NEAREST, cutoff=0.4) or known[:_NEAREST]
    hint = f"the nearest are {', '.join(dict.fromkeys(like))}" if like else "nothing is recorded yet"
    raise MissingDataError(f"there is no order, setup, cycle or zone {asked}; {hint}")


def _zones(store: Store, asked: str) -> list[str]:
    prefix = asked if len(asked) >= SHORTEST_PREFIX else f"{asked}\0"
    return [row[0] for row in store.rows(_ZONE_IDS, [asked, prefix, asked])] if store.exists else []


def _recent_zones(store: Store) -> list[str]:
    return [row[0] for row in store.rows(_RECENT_ZONES)] if store.exists else []
