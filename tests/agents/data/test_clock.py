from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.data.clock import (
    ClockFile,
    OpenTime,
    ReplayClock,
    SimulatedMarketClock,
    SystemClock,
    anchored,
    market_clock,
)
from agents.domain.errors import ConfigError
from agents.domain.market import Segment, Session
from agents.settings import Settings

IST = ZoneInfo("Asia/Kolkata")
WALL = datetime(2026, 11, 22, 10, 0, 13, 250_000, tzinfo=UTC)
FIRST, LAST = date(2026, 1, 5), date(2026, 2, 27)


def at(on: date, hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(on.year, on.month, on.day, hour, minute, second, tzinfo=IST)


def a_session(on: date) -> Session:
    hours = [(9, 15, 15, 30)] if on.weekday() < 5 else [(9, 15, 10, 0), (11, 30, 12, 30)]
    segments = tuple(Segment(open_at=at(on, a, b), close_at=at(on, c, d)) for a, b, c, d in hours)
    return Session(on=on, segments=segments, derivatives_close_at=segments[-1].close_at)


class WeekdayCalendar:
    """Weekdays, and the first Saturday of a month with two segments."""

    def session(self, on: date) -> Session | None:
        return a_session(on) if on.weekday() < 5 or (on.weekday() == 5 and on.day <= 7) else None

    def sessions(self, first: date, last: date) -> list[Session]:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [session for day in days if (session := self.session(day))]


def clock_file(market: datetime, speed: int = 5) -> ClockFile:
    return ClockFile(
        anchor_wall=WALL,
        anchor_market=market,
        resumed_at=market,
        speed=speed,
        seed=7,
        origin_on=FIRST,
    )


def open_moment(minutes: float) -> datetime:
    return OpenTime(WeekdayCalendar().sessions(FIRST, LAST)).moment(minutes * 60)


class Wall:
    """A wall clock that a test moves."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def running(path: Path, market: datetime, speed: int = 5) -> tuple[SimulatedMarketClock, Wall]:
    wall = Wall(WALL)
    anchored(clock_file(market, speed), WeekdayCalendar(), WALL, market).write(path)
    return SimulatedMarketClock(path, WeekdayCalendar(), wall), wall


moments = st.floats(0, 12_000).map(open_moment)
in_step = st.sampled_from([1, 3, 5, 15])
speeds = st.one_of(in_step, st.just(20))
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(moments, speeds, st.lists(st.floats(0, 40_000), min_size=2, max_size=30))
def test_market_time_never_goes_back_and_stays_in_open_hours(
    tmp_path: Path, market: datetime, speed: int, waits: list[float]
) -> None:
    clock, wall = running(tmp_path / "clock.json", market, speed)
    shown = []
    for wait in sorted(waits):
        wall.now = WALL + timedelta(seconds=wait)
        shown.append(clock.now())
        session = a_session(shown[-1].date())
        assert any(s.open_at <= shown[-1] <= s.close_at + timedelta(minutes=15) for s in session.segments)
    assert shown[0] >= market
    assert all(earlier <= later for earlier, later in pairwise(shown))


@quick
@given(moments, in_step)
def test_every_candle_closes_on_a_whole_wall_minute(tmp_path: Path, market: datetime, speed: int) -> None:
    clock, _ = running(tmp_path / "clock.json", market, speed)
    now = clock.now()
    closes = [c for day in range(4) for c in _closes(now.date() + timedelta(days=day)) if c > now]
    for close in closes[:60]:
        meets = clock.wall_at(close)
        assert (meets.second, meets.microsecond) == (0, 0)
        assert clock.at_wall(meets) >= close
        assert clock.at_wall(meets - timedelta(seconds=1)) < close


def _closes(on: date) -> list[datetime]:
    session = WeekdayCalendar().session(on)
    return session.closes() if session else []


@quick
@given(moments)
def test_where_candles_last_no_whole_minutes_nothing_is_skipped(tmp_path: Path, market: datetime) -> None:
    clock, _ = running(tmp_path / "clock.json", market, 20)
    time = OpenTime(WeekdayCalendar().sessions(FIRST, LAST))
    assert time.position(clock.now()) == pytest.approx(time.position(market), abs=1e-3)


@quick
@given(moments, speeds)
def test_getting_into_step_skips_less_than_a_wall_minute(tmp_path: Path, market: datetime, speed: int) -> None:
    clock, _ = running(tmp_path / "clock.json", market, speed)
    time = OpenTime(WeekdayCalendar().sessions(FIRST, LAST))
    assert 0 <= time.position(clock.now()) - time.position(market) < 60 * speed + 1e-3


@given(st.floats(0, 12_000 * 60))
def test_a_position_is_the_position_of_its_moment(seconds: float) -> None:
    time = OpenTime(WeekdayCalendar().sessions(FIRST, LAST))
    assert time.position(time.moment(seconds)) == pytest.approx(seconds, abs=1e-4)


def test_the_night_and_the_weekend_are_skipped(tmp_path: Path) -> None:
    friday = date(2026, 1, 16)
    clock, wall = running(tmp_path / "clock.json", at(friday, 15, 29))
    wall.now = WALL + timedelta(minutes=5)
    assert clock.now().date() == date(2026, 1, 19)
    assert clock.now() < at(date(2026, 1, 19), 9, 45)


def test_a_session_is_shown_for_a_quarter_of_an_hour_after_its_close(tmp_path: Path) -> None:
    monday = date(2026, 1, 19)
    clock, _ = running(tmp_path / "clock.json", at(monday, 12, 0))
    close = clock.wall_at(at(monday, 15, 30))
    assert clock.at_wall(close + timedelta(minutes=2)) == at(monday, 15, 40)
    assert clock.at_wall(close + timedelta(minutes=3)) == at(date(2026, 1, 20), 9, 15)


def test_the_gap_between_two_segments_is_skipped() -> None:
    saturday = date(2026, 2, 7)
    time = OpenTime([a_session(saturday)])
    assert time.moment(45 * 60) == at(saturday, 11, 30)
    assert time.position(at(saturday, 11, 0)) == 45 * 60


def test_a_stopped_market_stands_still(tmp_path: Path) -> None:
    market = at(date(2026, 1, 19), 12, 0)
    path = tmp_path / "clock.json"
    clock_file(market).model_copy(update={"running": False}).write(path)
    assert SimulatedMarketClock(path, WeekdayCalendar(), Wall(WALL + timedelta(days=3))).now() == market


def test_the_market_goes_on_with_the_calendar_for_months(tmp_path: Path) -> None:
    clock, wall = running(tmp_path / "clock.json", at(LAST, 15, 0))
    dates = set()
    for _ in range(24 * 30 * 4):  # a month of quarters of an hour
        wall.now += timedelta(minutes=15)
        dates.add(clock.now().date())
    assert max(dates) > date(2028, 1, 1)
    assert sorted(dates) == [one.on for one in WeekdayCalendar().sessions(min(dates), max(dates))]


def test_finite_sessions_end_with_the_last_of_them() -> None:
    time = OpenTime([a_session(LAST)])
    assert time.moment(1e9) == at(LAST, 15, 45)


def test_a_clock_written_by_an_older_desk_is_read(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clock_file(at(FIRST, 10, 0)).write(path)
    path.write_text(path.read_text().replace('"seed"', '"last_on": "2026-02-27",\n  "seed"'))
    assert ClockFile.read(path) == clock_file(at(FIRST, 10, 0))


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    clock, _ = running(tmp_path / "clock.json", at(date(2026, 1, 19), 12, 0))
    later = at(date(2026, 1, 20), 10, 1)
    anchored(clock.file, WeekdayCalendar(), WALL, later).write(tmp_path / "clock.json")
    assert clock.now() >= later


def test_a_damaged_clock_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "clock.json").write_text("{")
    with pytest.raises(ConfigError, match="remove the file"):
        ClockFile.read(tmp_path / "clock.json")
    with pytest.raises(ConfigError, match="zonedesk up"):
        ClockFile.read(tmp_path / "none.json")


def test_a_replay_clock_refuses_to_go_back() -> None:
    clock = ReplayClock(WALL)
    clock.set(WALL + timedelta(minutes=1))
    with pytest.raises(ValueError, match="cannot go back"):
        clock.set(WALL)


def test_paper_follows_the_simulated_market_once_there_is_one(tmp_path: Path) -> None:
    paper = Settings(mode="paper", data_dir=tmp_path)
    assert isinstance(market_clock(paper, WeekdayCalendar()), SystemClock)
    clock_file(at(FIRST, 10, 0)).write(paper.home / "clock.json")
    assert isinstance(market_clock(paper, WeekdayCalendar()), SimulatedMarketClock)
    assert isinstance(market_clock(Settings(mode="live", data_dir=tmp_path), WeekdayCalendar()), SystemClock)
