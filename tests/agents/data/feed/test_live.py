"""The live feed against the exchange: candles equal the charts', whatever goes wrong on the wire."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from agents.data.feed.bars import Bar
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.link import Stop
from agents.data.feed.live import LiveFeed
from agents.data.feed.minutes import MINUTE
from agents.data.feed.pace import Delay, Why
from agents.domain.candles import moment
from tests.agents.data.feed.venues import INDEX, QUICK, Shelf, Venue, until, venue

# Name of the fault, how it is scripted, and the count that shows it; "" where nothing needs to be done about it.
FAULTS = [
    ("feed_refused", {"times": 2, "parameters": {"status": 429}}, "feed_ended{busy}"),
    ("feed_refused", {"times": 2, "parameters": {"status": 502}}, "feed_ended{lost}"),
    ("feed_disconnect", {"skip": 20, "parameters": {"code": 805}}, "feed_ended{busy}"),
    ("feed_disconnect", {"skip": 20, "parameters": {"code": 804}}, "feed_ended{refused}"),
    ("feed_reset", {"skip": 20, "times": 2}, "feed_ended{lost}"),
    ("feed_deaf", {}, "feed_ended{lost}"),
    ("feed_silent", {"skip": 20}, "feed_ended{stale}"),
    ("feed_lag", {"skip": 20, "times": 3, "parameters": {"seconds": 40}}, "feed_late"),
    ("feed_stale", {"skip": 20, "times": 400}, "feed_ended{stale}"),
    ("feed_disordered", {"skip": 20, "times": 5}, "bars_doubtful"),
    ("feed_together", {"times": 20}, ""),
    ("feed_truncated", {"skip": 20, "times": 3}, "feed_damaged"),
    ("feed_unknown", {"times": 3}, "feed_unknown{99}"),
    ("feed_zero_code", {"times": 3}, ""),
    ("feed_zero_prices", {"skip": 20, "times": 60}, "feed_unsound{price}"),
    ("feed_nan_prices", {"skip": 20, "times": 60}, "feed_unsound{price}"),
]


async def listen(place: Venue, shelf: Shelf, market_minutes: int) -> LiveFeed:
    """Return a feed that has listened for so many minutes of the market, and has stopped."""
    feed, stop = place.feed(shelf), Stop()
    running = asyncio.create_task(feed.run(stop))
    await feed.subscribe(instruments(place))
    begun = place.now().timestamp()
    await until(lambda: place.now().timestamp() > begun + market_minutes * MINUTE)
    place.box.clear()
    await until(lambda: is_whole(place, shelf, begun + market_minutes * MINUTE))
    stop.say()
    await running
    return feed


def instruments(place: Venue) -> list[FeedInstrument]:
    return [INDEX, place.future(), place.option()]


def charts(place: Venue, until_second: float) -> list[Bar]:
    opens = moment(int(place.market.hours(place.now().date()).open_at // 1000))  # type: ignore[union-attr]  # a session
    end = moment(int(until_second) // MINUTE * MINUTE)
    return [bar for one in instruments(place) for bar in place.minutes(one, opens, end)]


def plain(bars: Sequence[Bar]) -> Counter[Bar]:
    """Return candles without open interest: the charts show a minute's as it ends, the feed as it goes on."""
    return Counter(bar._replace(open_interest=None) for bar in bars)


def is_whole(place: Venue, shelf: Shelf, until_second: float) -> bool:
    return plain(charts(place, until_second)).keys() <= plain(shelf.kept).keys()


def run(market_minutes: int, name: str = "", script: dict[str, object] | None = None) -> tuple[LiveFeed, Shelf, Venue]:
    async def play() -> tuple[LiveFeed, Shelf, Venue]:
        async with venue() as place:
            if name:
                place.fault(name, **(script or {}))
            shelf = Shelf()
            return await listen(place, shelf, market_minutes), shelf, place

    return asyncio.run(play())


@pytest.mark.parametrize(("name", "script", "shows"), FAULTS)
def test_no_fault_of_the_feed_costs_or_spoils_a_candle(
    name: str, script: dict[str, object], shows: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    feed, shelf, place = run(5, name, script)
    kept = plain(shelf.kept)
    assert max(kept.values()) == 1
    last = max(bar.opened_at for bar in kept)
    assert kept.keys() <= plain(charts(place, last + MINUTE)).keys()
    assert not shows or feed.counts.all()[shows] > 0
    assert feed.counts.of("feed_connected") <= 6
    ours = [record for record in caplog.records if not record.name.startswith("uvicorn")]
    said = [one for one in ours if one.levelno >= logging.WARNING or "doubtful" in one.getMessage()]
    assert not shows or any(one.name.startswith("agents.") for one in said)
    assert place.keys.now not in "\n".join(record.getMessage() + (record.exc_text or "") for record in ours)


def test_a_quiet_wire_needs_the_charts_for_the_first_minute_only() -> None:
    feed, shelf, _ = run(8)
    first = {bar.opened_at for bar in shelf.kept}
    assert feed.counts.of("gaps_filled") <= 2 * 3
    assert feed.counts.of("bars_made") >= 3 * (len(first) - 3)


@pytest.mark.parametrize("code", [806, 807, 808, 809, 810])
def test_a_disconnect_that_names_the_credentials_waits_for_others(code: int, caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> tuple[int, int]:
        async with venue(20.0) as place:
            shelf, stop = Shelf(), Stop()
            feed = place.feed(shelf)
            place.fault("feed_disconnect", parameters={"code": code})
            running = asyncio.create_task(feed.run(stop))
            await feed.subscribe([INDEX])
            await until(lambda: feed.counts.all().get("feed_ended{credentials}", 0) == 1)
            await asyncio.sleep(0.3)
            tried = feed.counts.of("feed_connected")
            assert str(code) in feed.state().trouble
            place.keys.now = place.issue()
            await until(lambda: feed.counts.of("feed_packets") > 5, 2.0)
            stop.say()
            await running
            return tried, place.keys.refusals

    assert asyncio.run(play()) == (1, 1)
    assert f"({code}" in caplog.text or f" {code}:" in caplog.text


def test_a_refused_token_is_not_tried_again_until_there_is_another() -> None:
    async def play() -> tuple[int, int, bool]:
        async with venue() as place:
            shelf, stop = Shelf(), Stop()
            feed = place.feed(shelf)
            running = asyncio.create_task(feed.run(stop))
            await feed.subscribe([INDEX])
            await until(lambda: feed.counts.of("feed_packets") > 5)
            fresh = place.issue()
            await until(lambda: feed.counts.all().get("feed_ended{credentials}", 0) == 1)
            await asyncio.sleep(0.3)
            tried = feed.counts.of("feed_connected")
            place.keys.now = fresh
            heard = feed.counts.of("feed_packets")
            await until(lambda: feed.counts.of("feed_packets") > heard + 5, 2.0)
            stop.say()
            await running
            return tried, feed.counts.of("feed_connected"), feed.state().connected

    assert asyncio.run(play()) == (1, 2, False)


def test_a_killed_exchange_shows_at_once_and_heals_by_itself() -> None:
    async def play() -> None:
        held = venue(20.0)
        place = await held.__aenter__()
        shelf, stop = Shelf(), Stop()
        feed = place.feed(shelf)
        running = asyncio.create_task(feed.run(stop))
        await feed.subscribe([INDEX])
        await until(lambda: feed.state().connected and not feed.state().unanswered)
        await held.__aexit__(None, None, None)
        await until(lambda: feed.state().stale and not feed.state().connected, 5.0)
        assert feed.state().trouble
        async with venue(20.0, place.ports.public) as again:
            place.keys.now = again.keys.now
            heard = feed.counts.of("feed_packets")
            await until(lambda: feed.state().connected and feed.counts.of("feed_packets") > heard + 5, 5.0)
            stop.say()
            await asyncio.wait_for(running, 3.0)

    asyncio.run(play())


def test_a_stop_is_obeyed_while_nobody_answers() -> None:
    async def play() -> None:
        async with venue(20.0) as place:
            feed, stop = place.feed(Shelf(), replace(QUICK, delays={why: Delay(60.0, 60.0) for why in Why})), Stop()
            place.fault("feed_refused", times=1)
            running = asyncio.create_task(feed.run(stop))
            await until(lambda: feed.counts.of("feed_ended") == 1)
            stop.say()
            await asyncio.wait_for(running, 1.0)

    asyncio.run(play())
