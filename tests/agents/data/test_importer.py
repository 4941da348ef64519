"""Files into the store: whole or not at all, twice like once."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from agents.data.calendar import NseCalendar
from agents.data.importer import import_file
from agents.data.instruments import load_instrument
from agents.data.store import Store
from agents.data.writing import store_candles, store_option_quotes
from agents.domain.errors import ConfigError
from agents.domain.market import Instrument, InstrumentKind

T0 = datetime(2024, 6, 5, 3, 45, tzinfo=UTC)
DAY = date(2024, 6, 5)
CALENDAR = NseCalendar()
INDEX = Instrument(name="NIFTY", kind=InstrumentKind.INDEX, tick_size=Decimal("0.05"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "market.duckdb", "replay", now=lambda: T0)


def candles(count: int = 30) -> pd.DataFrame:
    opened = pd.date_range("2024-06-05 09:15", periods=count, freq="1min", tz="Asia/Kolkata")
    frame = pd.DataFrame({"instrument": "NIFTY", "ts": opened, "open": 100.0, "high": 101.0, "low": 99.0})
    return frame.assign(close=100.5, volume=0)


def written(tmp_path: Path, frame: pd.DataFrame, name: str = "file.csv") -> Path:
    path = tmp_path / name
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


def count(store: Store, table: str = "candles") -> int:
    return int(store.rows(f"select count(*) from {table}")[0][0])


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "read", "kept"),
    [
        ("dev_nifty_15m", 20_261, 20_258),
        ("dev_index_3m", 95_185, 95_170),
        ("dev_futures_1m", 13_484, 13_484),
        ("dev_nifty_fut_5m", 4_650, 4_650),
        ("dev_dhan_rolling_atm_options_5m", 18_300, 18_300),
        ("dev_dhan_index_5m", 754, 750),
        ("dev_dhan_index_daily", 1_262, 1_262),
        ("dev_nifty_1m_yahoo", 2_620, 2_620),
        ("dev_vix_stocks_1m_2016", 40_500, 40_500),
        ("dev_nifty_constituent_volume_15m", 9_693, 9_693),
        ("dev_stocks_15m", 116_316, 116_316),
    ],
)
def test_recorded_files_are_imported_unchanged_twice(
    shared: Path, store: Store, name: str, read: int, kept: int
) -> None:
    path = shared / "data" / f"{name}.parquet"
    first, second = (import_file(store, path, CALENDAR) for _ in range(2))
    assert (first.rows_read, first.rows_added, first.rows_dropped) == (read, kept, read - kept)
    assert (second.already_imported, second.rows_added, second.rows_there) == (True, 0, kept)
    assert count(store) == kept
    same = {"kind", "instruments", "minutes", "issues", "repairs", "rows_dropped", "first", "last", "rows_read"}
    assert first.model_dump(include=same) == second.model_dump(include=same)


@pytest.mark.data
def test_the_faults_of_the_recorded_index_files_are_named(shared: Path, store: Store) -> None:
    def issues(name: str) -> dict[str, int]:
        return import_file(store, shared / "data" / f"{name}.parquet", CALENDAR).issues

    assert issues("dev_nifty_15m")["bad_ohlc"] == 4
    assert issues("dev_dhan_index_5m") == {"after_close": 4, "index_volume": 2}
    assert issues("dev_index_3m")["closing_auction"] == 10
    kept = store.rows(
        "select open, high from candles where instrument = 'NIFTY' and opened_at = ?", [_at("2021-08-05 09:15")]
    )
    assert kept[0][0] == kept[0][1]


def _at(text: str) -> datetime:
    return pd.Timestamp(text, tz="Asia/Kolkata").to_pydatetime()


@pytest.mark.data
def test_option_candles_know_their_contract(shared: Path, store: Store) -> None:
    report = import_file(store, shared / "data" / "dev_options_1m.parquet", CALENDAR)
    assert (report.rows_added, len(report.instruments)) == (617_915, 416)
    each = load_instrument(store, "NIFTY22111018050CE")
    assert (each.kind, each.underlying, each.strike) == (InstrumentKind.OPTION, "NIFTY", Decimal(18_050))
    assert (each.expiry_on, each.tick_size) == (date(2022, 11, 10), Decimal("0.05"))


@pytest.mark.data
def test_chain_snapshots_become_quotes_in_contracts(shared: Path, store: Store) -> None:
    path = shared / "data" / "dev_option_chain_snapshots.parquet"
    report = import_file(store, path, CALENDAR)
    assert (report.kind, report.rows_read, report.rows_added) == ("quotes", 60_756, 121_512)
    assert import_file(store, path, CALENDAR).rows_added == 0
    row = store.rows(
        "select bid, ask, ltp, open_interest, volume, iv from option_quotes where underlying = 'NIFTY' "
        "and expiry_on = '2025-09-02' and strike = 24500 and option_type = 'CE' order by quoted_at limit 1"
    )
    assert row == [(3048, 3052, 3051, 100_840 * 75, 315_937, 10.86)]


@pytest.mark.data
def test_single_trades_add_up_to_the_recorded_minutes(shared: Path, store: Store) -> None:
    report = import_file(store, shared / "data" / "dev_ticks_20221110.parquet", CALENDAR)
    assert (report.rows_read, report.rows_added) == (147_124, 2_625)
    # The recording folds the prints of the closing second into the last minute; ours come after the close.
    import_file(store, shared / "data" / "dev_futures_1m.parquet", CALENDAR)
    kept = store.rows("select instrument, rule from data_issues where rule = 'conflict'")
    assert [instrument for instrument, _ in kept] == ["NIFTY-I"]


@pytest.mark.parametrize("name", ["file.csv", "file.parquet"])
def test_csv_and_parquet_give_the_same(store: Store, tmp_path: Path, name: str) -> None:
    report = import_file(store, written(tmp_path, candles(), name), CALENDAR)
    assert (report.rows_added, report.minutes, report.first, report.last) == (30, (1,), DAY, DAY)
    assert store.rows("select opened_at, open, close from candles order by 1 limit 1") == [(T0, 2000, 2010)]
    json.loads(report.model_dump_json())


NAIVE = pd.date_range("2024-06-05 09:15", periods=30, freq="1min")
UTC_TIMES = NAIVE.tz_localize("Asia/Kolkata").tz_convert("UTC")
SECONDS = UTC_TIMES.as_unit("s").astype("int64")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("datetime", NAIVE),
        ("Date", NAIVE.strftime("%d-%m-%Y %H:%M:%S")),
        ("timestamp", SECONDS),
        ("timestamp", SECONDS * 1000),
        ("Time", UTC_TIMES.strftime("%Y-%m-%dT%H:%M:%SZ")),
        ("date", NAIVE.tz_localize("Asia/Kolkata").strftime("%Y-%m-%d %H:%M:%S%z")),
    ],
)
def test_times_are_understood_as_files_write_them(store: Store, tmp_path: Path, column: str, values: pd.Index) -> None:
    frame = candles().drop(columns="ts").assign(**{column: values})
    import_file(store, written(tmp_path, frame), CALENDAR)
    assert store.rows("select min(opened_at), max(opened_at) from candles") == [(T0, T0 + timedelta(minutes=29))]


def test_date_and_time_in_two_columns_are_joined(store: Store, tmp_path: Path) -> None:
    frame = candles().drop(columns="ts").assign(date=NAIVE.strftime("%Y-%m-%d"), time=NAIVE.strftime("%H:%M:%S"))
    import_file(store, written(tmp_path, frame), CALENDAR)
    assert store.rows("select min(opened_at) from candles") == [(T0,)]


def test_short_column_names_and_a_named_instrument_work(store: Store, tmp_path: Path) -> None:
    frame = candles().drop(columns="instrument").rename(columns={"open": "O", "high": "H", "low": "L", "close": "C"})
    report = import_file(store, written(tmp_path, frame), CALENDAR, instrument="nifty 50")
    assert report.instruments == ("NIFTY",)


def drop(*names: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.drop(columns=list(names))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop("ts"), "no time column"),
        (drop("instrument"), "--instrument"),
        (drop("high"), r"lacks the columns \['high'\]"),
        (drop("open", "high", "low", "close", "volume"), "neither prices nor volume"),
        (lambda frame: frame.iloc[:0], "has no rows"),
        (lambda frame: frame.assign(ts="soon"), "no time can be read"),
        (lambda frame: frame.assign(instrument=["", *frame["instrument"][1:]]), "row 0 names no instrument"),
        (lambda frame: frame.assign(instrument="NIFTY22NOV18050CE"), "add the columns underlying, expiry"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_leaves_nothing(
    store: Store, tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        import_file(store, written(tmp_path, change(candles())), CALENDAR)
    assert not store.exists


@pytest.mark.parametrize(("name", "words"), [("file.xlsx", "not a Parquet or CSV"), ("file.parquet", "whole parquet")])
def test_a_file_of_another_kind_is_refused(store: Store, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"PAR1 but not really")
    with pytest.raises(ConfigError, match=words):
        import_file(store, tmp_path / name, CALENDAR)
    with pytest.raises(ConfigError, match="is not a file"):
        import_file(store, tmp_path / "absent.csv", CALENDAR)


def test_an_overlapping_file_adds_what_is_new_and_reports_what_differs(store: Store, tmp_path: Path) -> None:
    import_file(store, written(tmp_path, candles(20)), CALENDAR)
    changed = candles(30)
    changed.loc[3, "close"] = 100.8
    report = import_file(store, written(tmp_path, changed, "later.csv"), CALENDAR)
    assert (report.rows_added, report.rows_there, report.conflicts) == (10, 20, 1)
    assert store.rows("select close from candles order by opened_at limit 1 offset 3") == [(2010,)]
    ((action, detail),) = store.rows("select action, detail from data_issues where rule = 'conflict'")
    assert action == "kept"
    assert "2010" in detail
    assert "2016" in detail


def test_progress_is_told_from_nothing_to_all(store: Store, tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    import_file(store, written(tmp_path, candles()), CALENDAR, on_progress=lambda *step: seen.append(step))
    assert [stage for stage, _ in seen] == ["read", "clean", "store", "done"]
    assert [share for _, share in seen] == sorted(share for _, share in seen)


def simulated(minutes: int = 3) -> pd.DataFrame:
    opened = pd.date_range(T0, periods=minutes, freq="1min")
    prices = {"open": 2000, "high": 2001, "low": 1999, "close": 2000, "volume": 5}
    times = {"opened_at": opened, "closed_at": opened + timedelta(minutes=1), "session": DAY}
    return pd.DataFrame({"instrument": "NIFTY", "minutes": 1, **times, **prices})


def test_a_live_feed_may_send_a_candle_twice(store: Store) -> None:
    assert store_candles(store, [INDEX], simulated(2), source="simulated:7").added == 2
    again = store_candles(store, [INDEX], simulated(3), source="simulated:7")
    assert (again.added, again.there, again.conflicts) == (1, 2, 0)
    assert store.rows("select distinct source, open_interest from candles") == [("simulated:7", None)]


def test_simulated_and_recorded_candles_do_not_mix(store: Store, tmp_path: Path) -> None:
    store_candles(store, [INDEX], simulated(), source="simulated:7")
    with pytest.raises(ConfigError, match=r"simulated candles .* another --data-dir"):
        import_file(store, written(tmp_path, candles()), CALENDAR)
    assert count(store) == 3
    assert count(store, "imports") == 0


def test_an_instrument_does_not_change_its_tick(store: Store) -> None:
    store_candles(store, [INDEX], simulated(), source="feed")
    other = INDEX.model_copy(update={"tick_size": Decimal("0.01")})
    with pytest.raises(ConfigError, match=r"stored as index with tick 0.05"):
        store_candles(store, [other], simulated(), source="feed")


def test_quotes_of_a_feed_are_kept_once(store: Store) -> None:
    key = {
        "underlying": "NIFTY",
        "quoted_at": T0,
        "expiry_on": date(2024, 6, 6),
        "strike": 23000.0,
        "option_type": "CE",
    }
    sizes = {"bid": 10, "ask": 12, "bid_quantity": 25, "ask_quantity": 25, "ltp": 11, "iv": 12.5}
    counts = {"open_interest": 100, "open_interest_change": 0, "volume": 50}
    frame = pd.DataFrame([{**key, **sizes, **counts}])
    assert store_option_quotes(store, frame, source="simulated:7").added == 1
    again = store_option_quotes(store, frame.assign(bid=9), source="simulated:7")
    assert (again.added, again.there, again.conflicts) == (0, 1, 1)


def test_times_with_and_without_a_zone_may_stand_side_by_side(store: Store, tmp_path: Path) -> None:
    frame = candles()
    frame["ts"] = [str(at) if row % 2 else str(at.tz_localize(None)) for row, at in enumerate(frame["ts"])]
    report = import_file(store, written(tmp_path, frame), CALENDAR)
    assert (report.rows_added, report.rows_dropped, report.minutes) == (30, 0, (1,))
    assert store.rows("select min(opened_at) from candles")[0][0] == _at("2024-06-05 09:15:00+05:30")


def test_prices_with_commas_between_thousands_are_read_and_decimal_commas_are_not(store: Store, tmp_path: Path) -> None:
    frame = candles().astype({"close": object})
    frame["open"] = frame["high"] = frame["low"] = frame["close"] = "1,24,150.50"
    frame.loc[3, "close"] = "124150,50"
    report = import_file(store, written(tmp_path, frame), CALENDAR)
    assert (report.rows_added, report.rows_dropped) == (29, 1)
    assert store.rows("select distinct close from candles") == [(124_150.5 * 20,)]
    assert report.issues["missing_value"] == 1


def test_a_column_that_is_there_twice_and_an_empty_name_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has the columns \['close'\] more than once"):
        import_file(store, written(tmp_path, candles().assign(Close=1.0)), CALENDAR)
    with pytest.raises(ConfigError, match="name of the instrument is empty"):
        import_file(store, written(tmp_path, candles()), CALENDAR, instrument=" ")
    assert not store.exists
