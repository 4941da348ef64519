from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.data.metrics import MetricWriter
from ui.cards import bars
from ui.measures import in_words, lasted, measures, percentile
from ui.snapshot import CycleRow
from ui.timeline import timeline

AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)  # 10:30 in India


def test_without_a_file_nothing_was_measured(tmp_path: Path) -> None:
    found = measures(tmp_path / "ops.sqlite", AT)
    assert (found.cycles, found.asked, found.endpoints) == ((), 0, ())
    assert not (tmp_path / "ops.sqlite").exists()


def test_only_the_last_quarter_of_an_hour_counts_for_the_share_of_failures(tmp_path: Path) -> None:
    now = AT - timedelta(minutes=40)
    writer = MetricWriter(tmp_path / "ops.sqlite", lambda: now)
    writer.record("api_errors_total", api="dhan_orders", kind="unanswered")
    writer.record("cycle_seconds", 9.0, stage="judge")
    now = AT - timedelta(minutes=5)
    for seconds in (0.03, 0.04, 0.3):
        writer.record("api_latency_seconds", seconds, api="dhan_data", endpoint="candles")
    writer.record("api_errors_total", api="dhan_data", kind="unanswered")
    writer.record("cycle_seconds", 2.0, stage="all")
    writer.close()
    found = measures(tmp_path / "ops.sqlite", AT)
    assert (found.asked, found.failed, found.cycles) == (4, 1, (2.0,))
    assert [(one.endpoint, one.answered, one.within) for one in found.endpoints] == [("candles", 3, "500 ms")]
    assert sum(times for _, _, times in found.failures) == 2


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([]) is None
    assert percentile([3.0]) == 3.0
    assert percentile([float(value) for value in range(1, 101)]) == 95.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0


def test_durations_are_said_as_people_say_them() -> None:
    assert [in_words(0.412), in_words(2.94)] == ["412 ms", "2.9 s"]
    said = [lasted(timedelta(seconds=seconds)) for seconds in (12, 260, 11_520, 180_000)]
    assert said == ["12 s", "4 min", "3 h 12 min", "2 d 2 h"]


def test_bars_rise_to_the_highest_value_and_one_value_draws_none() -> None:
    assert bars([1.0], "x") == ""
    assert bars([0.0, 0.0], "x") == ""
    assert bars([1.0, 4.0], '"<b>').count("height:") == 2
    assert "height:25%" in bars([1.0, 4.0], "x")
    assert "<b>" not in bars([1.0, 4.0], '"<b>')


def test_three_minutes_without_a_decision_are_a_gap_between_those_that_had_one() -> None:
    cycles = [
        CycleRow("c", AT - timedelta(minutes=minutes, seconds=-2), decision, "a reason <b>", "")
        for minutes, decision in ((0, "trade"), (6, "skip"), (9, "fault"), (1_440, "skip"))
    ]
    shown = timeline(cycles)
    assert shown.count(">·<") == 1
    assert [shown.count(mark) for mark in ("▲</span>", "●</span>", "▼</span>")] == [1, 1, 1]
    assert 'aria-label="10:24 skip: a reason &lt;b&gt;"' in shown
    assert "<dt>10</dt>" in shown
