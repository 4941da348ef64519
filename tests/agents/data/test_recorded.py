from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from agents.data.calendar import NseCalendar
from agents.data.recorded import companion_history, recorded_history
from agents.data.sessions import build_sessions, load_history
from agents.data.store import Store
from agents.domain.candles import Candles
from agents.domain.errors import MissingDataError
from agents.domain.values import IST
from zonedesk.market import simulate_history

NOW = datetime(2025, 12, 1, tzinfo=UTC)
UNTIL = datetime(2025, 11, 21, 12, 7, tzinfo=IST)
CALENDAR = NseCalendar()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(tmp_path_factory.mktemp("store") / "market.duckdb", "replay", now=lambda: NOW)
    simulate_history(made, "NIFTY", sessions=3, seed=7, future="NIFTY-I", last=date(2025, 11, 21))
    return made


def same(one: Candles, other: Candles) -> bool:
    names = ("opened_at", "closed_at", "open", "high", "low", "close", "volume", "session")
    return one.source == other.source and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names
    )


def test_built_candles_are_those_that_are_stored_when_materialised(store: Store) -> None:
    built = recorded_history(store, CALENDAR, "NIFTY", UNTIL)
    rows = build_sessions(store, CALENDAR, "NIFTY", date(2025, 11, 19), date(2025, 11, 21), NOW)
    store.merge("session_candles", rows, scope={"instrument": "NIFTY"})
    assert same(built, load_history(store, CALENDAR, "NIFTY", UNTIL))
    assert len(built) == 25 + 25 + 11


def test_a_hole_ends_the_history_of_the_index_and_not_that_of_its_companion(store: Store) -> None:
    days = "interval 16 day"
    moved = (
        "update candles set session = date '2025-11-03', "
        f"opened_at = opened_at - {days}, closed_at = closed_at - {days} where session = date '2025-11-19'"
    )
    with store.write() as connection:
        connection.execute("delete from candles where session = date '2025-11-20'")
        connection.execute(moved)
    index = recorded_history(store, CALENDAR, "NIFTY", UNTIL)
    future = companion_history(store, CALENDAR, "NIFTY-I", UNTIL)
    assert future is not None
    assert len(index) == 11
    assert len(future) == 25 + 11


def test_what_was_never_imported_is_missing(store: Store) -> None:
    assert companion_history(store, CALENDAR, "NIFTY-CONSTITUENTS", UNTIL) is None
    assert companion_history(store, CALENDAR, None, UNTIL) is None
    with pytest.raises(MissingDataError, match="BANKNIFTY"):
        recorded_history(store, CALENDAR, "BANKNIFTY", UNTIL)


def test_before_the_first_candle_the_history_is_missing(tmp_path: Path) -> None:
    made = Store(tmp_path / "market.duckdb", "replay", now=lambda: NOW)
    simulate_history(made, "NIFTY", sessions=1, seed=7, future="NIFTY-I", last=date(2025, 11, 21))
    with pytest.raises(MissingDataError, match="import them first"):
        recorded_history(made, CALENDAR, "NIFTY", datetime(2025, 11, 20, tzinfo=IST))
