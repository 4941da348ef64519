"""What the paper desk's feed follows, on an exchange in another process."""

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from agents.data.agent import DataCollectionAgent
from agents.data.feed.live import FeedLimits
from agents.data.feed.thread import FeedThread
from agents.domain.values import IST
from tests.agents.data.dhan.venues import Venue, agent_on, running_venue
from zonedesk.feed import paper_watch
from zonedesk.following import STRIKES_EACH_SIDE, Following

pytestmark = pytest.mark.process
LINEAR = ["NIFTY", "NIFTY-I"]
AROUND = 2 * (2 * STRIKES_EACH_SIDE + 1)


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with running_venue() as made:
        made.control("PUT", "/limits", {"enforced": False})
        yield made


@pytest.fixture
def agent(venue: Venue, tmp_path: Path) -> DataCollectionAgent:
    return agent_on(venue, tmp_path)


@pytest.fixture
def feed(venue: Venue, agent: DataCollectionAgent) -> Iterator[FeedThread]:
    show(venue, date(2026, 11, 19), 11, 0)
    limits = FeedLimits(watch=paper_watch(5), patience=50, write_every=0.2)
    made = agent.start_live_feed(*LINEAR, rng=Random(1), limits=limits)
    yield made
    assert made.stop()


def show(venue: Venue, on: date, hour: int, minute: int) -> None:
    at = datetime(on.year, on.month, on.day, hour, minute, tzinfo=IST)
    venue.control("PUT", "/clock", {"mode": "set", "at": at.isoformat(), "speed": 5})


def step_until(following: Following, done: Callable[[], bool]) -> None:
    until = time.monotonic() + 30.0
    while not done():
        assert time.monotonic() < until, following.instruments
        following.step()
        time.sleep(0.1)


def test_options_around_the_money_are_followed_and_a_chain_is_kept(
    agent: DataCollectionAgent, feed: FeedThread
) -> None:
    following = Following(agent, feed, LINEAR)
    step_until(following, lambda: following.instruments == 2 + AROUND)
    step_until(following, lambda: agent.store.exists and bool(agent.store.rows("select 1 from option_quotes limit 1")))
    [(expiries, chains)] = agent.store.rows(
        "select count(distinct expiry_on), count(distinct quoted_at) from option_quotes"
    )
    assert (expiries, chains) == (1, 1)
    following.step()
    assert following.instruments == 2 + AROUND


def test_on_an_expiry_s_last_day_the_next_one_is_followed_too(
    venue: Venue, agent: DataCollectionAgent, feed: FeedThread
) -> None:
    show(venue, date(2026, 11, 23), 11, 0)  # a Monday, because the Tuesday is a holiday
    following = Following(agent, feed, LINEAR)
    step_until(following, lambda: following.instruments == 2 + 2 * AROUND)


def test_a_new_day_fills_what_the_day_before_lacks_and_drops_its_options(
    venue: Venue, agent: DataCollectionAgent, feed: FeedThread
) -> None:
    following = Following(agent, feed, LINEAR)
    step_until(following, lambda: following.instruments == 2 + AROUND)
    step_until(following, lambda: agent.store.exists and agent.store.rows("select count(*) from candles")[0][0] > 0)
    show(venue, date(2026, 11, 20), 9, 20)
    following.step()
    counted = agent.store.rows(
        "select instrument, count(*) from candles where session = ? and instrument in ('NIFTY', 'NIFTY-I') "
        "group by 1 order by 1",
        [date(2026, 11, 19)],
    )
    assert counted == [("NIFTY", 360), ("NIFTY-I", 385)]
    assert following.instruments <= 2 + AROUND
    with agent.store.write() as connection:
        connection.execute("update quote_snapshots set taken_at = taken_at - interval 10 day")
    show(venue, date(2026, 11, 23), 9, 20)
    following.step()
    oldest = agent.store.rows("select min(taken_at) from quote_snapshots")[0][0]
    assert oldest is None or oldest > agent.clock.now() - timedelta(days=6)
