"""Golden days: sessions of small simulated markets, and what the desk is known to do in them.

``python tests/golden/days.py`` writes a proposal beside each answer; only a reviewer puts it in the answer's place.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from agents.data.store import Store
from agents.settings import Settings
from zonedesk.market import simulate_history
from zonedesk.replay import replay
from zonedesk.shell import wall_now

HERE = Path(__file__).parent
SESSIONS = 15


class Day(NamedTuple):
    """One session of one market; `says` is what it is an example of."""

    seed: int
    on: date
    says: str

    @property
    def answer(self) -> Path:
        """Where the accepted answer is kept."""
        return HERE / f"{self.on}-seed{self.seed}.json"


DAYS = (
    Day(7, date(2022, 11, 10), "the old hours, an expiry, nothing worth doing"),
    Day(3, date(2024, 6, 5), "the old hours, a stop"),
    Day(3, date(2026, 11, 20), "the closing auction freezes the index at 15:15; two targets"),
)


def played(day: Day, folder: Path) -> dict[str, Any]:  # Any: what JSON can hold
    """Return what the desk does on that day: each change of reason with its moment, and the trades."""
    settings = Settings(_env_file=None, mode="replay", data_dir=folder, judge="rules")
    store = Store(settings.store_path, "replay", now=wall_now)
    simulate_history(store, "NIFTY", sessions=SESSIONS, seed=day.seed, future="NIFTY-I", last=day.on)
    facts = replay(settings, day.on, "NIFTY").facts()
    return {
        "says": day.says,
        "reasons": list(_changes(facts["cycles"])),
        "trades": facts["trades"],
        "net": facts["net"],
    }


def _changes(cycles: list[dict[str, Any]]) -> Iterator[str]:  # Any: what JSON can hold
    """Yield "09:18 zones_stale" wherever the reason is not that of the cycle before."""
    before = None
    for cycle in cycles:
        if cycle["reason"] != before:
            yield f"{cycle['at'][11:16]} {cycle['reason']}"
        before = cycle["reason"]


def main() -> int:
    """Write a proposal for each day whose answer differs; return how many differ."""
    differing = 0
    for day in DAYS:
        with tempfile.TemporaryDirectory() as folder:
            found = played(day, Path(folder))
        known = json.loads(day.answer.read_text()) if day.answer.exists() else None
        if found != known:
            differing += 1
            day.answer.with_suffix(".proposed.json").write_text(json.dumps(found, indent=1) + "\n")
            sys.stderr.write(f"{day.answer.name} differs: compare it with the proposal beside it\n")
    return differing


if __name__ == "__main__":
    raise SystemExit(main())
