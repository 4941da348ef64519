"""The live feed of an account on a paper exchange in another process: from the wire into the store."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from agents.data.agent import DataCollectionAgent
from agents.data.calendar import NseCalendar
from agents.data.dhan.address import Address
from agents.data.feed.account import LIVE_FEED, LIVE_UPDATES, AccountKeys, feed_address, updates_address
from agents.data.feed.broker import AccountCharts, AccountFeed
from agents.data.feed.instruments import Mode
from agents.data.feed.link import Stop
from agents.data.feed.live import FeedLimits, LiveFeed
from agents.data.feed.thread import FeedThread
from agents.data.feed.watch import Watch
from agents.domain.errors import ConfigError, DataError, MissingDataError
from tests.agents.data.dhan.venues import Venue, agent_on, running_venue

pytestmark = pytest.mark.process

SPEED = 60.0
LIMITS = FeedLimits(
    watch=Watch(NseCalendar(), stale_after=timedelta(seconds=60), leave_after=timedelta(seconds=300)),
    patience=120,
    write_every=0.1,
)


class Hand:
    """The exchange's clock, read once and carried on from there."""

    def __init__(self, venue: Venue) -> None:
        self._market, self._real = venue.now(), time.monotonic()

    def now(self) -> datetime:
        return self._market + timedelta(seconds=(time.monotonic() - self._real) * SPEED)


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with running_venue() as made:
        made.control("PUT", "/limits", {"enforced": False})
        made.control("PUT", "/clock", {"mode": "open", "on": "2026-11-19", "speed": SPEED})
        yield made


@pytest.fixture
def agent(venue: Venue, tmp_path: Path) -> DataCollectionAgent:
    venue.control("DELETE", "/faults")
    made = agent_on(venue, tmp_path)
    return DataCollectionAgent(made.dhan, made.store, made.calendar, Hand(venue))


def wait(what: Callable[[], bool], within: float = 20.0) -> None:
    until = time.monotonic() + within
    while not what():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)


def candles(agent: DataCollectionAgent, name: str) -> list[tuple[object, ...]]:
    if not agent.store.exists:
        return []
    return agent.store.rows(
        "select opened_at, open, high, low, close, volume from candles where instrument = ? order by 1", [name]
    )


def test_addresses_follow_the_server() -> None:
    paper, live = Address.on_loopback(8_899), Address()
    assert (feed_address(paper), updates_address(paper)) == (
        "ws://127.0.0.1:8899/feed",
        "ws://127.0.0.1:8899/order-update",
    )
    assert (feed_address(live), updates_address(live)) == (LIVE_FEED, LIVE_UPDATES)


def test_names_become_subscriptions_by_todays_master(agent: DataCollectionAgent) -> None:
    feed = AccountFeed(agent.dhan, agent.store, agent.calendar, agent.clock)
    index, future = feed.instruments(["NIFTY", "NIFTY-I"])
    assert (index.key, index.mode, future.mode) == (("IDX_I", 13), Mode.QUOTE, Mode.FULL)
    with pytest.raises(ConfigError, match="has no feed"):
        feed.instruments(["NIFTY-ATM-CE"])
    with pytest.raises(MissingDataError):
        feed.instruments(["NIFTY26112499950CE"])


def test_candles_of_the_wire_in_the_store_are_the_charts(agent: DataCollectionAgent) -> None:
    feed = agent.start_live_feed("NIFTY", "NIFTY-I", rng=Random(1), limits=LIMITS)
    wait(lambda: len(candles(agent, "NIFTY")) >= 4 and len(candles(agent, "NIFTY-I")) >= 4)
    assert feed.latest.quote("NIFTY", agent.clock.now()).ltp > 0
    assert feed.latest.quote("NIFTY-I", agent.clock.now()).bid is not None
    assert feed.state().connected
    assert feed.running
    assert feed.stop()
    assert not feed.running
    maker = AccountFeed(agent.dhan, agent.store, agent.calendar, agent.clock)
    for one in maker.instruments(["NIFTY", "NIFTY-I"]):
        kept = candles(agent, one.name)
        first, last = kept[0][0], kept[-1][0]
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        charts = maker._charts.minutes(one, first, last + timedelta(minutes=1))
        assert [tuple(bar[1:7]) for bar in charts] == [(int(row[0].timestamp()), *row[1:]) for row in kept]
    [(snapshots, source)] = agent.store.rows("select count(*), min(source) from quote_snapshots")
    assert snapshots > 20
    assert source == "simulated:exchange"


def test_a_dead_token_is_replaced_by_the_keeper(agent: DataCollectionAgent, venue: Venue) -> None:
    keys = AccountKeys(agent.dhan)
    before = keys.token().get_secret_value()
    venue.control("DELETE", "/clients/1000000001/token")
    keys.refused()
    assert keys.token().get_secret_value() != before
    assert keys.client_id == "1000000001"


def test_charts_that_have_nothing_answer_with_nothing(agent: DataCollectionAgent) -> None:
    charts = AccountCharts(agent.dhan, agent.clock)
    master = agent.master(agent.clock.now())
    charts.add(master.index("NIFTY"))
    (index,) = AccountFeed(agent.dhan, agent.store, agent.calendar, agent.clock).instruments(["NIFTY"])
    sunday = datetime.combine(date(2026, 11, 15), datetime.min.time(), UTC)
    assert charts.minutes(index, sunday, sunday + timedelta(hours=1)) == []


def test_a_feed_that_cannot_be_built_says_why_to_its_caller() -> None:
    def build() -> LiveFeed:
        raise ConfigError("no such folder")

    with pytest.raises(DataError) as caught:
        FeedThread(build).start()
    assert isinstance(caught.value.__cause__, ConfigError)


def test_a_feed_that_was_not_started_says_so() -> None:
    thread = FeedThread(lambda: pytest.fail("not to be built"))
    with pytest.raises(DataError, match="start it first"):
        thread.state()
    assert thread.stop()


def test_a_loop_of_ones_own_runs_the_feed_too(agent: DataCollectionAgent) -> None:
    maker = AccountFeed(agent.dhan, agent.store, agent.calendar, agent.clock)
    wanted = maker.instruments(["NIFTY"])

    async def play() -> int:
        feed, stop = maker.build(asyncio.sleep, Random(1), LIMITS)(), Stop()
        running = asyncio.create_task(feed.run(stop))
        await feed.subscribe(wanted)
        async with asyncio.timeout(10):
            while feed.counts.of("feed_packets") < 5:  # noqa: ASYNC110  (the feed tells its listener only)
                await asyncio.sleep(0.02)
        await feed.unsubscribe([wanted[0].key])
        stop.say()
        await running
        return feed.counts.of("feed_connected")

    assert asyncio.run(play()) == 1
