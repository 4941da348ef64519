"""What judges said of zones and of setups, what they were asked, and what became of it. Read only."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agents.data.ledger import Ledger
from agents.data.store import Store
from agents.data.why import DagsterRuns
from agents.domain.calls import LlmCall
from agents.domain.candles import moment
from agents.domain.cycle import REASON_TEXT, Reason
from agents.domain.errors import MissingDataError
from agents.settings import Settings
from ui.chart import SIDE_MARKS
from ui.desk import ledger_to_read
from ui.format import rupees
from ui.snapshot import VerdictRow

ZONE, SETUP = "zone", "setup"
SHOWN = 200
OUTCOME = "setup_outcome"
_SETUPS = """
    select cycle_id, epoch(decided_at)::bigint, setup_id, decision, reason, record->'verdict', record->'setup'
    from cycles where instrument = $instrument and setup_id is not null and decided_at <= $now
    order by decided_at desc limit $n
"""
_RECORDED = "select session, recorded_at from verdicts where zone_id = ? order by known_at desc limit 1"
_SINCE = {"": "not reached yet", "touched": "reached, holds", "broken": "broken", "superseded": "replaced by another"}
# What ends a zone says how it went: one that was replaced by another says nothing.
_HELD = {"broken": False, "touched": True}
_ENDINGS = {"win": "won", "loss": "lost", "timeout": "ran out of time", "not_filled": "never bought"}
Json = Mapping[str, Any]  # Any: whatever JSON can hold


@dataclass(frozen=True)
class Said:
    """A judge's word. `good` tells whether it went well so far, None while that is open or says nothing.

    `key` is the question's, by which its call is found; `cycle_id` is the decision's, empty for a zone. `copied` is
    what the store knows of the call, for the case that the ledger does not: facts, reply and how it ended.
    """

    about: str
    id: str
    at: datetime
    place: str
    judge: str
    verdict: str
    probability: float
    reason: str
    outcome: str
    since: str
    good: bool | None
    prompt: str = ""
    latency: float | None = None
    cost: float | None = None
    key: str = ""
    cycle_id: str = ""
    copied: Json = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Judged:
    """The words on setups, and the calls to models, newest first."""

    setups: tuple[Said, ...] = ()
    calls: tuple[LlmCall, ...] = ()


def of_zone(row: VerdictRow) -> Said:
    """Return a verdict on a zone."""
    call = row.call
    return Said(
        about=ZONE,
        id=row.zone_id,
        at=row.at,
        place=f"{SIDE_MARKS.get(row.side, '')} {rupees(row.low)} to {rupees(row.high)}",
        judge=row.judge,
        verdict=row.verdict,
        probability=row.probability,
        reason=row.reason,
        outcome=row.outcome,
        since=_SINCE.get(row.since, row.since),
        good=_HELD.get(row.since),
        prompt=f"{call['prompt']} v{call['version']}" if call else "",
        latency=float(call["latency"]) if call else None,
        cost=float(call["cost"]) if call else None,
        copied=call,
    )


def judged(settings: Settings, instrument: str, now: datetime, wall: Callable[[], datetime]) -> Judged:
    """Return what was said of setups up to a moment, and every call to a model.

    Raises
    ------
    DataError, ConfigError
        If store or ledger cannot be read; where there is none yet, nothing was said.
    """
    calls: list[LlmCall] = []
    endings: dict[str, Json] = {}
    try:
        ledger = ledger_to_read(settings, wall)
    except MissingDataError:
        ledger = None
    if ledger is not None:
        try:
            calls = ledger.calls.recent(SHOWN)
            endings = {str(event.payload["setup_id"]): event.payload for event in ledger.events(OUTCOME)}
        finally:
            ledger.close()
    store = Store(settings.store_path, settings.mode, now=wall, create=False)
    asked = {"instrument": instrument, "now": now, "n": SHOWN}
    rows = store.rows(_SETUPS, asked) if store.exists else []
    by_key = {call.key: call for call in reversed(calls)}
    said = (_of_setup(row, endings, by_key) for row in rows if row[5] and row[5] != "null")
    return Judged(tuple(said), tuple(call for call in calls if call.asked_at <= now))


def asked_about(settings: Settings, subject: str, wall: Callable[[], datetime]) -> Sequence[LlmCall]:
    """Return every call about one zone or setup, oldest first; none where there is no ledger.

    Raises
    ------
    ConfigError, DataError
        If the ledger cannot be read.
    """
    try:
        ledger: Ledger = ledger_to_read(settings, wall)
    except MissingDataError:
        return []
    try:
        return ledger.calls.calls_of(subject)
    finally:
        ledger.close()


def run_of(settings: Settings, zone_id: str, wall: Callable[[], datetime]) -> str | None:
    """Return the Dagster run that recorded the last verdict on a zone, None where its log does not know it.

    Raises
    ------
    DataError, ConfigError
        If the store cannot be read.
    """
    store = Store(settings.store_path, settings.mode, now=wall, create=False)
    rows = store.rows(_RECORDED, [zone_id]) if store.exists else []
    return DagsterRuns(settings)("llm_validation", *rows[0]) if rows else None


def _of_setup(row: Sequence[Any], endings: Mapping[str, Json], calls: Mapping[str, LlmCall]) -> Said:  # Any: columns
    cycle_id, at, setup_id, decision, reason, verdict, setup = row
    said, planned = json.loads(verdict), json.loads(setup or "null") or {}
    call = calls.get(str(said.get("call_key", "")))
    end = endings.get(setup_id, {})
    became = _ENDINGS.get(str(end.get("ending", "")), "not resolved yet")
    done = "bought" if decision == "trade" else REASON_TEXT[Reason(reason)]
    result = f", {end['result']:+.2f} of its risk".replace("-", "\N{MINUS SIGN}") if end.get("result") else ""
    return Said(
        about=SETUP,
        id=setup_id,
        at=moment(at),
        place=str(planned.get("contract", "")),
        judge=str(said["judge"]),
        verdict=str(said["verdict"]),
        probability=float(said["probability"]),
        reason=str(said["reason"]),
        outcome=str(said["outcome"]),
        since=f"{done}; {became}{result}",
        good={"win": True, "loss": False}.get(str(end.get("ending", ""))),
        prompt=f"{call.prompt_id} v{call.prompt_version}" if call else "",
        latency=call.latency if call else None,
        cost=float(call.cost) if call else None,
        key=str(said.get("call_key", "")),
        cycle_id=cycle_id,
    )
