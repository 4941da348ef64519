"""Measurements: many processes, one bounded file, and nothing that fails for want of counting."""

import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.data.metrics import MetricReader, MetricWriter, Series
from agents.data.metrics.writer import BUFFERED
from agents.ports import NullMetrics

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
_CHILD = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from agents.data.metrics import MetricWriter
writer = MetricWriter(Path(sys.argv[1]), lambda: datetime.now(UTC), flush_seconds=60.0)
for _ in range(int(sys.argv[2])):
    writer.record("order_unknown_total")
    writer.record("cycle_seconds", 0.2, stage="all")
writer.flush()
if sys.argv[3] == "killed":
    writer.record("order_unknown_total")
    os.kill(os.getpid(), signal.SIGKILL)
writer.close()
"""


def writer(path: Path, **more: int) -> MetricWriter:
    return MetricWriter(path, lambda: NOW, flush_seconds=3600.0, **more)


def found(path: Path) -> dict[str, Series]:
    return {f"{each.name}{dict(each.labels) or ''}": each for each in MetricReader(path).series()}


def test_counters_add_up_gauges_keep_the_newest_and_histograms_count(tmp_path: Path) -> None:
    path = tmp_path / "desk" / "ops.sqlite"
    with writer(path) as metrics:
        metrics.record("api_errors_total", api="dhan_data", kind="server")
        metrics.record("api_errors_total", 2.0, api="dhan_data", kind="server")
        for age in (3.0, 1.5):
            metrics.record("feed_age_seconds", age, stream="market")
        for seconds in (0.004, 0.005, 61.0):
            metrics.record("llm_seconds", seconds)
    series = found(path)
    assert series["api_errors_total{'api': 'dhan_data', 'kind': 'server'}"].total == 3.0
    gauge = series["feed_age_seconds{'stream': 'market'}"]
    assert (gauge.last, gauge.last_at) == (1.5, NOW)
    assert series["llm_seconds"].buckets == (2, *[0] * 12, 1)


def test_a_late_value_of_a_gauge_does_not_hide_a_newer_one(tmp_path: Path) -> None:
    path = tmp_path / "ops.sqlite"
    for at, age in ((NOW, 1.0), (NOW - timedelta(seconds=5), 9.0)):
        with MetricWriter(path, lambda at=at: at) as metrics:  # type: ignore[misc]  # mypy knows no type for the default
            metrics.record("feed_age_seconds", age, stream="market")
    assert found(path)["feed_age_seconds{'stream': 'market'}"].last == 1.0


def test_what_is_not_declared_is_refused_by_every_metrics(tmp_path: Path) -> None:
    for metrics in (NullMetrics(), writer(tmp_path / "ops.sqlite")):
        with pytest.raises(ValueError, match="no metric is called fedd_age_seconds"):
            metrics.record("fedd_age_seconds", 1.0)
        with pytest.raises(ValueError, match=r"has the labels \['stream'\]"):
            metrics.record("feed_age_seconds", 1.0)
    assert not (tmp_path / "ops.sqlite").exists()


def test_the_file_is_bounded_and_sums_outlive_the_events(tmp_path: Path) -> None:
    path = tmp_path / "ops.sqlite"
    with writer(path, events_kept=100, series_kept=5) as metrics:
        for number in range(300):
            metrics.record("order_unknown_total")
            metrics.record("cycle_skipped_total", reason=f"reason {number % 10}")
            if number % 50 == 0:
                metrics.flush()
    series = found(path)
    assert series["order_unknown_total"].total == 300
    assert len(series) == 6
    assert series["metrics_dropped_total{'reason': 'too many series'}"].total == 180
    connection = sqlite3.connect(path)
    assert connection.execute("select count(*) from metric_event").fetchone() == (100,)
    connection.close()


def test_a_value_that_is_no_number_is_counted_and_hurts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ops.sqlite"
    with writer(path) as metrics:
        metrics.record("pnl_realised", float("nan"))
        metrics.record("pnl_realised", 12.5)
    series = found(path)
    assert series["pnl_realised"].count == 1
    assert series["metrics_dropped_total{'reason': 'pnl_realised was not finite'}"].total == 1


def test_a_file_that_cannot_be_written_loses_the_oldest_and_says_how_many(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "desk"
    folder.write_text("a file where the folder should be", encoding="utf-8")
    metrics = writer(folder / "ops.sqlite")
    for _ in range(BUFFERED + 7):
        metrics.record("order_unknown_total")
    metrics.flush()
    metrics.flush()
    assert caplog.text.count("cannot be written") == 1
    folder.unlink()
    metrics.close()
    series = found(folder / "ops.sqlite")
    assert series["order_unknown_total"].total + sum(
        each.total for name, each in series.items() if name.startswith("metrics_dropped")
    ) == pytest.approx(BUFFERED + 7, abs=2)


def test_events_are_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "ops.sqlite"
    assert MetricReader(path).events("llm_seconds", NOW) == []
    with writer(path) as metrics:
        for seconds in (1.0, 2.0, 3.0):
            metrics.record("llm_seconds", seconds)
    events = MetricReader(path).events("llm_seconds", NOW - timedelta(seconds=1), limit=2)
    assert [event.value for event in events] == [2.0, 3.0]
    assert MetricReader(path).events("llm_seconds", NOW + timedelta(seconds=1)) == []


@pytest.mark.process
def test_several_processes_lose_nothing_and_a_killed_one_only_what_it_had_not_written(tmp_path: Path) -> None:
    path = tmp_path / "ops.sqlite"
    ends = ["stays", "stays", "stays", "killed"]
    children = [subprocess.Popen([sys.executable, "-c", _CHILD, str(path), "500", end]) for end in ends]
    codes = [child.wait(timeout=60) for child in children]
    assert codes == [0, 0, 0, -signal.SIGKILL]
    series = found(path)
    assert series["order_unknown_total"].total == 2000
    assert sum(series["cycle_seconds{'stage': 'all'}"].buckets) == 2000
