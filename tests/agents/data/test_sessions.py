"""The fifteen-minute candles of a session, and the histories made of them."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.data.calendar import NseCalendar
from agents.data.importer import import_file
from agents.data.instruments import load_instrument, load_instruments
from agents.data.sessions import build_session_candles, build_sessions, empty_windows, load_history, load_minutes
from agents.data.store import Store
from agents.data.writing import store_candles
from agents.domain.candles import epoch
from agents.domain.errors import MissingDataError
from agents.domain.market import Instrument, InstrumentKind
from agents.domain.values import IST

DAY = date(2024, 6, 5)
CALENDAR = NseCalendar()
LATE = datetime(2030, 1, 1, tzinfo=UTC)
INDEX = Instrument(name="NIFTY", kind=InstrumentKind.INDEX, tick_size=Decimal("0.05"))
FUTURE = Instrument(name="NIFTY-I", kind=InstrumentKind.FUTURE, tick_size=Decimal("0.05"), underlying="NIFTY")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "market.duckdb", "replay", now=lambda: LATE)


def at(hour: int, minute: int, on: date = DAY) -> datetime:
    return datetime.combine(on, time(hour, minute), tzinfo=IST)


def put(store: Store, minutes: int, opens: list[datetime], each: Instrument = INDEX, *, base: int = 1000) -> None:
    """Store one candle at each of `opens`, prices rising by one tick."""
    number = base + np.arange(len(opens))
    opened = pd.DatetimeIndex(opens)
    frame = pd.DataFrame(
        {
            "instrument": each.name,
            "minutes": minutes,
            "opened_at": opened,
            "closed_at": opened + timedelta(minutes=minutes),
            "session": [moment.astimezone(IST).date() for moment in opens],
            "open": number,
            "high": number + 3,
            "low": number - 3,
            "close": number + 1,
            "volume": 10,
        }
    )
    store_candles(store, [each], frame, source="feed")


def steps(start: datetime, count: int, minutes: int = 1) -> list[datetime]:
    return [start + timedelta(minutes=minutes * step) for step in range(count)]


def test_one_minute_candles_make_a_window(store: Store) -> None:
    put(store, 1, steps(at(9, 15), 30))
    rows = build_session_candles(store, CALENDAR, "NIFTY", DAY, LATE)
    assert rows[["open", "high", "low", "close", "volume", "source"]].to_numpy().tolist() == [
        [1000, 1017, 997, 1015, 150, "1m"],
        [1015, 1032, 1012, 1030, 150, "1m"],
    ]
    assert rows["closed_at"].tolist() == [at(9, 30), at(9, 45)]
    assert rows["session"].tolist() == [DAY, DAY]


def test_the_finest_complete_interval_wins(store: Store) -> None:
    put(store, 1, steps(at(9, 15), 14))  # incomplete
    put(store, 5, steps(at(9, 15), 3, 5), base=2000)  # complete
    put(store, 15, [at(9, 15)], base=3000)  # complete, coarser
    rows = build_session_candles(store, CALENDAR, "NIFTY", DAY, LATE)
    assert rows[["open", "source"]].to_numpy().tolist() == [[2000, "5m"]]


def test_without_a_complete_interval_the_best_covered_one_is_used(store: Store) -> None:
    put(store, 1, steps(at(9, 15), 9))
    put(store, 5, steps(at(9, 15), 2, 5), base=2000)
    put(store, 3, steps(at(9, 15), 3, 3), base=3000)
    rows = build_session_candles(store, CALENDAR, "NIFTY", DAY, LATE)
    assert rows[["open", "source"]].to_numpy().tolist() == [[2000, "5m"]]


def test_only_what_had_closed_is_known(store: Store) -> None:
    put(store, 1, steps(at(9, 15), 60))
    known = build_session_candles(store, CALENDAR, "NIFTY", DAY, at(9, 59))
    assert known["closed_at"].tolist() == [at(9, 30), at(9, 45)]
    whole = build_session_candles(store, CALENDAR, "NIFTY", DAY, LATE)
    pd.testing.assert_frame_equal(known, whole.iloc[:2])


def test_a_window_depends_on_nothing_outside_it(store: Store) -> None:
    put(store, 1, steps(at(9, 15), 45))
    before = build_session_candles(store, CALENDAR, "NIFTY", DAY, LATE)
    put(store, 3, steps(at(9, 45), 100, 3), base=5000)
    after = build_session_candles(store, CALENDAR, "NIFTY", DAY, LATE)
    pd.testing.assert_frame_equal(before, after.iloc[:3])


def test_empty_windows_have_no_candle_and_one_issue_each(store: Store) -> None:
    put(store, 1, [*steps(at(9, 15), 15), *steps(at(9, 45), 15)])
    rows = build_session_candles(store, CALENDAR, "NIFTY", DAY, at(10, 0))
    assert rows["closed_at"].tolist() == [at(9, 30), at(10, 0)]
    issues = empty_windows(CALENDAR, INDEX, rows, DAY, at(10, 0))
    assert issues["seen_at"].tolist() == [at(9, 45)]
    scope = {"instrument": "NIFTY", "session": DAY, "rule": "empty_window"}
    assert store.merge("data_issues", issues, scope=scope, until=at(10, 0)).inserted == 1
    assert store.merge("data_issues", issues, scope=scope, until=at(10, 0)).unchanged == 1


def test_an_index_has_no_analysis_candles_in_the_closing_auction_and_its_future_has(store: Store) -> None:
    on = date(2026, 8, 3)
    put(store, 1, steps(at(15, 0, on), 30))
    put(store, 1, steps(at(15, 0, on), 30), FUTURE)
    closes = {
        each.name: build_session_candles(store, CALENDAR, each.name, on, LATE)["closed_at"].tolist()
        for each in (INDEX, FUTURE)
    }
    assert closes == {"NIFTY": [at(15, 15, on)], "NIFTY-I": [at(15, 15, on), at(15, 30, on)]}


def test_both_segments_of_a_saturday_have_windows(store: Store) -> None:
    on = date(2024, 3, 2)
    put(store, 15, [at(9, 45, on), at(11, 30, on)])
    rows = build_session_candles(store, CALENDAR, "NIFTY", on, LATE)
    assert rows["closed_at"].tolist() == [at(10, 0, on), at(11, 45, on)]


def fill_sessions(store: Store, days: list[date]) -> None:
    put(store, 15, [moment for on in days for moment in steps(at(9, 15, on), 25, 15)])
    rows = build_sessions(store, CALENDAR, "NIFTY", days[0], days[-1], LATE)
    store.merge("session_candles", rows, scope={"instrument": "NIFTY"})


def test_a_history_starts_after_the_last_long_hole(store: Store) -> None:
    days = CALENDAR.days(date(2024, 1, 1), date(2024, 3, 1))
    fill_sessions(store, [*days[:10], *days[15:20], *days[26:]])  # five sessions missing, then six
    candles = load_history(store, CALENDAR, "NIFTY", LATE)
    assert candles.opened_at[0] == epoch(at(9, 15, days[26]))
    assert len(candles) == 25 * len(days[26:])
    earlier = load_history(store, CALENDAR, "NIFTY", at(15, 30, days[19]))
    assert earlier.opened_at[0] == epoch(at(9, 15, days[0]))
    assert len(earlier) == 25 * 15


def test_a_history_is_ready_for_the_kernels(store: Store) -> None:
    days = CALENDAR.days(date(2024, 1, 1), date(2024, 1, 31))
    fill_sessions(store, days)
    candles = load_history(store, CALENDAR, "NIFTY", at(10, 0, days[-1]))
    assert candles.closed_at[-1] == epoch(at(10, 0, days[-1]))
    assert (np.diff(candles.closed_at) > 0).all()
    assert candles.session[-1] - candles.session[0] == (days[-1] - days[0]).days
    assert {candles.open.dtype, candles.volume.dtype, candles.session.dtype} == {np.dtype(np.int64)}
    assert candles.source[0] == "15m"
    assert candles.tick_size == Decimal("0.05")


def test_an_unknown_instrument_is_an_error_and_an_empty_span_is_not(store: Store) -> None:
    put(store, 1, steps(at(9, 15), 5))
    with pytest.raises(MissingDataError, match="FINNIFTY is not in"):
        load_history(store, CALENDAR, "FINNIFTY", LATE)
    assert len(load_history(store, CALENDAR, "NIFTY", LATE)) == 0
    assert len(load_minutes(store, "NIFTY", at(12, 0), at(12, 3))) == 0


def test_minutes_are_the_finest_candles_closed_in_the_span(store: Store) -> None:
    put(store, 1, steps(at(9, 15), 10))
    put(store, 3, steps(at(9, 15), 5, 3))
    fine = load_minutes(store, "NIFTY", at(9, 18), at(9, 21))
    assert fine.closed_at.tolist() == [epoch(at(9, minute)) for minute in (19, 20, 21)]
    assert fine.minutes == 1
    coarse = load_minutes(store, "NIFTY", at(9, 26), at(9, 30))
    assert (coarse.minutes, coarse.closed_at.tolist()) == (3, [epoch(at(9, 27)), epoch(at(9, 30))])


def test_instruments_come_back_as_they_were(store: Store) -> None:
    put(store, 1, [at(9, 15)])
    put(store, 1, [at(9, 15)], FUTURE)
    assert load_instruments(store) == [INDEX, FUTURE]
    assert load_instrument(store, "NIFTY-I") == FUTURE


@pytest.mark.data
def test_recorded_minutes_agree_with_recorded_quarter_hours(shared: Path, store: Store) -> None:
    for name in ("dev_index_1m", "dev_nifty_15m"):
        import_file(store, shared / "data" / f"{name}.parquet", CALENDAR)
    rows = build_sessions(store, CALENDAR, "NIFTY", date(2022, 6, 1), date(2022, 6, 30), LATE)
    native = store.frame(
        "select closed_at, high, low from candles where instrument = 'NIFTY' and minutes = 15 "
        "and session between '2022-06-01' and '2022-06-30' order by closed_at"
    )
    assert set(rows["source"]) == {"1m"}
    both = rows.merge(native, on="closed_at", suffixes=("", "_native"))
    assert len(both) == len(rows) == 22 * 25
    off = (both["high"] - both["high_native"]).abs()
    assert (off <= 1).mean() > 0.95  # two vendors who round differently
