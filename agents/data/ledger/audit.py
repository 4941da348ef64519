"""The chain in a file that proves itself: whoever has it can check it without the desk, its ledger or its keys.

One JSON object a line. The first says where in the chain the file begins and which hash it follows; then come the
events as they are stored, each call to a model after the event that vouches for it; the last line has their numbers,
the hash of the last event, and the hash of all lines before.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from agents.data.ledger.calls import EVENT_KIND as CALL_KIND
from agents.data.ledger.calls import call_digest, call_row
from agents.data.ledger.chain import ChainReport, raw_rows, row_problem
from agents.data.ledger.tables import events, utc_text
from agents.domain.errors import ConfigError, MissingDataError
from agents.domain.values import IST, Frozen, canonical_json

FORMAT = "zonedesk audit 1"


class AuditSummary(Frozen):
    """What an audit file holds: the events from row `first` to row `last`, whose hash is `head`, and calls."""

    first: int
    last: int
    events: int
    calls: int
    head: str


def write_audit(connection: Connection, path: Path, *, first: date | None, last: date | None) -> AuditSummary:
    """Write the events recorded from `first` to `last` (dates in India), all of them if neither is given.

    Raises
    ------
    MissingDataError
        If nothing was recorded then.
    ConfigError
        If the file cannot be written.
    """
    begin, end = _span(connection, first, last)
    digest, counts, head = hashlib.sha256(), {"event": 0, "call": 0}, ""
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for kind, facts in _entries(connection, begin, end):
                if kind in counts:
                    counts[kind] += 1
                head = facts.get("hash", head)
                line = canonical_json({kind: facts}) + "\n"
                digest.update(line.encode())
                file.write(line)
            numbers = {"events": counts["event"], "calls": counts["call"], "head": head}
            file.write(canonical_json({"end": numbers | {"digest": digest.hexdigest()}}) + "\n")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; name another file") from error
    return AuditSummary(first=begin, last=end, events=counts["event"], calls=counts["call"], head=head)


def check_audit(path: Path) -> ChainReport:
    """Check a file that `write_audit` wrote and name the first row that does not fit.

    Raises
    ------
    MissingDataError
        If there is no such file.
    ConfigError
        If it cannot be read, or is not an audit file.
    """
    try:
        with path.open("rb") as file:
            walk = _Walk(_entry(file.readline()), path)
            return walk.along(file)
    except FileNotFoundError as error:
        raise MissingDataError(f"there is no file {path}") from error
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


class _Walk:
    """One walk along the lines of an audit file, from its header to its last line."""

    def __init__(self, header: tuple[str, Any], path: Path) -> None:  # Any: whatever JSON can hold
        kind, facts = header
        if kind != "audit" or not isinstance(facts, dict) or facts.get("format") != FORMAT:
            raise ConfigError(f"{path} is not an audit file; make one with `zonedesk audit export FILE`")
        self._digest = hashlib.sha256((canonical_json({kind: facts}) + "\n").encode())
        self._first, self._next, self._head = int(facts["first"]), int(facts["first"]), str(facts["after"])
        self._vouched: dict[str, Any] | None = None
        self._calls = 0

    def along(self, lines: Iterable[bytes]) -> ChainReport:
        """Check every line and return what was found."""
        ended = False
        for line in lines:
            kind, facts = _entry(line)
            if ended:
                return self._report("there are lines after the last one")
            problem = self._problem(kind, facts)
            if problem:
                return self._report(problem)
            ended = kind == "end"
            self._digest.update(line)
        return self._report("" if ended else f"the file ends after row {self._next - 1}, its last line is missing")

    def _problem(self, kind: str, facts: Any) -> str:  # Any: as above
        if self._vouched is not None and kind != "call":
            return f"call {self._vouched['call']} is missing after row {self._next - 1}"
        try:
            check = {"event": self._event, "call": self._call, "end": self._end}[kind]
            return check(facts)
        except (KeyError, TypeError, ValueError, AttributeError):
            return f"the line of row {self._next} cannot be read"

    def _event(self, row: Any) -> str:  # Any: as above
        problem = row_problem(row, self._next, self._head)
        if not problem:
            self._head, self._next = row["hash"], self._next + 1
            self._vouched = json.loads(row["payload"]) if row["kind"] == CALL_KIND else None
        return problem

    def _call(self, facts: Any) -> str:  # Any: as above
        said, self._vouched = self._vouched, None
        if said is None:
            return f"row {self._next - 1} vouches for no call"
        self._calls += 1
        made = call_digest(facts | {"asked_at": datetime.fromisoformat(facts["asked_at"])})
        return "" if made == said["digest"] else f"call {said['call']} was changed"

    def _end(self, facts: Any) -> str:  # Any: as above
        found = {"events": self._next - self._first, "calls": self._calls, "head": self._head}
        found["digest"] = self._digest.hexdigest()
        wrong = [name for name, value in found.items() if facts[name] != value]
        return f"the last line tells another {' and '.join(wrong)} than the lines before it" if wrong else ""

    def _report(self, problem: str) -> ChainReport:
        checked = self._next - self._first
        if not problem:
            return ChainReport(checked=checked, head=self._head)
        bad = self._next - 1 if problem.startswith("call ") else self._next
        return ChainReport(checked=checked, head=self._head, first_bad=bad, problem=problem)


def _span(connection: Connection, first: date | None, last: date | None) -> tuple[int, int]:
    query = select(func.min(events.c.seq), func.max(events.c.seq))
    if first is not None:
        query = query.where(events.c.recorded_at >= datetime.combine(first, time(), IST))
    if last is not None:
        query = query.where(events.c.recorded_at < datetime.combine(last + timedelta(days=1), time(), IST))
    begin, end = connection.execute(query).one()
    if begin is None:
        raise MissingDataError(f"nothing was recorded from {first or 'the beginning'} to {last or 'now'}")
    return int(begin), int(end)


def _entries(connection: Connection, begin: int, end: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the kind and the facts of each line but the last. Any: column values."""
    rows = connection.execute(raw_rows(begin, end))
    for row in rows:
        if row.seq == begin:
            yield "audit", {"format": FORMAT, "first": begin, "after": row.prev_hash}
        yield "event", row._asdict()
        if row.kind == CALL_KIND:
            call = call_row(connection, json.loads(row.payload)["call"])
            if call is not None:
                yield "call", call | {"asked_at": utc_text(call["asked_at"])}


def _entry(line: bytes) -> tuple[str, Any]:  # Any: whatever JSON can hold
    """Return the kind and the facts of a line; an empty kind if it is none of ours."""
    try:
        found = json.loads(line)
    except ValueError:
        return "", None
    return next(iter(found.items())) if isinstance(found, dict) and len(found) == 1 else ("", None)
