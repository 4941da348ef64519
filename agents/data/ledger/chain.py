"""The chain of events: appended, never changed, each row hashed together with the one before it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import Connection, Row, Select, String, func, insert, select, type_coerce

from agents.data.ledger.links import refs_of
from agents.data.ledger.tables import events, links, utc_text
from agents.domain.errors import InvariantViolationError
from agents.domain.values import Frozen, canonical_json

FIRST_HASH = "0" * 64
"""What the first event names as the hash before it."""

_TIMES = frozenset({"at", "recorded_at"})


class LedgerEvent(Frozen):
    """One event. `at` is when it happened in the market's time, `recorded_at` when it was written."""

    seq: int
    at: AwareDatetime
    recorded_at: AwareDatetime
    kind: str
    key: str | None
    payload: dict[str, Any]  # Any: whatever JSON can hold
    prev_hash: str
    hash: str


class ChainReport(Frozen):
    """What a walk along the chain found. `head` is the last good hash: note it down to prove later that none is gone.

    `first_bad` is the `seq` of the first row that does not fit, and `problem` says why; both are empty when all fit.
    """

    checked: int
    head: str
    first_bad: int | None = None
    problem: str = ""

    @property
    def sound(self) -> bool:
        """Whether every row fits the one before it."""
        return self.first_bad is None


def append_event(
    connection: Connection,
    kind: str,
    payload: Mapping[str, Any],
    *,
    key: str | None,
    at: datetime,
    recorded_at: datetime,
) -> LedgerEvent:
    """Add an event at the end of the chain, inside the caller's writing transaction.

    An event that is already there under the same `kind` and `key` is returned instead.

    Raises
    ------
    InvariantViolationError
        If it is there with another payload.
    """
    body = canonical_json(payload)
    if key is not None:
        found = connection.execute(select(events).where(events.c.kind == kind, events.c.key == key)).first()
        if found is not None:
            if found.payload != body:
                raise InvariantViolationError(
                    f"event {kind} {key} is in the ledger with other contents (row {found.seq}); use a new key"
                )
            return as_event(found)
    last = connection.execute(select(events.c.seq, events.c.hash).order_by(events.c.seq.desc()).limit(1)).first()
    seq, before = (1, FIRST_HASH) if last is None else (last.seq + 1, last.hash)
    row: dict[str, Any] = {"seq": seq, "at": at, "recorded_at": recorded_at, "kind": kind, "key": key, "payload": body}
    row["prev_hash"] = before
    row["hash"] = row_hash(row)
    connection.execute(insert(events).values(**row))
    said = json.loads(body)
    mentions = [{"ref": ref, "seq": seq} for ref in refs_of(key, said)]
    if mentions:
        connection.execute(insert(links), mentions)
    return LedgerEvent.model_validate(row | {"payload": said})


def row_hash(row: Mapping[str, Any]) -> str:
    """Return the sha256 of everything an event says and the hash before it. Any: the values of the columns."""
    times = [at if isinstance(at, str) else utc_text(at) for at in (row["at"], row["recorded_at"])]
    parts = [row["seq"], *times, row["kind"], row["key"], row["payload"], row["prev_hash"]]
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def as_event(row: Row[Any]) -> LedgerEvent:
    """Return a row of the table as an event. The row's types are Any to SQLAlchemy."""
    return LedgerEvent.model_validate(row._asdict() | {"payload": json.loads(row.payload)})


def raw_rows(first: int = 1, last: int | None = None) -> Select[Any]:
    """Select events as they are stored, times as text: a row that was changed may hold one that cannot be read.

    Any: SQLAlchemy's word for unknown columns.
    """
    columns = [
        type_coerce(column, String).label(column.name) if column.name in _TIMES else column for column in events.c
    ]
    query = select(*columns).where(events.c.seq >= first).order_by(events.c.seq).execution_options(yield_per=1000)
    return query if last is None else query.where(events.c.seq <= last)


def check_chain(connection: Connection) -> ChainReport:
    """Walk along the whole chain and name the first row that does not fit."""
    head, checked = FIRST_HASH, 0
    rows = iter(connection.execute(raw_rows()))
    for row in rows:
        problem = row_problem(row._asdict(), checked + 1, head)
        if problem:
            after = next(rows, None)
            more = "" if after is None else _what_the_next_says(row._asdict(), after._asdict())
            return ChainReport(checked=checked, head=head, first_bad=row.seq, problem=problem + more)
        head, checked = row.hash, checked + 1
    known = connection.execute(select(func.max(links.c.seq))).scalar() or 0
    if known > checked:
        gone = f"rows {checked + 1} to {known} are missing at the end"
        return ChainReport(checked=checked, head=head, first_bad=checked + 1, problem=gone)
    return ChainReport(checked=checked, head=head)


def row_problem(row: Mapping[str, Any], seq: int, before: str) -> str:  # Any: the values of the columns
    """Return what is wrong with a row that should have number `seq` and follow the hash `before`; empty if nothing."""
    found = row["seq"]
    if found != seq:
        return f"row {seq} is missing before row {found}" if found > seq else f"row {found} stands where {seq} belongs"
    if row["prev_hash"] != before:
        return (
            f"row {seq} does not follow the row before it: it names {row['prev_hash'][:12]}, "
            f"the row before it has {before[:12]}"
        )
    made = row_hash(row)
    if made == row["hash"]:
        return ""
    return (
        f"row {seq} was changed after it was written: its contents give {made[:12]}, its hash is {row['hash'][:12]} "
        f"(kind {row['kind']}, key {row['key'] or 'none'}, recorded at {row['recorded_at']})"
    )


def _what_the_next_says(row: Mapping[str, Any], after: Mapping[str, Any]) -> str:  # Any: as above
    """Tell a changed hash from changed contents: the next row remembers the hash that the row had."""
    if after["seq"] != row["seq"] + 1 or row_hash(row) == row["hash"]:
        return ""
    if after["prev_hash"] == row["hash"]:
        return "; the next row knows that hash, so the contents were changed"
    return "; only its hash was changed" if after["prev_hash"] == row_hash(row) else "; so was the row after it"
