"""How tests open the dashboard's pages without a browser."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from agents.data.clock import CLOCK_FILE, ClockFile
from agents.data.ledger import Ledger, Severity
from agents.data.store import Store
from agents.settings import Settings
from pipelines.run import materialize_range
from ui.hub import hub_of
from zonedesk.market import simulate_history
from zonedesk.shell import wall_now

APP = str(Path(__file__).resolve().parents[2] / "ui" / "app.py")
NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


def opened(monkeypatch: pytest.MonkeyPatch, folder: Path, *, mode: str, view: str = "") -> AppTest:
    """Return a page of a desk's folder, the first one unless the path of another is given."""
    monkeypatch.setenv("ZONEDESK_MODE", mode)
    monkeypatch.setenv("ZONEDESK_DATA_DIR", str(folder))
    shown = AppTest.from_file(APP, default_timeout=60).run()
    if view:
        shown._page_hash = calc_hash(view)  # switch_page knows files only
        shown.run()
    return shown


def texts(shown: AppTest) -> str:
    """Return all that a page says, marks of Markdown taken out."""
    kinds = ("markdown", "caption", "info", "warning", "error")
    found = [element.value for kind in kinds for element in getattr(shown, kind)]
    found += [element.proto.body for element in shown.get("html")]
    return "\n".join(found).replace("\\", "")


def looked_again(shown: AppTest, settings: Settings) -> str:
    """Run a page once more on a new look at the desk, as its refresh would, and return what it says."""
    hub_of(settings).forget()
    shown.run()
    return texts(shown)


def copied(settings: Settings, folder: Path) -> Settings:
    """Return a desk of its own with the files of another, which a test may spoil."""
    shutil.copytree(settings.data_dir, folder, dirs_exist_ok=True)
    return settings.model_copy(update={"data_dir": folder})


def spoilt(path: Path) -> None:
    """Put another file in the place of one, which nobody can read who knows its format."""
    path.unlink(missing_ok=True)
    path.write_bytes(b"nothing that can be read" * 400)


def feed_was_heard(settings: Settings, seconds_ago: float, *, trouble: str = "") -> None:
    """Have the feed say that it last heard something so long ago; below zero it stays fresh for that long."""
    run = settings.home / "run"
    run.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    heard = (now - timedelta(seconds=seconds_ago)).isoformat()
    said = {
        "written_at": (now - timedelta(seconds=min(seconds_ago, 0.0))).isoformat(),
        "heard_at": heard,
        "expected": True,
        "connected": True,
        "trouble": trouble,
    }
    (run / "feed.json").write_text(json.dumps(said))


def ledger_of(settings: Settings) -> Ledger:
    """Open the ledger of a desk, as its processes do."""
    return Ledger.open(settings.ledger_path, settings.mode, now=lambda: datetime.now(UTC))


def market_stands(settings: Settings, at: datetime) -> None:
    """Have the clock of a simulated paper market stand still at a moment."""
    clock = ClockFile(
        anchor_wall=at, anchor_market=at, resumed_at=at, speed=1, seed=7, origin_on=at.date(), running=False
    )
    clock.write(settings.home / CLOCK_FILE)


def paper_desk(folder: Path) -> Settings:
    """Return a paper desk at noon of its third simulated session, with one skipped cycle and an open order."""
    settings = Settings(mode="paper", data_dir=folder, judge="rules")
    store = Store(settings.store_path, "paper", now=wall_now)
    report = simulate_history(store, "NIFTY", sessions=3, seed=7, future="NIFTY-I", last=date(2026, 11, 20))
    materialize_range(settings, ["NIFTY"], report.first, report.last)
    market_stands(settings, NOON)
    feed_was_heard(settings, 0.0)
    record = {"detail": "57.10 from the nearest", "analysis_bar_at": None}
    with store.write() as connection:
        connection.execute(
            "insert into cycles values ('cycle-1', 'NIFTY', ?, ?, 'skip', 'price_away', null, null, ?, ?)",
            [NOON.date(), NOON - timedelta(minutes=1), json.dumps(record), NOON],
        )
    ledger = ledger_of(settings)
    order = {
        "setup_id": "setup-1", "contract": "NIFTY26NOV23800CE", "state": "protected", "entry_limit": "133.35",
        "stop_trigger": "110", "target_limit": "170", "placed_at": NOON.isoformat(),
        "entry": {"at": NOON.isoformat(), "price": "133.35", "quantity": 75}, "exit": None,
    }  # fmt: skip
    ledger.append("order", order, at=NOON)
    ledger.heartbeats.beat("guardian", {"state": "guarding"})
    ledger.outbox.put(Severity.CRITICAL, "k", "the stop of one position is gone")
    ledger.close()
    return settings
