from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agents.data.calendar import NseCalendar
from agents.data.store import Store
from agents.domain.candles import epoch
from agents.domain.errors import ConfigError
from agents.domain.values import IST
from exchange.simulated import SimulatedSource
from zonedesk.market import SimulatedMarket, hours_of, simulate_history
from zonedesk.venue import _calendar

FIRST, SECOND = date(2025, 11, 20), date(2025, 11, 21)
WALL = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def at(on: date, hour: int, minute: int) -> datetime:
    return datetime(on.year, on.month, on.day, hour, minute, tzinfo=IST)


def now() -> datetime:
    return WALL


def test_the_exchange_shows_the_market_that_the_history_comes_from() -> None:
    first, last = date(2026, 7, 28), date(2026, 8, 14)  # over the start of the closing auction and a month's end
    ours = SimulatedMarket(NseCalendar(), "NIFTY", 7, first)
    theirs = SimulatedSource(7, first, _calendar())
    for session in NseCalendar().sessions(first, last):
        made, listing = ours.session(session.on), theirs.listing(session.on)
        assert listing is not None
        index, near, *_ = [one.candles for one in listing.listed.values() if one.contract.kind != "OPTIDX"]
        options = {
            (one.contract.expiry_on, one.contract.strike, one.contract.option_type): one.candles
            for one in listing.listed.values()
        }
        pairs = [(options[one.expiry_on, one.strike, one.option_type], one.candles) for one in made.options]
        assert len(pairs) >= 42
        for shown, own in ((index, made.index), (near, made.future), *pairs):
            for column in ("opened_at", "open", "high", "low", "close", "volume", "open_interest"):
                assert getattr(shown, column).tolist() == getattr(own, column).tolist()


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
