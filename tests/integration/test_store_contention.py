"""Five processes on one store: nothing is lost and no caller sees an error.

How long they wait is measured in benchmarks/store.py.
"""

import multiprocessing
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from agents.data.store import Store

T0 = datetime(2024, 6, 5, 4, 0, tzinfo=UTC)
DAY = date(2024, 6, 5)
SECONDS = 4.0


def open_store(path: Path) -> Store:
    return Store(path, "replay", now=lambda: T0)


def gap(name: str) -> pd.DataFrame:
    moments = {"event_at": T0, "known_at": T0}
    return pd.DataFrame(
        [{"id": name, "instrument": "NIFTY", "session": DAY, "side": "demand", "low": 1, "high": 2, **moments}]
    )


def write(path: Path, role: str) -> int:
    """Append or merge one row at a time and return how many were written."""
    store, turn, begun = open_store(path), 0, time.monotonic()
    while time.monotonic() - begun < SECONDS:
        rows = gap(f"{role}{turn}")
        if role == "analysis":
            instrument = f"{role}{turn}"
            scoped = rows.assign(instrument=instrument)
            assert store.merge("fair_value_gaps", scoped, scope={"instrument": instrument}).inserted == 1
        else:
            store.append("fair_value_gaps", rows)
        turn += 1
    return turn


def watch(path: Path) -> int:
    """Read all the time; the number of rows never goes back."""
    store, last, reads, begun = open_store(path), 0, 0, time.monotonic()
    while time.monotonic() - begun < SECONDS:
        found = int(store.rows("select count(*) from fair_value_gaps")[0][0])
        assert found >= last
        last, reads = found, reads + 1
    return reads


@pytest.mark.process
def test_five_processes_lose_nothing_and_see_no_error(tmp_path: Path) -> None:
    path = tmp_path / "market.duckdb"
    open_store(path).append("fair_value_gaps", gap("first"))
    with multiprocessing.get_context("spawn").Pool(5) as pool:
        writers = [pool.apply_async(write, (path, role)) for role in ("feed", "journal", "analysis")]
        readers = [pool.apply_async(watch, (path,)) for _ in range(2)]
        written = [each.get(timeout=120) for each in writers]
        reads = [each.get(timeout=120) for each in readers]
    assert open_store(path).rows("select count(*), count(distinct id) from fair_value_gaps") == [
        (1 + sum(written), 1 + sum(written))
    ]
    assert min(written) >= 1  # nobody is left out
    assert min(reads) >= 1
