"""Each cleaning rule on a small frame: what is found, what is done, and that it is logged."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.data.calendar import NseCalendar
from agents.data.candles import CleanCandles, clean
from agents.data.issues import IssueLog
from agents.data.reading import raw_candles
from agents.domain.candles import epoch
from agents.domain.errors import ConfigError
from agents.domain.market import InstrumentKind
from agents.domain.values import IST

DAY = date(2024, 6, 5)
CALENDAR = NseCalendar()


def at(hour: int, minute: int, on: date = DAY) -> datetime:
    return datetime.combine(on, time(hour, minute), tzinfo=IST)


def minute_candles(
    count: int = 30, *, name: str = "NIFTY", on: date = DAY, start: tuple[int, int] = (9, 15)
) -> pd.DataFrame:
    """Return flawless one-minute candles."""
    opened = [at(*start, on) + timedelta(minutes=step) for step in range(count)]
    price = 100.0 + np.arange(count)
    columns = {"open": price, "high": price + 1, "low": price - 1, "close": price + 0.5, "volume": 0}
    return pd.DataFrame({"instrument": name, "ts": pd.DatetimeIndex(opened), **columns})


def cleaned(
    frame: pd.DataFrame, *, minutes: int | None = None, ticks: dict[str, Decimal] | None = None
) -> tuple[CleanCandles, IssueLog]:
    raw = raw_candles(frame, Path("file.csv"), None)
    return clean(raw, CALENDAR, minutes=minutes, tick_sizes=ticks or {})


def rules(
    log: IssueLog, *, ignoring: tuple[str, ...] = ("missing_candle", "zero_volume")
) -> dict[str, tuple[str, int]]:
    """Return action and number of issues by rule."""
    rows = log.arrow("test").to_pandas()
    found = rows.groupby("rule")["action"].agg(["first", "count"])
    return {rule: (row["first"], int(row["count"])) for rule, row in found.iterrows() if rule not in ignoring}


def test_flawless_candles_pass_unchanged() -> None:
    done, log = cleaned(minute_candles())
    assert len(done) == 30
    assert rules(log) == {}
    assert done.instruments[0].kind is InstrumentKind.INDEX
    assert done.prices[0].tolist() == [2000, 2020, 1980, 2010]
    assert done.opened[0] == epoch(at(9, 15))
    assert done.closed[0] == epoch(at(9, 16))


def test_pre_open_first_candles_are_dropped() -> None:
    done, log = cleaned(minute_candles(start=(9, 7)))
    assert done.opened[0] == epoch(at(9, 15))
    assert rules(log) == {"pre_open": ("dropped", 8)}


def test_a_stray_candle_after_the_close_is_dropped_for_an_index() -> None:
    done, log = cleaned(minute_candles(32, start=(15, 0)))
    assert done.closed[-1] == epoch(at(15, 30))
    assert rules(log) == {"after_close": ("dropped", 2)}


def test_futures_trade_on_after_the_cash_close_since_august_2026() -> None:
    on = date(2026, 8, 4)
    frame = minute_candles(30, name="NIFTY-I", on=on, start=(15, 15)).assign(volume=5)
    done, log = cleaned(frame)
    assert done.closed[-1] == epoch(at(15, 40, on))
    assert rules(log) == {"after_close": ("dropped", 5)}


def test_candles_between_the_segments_of_a_saturday_are_dropped() -> None:
    _, log = cleaned(minute_candles(50, on=date(2024, 3, 2)))
    assert rules(log) == {"between_segments": ("dropped", 5)}


def test_candles_of_a_holiday_are_dropped() -> None:
    holiday = minute_candles(3, on=date(2024, 1, 26))
    done, log = cleaned(pd.concat([minute_candles(), holiday]))
    assert len(done) == 30
    assert rules(log)["no_session"] == ("dropped", 3)


def test_a_slightly_bad_candle_is_widened_and_a_hopeless_one_dropped() -> None:
    frame = minute_candles()
    frame.loc[3, "high"] = 103.4
    frame.loc[4, "low"] = 104.2
    frame.loc[7, "high"] = 50.0
    done, log = cleaned(frame)
    rows = log.arrow("test").to_pandas()
    assert rows[rows["rule"] == "bad_ohlc"]["action"].tolist() == ["repaired", "repaired", "dropped"]
    assert len(done) == 29
    assert done.prices[3, 1] == done.prices[3, 3]
    assert done.prices[4, 2] == done.prices[4, 0]
    assert (done.prices[:, 1] == done.prices.max(axis=1)).all()


@pytest.mark.parametrize("price", [0.0, -5.0])
def test_prices_of_zero_or_less_are_dropped(price: float) -> None:
    frame = minute_candles()
    frame.loc[5, "low"] = price
    assert rules(cleaned(frame)[1]) == {"non_positive_price": ("dropped", 1)}


@pytest.mark.parametrize("bad", [np.nan, np.inf, "n/a"])
def test_prices_that_are_no_numbers_are_dropped(bad: float | str) -> None:
    frame = minute_candles().astype({"close": object})
    frame.loc[5, "close"] = bad
    done, log = cleaned(frame)
    assert len(done) == 29
    assert rules(log) == {"missing_value": ("dropped", 1)}


def test_a_row_without_a_time_is_dropped() -> None:
    frame = minute_candles()
    frame.loc[5, "ts"] = pd.NaT
    assert rules(cleaned(frame)[1]) == {"missing_value": ("dropped", 1)}


def test_of_equal_times_the_first_is_kept() -> None:
    frame = minute_candles()
    again = frame.iloc[[2]].assign(close=101.9)
    done, log = cleaned(pd.concat([frame, again]))
    assert rules(log) == {"duplicate": ("dropped", 1), "out_of_order": ("repaired", 1)}
    assert done.prices[2].tolist() == [2040, 2060, 2020, 2050]


def test_candles_out_of_order_are_sorted_and_reported_once() -> None:
    done, log = cleaned(minute_candles().iloc[::-1])
    assert (np.diff(done.opened) > 0).all()
    assert rules(log) == {"out_of_order": ("repaired", 1)}


def test_candles_off_the_interval_grid_are_dropped() -> None:
    frame = minute_candles()
    frame.loc[6, "ts"] = at(9, 21) + timedelta(seconds=20)
    assert rules(cleaned(frame)[1]) == {"off_grid_time": ("dropped", 1)}


def test_prices_between_ticks_are_rounded_and_reported_once_a_session() -> None:
    frame = minute_candles()
    frame.loc[3, "close"] = 103.52
    frame.loc[9, "close"] = 109.49
    done, log = cleaned(frame, ticks={"NIFTY": Decimal("0.05")})
    assert rules(log) == {"off_tick": ("repaired", 1)}
    assert done.prices[3, 3] == 2070


@pytest.mark.parametrize(
    ("step", "tick"),
    [(0.05, "0.05"), (0.01, "0.01"), (0.0025, "0.0025"), (0.0001, "0.0001")],
)
def test_the_tick_is_the_coarsest_that_fits(step: float, tick: str) -> None:
    frame = minute_candles()
    for name in ("open", "high", "low", "close"):
        frame[name] += 7 * step
    assert cleaned(frame)[0].instruments[0].tick_size == Decimal(tick)


def test_a_price_below_half_a_tick_stays_a_price() -> None:
    frame = minute_candles(name="NIFTY24060623000CE").assign(open=0.02, high=0.05, low=0.02, close=0.05)
    done, _ = cleaned(frame, ticks={"NIFTY24060623000CE": Decimal("0.05")})
    assert done.prices.min() == 1


def test_volume_that_is_missing_or_negative_becomes_zero() -> None:
    frame = minute_candles(name="HDFCBANK").astype({"volume": float})
    frame.loc[1, "volume"], frame.loc[2, "volume"] = np.nan, -3
    done, log = cleaned(frame)
    assert rules(log) == {"missing_volume": ("repaired", 1), "negative_volume": ("repaired", 1)}
    assert done.volume.tolist() == [0] * 30


def test_an_index_with_and_without_volume_is_kept_and_reported_once() -> None:
    nothing = cleaned(minute_candles())[1]
    assert rules(nothing, ignoring=("missing_candle",)) == {"zero_volume": ("kept", 1)}
    something = cleaned(minute_candles().assign(volume=9))[1]
    assert rules(something) == {"index_volume": ("kept", 1)}


def test_missing_candles_are_counted_once_a_session() -> None:
    frame = minute_candles(375).drop(index=[10, 11, 200])
    log = cleaned(frame)[1]
    rows = log.arrow("test").to_pandas()
    missing = rows[rows["rule"] == "missing_candle"]
    assert missing["detail"].tolist() == ["3 of 375 candles are missing"]
    assert missing["seen_at"].iloc[0] == at(9, 25)


def test_a_minute_without_an_option_trade_is_nothing_to_report() -> None:
    frame = minute_candles(name="NIFTY24060623000CE").drop(index=[3, 4, 5])
    assert rules(cleaned(frame)[1], ignoring=()) == {}


def test_missing_sessions_between_the_first_and_the_last_are_reported() -> None:
    frame = pd.concat([minute_candles(), minute_candles(on=date(2024, 6, 10))])
    assert rules(cleaned(frame)[1]) == {"missing_session": ("reported", 2)}


def test_an_index_in_the_closing_auction_is_kept_and_flagged() -> None:
    on = date(2026, 8, 3)
    frame = minute_candles(30, on=on, start=(15, 0))
    done, log = cleaned(frame)
    assert len(done) == 30
    assert rules(log) == {"closing_auction": ("kept", 15)}
    vix = minute_candles(30, name="INDIA VIX", on=on, start=(15, 0))
    assert rules(cleaned(vix)[1]) == {}


def test_days_before_the_calendar_are_dropped() -> None:
    old = minute_candles(on=date(2012, 6, 5))
    assert rules(cleaned(pd.concat([minute_candles(), old]))[1])["before_calendar"] == ("dropped", 30)


def test_a_daily_candle_is_its_sessions() -> None:
    frame = minute_candles(4).assign(ts=pd.date_range("2024-06-03", periods=4, tz="Asia/Kolkata"))
    done, _ = cleaned(frame)
    assert done.minutes.tolist() == [1440]
    assert done.opened[0] == epoch(at(9, 15, date(2024, 6, 3)))
    assert done.closed[0] == epoch(at(15, 30, date(2024, 6, 3)))


def test_the_interval_is_the_commonest_spacing_and_may_be_told() -> None:
    frame = minute_candles(40).iloc[::5]
    assert cleaned(frame)[0].minutes.tolist() == [5]
    assert cleaned(frame, minutes=1)[0].minutes.tolist() == [1]


@pytest.mark.parametrize("frame", [minute_candles(40).iloc[::7], minute_candles(1)])
def test_an_interval_that_is_not_stored_names_the_cure(frame: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="--interval"):
        cleaned(frame)


def test_nothing_left_is_an_empty_answer_with_reasons() -> None:
    done, log = cleaned(minute_candles(on=date(2024, 1, 26)))
    assert len(done) == 0
    assert rules(log) == {"no_session": ("dropped", 30)}


def test_every_row_is_either_stored_or_logged_as_dropped() -> None:
    rng = np.random.default_rng(3)
    frame = pd.concat([minute_candles(400, start=(9, 0)), minute_candles(on=date(2024, 1, 26))], ignore_index=True)
    for name in ("open", "high", "low", "close"):
        frame.loc[rng.integers(0, len(frame), 20), name] = rng.choice([np.nan, 0.0, 1e6, 101.0], 20)
    frame = pd.concat([frame, frame.sample(30, random_state=1)]).sample(frac=1, random_state=2)
    done, log = cleaned(frame)
    assert len(done) + log.actions()["dropped"] == len(frame)
