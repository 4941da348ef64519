from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ui.chart_turning import BREAKS, SWINGS, turning_layers
from ui.snapshot import ChartCandle, Snapshot

OPENS = datetime(2026, 11, 19, 3, 45, tzinfo=UTC)
CLOSES = [10.05, 11, 12, 13.05, 12, 11, 10.1, 11, 12, 14, 15, 12, 9, 8]


def candles(closes: list[float]) -> tuple[ChartCandle, ...]:
    first = int(OPENS.timestamp())
    rows = enumerate(closes)
    return tuple(ChartCandle(first + 900 * n, first + 900 * n + 900, c, c, c, c) for n, c in rows)


def snapshot(closes: list[float], minutes: int) -> Snapshot:
    now = OPENS + timedelta(minutes=minutes)
    return replace(Snapshot("NIFTY", "paper", is_simulated=False, now=now, is_open=True), candles=candles(closes))


def test_layers_are_drawn_when_they_are_named() -> None:
    shown = snapshot(CLOSES, 15 * len(CLOSES))
    assert turning_layers(shown, "15 min", (), 2) == {"swings": [], "breaks": []}
    found = turning_layers(shown, "15 min", (SWINGS, BREAKS), 2)
    first = int(OPENS.timestamp())
    assert found["swings"][0] == {"time": first + 3 * 900, "price": 13.05, "side": "high"}
    assert [(one["name"], one["is_up"], one["price"]) for one in found["breaks"]] == [
        ("break", True, 13.05),
        ("CHoCH", False, 10.1),
    ]
    assert (found["breaks"][0]["from"], found["breaks"][0]["to"]) == (first + 3 * 900, first + 9 * 900)


def test_a_candle_in_progress_turns_and_breaks_nothing() -> None:
    whole = turning_layers(snapshot(CLOSES[:10], 150), "15 min", (BREAKS,), 2)
    assert len(whole["breaks"]) == 1
    growing = turning_layers(snapshot(CLOSES[:10], 149), "15 min", (BREAKS,), 2)
    assert growing["breaks"] == []


def test_without_candles_nothing_is_drawn() -> None:
    assert turning_layers(snapshot([], 0), "Day", (SWINGS, BREAKS), 5) == {"swings": [], "breaks": []}
