"""A store whose last sessions were traded, for tests that replay them."""

from datetime import date
from pathlib import Path

from agents.data.store import Store
from agents.settings import Settings
from pipelines.run import materialize_range
from zonedesk.market import simulate_history
from zonedesk.replay import replay
from zonedesk.shell import wall_now

TRADED = date(2026, 11, 19)


def traded_home(folder: Path) -> Settings:
    """Return a desk of mode replay in a folder: six simulated sessions up to 20 Nov 2026, the last but one traded."""
    settings = Settings(mode="replay", data_dir=folder, judge="rules")
    store = Store(settings.store_path, "replay", now=wall_now)
    report = simulate_history(store, "NIFTY", sessions=6, seed=7, future="NIFTY-I", last=date(2026, 11, 20))
    materialize_range(settings, ["NIFTY"], report.first, report.last)
    replay(settings, TRADED, "NIFTY")
    return settings
