"""The ledger's rows in the store, copied by number: doing it again adds nothing, deleting them loses nothing."""

import json
import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from pydantic import ValidationError

from agents.data.ledger import Ledger, LedgerEvent
from agents.data.ledger.links import first_id
from agents.data.store import Store
from agents.data.tables import as_arrow, insert_arrow
from agents.domain.cycle import CycleRecord
from agents.domain.errors import ConfigError
from agents.execution.book import LedgerBook
from agents.execution.paper import trade_of
from agents.execution.rows import cycle_frame, trade_frame

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH = 2000
_log = logging.getLogger(__name__)
_IDS = ("zone_id", "setup_id", "cycle_id", "correlation_id", "order_id", "state")
_AS_IS = ("seq", "kind", "key", "prev_hash", "hash")
_LAST = "select seq, hash from ledger_events order by seq desc limit 1"


class Mirrored(NamedTuple):
    """What one mirroring added, and the number of the last event that is mirrored."""

    events: int
    calls: int
    cycles: int
    trades: int
    last: int


def mirror_ledger(ledger: Ledger, store: Store, brokerage: Decimal) -> Mirrored:
    """Bring the store's copy of the ledger up to its last event.

    Also cycles and trades that a run could not write after its decision are made up for.

    Parameters
    ----------
    ledger : Ledger
        The truth.
    store : Store
        Of the same mode.
    brokerage : Decimal
        Rupees for each executed order, as the costs of trades have it.

    Raises
    ------
    ConfigError
        If the copy is of another ledger; the message says how to begin anew.
    """
    added = {"events": 0, "calls": 0, "cycles": 0}
    seq = _mirrored_until(ledger, store)
    while batch := ledger.events(after=seq, limit=BATCH):
        tables = {"events": as_arrow(_event_frame(batch)), "calls": as_arrow(_call_frame(ledger, batch))}
        tables["cycles"] = as_arrow(cycle_frame(_records(store, batch)))
        with store.write() as connection:
            for name, rows in tables.items():
                added[name] += _add(connection, name, rows, store)
        seq = batch[-1].seq
    return Mirrored(**added, trades=_add_trades(ledger, store, brokerage), last=seq)


def _mirrored_until(ledger: Ledger, store: Store) -> int:
    """Return the number of the last mirrored event, after a look whether it is this ledger's."""
    with store.write():
        pass  # an older file gets its tables
    last = store.rows(_LAST)
    if not last:
        return 0
    seq, digest = last[0]
    found = ledger.events(after=seq - 1, limit=1)
    if not found or found[0].hash != digest:
        raise ConfigError(
            f"the store's copy of the ledger has an event {seq} that {ledger.name} has not; if the ledger is the right "
            "one, delete the rows of ledger_events and ledger_calls in the store, and they will be copied again"
        )
    return int(seq)


_TABLES = {"events": ("ledger_events", "seq"), "calls": ("ledger_calls", "id"), "cycles": ("cycles", "cycle_id")}


def _add(connection: "duckdb.DuckDBPyConnection", name: str, rows: "pa.Table", store: Store) -> int:
    table, key = _TABLES[name]
    return insert_arrow(connection, table, rows, stamp=store.now(), key=[key])


def _event_frame(events: Sequence[LedgerEvent]) -> pd.DataFrame:
    columns: dict[str, Any] = {name: [getattr(event, name) for event in events] for name in _AS_IS}  # Any: cells
    columns |= {name: [first_id(event.payload, name) for event in events] for name in _IDS}
    columns["happened_at"] = pd.to_datetime([event.at for event in events], utc=True)
    columns["written_at"] = pd.to_datetime([event.recorded_at for event in events], utc=True)
    columns["payload"] = [json.dumps(event.payload, sort_keys=True) for event in events]
    return pd.DataFrame(columns)


def _call_frame(ledger: Ledger, events: Sequence[LedgerEvent]) -> pd.DataFrame:
    """Return the calls that these events vouch for."""
    said = [(event, ledger.calls.call(event.payload["call"])) for event in events if event.kind == "llm_call"]
    found = [(event, call) for event, call in said if call is not None]
    names = (
        "key",
        "subject",
        "model",
        "prompt_id",
        "prompt_version",
        "prompt_sha",
        "facts",
        "body",
        "detail",
        "attempts",
    )
    columns: dict[str, Any] = {name: [getattr(call, name) for _, call in found] for name in names}  # Any: cells
    columns |= {
        "id": [event.payload["call"] for event, _ in found],
        "asked_at": pd.to_datetime([call.asked_at for _, call in found], utc=True),
        "written_at": pd.to_datetime([event.recorded_at for event, _ in found], utc=True),
        "status": [call.status.value for _, call in found],
        "input_tokens": [call.usage.input_tokens for _, call in found],
        "output_tokens": [call.usage.output_tokens for _, call in found],
        "cost": [float(call.cost) for _, call in found],
        "latency": [call.latency for _, call in found],
    }
    return pd.DataFrame(columns)


def _records(store: Store, events: Sequence[LedgerEvent]) -> list[CycleRecord]:
    """Return the records of cycles that the store has not; those of an older program stay in `ledger_events` only."""
    cycles = {str(event.key): event for event in events if event.kind == "cycle"}
    known = store.rows("select cycle_id from cycles where cycle_id in (select unnest($ids))", {"ids": list(cycles)})
    found = []
    for event in (cycles[name] for name in cycles.keys() - {row[0] for row in known}):
        try:
            found.append(CycleRecord.model_validate_json(json.dumps(event.payload)))
        except ValidationError:
            _log.warning("the record of cycle %s (event %d) is of an older program", event.key, event.seq)
    return sorted(found, key=lambda record: (record.at, record.cycle_id))


def _add_trades(ledger: Ledger, store: Store, brokerage: Decimal) -> int:
    """Add the round trips of the ledger's own book that the store has not."""
    orders = LedgerBook(ledger).latest()
    known = {row[0] for row in store.rows("select setup_id from trades")}
    closed = [trade for order in orders if order.setup_id not in known and (trade := trade_of(order, brokerage))]
    if closed:
        rows = as_arrow(trade_frame(closed, orders))
        with store.write() as connection:  # by key: the trade cycle may have been faster
            insert_arrow(connection, "trades", rows, stamp=store.now(), key=["setup_id"])
    return len(closed)
