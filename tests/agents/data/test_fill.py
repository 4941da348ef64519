"""Minutes that the store lacks, filled from the charts of a paper exchange in another process."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from agents.data.agent import DataCollectionAgent
from agents.data.calendar import NseCalendar
from agents.data.dhan.errors import DhanUnavailableError
from agents.data.fill import Filled, fill_minutes, session_minutes
from agents.domain.candles import epoch
from agents.domain.values import IST
from tests.agents.data.dhan.venues import Venue, agent_on, running_venue

ON = date(2026, 11, 19)
LINEAR = ["NIFTY", "NIFTY-I"]


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(ON.year, ON.month, ON.day, hour, minute, second, tzinfo=IST)


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with running_venue() as made:
        made.control("PUT", "/limits", {"enforced": False})
        made.control("PUT", "/clock", {"mode": "set", "at": at(12, 0, 30).isoformat(), "speed": 0})
        yield made


@pytest.fixture
def agent(venue: Venue, tmp_path: Path) -> DataCollectionAgent:
    return agent_on(venue, tmp_path, sleep=lambda _: None)


def test_an_index_trades_until_the_auction_and_a_future_after_it() -> None:
    session = NseCalendar().session(ON)
    assert session is not None
    index, future = (session_minutes(session, name, at(18, 0)) for name in LINEAR)
    assert (index[0], index[-1], len(index)) == (epoch(at(9, 15)), epoch(at(15, 14)), 360)
    assert (future[0], future[-1], len(future)) == (epoch(at(9, 15)), epoch(at(15, 39)), 385)


def test_a_minute_counts_once_it_is_over() -> None:
    session = NseCalendar().session(ON)
    assert session is not None
    assert session_minutes(session, "NIFTY", at(9, 16, 59)) == [epoch(at(9, 15))]
    assert session_minutes(session, "NIFTY", at(9, 15, 59)) == []


@pytest.mark.process
def test_only_what_is_missing_is_filled(agent: DataCollectionAgent) -> None:
    whole = [Filled(instrument=name, on=ON, asked=165, filled=165) for name in LINEAR]
    assert fill_minutes(agent, LINEAR, ON, at(12, 0, 30)) == whole
    rows = agent.store.rows("select * exclude (ingested_at) from candles order by instrument, opened_at")
    assert fill_minutes(agent, LINEAR, ON, at(12, 0, 30)) == []
    with agent.store.write() as connection:
        connection.execute("delete from candles where instrument = 'NIFTY' and opened_at = ?", [at(10, 7)])
        connection.execute("delete from candles where instrument = 'NIFTY' and opened_at = ?", [at(11, 0)])
    assert fill_minutes(agent, LINEAR, ON, at(12, 0, 30)) == [Filled(instrument="NIFTY", on=ON, asked=2, filled=2)]
    assert agent.store.rows("select * exclude (ingested_at) from candles order by instrument, opened_at") == rows
    assert agent.store.rows("select count(*) from data_issues") == [(0,)]


@pytest.mark.process
def test_what_the_charts_do_not_have_is_not_invented(agent: DataCollectionAgent) -> None:
    [filled] = fill_minutes(agent, ["NIFTY"], ON, at(12, 5))  # the exchange stands at 12:00:30
    assert (filled.asked, filled.filled, filled.missing) == (170, 165, 5)
    assert agent.store.rows("select max(closed_at) from candles")[0][0] == at(12, 0)


@pytest.mark.process
def test_a_day_without_a_session_lacks_nothing(agent: DataCollectionAgent) -> None:
    assert fill_minutes(agent, LINEAR, date(2026, 11, 21), at(12, 0)) == []


@pytest.mark.process
def test_charts_that_do_not_answer_are_an_error(tmp_path: Path) -> None:
    with running_venue() as gone:
        gone.control("PUT", "/clock", {"mode": "set", "at": at(12, 0).isoformat(), "speed": 0})
        agent = agent_on(gone, tmp_path, sleep=lambda _: None)
        agent.master(now := at(12, 0))
        agent.clock = Standing(now)
    with pytest.raises(DhanUnavailableError):
        fill_minutes(agent, LINEAR, ON, now)


class Standing:
    """A clock that stands still."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment
