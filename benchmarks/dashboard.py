"""Measure the dashboard: how soon it is there, what a refresh takes, what visitors cost, and whom they keep waiting.

    python -m benchmarks.dashboard                       a desk of its own with 60 sessions, all parts, ten minutes
    python -m benchmarks.dashboard --minutes 30          the same, memory watched over half an hour
    python -m benchmarks.dashboard --only paint visitors --data-dir /tmp/desk

First paint is the time from the navigation to the strip and the chart's candles on their canvas. Cold is a new browser
profile on a server that has just started, warm a new tab of a browser that was here before. A refresh is timed on the
wire: from a fragment's request to the end of its answer. Visitors speak Streamlit's protocol as a browser does, each on
the cockpit with all its fragments and the chart's stream (see `visitors.py`). Processor times are the dashboard
process's own, so they hold on a busy machine; times on the wall do not, and the load is quoted beside them.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.settings import Settings
from benchmarks import dashboard_parts as parts
from benchmarks.dashboard_table import Json, Row, Run, line
from benchmarks.session_desk import SessionDesk
from ui.hub import EVERY_SECONDS
from zonedesk.desk import await_a_decision

RESULTS = Path(__file__).with_name("results") / "dashboard.json"
PARTS: dict[str, Callable[[Run], None]] = {
    "first": parts.first,
    "paint": parts.paint,
    "fragments": parts.fragments,
    "visitors": parts.crowds,
    "store": parts.store,
    "memory": parts.memory,
}


@contextmanager
def watched_desk(folder: Path | None, history: int) -> Iterator[Settings]:
    """Yield the settings of a desk that runs, or of one that is started for this."""
    if folder is not None:
        yield Settings(mode="paper", data_dir=folder)
        return
    with tempfile.TemporaryDirectory(prefix="zonedesk-dashboard-") as made:
        desk = SessionDesk(Path(made), {}, history)
        try:
            desk.start()
            await_a_decision(desk.settings, print)
            time.sleep(2 * EVERY_SECONDS)  # the hub shows it with its next look
            yield desk.settings
        finally:
            desk.stop()


def main() -> int:
    """Measure, print the table, write it, and say by the exit code whether every line holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="some parts only")
    parser.add_argument("--data-dir", type=Path, help="of a desk that runs; a new one is started if left out")
    parser.add_argument("--restart", action="store_true", help="end the dashboard of that desk for the first visit")
    parser.add_argument("--history", type=int, default=60, help="sessions of a new desk")
    parser.add_argument("--seconds", type=float, default=40.0, help="for each count of visitors")
    parser.add_argument("--minutes", type=float, default=3.0, help="how long memory is watched")
    parser.add_argument("--json", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("told to stop"))  # the desk ends with us
    found = kept(chosen.json)
    with watched_desk(chosen.data_dir, chosen.history) as settings:
        run = Run(settings, chosen.restart or chosen.data_dir is None, chosen.seconds, chosen.minutes)
        for name, measure in PARTS.items():
            if name in chosen.only:
                measure(run)
                found[name] = run.taken()
    about = {"cores": os.cpu_count(), "python": sys.version.split()[0]}
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps({**about, "parts": found}, indent=1) + "\n", encoding="utf-8")
    rows = [(name, Row(**each)) for name in PARTS if name in found for each in found[name]["rows"]]
    print(f"\n{os.cpu_count()} cores; parts that were not measured now are those of {chosen.json}")
    print("\n".join(f"{line(row)} at {found[name]['at']}" for name, row in rows))
    return 0 if all(row.holds is not False for name, row in rows if name in chosen.only) else 1


def kept(path: Path) -> Json:
    """Return the parts that an earlier run has written, none where it wrote nothing that can be read."""
    try:
        found: Json = json.loads(path.read_bytes())["parts"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {name: part for name, part in found.items() if name in PARTS}


if __name__ == "__main__":
    raise SystemExit(main())
