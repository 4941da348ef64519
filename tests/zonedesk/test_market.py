from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, SimulatedMarketClock
from agents.data.store import Store
from agents.domain.candles import epoch
from agents.domain.errors import ConfigError
from agents.domain.values import IST
from zonedesk.feed import Feed
from zonedesk.market import SimulatedMarket, hours_of, simulate_history

FIRST, SECOND = date(2025, 11, 20), date(2025, 11, 21)
WALL = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def at(on: date, hour: int, minute: int) -> datetime:
    return datetime(on.year, on.month, on.day, hour, minute, tzinfo=IST)


def now() -> datetime:
    return WALL


class Wall:
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        self.now = WALL

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def live(tmp_path: Path) -> tuple[Feed, Wall, Store]:
    """A feed at the open of a session, in a market that stands at speed 5."""
    opens = at(FIRST, 9, 15)
    ClockFile(
        anchor_wall=WALL,
        anchor_market=opens,
        resumed_at=opens,
        speed=5,
        seed=7,
        origin_on=FIRST,
        last_on=date(2025, 12, 31),
    ).write(tmp_path / "clock.json")
    wall = Wall()
    store = Store(tmp_path / "market.duckdb", "paper", now=now)
    with store.write():
        pass
    return _feed(tmp_path, wall, store), wall, store


def _feed(folder: Path, wall: Wall, store: Store) -> Feed:
    calendar = NseCalendar()
    market = SimulatedMarket(calendar, "NIFTY", 7, FIRST)
    clock = SimulatedMarketClock(folder / "clock.json", calendar, wall)
    return Feed(store, market, clock, underlying="NIFTY", future="NIFTY-I")


def last(store: Store, instrument: str = "NIFTY") -> datetime | None:
    rows = store.rows("select max(closed_at) from candles where instrument = ?", [instrument])
    return rows[0][0].astimezone(IST) if rows[0][0] else None


def test_the_feed_shows_no_minute_before_it_has_closed(live: tuple[Feed, Wall, Store]) -> None:
    feed, wall, store = live
    wall.now = WALL + timedelta(seconds=11)  # 55 market seconds
    assert feed.catch_up() == 0
    wall.now = WALL + timedelta(seconds=13)
    assert feed.catch_up() > 0
    assert last(store) == at(FIRST, 9, 16)


def test_the_feed_catches_up_after_a_pause_over_the_night(live: tuple[Feed, Wall, Store]) -> None:
    feed, wall, store = live
    wall.now = WALL + timedelta(minutes=80)
    feed.catch_up()
    assert last(store) == at(SECOND, 9, 25)
    sql = "select count(*), count(distinct opened_at) from candles where instrument = 'NIFTY' and session = ?"
    assert store.rows(sql, [FIRST]) == [(375, 375)]


def test_a_restarted_feed_goes_on_with_the_same_market(live: tuple[Feed, Wall, Store], tmp_path: Path) -> None:
    feed, wall, store = live
    wall.now = WALL + timedelta(minutes=10)
    feed.catch_up()
    again = _feed(tmp_path, wall, store)
    assert again.catch_up() == 0
    wall.now = WALL + timedelta(minutes=20)
    again.catch_up()
    sql = "select opened_at, open, high, low, close from candles where instrument = 'NIFTY-I' order by opened_at"
    shown = store.rows(sql)
    made = SimulatedMarket(NseCalendar(), "NIFTY", 7, FIRST).session(FIRST).future
    assert [row[4] for row in shown] == made.close[: len(shown)].tolist()
    assert len(shown) == 100


def test_chains_come_every_three_minutes(live: tuple[Feed, Wall, Store]) -> None:
    feed, wall, store = live
    wall.now = WALL + timedelta(minutes=2)
    feed.catch_up()
    quoted = [row[0].astimezone(IST) for row in store.rows("select distinct quoted_at from option_quotes order by 1")]
    assert quoted == [at(FIRST, 9, 18), at(FIRST, 9, 21), at(FIRST, 9, 24)]


def test_history_and_feed_are_one_market(live: tuple[Feed, Wall, Store], tmp_path: Path) -> None:
    feed, wall, store = live
    wall.now = WALL + timedelta(minutes=80)
    feed.catch_up()
    whole = Store(tmp_path / "other" / "market.duckdb", "paper", now=now)
    simulate_history(whole, "NIFTY", sessions=1, seed=7, future="NIFTY-I", last=FIRST)
    sql = "select * exclude (ingested_at) from candles where session = ? order by instrument, opened_at"
    assert store.rows(sql, [FIRST]) == whole.rows(sql, [FIRST])


def test_options_have_known_contracts_and_plausible_quotes(tmp_path: Path) -> None:
    store = Store(tmp_path / "market.duckdb", "replay", now=now)
    simulate_history(store, "NIFTY", sessions=3, seed=7, future="NIFTY-I", last=date(2025, 11, 26))
    rows = store.rows(
        "select distinct session, expiry_on from candles join instruments using (instrument) where strike > 0"
    )
    tuesdays = {expiry for _, expiry in rows}
    assert tuesdays == {date(2025, 11, 25), date(2025, 12, 2)}
    assert (date(2025, 11, 25), date(2025, 12, 2)) in rows  # on its last day the next expiry is quoted too
    ((low, high),) = store.rows("select min(iv), max(iv) from option_quotes")
    assert 5 < low < high < 95


def test_a_session_before_the_market_began_is_refused() -> None:
    with pytest.raises(ConfigError, match="began on 2025-11-20"):
        SimulatedMarket(NseCalendar(), "NIFTY", 7, FIRST).session(date(2025, 11, 19))


def test_going_back_walks_the_chain_again() -> None:
    market = SimulatedMarket(NseCalendar(), "NIFTY", 7, FIRST)
    first = market.session(FIRST).state
    market.session(SECOND)
    assert market.session(FIRST).state == first


def test_hours_leave_the_closing_auction_to_derivatives() -> None:
    session = NseCalendar().session(date(2026, 8, 4))
    assert session is not None
    hours = hours_of(session)
    assert hours.index_until == epoch(at(session.on, 15, 15))
    assert int(hours.opened_at[-1]) + 60 == epoch(at(session.on, 15, 40))
