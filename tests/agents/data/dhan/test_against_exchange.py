"""The data agent against the paper exchange: what it reads, and what it does about every fault of REST."""

import logging
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agents.data.agent import DataCollectionAgent
from agents.data.dhan import account
from agents.data.dhan.errors import DhanError, DhanThrottledError, DhanUnavailableError
from agents.data.feed.thread import FeedThread
from agents.domain.errors import DataError, MissingDataError
from tests.agents.data.dhan.venues import Venue, agent_on, running_venue

pytestmark = pytest.mark.process

DAYS = (date(2026, 11, 16), date(2026, 11, 18))


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with running_venue() as made:
        made.control("PUT", "/limits", {"enforced": False})
        yield made


@pytest.fixture
def agent(venue: Venue, tmp_path: Path) -> DataCollectionAgent:
    venue.control("DELETE", "/faults")
    slept: list[float] = []
    return agent_on(venue, tmp_path, slept.append)


def outcomes(agent: DataCollectionAgent) -> set[str]:
    return {outcome for _, outcome in agent.dhan.counts.by_outcome}


def nearest(agent: DataCollectionAgent) -> date:
    return agent.master(agent.clock.now()).expiries("NIFTY")[0]


def test_the_account_is_probed_and_read(agent: DataCollectionAgent) -> None:
    assert agent.dhan.keeper.probe().data_plan_active
    funds = account.fetch_funds(agent.dhan.reader)
    assert funds.available == Decimal(1_000_000)
    assert account.fetch_positions(agent.dhan.reader) == ()
    assert account.fetch_trades(agent.dhan.reader) == []
    assert account.fetch_orders(agent.dhan.reader) == ()


def test_candles_are_downloaded_once(agent: DataCollectionAgent) -> None:
    report = agent.fetch_historical_data("NIFTY", *DAYS)
    assert (report.sessions, report.added, report.dropped, report.missing) == (3, 1080, 0, ())
    assert agent.fetch_historical_data("NIFTY", *DAYS).pages == 0
    future = agent.fetch_historical_data("NIFTY-I", *DAYS)
    assert future.added == 3 * 385
    [(volume,)] = agent.store.rows("select min(volume) from candles where instrument = 'NIFTY-I'")
    assert volume >= 0
    assert {source for (source,) in agent.store.rows("select distinct source from candles")} == {"simulated:exchange"}


def test_a_chain_is_recorded_with_bids_and_asks(agent: DataCollectionAgent) -> None:
    chain = agent.fetch_option_chain("NIFTY")
    assert len(chain.quotes) > 40
    assert all(quote.bid < quote.ask for quote in chain.quotes if quote.bid and quote.ask)
    [(rows, bids)] = agent.store.rows("select count(*), count(bid) from option_quotes")
    assert rows >= len(chain.quotes)
    assert bids > rows / 2
    with pytest.raises(DhanError, match="expiry"):
        agent.fetch_option_chain("NIFTY", date(2026, 11, 20))


def test_quotes_and_candles_of_an_option_go_by_its_name(agent: DataCollectionAgent) -> None:
    quote = agent.fetch_option_chain("NIFTY").quotes[40]
    name = quote.contract.instrument
    assert name in agent.fetch_quotes(name, "NIFTY")
    assert agent.fetch_historical_data(name, *DAYS, minutes=5).added > 0


@pytest.mark.parametrize("fault", ["rate_limited", "server_error", "gateway_error", "lost_in_gateway"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_failing_server_is_survived(fault: str, times: int, agent: DataCollectionAgent, venue: Venue) -> None:
    venue.fault(fault, "POST /v2/charts/*", times=times)
    assert agent.fetch_historical_data("NIFTY", *DAYS).missing == ()
    assert len(outcomes(agent)) == 2


@pytest.mark.parametrize("fault", ["dropped", "empty_202", "html_200", "duplicated_request"])
def test_a_read_without_a_readable_answer_is_repeated(fault: str, agent: DataCollectionAgent, venue: Venue) -> None:
    venue.fault(fault, "POST /v2/charts/*", times=1)
    assert agent.fetch_historical_data("NIFTY", *DAYS).missing == ()


def test_a_server_that_stays_down_is_an_error_and_the_store_is_whole(agent: DataCollectionAgent, venue: Venue) -> None:
    agent.fetch_historical_data("NIFTY", DAYS[0], DAYS[0])
    venue.fault("gateway_error", "POST /v2/charts/*", times=None)
    with pytest.raises(DhanUnavailableError, match="candles of NIFTY"):
        agent.fetch_historical_data("NIFTY", *DAYS)
    venue.control("DELETE", "/faults")
    assert agent.fetch_historical_data("NIFTY", *DAYS).sessions_there == 1


def test_an_empty_chart_is_no_success(agent: DataCollectionAgent, venue: Venue) -> None:
    venue.fault("empty_candles", times=1)
    with pytest.raises(MissingDataError, match="NIFTY"):
        agent.fetch_historical_data("NIFTY", *DAYS)
    assert agent.fetch_historical_data("NIFTY", *DAYS).missing == ()


def test_a_late_index_candle_and_a_missing_one_are_seen(agent: DataCollectionAgent, venue: Venue) -> None:
    venue.fault("missing_last_candle", times=1, parameters={"count": 5})  # today's first ones may be among the five
    report = agent.fetch_historical_data("NIFTY-I", *DAYS)
    assert report.issues["missing_candle"] == 1
    assert agent.fetch_historical_data("NIFTY-I", *DAYS).added == 3 * 385 - report.added > 0
    venue.fault("late_index_candle", times=1)
    assert agent.fetch_historical_data("NIFTY", *DAYS).added >= 1080


@pytest.mark.parametrize("fault", ["nan_quotes", "zero_quotes"])
def test_prices_that_are_none_reach_nobody(fault: str, agent: DataCollectionAgent, venue: Venue) -> None:
    venue.fault(fault, "POST /v2/*", times=None)
    with pytest.raises(DhanError, match="no price of"):
        agent.fetch_option_chain("NIFTY", nearest(agent))
    assert agent.fetch_quotes("NIFTY") == {}
    assert not agent.store.exists


def test_a_missing_side_is_a_gap(agent: DataCollectionAgent, venue: Venue) -> None:
    venue.fault("missing_side", times=1)
    snapshot = agent.snapshot_chain("NIFTY", nearest(agent))
    assert snapshot.gaps
    assert all("CE" in gap for gap in snapshot.gaps)


def test_a_token_that_died_is_replaced_but_not_again_and_again(agent: DataCollectionAgent, venue: Venue) -> None:
    venue.control("POST", "/clients/1000000001/token")  # ours is dead now
    assert account.fetch_funds(agent.dhan.reader).available > 0
    assert outcomes(agent) == {"token", "ok"}
    venue.control("POST", "/clients/1000000001/token")
    with pytest.raises(DhanThrottledError, match="2 minutes"):
        account.fetch_funds(agent.dhan.reader)


def test_expiries_come_from_the_master_where_the_list_fails(
    agent: DataCollectionAgent, venue: Venue, caplog: pytest.LogCaptureFixture
) -> None:
    told = agent.expiries("NIFTY")
    venue.fault("gateway_error", "POST /v2/optionchain/expirylist", times=None)
    assert agent.expiries("NIFTY")[:2] == told[:2]
    assert "the master's expiries are used" in caplog.text


def test_a_server_clock_that_is_wrong_shows_in_the_probe(agent: DataCollectionAgent, venue: Venue) -> None:
    venue.fault("clock_skew", "GET /v2/profile", times=1, parameters={"seconds": 90.0})
    skewed, right = agent.dhan.keeper.probe().served_at, agent.dhan.keeper.probe().served_at
    assert skewed is not None
    assert right is not None
    assert 85 < (skewed - right).total_seconds() <= 91


def test_the_live_feed_starts_by_names_and_stops(agent: DataCollectionAgent, venue: Venue) -> None:
    feed = agent.start_live_feed("NIFTY", "NIFTY-I", rng=Random(1))
    try:
        waiting, until = {"NIFTY", "NIFTY-I"}, time.monotonic() + 10
        while waiting:
            assert time.monotonic() < until, f"no price of {waiting} came"
            time.sleep(0.05)
            waiting = {name for name in waiting if not _is_quoted(feed, name, venue)}
    finally:
        assert feed.stop()


def _is_quoted(feed: FeedThread, name: str, venue: Venue) -> bool:
    try:
        return feed.latest.quote(name, venue.now()).ltp > 0
    except DataError:
        return False


def test_no_secret_is_written_with_every_library_at_debug(
    venue: Venue, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        agent = agent_on(venue, tmp_path)
        venue.fault("dropped", "GET /v2/fundlimit", times=1)
        account.fetch_funds(agent.dhan.reader)
        agent.fetch_option_chain("NIFTY")
    token = agent.dhan.reader.wire.token.get_secret_value()
    said = capfd.readouterr()
    seen = caplog.text + said.out + said.err + repr(agent.dhan.counts.by_outcome) + repr(agent.dhan.keeper)
    assert "urllib3" in caplog.text
    for secret in (token, token.removeprefix("paper."), "JBSWY3DPEHPK3PXP"):
        assert secret not in seen
    everything: Any = agent.store.rows("select * from option_quotes limit 50")
    assert token not in repr(everything)
