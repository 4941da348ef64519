import asyncio
from random import Random

import pytest
from pydantic import SecretStr

from agents.data.feed.health import Counts
from agents.data.feed.link import Link, Stop
from agents.data.feed.pace import Backoff, End, Pace, Why
from agents.domain.errors import ConfigError


def waits(why: Why, number: int, seed: int = 1) -> list[float]:
    backoff = Backoff(Pace(), Random(seed))
    return [backoff.after(End(why, "")) for _ in range(number)]


def test_waits_double_with_jitter_up_to_a_cap() -> None:
    found = waits(Why.LOST, 9)
    for wait, plain in zip(found, [1, 2, 4, 8, 16, 30, 30, 30, 30], strict=True):
        assert 0.75 * plain <= wait <= min(1.25 * plain, 30.0)


def test_jitter_keeps_two_programs_apart() -> None:
    assert waits(Why.LOST, 4, seed=1) != waits(Why.LOST, 4, seed=2)


@pytest.mark.parametrize("why", [Why.BUSY, Why.CREDENTIALS, Why.REFUSED])
def test_a_broker_that_refuses_is_left_alone_for_a_minute_or_so(why: Why) -> None:
    found = waits(why, 12)
    assert min(found) >= 45.0
    assert max(found) <= 600.0


def test_a_connection_that_worked_makes_earlier_failures_forgotten() -> None:
    backoff = Backoff(Pace(), Random(1))
    for _ in range(8):
        backoff.after(End(Why.LOST, ""))
    assert backoff.after(End(Why.LOST, "", settled=True)) <= 1.25


class Fixed:
    client_id = "1000000001"

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)

    def token(self) -> SecretStr:
        return SecretStr(self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0])

    def refused(self) -> None:
        raise ConfigError("there is no other token")


def test_a_dead_port_is_tried_no_faster_than_the_back_off() -> None:
    slept: list[float] = []
    stop, counts = Stop(), Counts()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 20:
            stop.say()

    async def talk(_: Stop) -> End:
        return End(Why.LOST, "nobody is there")

    link = Link("feed", talk, Fixed("t"), pace=Pace(), counts=counts, sleep=sleep, rng=Random(1))
    asyncio.run(link.run(stop))
    assert counts.all() == {"feed_ended{lost}": 20}
    assert sum(slept) > 400.0


def test_another_token_ends_the_wait_of_a_refused_one() -> None:
    slept: list[float] = []
    stop, ends = Stop(), [End(Why.CREDENTIALS, "808"), End(Why.STOPPED, "")]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def talk(_: Stop) -> End:
        return ends.pop(0)

    tokens = Fixed("old", "old", "old", "old", "new")
    link = Link("feed", talk, tokens, pace=Pace(), counts=Counts(), sleep=sleep, rng=Random(1))
    asyncio.run(link.run(stop))
    assert slept == [1.0] * 4


def test_a_word_cuts_any_wait_short() -> None:
    async def play() -> object:
        stop = Stop()
        asyncio.get_running_loop().call_later(0.02, stop.say)
        return await asyncio.wait_for(stop.unless_said(asyncio.sleep(60)), 1.0)

    assert asyncio.run(play()) is None
