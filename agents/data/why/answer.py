"""The question itself: why(ledger, store, id), with every read and nothing written."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from agents.data.ledger import Ledger, LedgerEvent
from agents.data.store import Store
from agents.data.why.decision import decision_links, order_links, verdict_links
from agents.data.why.find import Found, find
from agents.data.why.links import Chain, Link, RunOf
from agents.data.why.market import quote_links, zone_ground
from agents.data.why.stored import stored_events

CYCLE = "cycle"
_CYCLES_SHOWN = 20
_EVER = datetime(9999, 1, 1, tzinfo=UTC)


def nobody_knows(_asset: str, _session: date, _recorded_at: datetime) -> str | None:
    """Stand in where there is no log of runs."""
    return None


def why(ledger: Ledger, store: Store, asked: str, *, run_of: RunOf = nobody_knows) -> Chain:
    """Return the chain of reasons behind an order, a setup, a cycle or a zone.

    Parameters
    ----------
    ledger, store
        Of one mode.
    asked : str
        A correlation id, the broker's order id, a setup id, a cycle id or a zone id; at least six characters of the
        beginning will do where they fit one id only.
    run_of : callable, optional
        Names the Dagster run that recorded a row of an asset.

    Returns
    -------
    Chain
        From the fill back to the candles; parts that never came to be (a skipped cycle has no order) are left out.

    Raises
    ------
    MissingDataError
        If nothing has that id; the message names the nearest.
    """
    found = find(ledger, store, asked)
    asked_for = [event for event in found.events if event.kind == CYCLE and event.key == found.id]
    if found.is_zone:
        kind, links = "zone", _of_zone(ledger, store, found, run_of)
    elif asked_for:
        kind, links = "cycle", _of_cycle(ledger, store, asked_for[0], run_of)
    else:
        kind, links = "order", _of_order(ledger, store, _whole_story(ledger, found.events), run_of)
    if any(not event.hash for event in found.events):
        links.append(Link(what="record", text="kept in the store by a replay: this ledger holds no hashes of it"))
    return Chain(asked=asked, found=found.id, kind=kind, links=tuple(links))


def _of_cycle(ledger: Ledger, store: Store, cycle: LedgerEvent, run_of: RunOf) -> list[Link]:
    """Return what one cycle decided, and what became of its order if it placed one."""
    placed = cycle.payload.get("order")
    links = list(order_links(_about(ledger, store, placed["setup_id"]))) if placed else []
    return [*links, *decision_links(ledger, cycle), *_ground(ledger, store, cycle.payload, cycle.at, run_of)]


def _of_order(ledger: Ledger, store: Store, events: Sequence[LedgerEvent], run_of: RunOf) -> list[Link]:
    """Return a setup's orders and the cycle that placed them; cycles that met the setup again in one line each."""
    cycles = [event for event in events if event.kind == CYCLE]
    links = list(order_links(events))
    if not cycles:
        links.append(Link(what="decision", text="no cycle of this ledger decided it"))
        zone = next((str(event.payload["zone_id"]) for event in events if event.payload.get("zone_id")), None)
        return [*links, *_ground(ledger, store, {"zone_id": zone}, events[-1].at, run_of)] if zone else links
    main = next((cycle for cycle in cycles if cycle.payload.get("order")), cycles[0])
    others = [next(decision_links(ledger, cycle)) for cycle in cycles if cycle is not main]
    ground = _ground(ledger, store, main.payload, main.at, run_of)
    return [*links, *decision_links(ledger, main), *ground, *others]


def _about(ledger: Ledger, store: Store, setup: str) -> list[LedgerEvent]:
    return ledger.about(setup) or stored_events(store, setup)


def _whole_story(ledger: Ledger, events: Sequence[LedgerEvent]) -> list[LedgerEvent]:
    """Return the events with those of the setups that they speak of: an order id leads to its cycle that way."""
    setups = {setup for event in events for setup in _setups(event)}
    told = {event.seq: event for event in events} | {e.seq: e for setup in setups for e in ledger.about(setup)}
    return [told[seq] for seq in sorted(told)]


def _setups(event: LedgerEvent) -> list[str]:
    holders: list[Any] = [event.payload, *(part for part in event.payload.values() if isinstance(part, dict))]
    return [str(holder["setup_id"]) for holder in holders if holder.get("setup_id")]


def _ground(ledger: Ledger, store: Store, record: dict[str, Any], at: datetime, run_of: RunOf) -> list[Link]:
    """Return the option chain and the zone under a decision. Any: a record as JSON."""
    if not store.exists:
        return [Link(what="zone", id=record.get("zone_id"), text=f"there is no store at {store.path}")]
    zone = record.get("zone_id")
    with store.read() as connection:
        links = quote_links(connection, record)
        ground = zone_ground(connection, zone, at, run_of) if zone else None
    if ground is None:
        return links
    return [*links, *verdict_links(ledger, ground.verdict, at, "zone verdict"), *ground.links]


def _of_zone(ledger: Ledger, store: Store, found: Found, run_of: RunOf) -> list[Link]:
    """Return what was decided at a zone, newest first and at most twenty, then the zone itself as it is known now."""
    cycles = [event for event in found.events if event.kind == CYCLE]
    orders = [event for event in found.events if event.kind not in {"cycle", "cycle_differs", "llm_call"}]
    links = list(order_links(orders))
    links += [next(decision_links(ledger, event)) for event in reversed(cycles[-_CYCLES_SHOWN:])]
    return [*links, *_ground(ledger, store, {"zone_id": found.id}, _EVER, run_of)]
