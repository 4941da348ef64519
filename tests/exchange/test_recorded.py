"""A recorded session: every print within its candle, candles as recorded, and what a recording must have."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exchange.clock import at_ist
from exchange.contracts import IDX_I, NSE_FNO
from exchange.market import RecordingError
from exchange.recorded import Recording, recorded_market
from exchange.tape_market import TapeMarket

EXPIRY_DAY = date(2022, 11, 10)
HOLIDAY = date(2022, 11, 8)
OPENS, CLOSES = at_ist(EXPIRY_DAY, 9, 15), at_ist(EXPIRY_DAY, 15, 30)


@pytest.fixture(scope="module")
def recording(shared: Path) -> Recording:
    data = shared / "data"
    days = [
        ("ts", ">=", pd.Timestamp("2022-11-07", tz="Asia/Kolkata")),
        ("ts", "<", pd.Timestamp("2022-11-11", tz="Asia/Kolkata")),
    ]
    frames = [
        pd.read_parquet(data / f"dev_{name}_1m.parquet", filters=days) for name in ("index", "futures", "options")
    ]
    return Recording(*frames)


@pytest.fixture(scope="module")
def market(recording: Recording) -> TapeMarket:
    return recorded_market(recording, 3)


def small() -> Recording:
    """Return two minutes of everything."""
    candle = {"open": 18000.0, "high": 18002.0, "low": 17999.0, "close": 18001.0, "volume": 100}
    times = pd.to_datetime(["2022-11-10 09:15", "2022-11-10 09:16"]).tz_localize("Asia/Kolkata")
    index = pd.DataFrame([{"instrument": "NIFTY", "ts": at, **candle} for at in times])
    futures = index.assign(instrument="NIFTY-I", oi=500, expiry="2022-11-24")
    options = futures.assign(
        instrument="NIFTY22111018000CE", underlying="NIFTY", expiry="2022-11-10", strike=18000, option_type="CE"
    )
    return Recording(index, futures, options)


@pytest.mark.data
def test_all_candles_of_the_session_are_those_recorded(market: TapeMarket, recording: Recording) -> None:
    shown = sum(
        len(market.candles(one.security_id, one.segment, OPENS, CLOSES, CLOSES)) for one in market.contracts(EXPIRY_DAY)
    )
    frames = (recording.index, recording.futures, recording.options)
    assert shown == sum(int((frame["ts"].dt.date == EXPIRY_DAY).sum()) for frame in frames)


@pytest.mark.data
def test_every_option_print_lies_within_its_recorded_minute_and_touches_its_ends(
    market: TapeMarket, recording: Recording
) -> None:
    options = recording.options[recording.options["ts"].dt.date == EXPIRY_DAY]
    contracts = {
        (one.expiry_on, one.strike, one.option_type, one.underlying): one for one in market.contracts(EXPIRY_DAY)
    }
    for (end, strike, right, name), rows in options.groupby(["expiry", "strike", "option_type", "underlying"]):
        contract = contracts[pd.Timestamp(str(end)).date(), int(strike), str(right), str(name)]
        prints = market.prints(contract.security_id, NSE_FNO, OPENS - 1, CLOSES)
        made = pd.DataFrame(prints).assign(minute=lambda x: x["at"] // 60_000)
        by_minute = made.groupby("minute").agg(
            open=("price", "first"),
            high=("price", "max"),
            low=("price", "min"),
            close=("price", "last"),
            volume=("quantity", "sum"),
        )
        expected = (rows[["open", "high", "low", "close"]] * 100).round().astype(np.int64)
        assert np.array_equal(by_minute[["open", "high", "low", "close"]].to_numpy(), expected.to_numpy())
        assert np.array_equal(by_minute["volume"].to_numpy(), rows["volume"].to_numpy())


@pytest.mark.data
def test_the_session_is_the_recorded_one_and_a_holiday_has_none(market: TapeMarket) -> None:
    hours = market.hours(EXPIRY_DAY)
    assert hours is not None
    assert (hours.open_at, hours.close_at, hours.index_until) == (OPENS, CLOSES, CLOSES)
    assert market.hours(HOLIDAY) is None
    assert market.expiries(13, OPENS) == [EXPIRY_DAY, date(2022, 11, 17)]


@pytest.mark.data
def test_previous_closes_are_of_the_session_before(market: TapeMarket, recording: Recording) -> None:
    index = recording.index
    before = index[(index["instrument"] == "NIFTY") & (index["ts"].dt.date == date(2022, 11, 9))]
    assert market.contract(13, IDX_I, EXPIRY_DAY).previous_close == round(before["close"].iloc[-1] * 100)


@pytest.mark.data
def test_the_same_seed_shows_the_same_path_and_another_does_not(recording: Recording, market: TapeMarket) -> None:
    same, other = recorded_market(recording, 3), recorded_market(recording, 4)
    shown = [one.prints(13, IDX_I, OPENS, OPENS + 600_000) for one in (market, same, other)]
    assert shown[0] == shown[1]
    assert shown[0] != shown[2]


def test_contracts_of_a_recording_have_the_lot_and_tick_of_their_date() -> None:
    listed = {one.kind: one for one in recorded_market(small(), 1).contracts(EXPIRY_DAY)}
    assert {kind: (one.lot_size, one.tick) for kind, one in listed.items()} == {
        "INDEX": (1, 5),
        "FUTIDX": (50, 5),
        "OPTIDX": (50, 5),
    }
    assert listed["OPTIDX"].expiry_flag == "W"
    assert listed["OPTIDX"].symbol == "NIFTY-Nov2022-18000-CE"


def test_what_a_recording_does_not_know_is_left_out() -> None:
    one = small()
    strangers = one.index.assign(instrument="SENSEX")
    market = recorded_market(Recording(pd.concat([one.index, strangers]), one.futures, one.options.iloc[:0]), 1)
    assert [row.kind for row in market.contracts(EXPIRY_DAY)] == ["INDEX", "FUTIDX"]


def test_a_frame_without_a_column_names_it() -> None:
    one = small()
    with pytest.raises(RecordingError, match="the options frame lacks strike"):
        recorded_market(Recording(one.index, one.futures, one.options.drop(columns="strike")), 1)


def test_times_without_a_zone_are_refused() -> None:
    one = small()
    naive = one.index.assign(ts=one.index["ts"].dt.tz_localize(None))
    with pytest.raises(RecordingError, match="have no zone"):
        recorded_market(Recording(naive, one.futures, one.options), 1)


def test_dates_without_an_index_are_refused() -> None:
    with pytest.raises(RecordingError, match="choose other dates"):
        recorded_market(small(), 1, first=date(2023, 1, 1))
