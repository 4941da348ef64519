"""The exchange's clock as the desk's."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, SimulatedMarketClock
from agents.domain.values import IST
from exchange.clock import to_millis
from exchange.market import Market
from exchange.server import ClockPlan, ServerConfig, assemble
from exchange.simulated import simulated_market
from zonedesk.desktime import DeskTime

ON = date(2026, 8, 25)
WALL = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
AT = datetime(2026, 8, 25, 15, 30, tzinfo=IST)


class Wall:
    """A machine's clock that a test moves."""

    def __init__(self) -> None:
        self.now = WALL

    def __call__(self) -> datetime:
        return self.now


def started(folder: Path, wall: Wall, *, running: bool = True) -> DeskTime:
    path = folder / "clock.json"
    ClockFile(
        anchor_wall=WALL,
        anchor_market=AT,
        resumed_at=AT,
        speed=5,
        seed=7,
        origin_on=ON,
        running=running,
    ).write(path)
    return DeskTime(SimulatedMarketClock(path, NseCalendar(), wall))


def market() -> Market:
    return simulated_market(7, ON)


def test_it_shows_what_every_process_of_the_desk_shows(tmp_path: Path) -> None:
    wall = Wall()
    clock = started(tmp_path, wall)
    other = SimulatedMarketClock(tmp_path / "clock.json", NseCalendar(), wall)
    for seconds in (0, 30, 60 * 5, 60 * 6, 60 * 20):  # over the close and the night
        wall.now = WALL + timedelta(seconds=seconds)
        assert clock.now() == to_millis(other.now())
    assert clock.now() > to_millis(datetime(2026, 8, 26, 9, 15, tzinfo=IST))


def test_an_exchange_begins_anew_at_the_same_moment(tmp_path: Path) -> None:
    wall = Wall()
    config = ServerConfig("t", clock=ClockPlan("real"))
    wall.now = WALL + timedelta(seconds=60)
    first = assemble(config, market(), started(tmp_path, wall)).core.clock.now()
    again = assemble(config, market(), started(tmp_path, wall)).core.clock.now()
    assert first == again == to_millis(AT + timedelta(minutes=5))


def test_nobody_sets_it(tmp_path: Path) -> None:
    clock = started(tmp_path, Wall())
    before = clock.now()
    clock.use_real()
    settings: list[Callable[[], None]] = [
        lambda: clock.set(0),
        lambda: clock.move(60_000),
        lambda: clock.keep_open(lambda _: None, ON),
    ]
    for setting in settings:
        with pytest.raises(ValueError, match="keeps the desk's time"):
            setting()
    assert clock.now() == before


def test_waiting_takes_the_market_s_pace_and_no_end_while_the_desk_stands(tmp_path: Path) -> None:
    assert started(tmp_path, Wall()).real_delay(10_000) == 2.0
    standing = started(tmp_path, Wall(), running=False)
    assert (standing.speed, standing.real_delay(1)) == (0.0, float("inf"))
    assert standing.state.speed == 0.0
