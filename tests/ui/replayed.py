"""A store whose last sessions were traded, for tests that replay them.

``python -m tests.ui.replayed FOLDER`` makes one in a process of its own: where a browser is driven, Dagster finds its
event loop taken.
"""

import sys
from datetime import date
from pathlib import Path

from agents.data.store import Store
from agents.settings import Settings
from pipelines.run import materialize_range
from zonedesk.market import simulate_history
from zonedesk.replay import replay
from zonedesk.shell import wall_now

TRADED = date(2026, 11, 19)


def settings_in(folder: Path) -> Settings:
    """Return the settings of a desk of mode replay in a folder."""
    return Settings(mode="replay", data_dir=folder, judge="rules")


def traded_home(folder: Path) -> Settings:
    """Return a desk of mode replay in a folder: six simulated sessions up to 20 Nov 2026, the last but one traded."""
    settings = settings_in(folder)
    store = Store(settings.store_path, "replay", now=wall_now)
    report = simulate_history(store, "NIFTY", sessions=6, seed=7, future="NIFTY-I", last=date(2026, 11, 20))
    materialize_range(settings, ["NIFTY"], report.first, report.last)
    replay(settings, TRADED, "NIFTY")
    return settings


if __name__ == "__main__":
    traded_home(Path(sys.argv[1]))
