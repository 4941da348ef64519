"""The desk as its ledger and the files of its processes tell it, read only; and what people ask of it."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine

from agents.data.halt_file import halt_reason
from agents.data.ledger import Command, Heartbeat, Ledger, LedgerEvent
from agents.domain.cycle import DeskState
from agents.domain.errors import MissingDataError, TradingError
from agents.domain.limits import IN_FORCE
from agents.settings import Settings
from ui.format import day_time
from ui.orders import KINDS, OrderFold, folded
from ui.snapshot import DeskView, Feed
from ui.trading import Agreement, Order

PAUSE, HALT, FLATTEN = "pause", "halt", "flatten"
GUARDIAN, GUARDIAN_EVENT = "guardian", "guardian_event"
SEEN = "alert_seen"
_SHOWN_COMMANDS = 8
_SHOWN_ALERTS = 30
_NEVER = 1e9
_SILENT_SUPERVISOR = timedelta(seconds=15)
ORDER_KINDS = KINDS
Json = dict[str, Any]  # Any: whatever JSON can hold


class DeskReader:
    """Reads the ledger without ever making or changing one, and `run/*.json`.

    Parameters
    ----------
    settings : Settings
        Whose desk.
    wall : callable
        Returns this machine's present, aware.
    """

    def __init__(self, settings: Settings, wall: Callable[[], datetime]) -> None:
        self._settings = settings
        self._wall = wall
        self._engine: Engine | None = None
        self._ledger: Ledger | None = None
        self._file: tuple[int, int] | None = None
        self._begin()

    def read(self) -> DeskView:
        """Return what is known now; what cannot be read is said in `problem`."""
        run = self._settings.home / "run"
        now = self._wall()
        shown = DeskView(read_at=now, feed=_feed(_json(run / "feed.json"), now))
        status = _json(run / "status.json")
        shown = replace(shown, services=tuple(status.get("services", ())), started_at=_started(status, self._wall()))
        try:
            told = self._told(shown, self._opened())
        except TradingError as error:
            told = replace(shown, problem=str(error))
        if told.state is not DeskState.HALTED and (why := halt_reason(self._settings.home)):
            return replace(told, state=DeskState.HALTED, reason=why)  # the file holds whatever the ledger says
        return told

    def close(self) -> None:
        """Close the ledger."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def _begin(self) -> None:
        """Know nothing of any event."""
        self._seen = dict.fromkeys((*KINDS, GUARDIAN_EVENT, SEEN), 0)
        self._fold = OrderFold(self._settings.brokerage_rupees)
        self._agreement = Agreement()
        self._alerts_seen: dict[int, str] = {}

    def _opened(self) -> Ledger:
        """Return the ledger; another file in its place, such as a restored copy, is read from its beginning."""
        found = _identity(self._settings.ledger_path)
        if self._ledger is not None and found != self._file:
            self.close()
            self._begin()
        if self._ledger is None:
            self._ledger, self._file = ledger_to_read(self._settings, self._wall), found
        return self._ledger

    def _told(self, shown: DeskView, ledger: Ledger) -> DeskView:
        self._read_on(ledger)
        last, limits = ledger.latest("desk_state"), ledger.latest(IN_FORCE)
        heartbeats = tuple(ledger.heartbeats.all())
        beat = next((one.at for one in heartbeats if one.name == GUARDIAN), None)
        return replace(
            shown,
            state=ledger.desk_state(),
            reason=str(last.payload.get("reason", "")) if last else "",
            since=last.recorded_at if last else None,
            commands=tuple(ledger.commands.recent(_SHOWN_COMMANDS)),
            alerts=tuple(ledger.outbox.recent(_SHOWN_ALERTS)),
            heartbeats=heartbeats,
            orders=self._fold.orders(),
            refusals=self._fold.refusals(),
            limits=dict(limits.payload["limits"]) if limits else {},
            limits_of_settings=dict(limits.payload["of_settings"]) if limits else {},
            seen_alerts=dict(self._alerts_seen),
            agreement=said_by(next((one for one in heartbeats if one.name == GUARDIAN), None), self._agreement),
            breakers=tuple(ledger.breakers()),
            guardian_age=None if beat is None else (self._wall() - beat).total_seconds(),
        )

    def _read_on(self, ledger: Ledger) -> None:
        """Take in what was written since the last look."""
        for kind in KINDS:
            for event in ledger.events(kind, after=self._seen[kind]):
                self._fold.take(event)
                self._seen[kind] = event.seq
        for event in ledger.events(GUARDIAN_EVENT, after=self._seen[GUARDIAN_EVENT]):
            self._seen[GUARDIAN_EVENT] = event.seq
            self._agreement = compared(self._agreement, event)
        for event in ledger.events(SEEN, after=self._seen[SEEN]):
            self._seen[SEEN] = event.seq
            self._alerts_seen[int(event.payload["alert"])] = f"{event.payload['by']} {day_time(event.at)}"


def compared(known: Agreement, event: LedgerEvent) -> Agreement:
    """Return what is known of the comparison with the broker after an event of the guardian."""
    what = event.payload.get("what")
    if what == "started":
        return Agreement(at=event.at)
    if what != "reconciled":
        return known
    differences = tuple(str(each) for each in event.payload.get("differences", ()))
    return Agreement(not differences, differences, event.at)


def said_by(beat: Heartbeat | None, noted: Agreement) -> Agreement:
    """Return whether both agree: what was noted is said only once, a guardian at work says that it still holds."""
    if beat is None:
        return noted
    if not beat.facts.get("reconciled"):
        return Agreement(None, noted.differences, beat.at)
    return Agreement(not noted.differences, noted.differences, beat.at)


def ledger_to_read(settings: Settings, wall: Callable[[], datetime]) -> Ledger:
    """Return the ledger for reading; a file is opened read only, so that looking never makes or changes one.

    Raises
    ------
    MissingDataError
        If there is no file.
    ConfigError
        If a server's database is none of this mode.
    """
    if settings.ledger_url is not None:
        return Ledger.open(settings.ledger_url, settings.mode, now=wall)
    if not settings.ledger_path.is_file():
        raise MissingDataError("there is no ledger yet; start the desk with `zonedesk up`")
    return Ledger(_read_only(settings.ledger_path), now=wall)


def orders_of(events: Iterable[LedgerEvent], brokerage: Decimal) -> tuple[Order, ...]:
    """Return the orders that events tell of, as the last of these events leave them.

    Parameters
    ----------
    events : iterable of LedgerEvent
        Of `ORDER_KINDS` and others, in the order in which they were written.
    brokerage : Decimal
        Rupees for each order that trades.
    """
    return folded(events, brokerage).orders()


def ask(
    settings: Settings,
    command_id: str,
    kind: str,
    *,
    by: str,
    wall: Callable[[], datetime],
    payload: Mapping[str, Any] | None = None,
) -> Command:  # Any: whatever JSON can hold
    """Write down what a person wants of the guardian; the same id never asks twice.

    Raises
    ------
    TradingError
        If the ledger cannot be written.
    """
    ledger = Ledger.open(settings.ledger_place, settings.mode, now=wall)
    try:
        return ledger.commands.ask(command_id, kind, payload or {}, by=by)
    finally:
        ledger.close()


def _read_only(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=2.0, check_same_thread=False)

    return create_engine(f"sqlite:///{path.resolve()}", creator=connect)  # the name is for messages


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one in its place, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _json(path: Path) -> Json:
    """Return a file's object, empty where a process has not written one that can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _started(status: Json, now: datetime) -> datetime | None:
    """Return when the desk began, None where its supervisor has said nothing for long or has ended."""
    try:
        said = datetime.fromisoformat(status["written_at"])
        began = datetime.fromisoformat(status["started_at"])
    except (KeyError, ValueError, TypeError):
        return None
    return None if status.get("state") == "stopped" or now - said > _SILENT_SUPERVISOR else began


def _feed(facts: Json, now: datetime) -> Feed | None:
    """Return the feed's word with its age, None before it has said anything."""
    try:
        written = (now - datetime.fromisoformat(facts["written_at"])).total_seconds()
        heard = facts.get("heard_at")
        silent = (now - datetime.fromisoformat(heard)).total_seconds() if heard else _NEVER
        return Feed(
            connected=bool(facts.get("connected")),
            expected=bool(facts.get("expected")),
            silent=max(written, silent, 0.0) if heard or facts.get("expected") else max(written, 0.0),
            trouble=str(facts.get("trouble", "")),
            facts=facts,
        )
    except (KeyError, ValueError, TypeError):
        return None
