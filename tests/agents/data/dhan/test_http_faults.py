"""Every fault of REST, one by one: what the data agent does, how often it asks, how long it waits, what it counts."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents.data.agent import DataCollectionAgent
from agents.data.dhan import account
from agents.data.dhan.errors import (
    DhanError,
    DhanThrottledError,
    DhanUnavailableError,
    TokenRefusedError,
    UnansweredError,
)
from agents.domain.errors import ConfigError, DataError, MissingDataError, StaleDataError
from tests.agents.data.dhan.venues import Venue, agent_on, running_venue

pytestmark = pytest.mark.process

DAYS = (date(2026, 11, 17), date(2026, 11, 18))
MOST_ATTEMPTS = 4
LONGEST = 1.0 + 2.0 + 4.0 + 4 * 1.3  # seconds: all pauses, and slots of the limiter in between

Read = Callable[[DataCollectionAgent], object]


def funds(agent: DataCollectionAgent) -> object:
    return account.fetch_funds(agent.dhan.reader)


def quotes(agent: DataCollectionAgent) -> object:
    return agent.fetch_quotes("NIFTY", "NIFTY-I")


def chain(agent: DataCollectionAgent) -> object:
    return agent.snapshot_chain("NIFTY", agent.master(agent.clock.now()).expiries("NIFTY")[0])


def candles(agent: DataCollectionAgent) -> object:
    return agent.fetch_historical_data("NIFTY-I", *DAYS)


@dataclass(frozen=True)
class Case:
    """A fault, what is read under it, and what becomes of that.

    `raises` is what a read ends with while the fault is on, None where it gets through. `outcomes` are counted beside
    "ok", `says` is in the log.
    """

    fault: str
    read: Read
    where: str
    raises: type[Exception] | None
    outcomes: frozenset[str]
    says: str
    times: int | None = 1
    parameters: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.fault}-{'once' if self.times else 'always'}-{self.read.__name__}"


def case(fault: str, read: Read, raises: type[Exception] | None, outcome: str, says: str, **more: Any) -> Case:
    where: dict[Read, str] = {
        funds: "GET /v2/fundlimit",
        quotes: "POST /v2/marketfeed/*",
        chain: "POST /v2/optionchain",
    }
    return Case(fault, read, where.get(read, "POST /v2/charts/*"), raises, frozenset({outcome} - {""}), says, **more)


CASES = [
    case("rate_limited", funds, None, "throttled", "fewer programs"),
    case("rate_limited", quotes, None, "throttled", "fewer programs"),
    case("rate_limited", funds, DhanThrottledError, "throttled", "attempt 4", times=None),
    case("server_error", funds, None, "server", "ask again later"),
    case("server_error", chain, DhanUnavailableError, "server", "attempt 4", times=None),
    case("gateway_error", funds, None, "server", "502"),
    case("gateway_error", candles, None, "server", "503", parameters={"status": 503}),
    case("gateway_error", candles, DhanUnavailableError, "server", "attempt 4", times=None),
    case("lost_in_gateway", funds, None, "server", "504"),
    case("slow", funds, None, "unanswered", "ReadTimeout", parameters={"seconds": 3.0}),
    case("slow", funds, UnansweredError, "unanswered", "attempt 4", times=None, parameters={"seconds": 3.0}),
    case("dropped", funds, None, "unanswered", "ConnectionError"),
    case("dropped", chain, None, "unanswered", "ConnectionError", parameters={"reset": True}),
    case("dropped", funds, UnansweredError, "unanswered", "attempt 4", times=None),
    case("empty_202", funds, None, "unreadable", "no body"),
    case("html_200", candles, None, "unreadable", "Please wait"),
    case("html_200", funds, DhanUnavailableError, "unreadable", "attempt 4", times=None),
    case("duplicated_request", funds, None, "", ""),
    case("invalid_ip", funds, DhanError, "address", "register this machine's IP"),
    case("invalid_token", funds, None, "token", "make a new access token"),
    case("clock_skew", funds, None, "", "", parameters={"seconds": 300.0}),
    case("nan_quotes", quotes, None, "no price", "no usable price of NIFTY, NIFTY-I"),
    case("nan_quotes", chain, DhanError, "no price", "no price of"),
    case("zero_quotes", quotes, None, "no price", "no usable price of NIFTY, NIFTY-I"),
    case("zero_quotes", chain, DhanError, "no price", "no price of any option"),
    case("empty_candles", candles, MissingDataError, "no data", "a chart without a candle"),
    case("missing_last_candle", candles, None, "", "minutes are missing", parameters={"count": 500}),
    case("missing_side", chain, None, "gaps", "has no CE"),
]


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with running_venue() as made:
        made.control("PUT", "/limits", {"enforced": False})
        yield made


@pytest.fixture
def everything_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def agent(venue: Venue, tmp_path: Path, slept: list[float]) -> DataCollectionAgent:
    venue.control("DELETE", "/faults")
    made = agent_on(venue, tmp_path, slept.append, slept)
    made.master(made.clock.now())
    made.dhan.counts.by_outcome.clear()
    slept.clear()
    return made


def outcomes(agent: DataCollectionAgent) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, outcome), count in agent.dhan.counts.by_outcome.items():
        found[outcome] += count
    return found


@pytest.mark.parametrize("one", CASES, ids=str)
@pytest.mark.usefixtures("everything_said")
def test_a_fault_is_survived_counted_and_said(
    one: Case, agent: DataCollectionAgent, venue: Venue, slept: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    secret = agent.dhan.reader.wire.token.get_secret_value()
    if one.fault == "invalid_token":  # another process of the desk has made a token meanwhile
        fresh = venue.control("POST", "/clients/1000000001/token")["access_token"]
        agent.dhan.keeper._file.write(SecretStr(fresh), datetime.now(UTC))
    if one.fault == "slow":
        agent.dhan.reader.wire._context.dhan_http.timeout = (3.0, 1.5)
    venue.fault(one.fault, one.where, times=one.times, parameters=one.parameters)
    if one.raises is None:
        one.read(agent)
    else:
        with pytest.raises(one.raises) as caught:
            one.read(agent)
        assert secret not in repr(caught.value)
    found = outcomes(agent)
    assert found.keys() - {"ok"} == one.outcomes
    requests = sum(count for outcome, count in found.items() if outcome not in {"no price", "gaps", "no data"})
    assert requests <= MOST_ATTEMPTS
    assert sum(slept) <= LONGEST
    if found.keys() & {"server", "unanswered", "unreadable", "throttled"}:
        assert max(slept) > 0.9, "asked again without a pause"
    assert one.says in caplog.text
    assert secret not in caplog.text
    venue.control("DELETE", "/faults")
    one.read(agent)  # the very next read is whole again
    assert one.read is candles or outcomes(agent)["ok"] > found["ok"]


def test_a_token_that_stays_refused_is_not_asked_for_again_and_again(
    agent: DataCollectionAgent, venue: Venue, caplog: pytest.LogCaptureFixture
) -> None:
    venue.fault("invalid_token", "* /v2/*", times=None)
    for _ in range(3):
        with pytest.raises((TokenRefusedError, DhanThrottledError)):
            funds(agent)
    assert outcomes(agent)["token"] <= MOST_ATTEMPTS
    assert "make a new access token" in caplog.text


def test_a_dead_address_stops_no_read_of_another_kind(agent: DataCollectionAgent, venue: Venue) -> None:
    venue.fault("invalid_ip", "GET /v2/fundlimit", times=None)
    with pytest.raises(DhanError):
        funds(agent)
    assert quotes(agent)


def test_a_missing_data_plan_is_for_a_person(agent: DataCollectionAgent, venue: Venue) -> None:
    venue.control("PATCH", "/clients/1000000001", {"data_plan": False})
    try:
        with pytest.raises(ConfigError, match="data plan"):
            quotes(agent)
        assert outcomes(agent) == {"access": 1}
    finally:
        venue.control("PATCH", "/clients/1000000001", {"data_plan": True})


def test_a_chain_that_stands_still_is_refused_counted_and_taken_again(
    agent: DataCollectionAgent, venue: Venue, caplog: pytest.LogCaptureFixture
) -> None:
    chain(agent)
    venue.fault("stale_chain", "POST /v2/optionchain", times=None)
    chain(agent)
    venue.control("POST", "/clock/move", {"seconds": 420})
    with pytest.raises(StaleDataError, match="has not changed since"):
        chain(agent)
    assert outcomes(agent)["stale"] == 1
    assert "has not changed since" in caplog.text
    venue.control("DELETE", "/faults")
    chain(agent)


def test_a_skewed_clock_shows_in_the_probe(agent: DataCollectionAgent, venue: Venue) -> None:
    venue.fault("clock_skew", "GET /v2/profile", parameters={"seconds": 90.0})
    skewed = agent.dhan.keeper.probe().served_at
    assert skewed is not None
    assert skewed - datetime.now(UTC) > timedelta(seconds=80)


def test_a_candle_after_the_close_is_left_out_and_noted(agent: DataCollectionAgent, venue: Venue) -> None:
    whole = agent.fetch_historical_data("NIFTY", DAYS[0], DAYS[0])
    venue.fault("late_index_candle", "POST /v2/charts/*")
    late = agent.fetch_historical_data("NIFTY", DAYS[1], DAYS[1])
    assert late.added == whole.added
    assert late.dropped == 1
    assert late.issues["after_close"] == 1


def test_candles_that_were_missing_come_with_the_next_download(agent: DataCollectionAgent, venue: Venue) -> None:
    venue.fault("missing_last_candle", "POST /v2/charts/*", parameters={"count": 500})
    part = agent.fetch_historical_data("NIFTY-I", *DAYS)
    assert part.issues.get("missing_candle") or part.missing
    rest = agent.fetch_historical_data("NIFTY-I", *DAYS)
    assert part.added + rest.added == 2 * 385
    with pytest.raises(DataError):
        agent.fetch_quotes("NIFTY-III")
