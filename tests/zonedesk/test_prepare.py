"""The market's clock and history before a desk starts."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agents.data.clock import ClockFile
from agents.data.store import Store
from agents.domain.errors import ConfigError
from agents.settings import Settings
from zonedesk import prepare
from zonedesk.health import FeedHealth
from zonedesk.home import DeskHome
from zonedesk.ports import free_port

WALL = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
OPENED = datetime(2026, 8, 25, 3, 45, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(prepare, "wall_now", lambda: WALL)
    return Settings(
        mode="paper",
        data_dir=tmp_path,
        exchange_port=free_port(),
        dagster_port=free_port(),
        dashboard_port=free_port(),
    )


def clock_file(settings: Settings, *, running: bool, anchor_wall: datetime = WALL) -> ClockFile:
    file = ClockFile(
        anchor_wall=anchor_wall,
        anchor_market=OPENED + timedelta(minutes=75),
        resumed_at=OPENED + timedelta(minutes=75),
        speed=5,
        seed=7,
        origin_on=date(2026, 8, 17),
        running=running,
    )
    file.write(DeskHome.of(settings).clock_path)
    return file


def resumed(settings: Settings) -> timedelta:
    """How long after the open the clock stands, once the desk is prepared."""
    prepare.prepare(settings, lambda _: None, lambda *_: None, history=5)
    return ClockFile.read(DeskHome.of(settings).clock_path).resumed_at - OPENED


def test_a_new_market_has_its_history_and_nothing_of_its_first_live_session(settings: Settings) -> None:
    assert resumed(settings) == timedelta(minutes=75)
    file = ClockFile.read(DeskHome.of(settings).clock_path)
    store = Store(settings.store_path, "paper", now=lambda: WALL)
    [(sessions, last)] = store.rows("select count(distinct session), max(session) from candles")
    assert sessions == 5
    assert last < file.resumed_at.date()


def test_a_desk_that_was_stopped_goes_on_where_it_stood(settings: Settings) -> None:
    clock_file(settings, running=False, anchor_wall=WALL - timedelta(hours=3))
    assert resumed(settings) == timedelta(minutes=75)


def test_a_desk_that_was_killed_goes_on_after_what_anyone_may_have_seen(settings: Settings) -> None:
    clock_file(settings, running=True, anchor_wall=WALL - timedelta(minutes=10))
    FeedHealth(pid=1, written_at=WALL - timedelta(minutes=6)).write(DeskHome.of(settings).feed_path)
    DeskHome.of(settings).write_status({"written_at": (WALL - timedelta(minutes=7)).isoformat()})
    assert resumed(settings) == timedelta(minutes=75) + 5 * (timedelta(minutes=4) + prepare.CRASHED)


def test_a_desk_killed_just_now_does_not_run_ahead_of_its_clock(settings: Settings) -> None:
    clock_file(settings, running=True, anchor_wall=WALL - timedelta(minutes=1))
    FeedHealth(pid=1, written_at=WALL - timedelta(seconds=1)).write(DeskHome.of(settings).feed_path)
    assert resumed(settings) == timedelta(minutes=80)


def test_what_the_wire_has_begun_is_not_simulated_again(settings: Settings) -> None:
    resumed(settings)
    store = Store(settings.store_path, "paper", now=lambda: WALL)
    with store.write() as connection:
        connection.execute("update candles set source = 'simulated:exchange' where instrument = 'NIFTY-I'")
        connection.execute("delete from candles where session = (select min(session) from candles)")
    resumed(settings)
    assert store.rows("select count(distinct session) from candles") == [(4,)]


def test_a_taken_exchange_port_names_its_setting(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zonedesk.ports.is_free", lambda port: port != settings.exchange_port)
    with pytest.raises(ConfigError, match="ZONEDESK_EXCHANGE_PORT"):
        resumed(settings)


def test_a_paper_desk_on_a_real_server_is_refused(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="unset ZONEDESK_DHAN_URL"):
        resumed(settings.model_copy(update={"dhan_url": "https://api.dhan.co/v2"}))
