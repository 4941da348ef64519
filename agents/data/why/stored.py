"""What a replay decided and traded: its ledger ends with it, and the store keeps its cycles and round trips."""

import json
from collections.abc import Iterator
from datetime import datetime

from agents.data.ledger import LedgerEvent
from agents.data.store import Row, Store

_CYCLES = """
    select cycle_id, decided_at, recorded_at, record from cycles
    where cycle_id = $id or setup_id = $id or zone_id = $id order by decided_at, cycle_id
"""
_TRADES = """
    select setup_id, zone_id, contract, lots, entry_at, entry, exit_at, exit, exit_reason, net, recorded_at from trades
    where setup_id in (select unnest($setups)) order by entry_at, setup_id
"""
_IDS = """
    select cycle_id as id from cycles where starts_with(cycle_id, $id)
    union select setup_id from cycles where starts_with(setup_id, $id)
    union select setup_id from trades where starts_with(setup_id, $id) order by id limit 20
"""


def stored_events(store: Store, asked: str) -> list[LedgerEvent]:
    """Return the cycles and trades of a cycle, setup or zone as events, in the order in which they came about.

    They stand in no chain: their hashes are empty, and `seq` counts below zero, which no event of a ledger does.
    """
    if not store.exists:
        return []
    cycles = store.rows(_CYCLES, {"id": asked})
    records = [json.loads(row[3]) for row in cycles]
    placed = [record["order"]["setup_id"] for record in records if record.get("order")]
    trades = store.rows(_TRADES, {"setups": [asked, *placed]})
    events = [_event(row[0], row[1], row[2], "cycle", record) for row, record in zip(cycles, records, strict=True)]
    events += [event for row in trades for event in _trade(row)]
    in_order = sorted(events, key=lambda event: event.at)
    return [event.model_copy(update={"seq": seq}) for seq, event in enumerate(in_order, -len(in_order))]


def stored_ids(store: Store, beginning: str) -> list[str]:
    """Return the cycles and setups whose ids begin so, at most twenty."""
    return [str(row[0]) for row in store.rows(_IDS, {"id": beginning})] if store.exists else []


def _trade(row: Row) -> Iterator[LedgerEvent]:
    """Yield the entry and the exit of a round trip."""
    setup, zone, contract, lots, entry_at, entry, exit_at, left, reason, net, recorded_at = row
    whose = {"setup_id": setup, "zone_id": zone, "contract": contract}
    bought = {"at": entry_at.isoformat(), "price": str(entry), "quantity": f"{lots} lots"}
    sold = {"at": exit_at.isoformat(), "price": str(left), "quantity": f"{lots} lots"}
    yield _event(setup, entry_at, recorded_at, "trade", {**whose, "state": "bought", "entry": bought})
    done = {**whose, "state": "sold", "reason": reason, "net": str(net), "entry": bought, "exit": sold}
    yield _event(setup, exit_at, recorded_at, "trade", done)


def _event(key: str, at: datetime, recorded_at: datetime, kind: str, payload: dict[str, object]) -> LedgerEvent:
    return LedgerEvent(
        seq=0, at=at, recorded_at=recorded_at, kind=kind, key=key, payload=payload, prev_hash="", hash=""
    )
