"""How long callers wait for the store: the fair queue beside a plain retry loop.

Five processes share one DuckDB file: a feed and a journal that append, an analysis that reads and merges, and two
dashboards that read. They do the same work through the store, and through what one writes first: open the file, and
when another process has it, try again after 20 ms. The two take turns in slices of the same run, so that both meet
the same machine.

    python benchmarks/store.py --seconds 60 --json build/benchmarks/store.json
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pandas as pd

from agents.data.duck import transaction
from agents.data.store import Store
from agents.data.writing import store_candles
from agents.domain.market import Instrument, InstrumentKind

SLICE_SECONDS = 10.0
PAUSE_SECONDS = 0.02
P99_SHARE = 1 / 2
WORST_SHARE = 1 / 3
START = datetime(2024, 1, 1, 3, 45, tzinfo=UTC)
SESSION = date(2024, 1, 1)
INDEX = Instrument(name="NIFTY", kind=InstrumentKind.INDEX, tick_size=Decimal("0.05"))
DASHBOARD_SQL = (
    "select count(*), max(closed_at) from candles where instrument = 'NIFTY'",
    "select * from explosive_zones where instrument = 'NIFTY' order by known_at desc limit 50",
    "select reason, count(*) from cycles group by all",
)


class LoopStore(Store):
    """The same store with neither queue nor attached files: DuckDB is opened, again and again until it works."""

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a read-only connection."""
        with closing(self._retry(read_only=True)) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection inside a transaction."""
        with closing(self._retry(read_only=False)) as connection, transaction(connection):
            yield connection

    def _retry(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        while True:
            try:
                return duckdb.connect(str(self.path), read_only=read_only)
            except duckdb.IOException:
                time.sleep(PAUSE_SECONDS)


class Outcome(NamedTuple):
    """What one process did: seconds of each call, rows it wrote, and what a caller got to see of errors."""

    role: str
    waits: list[float]
    rows: int
    errors: list[str]


def open_store(path: Path, *, queue: bool) -> Store:
    """Return the store, or the loop that it is compared with."""
    return (Store if queue else LoopStore)(path, "replay", now=lambda: START)


def feed(store: Store, turn: int) -> int:
    """Append one minute of 20 instruments."""
    opened = START + timedelta(minutes=turn)
    names = [f"FEED{number}" for number in range(20)]
    rows = [(name, 1, opened, opened + timedelta(minutes=1), SESSION, 1, 2, 1, 2, 10) for name in names]
    columns = ["instrument", "minutes", "opened_at", "closed_at", "session", "open", "high", "low", "close", "volume"]
    instruments = [INDEX.model_copy(update={"name": name}) for name in names]
    return store_candles(store, instruments, pd.DataFrame(rows, columns=columns), source="simulated:1").added


def journal(store: Store, turn: int) -> int:
    """Append the record of one cycle."""
    row = {"cycle_id": f"c{turn}", "instrument": "NIFTY", "session": SESSION, "decided_at": START, "decision": "skip"}
    rest = {"reason": "price_away", "zone_id": None, "setup_id": None, "record": "{}" * 500}
    return store.append("cycles", pd.DataFrame([{**row, **rest}]))


def analysis(store: Store, turn: int) -> int:
    """Read the history, or replace the gaps or the explosive zones of one session: one of the three in turn."""
    session = SESSION + timedelta(days=turn // 3)
    known = START + timedelta(days=turn // 3)
    base = {"instrument": "NIFTY", "session": session, "side": "demand", "event_at": known, "known_at": known}
    ids = [f"{turn}-{number}" for number in range(100)]
    gaps = pd.DataFrame({"id": ids, **base, "low": range(100), "high": range(100, 200)})
    scope = {"instrument": "NIFTY", "session": session}
    if turn % 3 == 0:
        store.frame("select * from candles where instrument = 'NIFTY' order by closed_at limit 5000")
        return 0
    if turn % 3 == 1:
        return store.merge("fair_value_gaps", gaps, scope=scope).inserted
    return store.merge("explosive_zones", gaps.assign(pattern="drop_base_rally"), scope=scope).inserted


def dashboard(store: Store, turn: int) -> int:
    """Answer one query of a page."""
    store.frame(DASHBOARD_SQL[turn % len(DASHBOARD_SQL)])
    return 0


ROLES: dict[str, tuple[Callable[[Store, int], int], float]] = {
    "feed": (feed, 0.25),
    "journal": (journal, 0.25),
    "analysis": (analysis, 0.25),
    "dashboard 1": (dashboard, 0.15),
    "dashboard 2": (dashboard, 0.15),
}


def work(role: str, paths: dict[str, Path], seconds: float) -> dict[str, Outcome]:
    """Do one role's work on both stores in turns, and return what came of each."""
    task, pause = ROLES[role]
    outcomes = {name: Outcome(role, [], 0, []) for name in paths}
    turns = dict.fromkeys(paths, 0)
    stores = {name: open_store(path, queue=name == "queue") for name, path in paths.items()}
    for store in stores.values():
        dashboard(store, 0)  # a first call imports pandas, and is not what this measures
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < 2 * seconds:
        name = list(paths)[int(passed / min(SLICE_SECONDS, seconds)) % 2]
        outcome = outcomes[name]
        started = time.perf_counter()
        try:
            written = task(stores[name], turns[name])
        except Exception as error:  # noqa: BLE001  (any error that a caller sees is what this measures)
            outcome.errors.append(repr(error))
            written = 0
        outcome.waits.append(time.perf_counter() - started)
        outcomes[name] = outcome._replace(rows=outcome.rows + written)
        turns[name] += 1
        time.sleep(pause)
    return outcomes


def main() -> int:
    """Run the comparison, print it and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each of the two")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks/store.json"))
    told = parser.parse_args()
    report = compare(told.seconds)
    print(table(report))
    told.json.parent.mkdir(parents=True, exist_ok=True)
    told.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return 0 if report["holds"] else 1


def compare(seconds: float) -> dict[str, Any]:  # Any: a report of numbers and texts
    """Run five processes on both stores and return the figures, with whether the queue keeps its promise."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name / "market.duckdb" for name in ("queue", "loop")}
        for path in paths.values():
            fill(Store(path, "replay", now=lambda: START))
        # Forked children would inherit DuckDB's threads half alive.
        with multiprocessing.get_context("spawn").Pool(len(ROLES)) as pool:
            done = pool.starmap(work, [(role, paths, seconds) for role in ROLES], chunksize=1)
        figures = {name: summary([each[name] for each in done], path) for name, path in paths.items()}
    queue, loop = figures["queue"], figures["loop"]
    ratios = {"p99": queue["p99_ms"] / loop["p99_ms"], "worst": queue["worst_ms"] / loop["worst_ms"]}
    clean = not queue["lost"] and not queue["errors"]
    holds = clean and ratios["p99"] <= P99_SHARE and ratios["worst"] <= WORST_SHARE
    load = [round(each, 2) for each in os.getloadavg()]
    about = {"seconds": seconds, "cores": os.cpu_count(), "load_average": load, "python": sys.version.split()[0]}
    return {**about, "duckdb": duckdb.__version__, **figures, "ratios": ratios, "holds": holds}


def fill(store: Store) -> None:
    """Give the store a history to read: 20,000 candles."""
    opened = pd.date_range(START, periods=20_000, freq="15min") - timedelta(days=400)
    prices = {name: np.arange(20_000) + offset for name, offset in (("open", 1), ("high", 3), ("low", 0), ("close", 2))}
    times = {"opened_at": opened, "closed_at": opened + timedelta(minutes=15), "session": opened.date}
    frame = pd.DataFrame({"instrument": "NIFTY", "minutes": 15, **times, **prices, "volume": 0})
    store_candles(store, [INDEX], frame, source="simulated:1")


def summary(outcomes: list[Outcome], path: Path) -> dict[str, Any]:  # Any: a report of numbers and texts
    """Return the figures of one store: waits of all callers, errors, and rows that are not there."""
    waits = np.concatenate([each.waits for each in outcomes]) * 1000
    found = Store(path, "replay", now=lambda: START).rows(
        "select (select count(*) from candles where instrument <> 'NIFTY') + (select count(*) from cycles)"
        " + (select count(*) from fair_value_gaps) + (select count(*) from explosive_zones)"
    )
    return {
        "calls": len(waits),
        "p50_ms": float(np.percentile(waits, 50)),
        "p95_ms": float(np.percentile(waits, 95)),
        "p99_ms": float(np.percentile(waits, 99)),
        "worst_ms": float(waits.max()),
        "rows": sum(each.rows for each in outcomes),
        "lost": sum(each.rows for each in outcomes) - int(found[0][0]),
        "errors": [error for each in outcomes for error in each.errors][:20],
        "p99_ms_by_role": {each.role: float(np.percentile(each.waits, 99) * 1000) for each in outcomes},
    }


def table(report: dict[str, Any]) -> str:  # Any: a report of numbers and texts
    """Return the report as text."""
    head = f"{'':8}{'calls':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'worst':>9}{'rows':>9}{'lost':>6}{'errors':>8}"
    lines = [f"{report['seconds']:g} s each, {report['cores']} cores, load {report['load_average']}", head]
    for name in ("queue", "loop"):
        row = report[name]
        numbers = "".join(f"{row[key]:>9.1f}" for key in ("p50_ms", "p95_ms", "p99_ms", "worst_ms"))
        lines.append(f"{name:8}{row['calls']:>8}{numbers}{row['rows']:>9}{row['lost']:>6}{len(row['errors']):>8}")
    ratios = report["ratios"]
    verdict = "holds" if report["holds"] else "DOES NOT HOLD"
    lines.append(
        f"queue / loop: p99 {ratios['p99']:.2f} (at most {P99_SHARE}), worst {ratios['worst']:.2f} "
        f"(at most {WORST_SHARE:.2f}): {verdict}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
