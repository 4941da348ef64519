"""The day's constant-maturity volatility, taken beside the chains of a session that is open."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pandas as pd
import pytest

from agents.data.clock import ReplayClock
from agents.data.contracts import expiry_at
from agents.data.iv_history import IvHistory
from agents.data.names import instrument_from
from agents.data.store import Store
from agents.data.writing import store_candles, store_option_quotes
from agents.domain.errors import StaleDataError
from agents.domain.values import IST, to_ticks
from agents.settings import Settings
from pipelines.resources import Workbench
from pipelines.volatility import expiries_around, keep_daily_iv
from tests.agents.options.chains import TICK, chain_of

NOW = datetime(2024, 6, 4, 15, 21, tzinfo=IST)
EXPIRIES = (date(2024, 6, 6), date(2024, 6, 13), date(2024, 6, 20))


@dataclass
class Collector:
    """A data agent whose chains have one volatility an expiry."""

    store: Store
    clock: ReplayClock
    fails: bool = False
    asked: list[date] = field(default_factory=list)
    dhan: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(source="test"))

    def expiries(self, _underlying: str) -> Sequence[date]:
        return EXPIRIES

    def fetch_option_chain(self, underlying: str, expiry_on: date) -> None:
        if self.fails:
            raise StaleDataError("it stands still; wait")
        self.asked.append(expiry_on)
        iv = 0.12 if expiry_on == EXPIRIES[0] else 0.16
        chain = chain_of(iv=iv, now=self.clock.now(), expiry_at=expiry_at(expiry_on), half=0.05)
        rows = [
            {
                "underlying": underlying,
                "quoted_at": quote.at,
                "expiry_on": expiry_on,
                "strike": quote.contract.strike,
                "option_type": quote.contract.option_type.value,
                "bid": to_ticks(quote.bid or TICK, TICK),
                "ask": to_ticks(quote.ask or TICK, TICK),
                "ltp": to_ticks(quote.ltp, TICK),
                "bid_quantity": 500,
                "ask_quantity": 500,
                "open_interest": quote.open_interest,
                "open_interest_change": 0,
                "volume": quote.volume,
                "iv": 12.0,
            }
            for quote in chain.quotes
        ]
        store_option_quotes(self.store, pd.DataFrame(rows), source="test")


@pytest.fixture
def collector(tmp_path: Path) -> Collector:
    store = Store(tmp_path / "market.duckdb", "paper", now=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    opened = pd.DatetimeIndex([NOW - timedelta(minutes=2)])
    prices = dict.fromkeys(("open", "high", "low", "close"), 22_640 * 20)
    times = {"opened_at": opened, "closed_at": opened + timedelta(minutes=1), "session": NOW.date()}
    frame = pd.DataFrame({"instrument": "NIFTY", "minutes": 1, **times, **prices, "volume": 0, "open_interest": 0})
    store_candles(store, [instrument_from("NIFTY", TICK)], frame, source="test")
    return Collector(store, ReplayClock(NOW))


def bench_of(collector: Collector) -> Workbench:
    found = SimpleNamespace(agent=collector, store=collector.store, settings=Settings())
    return cast("Workbench", found)


def test_two_expiries_make_the_volatility_of_seven_days_once(collector: Collector) -> None:
    day = keep_daily_iv(bench_of(collector), "NIFTY", fetched=())
    assert day is not None
    assert 0.12 < day.iv < 0.16
    assert (day.near_expiry_on, day.far_expiry_on) == EXPIRIES[:2]
    assert collector.asked == list(EXPIRIES[:2])
    assert IvHistory(collector.store).days("NIFTY", NOW.date() + timedelta(days=1)) == (day,)
    assert keep_daily_iv(bench_of(collector), "NIFTY") is None
    assert len(collector.asked) == 2


def test_a_chain_that_was_fetched_just_now_is_not_asked_for_again(collector: Collector) -> None:
    collector.fetch_option_chain("NIFTY", EXPIRIES[0])
    assert keep_daily_iv(bench_of(collector), "NIFTY", fetched=EXPIRIES[:1]) is not None
    assert collector.asked == list(EXPIRIES[:2])


def test_nothing_is_taken_before_twenty_past_three(collector: Collector) -> None:
    collector.clock = ReplayClock(NOW - timedelta(minutes=2))
    assert keep_daily_iv(bench_of(collector), "NIFTY") is None
    assert not collector.asked


def test_a_chain_that_cannot_be_had_is_logged_and_tried_again(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.fails = True
    assert keep_daily_iv(bench_of(collector), "NIFTY") is None
    assert "could not be taken" in caplog.text
    collector.fails = False
    assert keep_daily_iv(bench_of(collector), "NIFTY") is not None


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (datetime(2024, 6, 6, 15, 20, tzinfo=IST), EXPIRIES[1:2]),
        (datetime(2024, 6, 7, 15, 20, tzinfo=IST), EXPIRIES[1:3]),
        (datetime(2024, 6, 14, 15, 20, tzinfo=IST), ()),
    ],
)
def test_the_expiries_asked_for_lie_around_the_maturity(now: datetime, wanted: Sequence[date]) -> None:
    listed = [on for on in EXPIRIES if expiry_at(on) > now]
    assert expiries_around(listed, now) == list(wanted)
