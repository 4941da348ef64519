"""The desk as its ledger and the files of its processes tell it, read only; and what people ask of it."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine

from agents.data.ledger import Command, Ledger, LedgerEvent
from agents.domain.errors import MissingDataError, TradingError
from agents.settings import Settings
from ui.snapshot import DeskView, Feed, Order

PAUSE, HALT, FLATTEN = "pause", "halt", "flatten"
GUARDIAN = "guardian"
_SHOWN_COMMANDS = 8
_SHOWN_ALERTS = 30
_NEVER = 1e9
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
        self._seen = dict.fromkeys(_FOLDS, 0)
        self._orders: dict[str, Json] = {}

    def read(self) -> DeskView:
        """Return what is known now; what cannot be read is said in `problem`."""
        run = self._settings.home / "run"
        shown = DeskView(feed=_feed(_json(run / "feed.json"), self._wall()))
        shown = replace(shown, services=tuple(_json(run / "status.json").get("services", ())))
        try:
            return self._told(shown, self._opened())
        except TradingError as error:
            return replace(shown, problem=str(error))

    def close(self) -> None:
        """Close the ledger."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def _opened(self) -> Ledger:
        if self._ledger is None:
            self._ledger = ledger_to_read(self._settings, self._wall)
        return self._ledger

    def _told(self, shown: DeskView, ledger: Ledger) -> DeskView:
        for kind, fold in _FOLDS.items():
            for event in ledger.events(kind, after=self._seen[kind]):
                fold(self._orders, event.payload)
                self._seen[kind] = event.seq
        last = ledger.latest("desk_state")
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
            orders=tuple(_order(facts) for facts in self._orders.values()),
            guardian_age=None if beat is None else (self._wall() - beat).total_seconds(),
        )


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


def orders_of(events: Iterable[LedgerEvent]) -> tuple[Order, ...]:
    """Return the orders that events tell of, as the last of these events leave them."""
    known: dict[str, Json] = {}
    for event in events:
        if event.kind in _FOLDS:
            _FOLDS[event.kind](known, event.payload)
    return tuple(_order(facts) for facts in known.values())


def ask(settings: Settings, command_id: str, kind: str, *, by: str, wall: Callable[[], datetime]) -> Command:
    """Write down what a person wants of the guardian; the same id never asks twice.

    Raises
    ------
    TradingError
        If the ledger cannot be written.
    """
    ledger = Ledger.open(settings.ledger_place, settings.mode, now=wall)
    try:
        return ledger.commands.ask(command_id, kind, {}, by=by)
    finally:
        ledger.close()


def _read_only(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=2.0, check_same_thread=False)

    return create_engine("sqlite://", creator=connect)


def _json(path: Path) -> Json:
    """Return a file's object, empty where a process has not written one that can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


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


def _paper(orders: dict[str, Json], payload: Json) -> None:
    """Take in an order of the book without wires: each event holds all of it."""
    entry, left = payload.get("entry"), payload.get("exit")
    bought = entry["quantity"] if entry else 0
    sold = left["quantity"] if left else 0
    orders[payload["setup_id"]] = {
        "order": payload,
        "state": payload["state"],
        "why": "",
        "bought": bought,
        "sold": sold,
        "spent": Decimal(entry["price"]) * bought if entry else 0,
        "earned": Decimal(left["price"]) * sold if left else 0,
        "filled_at": entry["at"] if entry else None,
        "closed_at": left["at"] if left else None,
    }


def _guarded(orders: dict[str, Json], payload: Json) -> None:
    """Take in a step of an order that the guardian keeps: each event holds what it changed."""
    known = {**orders.get(payload["setup_id"], {}), **payload["changes"]}
    parts = [*known.get("legs", ()), *known.get("exits", ())]
    sold = sum(int(part.get("filled", 0)) for part in parts) + int(known.get("sold_elsewhere", 0))
    orders[payload["setup_id"]] = {**known, "state": payload["state"], "why": payload["why"], "sold": sold}


def _order(facts: Json) -> Order:
    order = facts["order"]
    bought = int(facts.get("bought", 0))
    moments = {name: facts.get(name) for name in ("filled_at", "closed_at")}
    stops = [leg.get("trigger") for leg in facts.get("legs", ()) if leg.get("leg") == "stop"]
    return Order(
        setup_id=str(order["setup_id"]),
        contract=str(order["contract"]),
        state=str(facts["state"]),
        bought=bought,
        held=max(bought - int(facts.get("sold", 0)), 0),
        spent=Decimal(facts.get("spent", 0)),
        earned=Decimal(facts.get("earned", 0)),
        limit=Decimal(order["entry_limit"]),
        stop=Decimal(next((stop for stop in stops if stop), order["stop_trigger"])),
        target=Decimal(order["target_limit"]),
        placed_at=datetime.fromisoformat(order["placed_at"]),
        filled_at=datetime.fromisoformat(moments["filled_at"]) if moments["filled_at"] else None,
        closed_at=datetime.fromisoformat(moments["closed_at"]) if moments["closed_at"] else None,
        why=str(facts["why"]),
    )


_FOLDS = {"order": _paper, "order_event": _guarded}
ORDER_KINDS = tuple(_FOLDS)
