"""What the status says of feed and exchange, without either."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from agents.settings import Settings
from zonedesk.health import FeedHealth, read_health
from zonedesk.home import DeskHome
from zonedesk.ports import free_port, is_reachable
from zonedesk.wire import feed_text, wire_facts

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
GOOD = FeedHealth(
    pid=1,
    written_at=NOW - timedelta(seconds=0.2),
    heard_at=NOW - timedelta(seconds=0.3),
    newest_trade_at=datetime(2026, 8, 25, 5, 0, tzinfo=UTC),
    age_seconds=0.8,
    connected=True,
    expected=True,
    instruments=28,
    counts={"feed_packets": 5, "feed_unknown": 1, "bars_made": 2},
)


class Deaf(BaseHTTPRequestHandler):
    """Says that it knows nothing."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Deaf)
    Thread(target=server.serve_forever, daemon=True).start()
    yield int(server.server_address[1])
    server.shutdown()


@pytest.fixture
def settings(tmp_path: Path, port: int) -> Settings:
    return Settings(mode="paper", data_dir=tmp_path, exchange_port=port)


def problems(settings: Settings, **changes: object) -> list[str]:
    GOOD.model_copy(update=changes).write(DeskHome.of(settings).feed_path)
    found: list[str] = wire_facts(settings, NOW)["problems"]
    return found


def test_a_good_feed_has_no_problem_and_tells_its_ages(settings: Settings) -> None:
    assert problems(settings) == []
    facts = wire_facts(settings, NOW)
    assert facts["exchange"]["reachable"]
    feed = facts["feed"]
    assert (feed["silent_seconds"], feed["age_seconds"], feed["reported_seconds"]) == (0.3, 0.8, 0.2)
    assert feed["counts"] == {"feed_packets": 5, "feed_unknown": 1}
    assert feed_text(feed) == "last packet 0.3 s ago, 0.8 s behind the market, 28 instruments"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"written_at": NOW - timedelta(seconds=4)}, "has not said anything for 4 s"),
        ({"connected": False, "trouble": "refused"}, "is not connected: refused"),
        ({"heard_at": NOW - timedelta(seconds=3.5)}, "silent for 4 s"),
        ({"heard_at": None}, "silent for 0 s"),
        ({"stale": True, "age_seconds": 45.0}, "45 s behind the market"),
        ({"trouble": "the master lists no future"}, "trouble: the master"),
    ],
)
def test_each_fault_is_said_in_words(settings: Settings, changes: dict[str, object], words: str) -> None:
    [problem] = problems(settings, **changes)
    assert words in problem


def test_silence_is_no_problem_while_the_market_is_closed(settings: Settings) -> None:
    assert problems(settings, expected=False, heard_at=NOW - timedelta(minutes=5)) == []


def test_an_exchange_that_does_not_answer_comes_first(settings: Settings) -> None:
    gone = settings.model_copy(update={"exchange_port": free_port()})
    assert problems(gone)[0].endswith("does not answer")


def test_a_server_elsewhere_is_refused_in_paper_mode(settings: Settings) -> None:
    away = settings.model_copy(update={"dhan_url": "https://api.dhan.co/v2"})
    [problem] = problems(away)
    assert "paper mode never leaves this machine" in problem


def test_any_answer_of_http_counts_as_reachable(port: int) -> None:
    assert is_reachable(f"http://127.0.0.1:{port}/v2")
    assert not is_reachable(f"http://127.0.0.1:{free_port()}/v2")


def test_half_a_health_file_is_no_health(tmp_path: Path) -> None:
    path = tmp_path / "feed.json"
    assert read_health(path) is None
    path.write_text('{"pid": 1')
    assert read_health(path) is None
