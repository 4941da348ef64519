"""Measure a running desk: the memory of its processes, and the way from a sensor's tick to an order on the wire.

    zonedesk up --data-dir /tmp/desk --detach
    python benchmarks/desk.py --data-dir /tmp/desk --seconds 300

Memory is looked at once a second: a process's share of what it has in memory (PSS), so that pages which several
processes hold count once. The table names the middle and the largest of what was seen; the last line adds up all
processes at the same moment. The way of an order comes from what was written down anyhow: Dagster's ticks and events,
the run's request and the guardian's events in the ledger, all on the machine's clock; of the runs that began meanwhile,
or with `--seconds 0` of all that the desk has kept. The load of the machine stands beside it.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dagster as dg

from agents.bootstrap import open_ledger
from agents.data.ledger import LedgerEvent
from agents.domain.lifecycle import TradeState
from agents.execution.guardian.ports import ORDER_EVENT, REQUEST
from agents.settings import Settings
from pipelines.home import open_instance
from pipelines.trade import TRADE_JOB
from zonedesk.home import DeskHome
from zonedesk.shell import wall_now

LIMIT_MB = 1500.0
TICK_TO_ORDER_SECONDS = 5.0
SUPERVISOR = "desk"
CLOCK = "trade_clock"
WAYS = (
    ("tick to run asked for", "tick", "created"),
    ("queue and launch", "created", "launched"),
    ("process to first step", "launched", "step"),
    ("step to request", "step", "request"),
    ("step to its end", "step", "ended"),
    ("request to POST", "request", "sent"),
    ("tick to POST", "tick", "sent"),
    ("tick to end of step", "tick", "ended"),
)
_STAGES = {
    dg.DagsterEventType.RUN_STARTING: "launched",
    dg.DagsterEventType.STEP_START: "step",
    dg.DagsterEventType.STEP_SUCCESS: "ended",
}


@dataclass(frozen=True)
class Process:
    """A process of the desk: who started it, and its share of memory in megabytes."""

    pid: int
    session: int
    megabytes: float
    command: str


def processes() -> Iterator[Process]:
    """Yield the machine's processes that may be looked into; one that ends meanwhile is left out."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                session = int((folder / "stat").read_text().rpartition(")")[2].split()[3])
                rollup = (folder / "smaps_rollup").read_text()
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (OSError, IndexError):
                continue
            pss = [line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")]
            if pss:
                yield Process(int(folder.name), session, int(pss[0]) / 1024, command)


def memory(home: DeskHome) -> dict[str, float]:
    """Return the megabytes of each process of the desk now; what the code server has started counts apart.

    Raises
    ------
    SystemExit
        If no desk runs there.
    """
    status = home.read_status()
    if home.running_pid() is None:
        raise SystemExit(f"no desk runs in {home.folder}; start one with `zonedesk up --data-dir ... --detach`")
    names = {service["pid"]: service["name"] for service in status["services"] if service["pid"]}
    names[status["pid"]] = SUPERVISOR
    found: dict[str, float] = defaultdict(float)
    for process in processes():
        if process.pid in names:
            found[names[process.pid]] += process.megabytes
        elif process.session in names:
            found[f"{names[process.session]}: {_part(process.command)}"] += process.megabytes
    return dict(found)


def _part(command: str) -> str:
    if "resource_tracker" in command:
        return "tracker"
    return "runs" if "multiprocessing" in command else "output of runs"


def watch(home: DeskHome, seconds: float) -> list[dict[str, float]]:
    """Look at the desk's memory once a second for so long."""
    seen, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        seen.append(memory(home))
        time.sleep(1.0)
    return seen


def memory_table(seen: Sequence[Mapping[str, float]]) -> list[tuple[str, float, float]]:
    """Return name, middle and largest megabytes of each process, and of all together as the last row."""
    names = sorted({name for each in seen for name in each})
    rows = []
    for name in (*names, ""):
        values = [each.get(name, 0.0) if name else sum(each.values()) for each in seen]
        rows.append((name or "all together", statistics.median(values), max(values)))
    return rows


def moments(settings: Settings, since: datetime | None) -> list[dict[str, float]]:
    """Return for each trade run since then when it reached each stage, in seconds of the machine's clock.

    A stage that a run did not reach is left out.
    """
    ledger = open_ledger(settings, now=wall_now)
    asked = ledger.events(REQUEST)
    sent = {
        event.payload["setup_id"]: event.recorded_at.timestamp()
        for event in reversed(ledger.events(ORDER_EVENT))
        if event.payload.get("state") == TradeState.SENT
    }
    found = []
    with open_instance(settings.home / "dagster") as instance:
        ticks = _ticks(instance)
        for record in instance.get_run_records(dg.RunsFilter(job_name=TRADE_JOB, created_after=since)):
            run_id = record.dagster_run.run_id
            times = {"created": record.create_timestamp.timestamp()}
            if run_id in ticks:
                times["tick"] = ticks[run_id]
            for entry in instance.all_logs(run_id, of_type=set(_STAGES)):
                assert entry.dagster_event_type is not None  # asked for by type
                times.setdefault(_STAGES[entry.dagster_event_type], entry.timestamp)
            request = _request_of(asked, times)
            if request is not None:
                times["request"] = request.recorded_at.timestamp()
                setup = request.payload["setup"]["setup_id"]
                times |= {"sent": sent[setup]} if setup in sent else {}
            found.append(times)
    return found


def _ticks(instance: dg.DagsterInstance) -> dict[str, float]:
    """Return when the tick began that asked for each run."""
    clocks = [state for state in instance.all_instigator_state() if state.name == CLOCK]
    return {
        run_id: tick.timestamp
        for state in clocks
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
        for run_id in tick.run_ids
    }


def _request_of(asked: Sequence[LedgerEvent], times: Mapping[str, float]) -> LedgerEvent | None:
    """Return the request that was written while the run's step was at work."""
    if not {"step", "ended"} <= times.keys():
        return None
    return next((event for event in asked if times["step"] <= event.recorded_at.timestamp() <= times["ended"]), None)


def way_table(found: Sequence[Mapping[str, float]]) -> list[tuple[str, int, float, float]]:
    """Return for each part of the way how often it was seen, and its seconds: the middle and nine in ten."""
    rows = []
    for name, first, last in WAYS:
        spans = sorted(times[last] - times[first] for times in found if {first, last} <= times.keys())
        if spans:
            rows.append((name, len(spans), statistics.median(spans), spans[round(0.9 * (len(spans) - 1))]))
    return rows


def main() -> int:
    """Measure, print two tables, and say by the exit code whether memory and way are within their limits."""
    parser = argparse.ArgumentParser(description="Memory of a running desk, and the way from tick to order.")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long memory is watched; 0 leaves it out")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    chosen = parser.parse_args()
    settings = Settings(data_dir=chosen.data_dir, mode="paper")
    since = wall_now() if chosen.seconds else None
    sizes = memory_table(seen) if (seen := watch(DeskHome.of(settings), chosen.seconds)) else []
    ways = way_table(moments(settings, since))
    load = os.getloadavg()[0]
    for name, middle, most in sizes:
        print(f"{name:32} {middle:8.0f} MB {most:8.0f} MB at most")
    for name, count, middle, nine in ways:
        print(f"{name:32} {middle:8.2f} s  {nine:8.2f} s in 9 of 10   ({count} runs)")
    print(f"load of the machine {load:.1f}, {os.cpu_count()} processors")
    if chosen.json:
        chosen.json.write_text(json.dumps({"memory": sizes, "ways": ways, "load": load}, indent=1), encoding="utf-8")
    too_big = bool(sizes) and sizes[-1][2] > LIMIT_MB
    too_slow = any(name == "tick to POST" and middle > TICK_TO_ORDER_SECONDS for name, _, middle, _ in ways)
    return int(too_big or too_slow)


if __name__ == "__main__":
    sys.exit(main())
