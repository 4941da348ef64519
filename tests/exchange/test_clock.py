from datetime import UTC, date, datetime

import pytest

from exchange.clock import MarketClock, Span, at_ist, ist, ist_text, to_millis

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)


class Machine:
    now = 1_000_000

    def __call__(self) -> int:
        return self.now


def hours(on: date) -> Span | None:
    return None if on.weekday() > 4 else (at_ist(on, 9, 15), at_ist(on, 15, 40))


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_moment_and_its_millis_are_the_same() -> None:
    moment = datetime(2026, 11, 20, 3, 45, 0, 250_000, tzinfo=UTC)
    assert ist(to_millis(moment)) == moment
    assert ist_text(to_millis(moment)) == "2026-11-20 09:15:00"
    assert at_ist(FRIDAY, 9, 15) == to_millis(moment) - 250


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        to_millis(datetime(2026, 11, 20))  # noqa: DTZ001 - the mistake under test


def test_a_clock_is_real_until_it_is_set(machine: Machine) -> None:
    clock = MarketClock(machine)
    machine.now += 5
    assert clock.now() == clock.real() == 1_000_005
    clock.set(50, speed=60.0)
    machine.now += 10
    assert (clock.now(), clock.speed) == (650, 60.0)
    clock.use_real()
    assert clock.now() == machine.now


def test_a_clock_that_stands_still_is_stepped(machine: Machine) -> None:
    clock = MarketClock(machine)
    clock.set(0, speed=0.0)
    machine.now += 10_000
    clock.move(7)
    assert (clock.now(), clock.real_delay(1)) == (7, float("inf"))
    with pytest.raises(ValueError, match="use set to go back"):
        clock.move(-1)


@pytest.mark.parametrize("speed", [-1.0, 10_001.0, float("nan")])
def test_an_impossible_speed_is_refused(machine: Machine, speed: float) -> None:
    with pytest.raises(ValueError, match="pass a speed"):
        MarketClock(machine).set(0, speed=speed)


def test_a_wait_is_shorter_when_time_runs_faster(machine: Machine) -> None:
    clock = MarketClock(machine)
    clock.set(0, speed=60.0)
    assert clock.real_delay(60_000) == 1.0


def test_an_open_clock_goes_from_one_close_to_the_next_opening(machine: Machine) -> None:
    clock = MarketClock(machine)
    clock.keep_open(hours, FRIDAY)
    length = at_ist(FRIDAY, 15, 40) - at_ist(FRIDAY, 9, 15)
    seen = []
    for passed in (0, length - 1, length, 3 * length):
        machine.now = 1_000_000 + passed
        seen.append(clock.now())
    assert seen == [
        at_ist(FRIDAY, 9, 15),
        at_ist(FRIDAY, 15, 40) - 1,
        at_ist(MONDAY, 9, 15),
        at_ist(date(2026, 11, 25), 9, 15),
    ]


def test_an_open_clock_begins_with_the_first_session(machine: Machine) -> None:
    clock = MarketClock(machine)
    clock.keep_open(hours, date(2026, 11, 21), speed=2.0)
    assert clock.now() == at_ist(MONDAY, 9, 15)


def test_a_clock_without_sessions_cannot_be_kept_open(machine: Machine) -> None:
    with pytest.raises(ValueError, match="no session within"):
        MarketClock(machine).keep_open(lambda _: None, FRIDAY)
