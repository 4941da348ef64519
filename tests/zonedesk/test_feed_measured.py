"""The feed measures its silence, and not more often than needed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from agents.data.clock import ClockFile
from agents.data.metrics import MetricReader
from agents.settings import Settings
from zonedesk.feed import MEASURE_EVERY, FeedProcess
from zonedesk.health import FeedHealth

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def test_silence_grows_while_nothing_is_heard(tmp_path: Path) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path)
    file = ClockFile(anchor_wall=NOW, anchor_market=NOW, resumed_at=NOW, speed=5, seed=7, origin_on=date(2026, 9, 1))
    file.write(settings.home / "clock.json")
    feed = FeedProcess(settings, lambda _text: None)
    feed._measure(FeedHealth(pid=1, written_at=NOW, connected=False))
    feed._heard_at = NOW
    feed._measure(FeedHealth(pid=1, written_at=NOW + timedelta(seconds=1), connected=True))
    feed._measure(FeedHealth(pid=1, written_at=NOW + MEASURE_EVERY, connected=True))
    feed._metrics.close()
    series = {each.name: each for each in MetricReader(settings.ops_path).series()}
    assert (series["agent_up"].count, series["agent_up"].last) == (2, 1.0)
    assert (series["feed_age_seconds"].count, series["feed_age_seconds"].last) == (1, MEASURE_EVERY.total_seconds())
