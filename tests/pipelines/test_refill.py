"""The candles asset asks the broker's charts for minutes of the open session that the feed has not brought."""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agents.data.clock import ReplayClock
from agents.domain.values import IST
from agents.settings import Settings
from pipelines.history import write_candles
from pipelines.refill import can_be_asked, fill_session
from pipelines.resources import RunScope, Workbench
from pipelines.task import Task, plan
from tests.agents.data.dhan.venues import Venue, agent_on, running_venue

pytestmark = pytest.mark.process
ON = date(2026, 11, 19)
NOON = datetime(2026, 11, 19, 12, 0, 30, tzinfo=IST)


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with running_venue() as made:
        made.control("PUT", "/limits", {"enforced": False})
        made.control("PUT", "/clock", {"mode": "set", "at": NOON.isoformat(), "speed": 0})
        yield made


@pytest.fixture
def bench(venue: Venue, tmp_path: Path) -> Workbench:
    agent = agent_on(venue, tmp_path, sleep=lambda _: None)
    settings = Settings(mode="paper", data_dir=tmp_path, exchange_port=venue.port)
    return Workbench(settings, pause=lambda _: None, present=ReplayClock(NOON), collector=agent)


def task_of(bench: Workbench, as_of: str = "") -> Task:
    return plan(bench, RunScope(settle_seconds=0.0, as_of=as_of), [ON.isoformat()])


def test_a_session_without_any_feed_comes_from_the_charts(bench: Workbench) -> None:
    written = write_candles(bench, task_of(bench))
    assert written.facts[ON]["minutes_filled"] == 2 * 165
    assert written.facts[ON]["minutes_missing"] == 0
    built = bench.store.rows("select instrument, count(*), max(closed_at) from session_candles group by 1 order by 1")
    noon = NOON.replace(second=0).astimezone(UTC)
    assert built == [("NIFTY", 11, noon), ("NIFTY-I", 11, noon)]


def test_nothing_is_asked_where_nothing_is_missing(bench: Workbench) -> None:
    write_candles(bench, task_of(bench))
    again = write_candles(bench, task_of(bench))
    assert "minutes_filled" not in again.facts[ON]


def test_nothing_later_than_the_run_s_moment_is_asked_for(bench: Workbench) -> None:
    write_candles(bench, task_of(bench, "2026-11-19T10:00+05:30"))
    [(last,)] = bench.store.rows("select max(closed_at) from candles")
    assert last == NOON.replace(hour=10, minute=0, second=0)


def test_an_exchange_that_is_away_leaves_the_minutes_missing(
    bench: Workbench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_candles(bench, task_of(bench))
    with bench.store.write() as connection:
        connection.execute("delete from candles where opened_at >= ?", [NOON - timedelta(minutes=3)])
    with running_venue() as other:
        gone = agent_on(other, tmp_path / "other", sleep=lambda _: None)
    gone.store, gone.clock = bench.store, bench.clock
    away = Workbench(bench.settings, pause=lambda _: None, present=bench.clock, collector=gone)
    with caplog.at_level(logging.WARNING, "pipelines.refill"):
        assert fill_session(away, task_of(away)) == []
    assert "stay missing for now" in caplog.text
    write_candles(away, task_of(away))
    assert bench.store.rows("select count(*) from session_candles where instrument = 'NIFTY'") == [(11,)]


def test_a_replay_and_a_paper_store_without_a_desk_ask_nobody(tmp_path: Path) -> None:
    assert not can_be_asked(Workbench(Settings(mode="replay", data_dir=tmp_path)))
    assert not can_be_asked(Workbench(Settings(mode="paper", data_dir=tmp_path)))
