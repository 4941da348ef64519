"""Checks of what lies on this machine: disk, calendar, store, ledger and the judge's key. None changes anything."""

import os
import shutil
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

from agents.data.calendar import NseCalendar
from agents.data.ledger import Ledger
from agents.data.preflight.findings import Finding, fail, fine, warn
from agents.domain.cycle import DeskState
from agents.domain.errors import TradingError
from agents.domain.values import IST
from agents.settings import Settings

LEAST_FREE_BYTES = 2_000_000_000
FULL_BYTES = 200_000_000
LEAST_CALENDAR_DAYS = 30
_READ_IT = "follow the sentence above"


def file_findings(settings: Settings, wall: Callable[[], datetime], market_now: datetime) -> Sequence[Finding]:
    """Check the files of a mode.

    Parameters
    ----------
    settings : Settings
        Mode, folders, keys.
    wall : callable
        Returns the machine's present, aware.
    market_now : datetime
        The market's present, which in a simulated market is not the machine's.
    """
    return [
        check_disk(settings),
        check_calendar(wall().astimezone(IST).date()),
        check_session(market_now),
        check_store(settings, wall),
        check_ledger(settings, wall),
        check_judge(settings),
    ]


def check_disk(settings: Settings) -> Finding:
    """Check that the data folder's disk has room."""
    free = shutil.disk_usage(_existing(settings.home)).free
    found = f"{free / 1e9:.1f} GB free"
    cure = f"free some space or name another --data-dir than {settings.data_dir}"
    if free < FULL_BYTES:
        return fail("disk", found, cure)
    return fine("disk", found) if free >= LEAST_FREE_BYTES else warn("disk", found, cure)


def check_calendar(today: date) -> Finding:
    """Check that the exchange's holidays of this year, and in December of the next, are known."""
    until = NseCalendar().known_until
    found = f"holidays are known until {until}, {max((until - today).days, 0)} more days"
    cure = f"add the holidays of {until.year + 1} to agents/data/nse_holidays.csv when the exchange publishes them"
    if today > until:
        return fail("calendar", f"{found}, so a closed day may pass for a session", cure)
    ends_soon = (until - today).days < LEAST_CALENDAR_DAYS
    return warn("calendar", found, cure) if ends_soon else fine("calendar", found)


def check_session(market_now: datetime) -> Finding:
    """Say what the market does on its present date."""
    at = market_now.astimezone(IST)
    session = NseCalendar().session(at.date())
    if session is None:
        following = NseCalendar().next(at.date())
        return fine("session", f"{at.date()} is no trading day; the next is {following.on}")
    hours = f"{session.open_at.astimezone(IST):%H:%M} to {session.close_at.astimezone(IST):%H:%M}"
    state = "open" if session.is_open(at) else "over" if at >= session.close_at else "not open yet"
    note = f"; {session.note}" if session.note else ""
    return fine("session", f"{session.on}, {hours}: {state} at {at:%H:%M}{note}")


def check_store(settings: Settings, wall: Callable[[], datetime]) -> Finding:
    """Check that the store opens, belongs to this mode and can be written."""
    path = settings.store_path
    from agents.data.store import Store  # noqa: PLC0415  (DuckDB, which the guardian, who asks other checks, does without)

    store = Store(path, settings.mode, now=wall, create=False)
    if not store.exists:
        return _writable("store", path, f"none yet at {path}")
    try:
        candles, sessions = store.rows("select count(*), count(distinct session) from candles")[0]
    except TradingError as error:
        return fail("store", str(error), _READ_IT)
    return _writable("store", path, f"{candles:,} candles of {sessions} sessions in {path}")


def check_ledger(settings: Settings, wall: Callable[[], datetime]) -> Finding:
    """Check that the ledger opens, that its chain of events is whole, and what the desk may do."""
    place = settings.ledger_place
    if isinstance(place, Path) and not place.exists():
        return _writable("ledger", place, f"none yet at {place}")
    try:
        ledger = Ledger.open(place, settings.mode, now=wall)
        try:
            report, state = ledger.verify(), ledger.desk_state()
        finally:
            ledger.close()
    except TradingError as error:
        return fail("ledger", str(error), _READ_IT)
    if not report.sound:
        return fail(
            "ledger",
            f"the chain of events is broken at {report.first_bad}: {report.problem}",
            "somebody changed the ledger: keep a copy of it, and restore the last backup before trading",
        )
    found = f"{report.checked:,} events in an unbroken chain; the desk is {state.value}"
    if state is DeskState.HALTED:
        return fail("ledger", found, "find out why it was halted (`zonedesk status`), then `zonedesk resume`")
    if state is DeskState.REDUCING:
        return warn("ledger", found, "it opens nothing new until `zonedesk resume`")
    return fine("ledger", found)


def check_judge(settings: Settings) -> Finding:
    """Check that whoever is to judge can be asked."""
    has_key, server = settings.openai_api_key is not None, settings.openai_base_url
    said = "OPENAI_API_KEY is set" if has_key else "OPENAI_API_KEY is not set"
    if settings.judge == "openai" and not has_key and server is None:
        return fail(
            "judge",
            f"the model is asked for and {said}",
            "set OPENAI_API_KEY or ZONEDESK_OPENAI_BASE_URL, or set ZONEDESK_JUDGE=rules",
        )
    if settings.judge in {"rules", "recorded"}:
        return fine("judge", f"{settings.judge}, because ZONEDESK_JUDGE says so")
    if not has_key and server is None:
        return fine("judge", f"rules, because {said}")
    if settings.judge == "auto" and settings.mode == "replay":
        return fine("judge", "recorded replies, because a replay never calls a model")
    return fine("judge", f"{settings.zone_model} at {server or 'OpenAI'}; {said}")


def _writable(name: str, path: Path, found: str) -> Finding:
    """Return `found` as fine if the file, or the folder it would be made in, can be written."""
    at = _existing(path)
    if os.access(at, os.W_OK):
        return fine(name, found)
    return fail(name, f"{found}; {at} cannot be written", f"give this user the right to write {at}, or set --data-dir")


def _existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that is there."""
    while not path.exists():
        path = path.parent
    return path
