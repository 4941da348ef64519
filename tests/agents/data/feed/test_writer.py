import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest

from agents.data.feed.bars import Bar
from agents.data.feed.health import Counts
from agents.data.feed.instruments import FeedInstrument, Mode
from agents.data.feed.latest import LiveQuote
from agents.data.feed.link import Stop
from agents.data.feed.packets import FeedKey
from agents.data.feed.rows import Missing, Snapshot
from agents.data.feed.writer import BatchWriter, StoreSink
from agents.data.store import Store
from agents.domain.errors import ConfigError, StoreBusyError
from agents.domain.market import InstrumentKind
from tests.agents.data.feed.venues import INDEX, Shelf, instrument

AT = int(datetime(2026, 11, 19, 4, 30, tzinfo=UTC).timestamp())
BAR = Bar(INDEX.key, AT, 100, 110, 90, 105, 0)


class Moody(Shelf):
    """A sink that fails a number of times."""

    def __init__(self, error: Exception, times: int) -> None:
        super().__init__()
        self.error, self.times = error, times

    def bars(self, bars: Sequence[Bar], instruments: Mapping[FeedKey, FeedInstrument]) -> None:
        if self.times:
            self.times -= 1
            raise self.error
        super().bars(bars, instruments)


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


def writer_of(shelf: Shelf, most: int = 100) -> BatchWriter:
    made = BatchWriter(shelf, Counts(), sleep=at_once, rng=Random(1), most_snapshots=most)
    made.add(INDEX)
    return made


def run(writer: BatchWriter, stop_when: int) -> None:
    async def play() -> None:
        stop = Stop()
        running = asyncio.create_task(writer.run(stop))
        async with asyncio.timeout(5):
            while not running.done() and writer.waiting > stop_when:  # noqa: ASYNC110  (the writer tells nobody)
                await asyncio.sleep(0.001)
        stop.say()
        await running

    asyncio.run(play())


def test_a_busy_store_gets_the_rows_later_and_once() -> None:
    shelf = Moody(StoreBusyError("taken"), 3)
    writer = writer_of(shelf)
    writer.put_bars([BAR])
    run(writer, 0)
    assert shelf.kept == [BAR]


def test_what_waits_at_the_stop_is_written() -> None:
    shelf = Shelf()
    writer = writer_of(shelf)
    writer.put_bars([BAR])
    writer.put_missing([Missing("NIFTY", AT)])
    run(writer, 10)
    assert (shelf.kept, shelf.absent, writer.waiting) == ([BAR], [Missing("NIFTY", AT)], 0)


def test_a_store_that_refuses_for_good_says_so_and_loses_nothing() -> None:
    writer = writer_of(Moody(ConfigError("another tick"), 99))
    writer.put_bars([BAR])
    with pytest.raises(ConfigError, match="another tick"):
        run(writer, 0)
    assert writer.waiting == 1


def test_snapshots_give_way_when_too_many_wait_and_candles_never_do() -> None:
    shelf = Shelf()
    writer = writer_of(shelf, most=3)
    quote = LiveQuote(100, AT, AT)
    writer.put_snapshots([Snapshot(INDEX.key, AT + second, quote) for second in range(10)])
    writer.put_bars([BAR] * 10)
    assert writer.waiting == 13
    asyncio.run(writer.flush())
    assert [each.taken_at - AT for each in shelf.shown] == [7, 8, 9]
    assert writer._counts.of("snapshots_dropped") == 7


def test_quotes_of_an_instrument_that_came_while_candles_were_written_are_kept() -> None:
    late = instrument("NIFTY-I", InstrumentKind.FUTURE, FeedKey("NSE_FNO", 77), Mode.FULL)
    quote = Snapshot(late.key, AT, LiveQuote(100, AT, AT))

    class Slow(Shelf):
        def bars(self, bars: Sequence[Bar], instruments: Mapping[FeedKey, FeedInstrument]) -> None:
            super().bars(bars, instruments)
            writer.add(late)
            writer.put_snapshots([quote])

    shelf = Slow()
    writer = writer_of(shelf)
    writer.put_bars([BAR])
    asyncio.run(writer.flush())
    assert shelf.shown == [quote]


def test_rows_reach_the_store_as_its_tables_have_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "market.duckdb", "paper", now=lambda: datetime(2026, 11, 19, 5, tzinfo=UTC))
    sink = StoreSink(store, "simulated:exchange")
    known = {INDEX.key: INDEX}
    sink.bars([BAR], known)
    sink.bars([BAR], known)
    sink.snapshots([Snapshot(INDEX.key, AT, LiveQuote(100, AT - 1, AT - 1, bid=99))], known)
    sink.missing([Missing("NIFTY", AT + 60)])
    assert store.rows("select instrument, minutes, session, open, high, low, close, volume, source from candles") == [
        ("NIFTY", 1, date(2026, 11, 19), 100, 110, 90, 105, 0, "simulated:exchange")
    ]
    assert store.rows("select instrument, ltp, bid, ask, volume, source from quote_snapshots") == [
        ("NIFTY", 100, 99, None, 0, "simulated:exchange")
    ]
    assert store.rows("select rule, action, seen_at from data_issues") == [
        ("missing_candle", "reported", datetime.fromtimestamp(AT + 60, UTC))
    ]
