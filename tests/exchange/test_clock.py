from datetime import UTC, date, datetime, timedelta

import pytest

from exchange.clock import MarketClock, Span, at_ist, ist, ist_text, to_millis
from exchange.contracts import IDX_I
from exchange.sessions import Calendar
from exchange.simulated import simulated_market

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


def test_a_month_of_sessions_goes_by_at_five_times_real_time() -> None:
    market = simulated_market(5, date(2026, 9, 28))
    calendar, real = Calendar.nse(), [0]

    def span(on: date) -> Span | None:
        hours = market.hours(on)
        return (hours.open_at, hours.close_at) if hours else None

    clock = MarketClock(lambda: real[0])
    clock.keep_open(span, date(2026, 10, 1), speed=5.0)
    seen = []
    for _ in range(24):
        now = clock.now()
        seen.append(ist(now).date())
        hours = market.hours(seen[-1])
        assert hours is not None
        assert market.top_of_book(13, IDX_I, now + 60_000).ltt >= hours.open_at
        assert market.expiries(13, now)[0] >= seen[-1]
        real[0] += (hours.close_at - hours.open_at) // 5
    days = [date(2026, 10, 1) + timedelta(days=number) for number in range(60)]
    assert seen == [on for on in days if calendar.hours(on) is not None][: len(seen)]
