import asyncio
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from agents.data.feed.bars import Bar, MinuteBars
from agents.data.feed.gaps import GapFiller
from agents.data.feed.health import Counts
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.minutes import Minutes
from agents.data.feed.packets import FeedKey, MarketStatus, OpenInterest, Price, read_frame
from agents.data.feed.recorder import Recorder
from agents.data.feed.writer import BatchWriter, Sink, StoreSink
from agents.data.store import Store
from agents.domain.market import InstrumentKind
from exchange.clock import at_ist
from tests.agents.data.feed.test_packets import INTEREST, TICKER, full
from tests.agents.data.feed.venues import CALENDAR, INDEX, ON, Shelf, instrument

OPEN = at_ist(ON, 9, 15) // 1000
OPTION = instrument("NIFTY26112425650CE", InstrumentKind.OPTION, FeedKey("NSE_FNO", 42_528))


class Stage:
    """A recorder on a clock that a test moves."""

    def __init__(self, sink: Sink) -> None:
        self.second, self.counts = OPEN, Counts()
        self.writer = BatchWriter(sink, self.counts, sleep=asyncio.sleep, rng=Random(1))
        self.recorder = Recorder(MinuteBars(Minutes(CALENDAR), OPEN), self.writer, self.counts)
        self.gaps = GapFiller(
            self, self.writer.put_bars, self.recorder.give_up, self, self.counts, sleep=asyncio.sleep, rng=Random(1)
        )
        for one in (INDEX, OPTION):
            self.recorder.add(one)
            self.gaps.add(one)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.second, UTC)

    def minutes(self, instrument: FeedInstrument, first: datetime, end: datetime) -> Sequence[Bar]:  # noqa: ARG002  (the protocol's)
        return []

    def look(self) -> None:
        self.recorder.look(self.now(), self.gaps)


def test_a_second_leaves_one_snapshot_of_what_changed() -> None:
    shelf = Shelf()
    stage = Stage(shelf)
    for second in range(3):
        stage.second = OPEN + second
        stage.recorder.heard([Price(INDEX.key, 100.0 + second, stage.second)] * 3, stage.now())
        stage.look()
        stage.look()
    stage.second += 1
    stage.look()
    asyncio.run(stage.writer.flush())
    assert [(each.key, each.quote.ltp) for each in shelf.shown] == [(INDEX.key, 2_000 + 20 * n) for n in range(3)]


def test_a_status_is_no_news_of_an_instrument() -> None:
    shelf = Shelf()
    stage = Stage(shelf)
    stage.recorder.heard([MarketStatus(INDEX.key), OpenInterest(OPTION.key, 7)], stage.now())
    stage.look()
    asyncio.run(stage.writer.flush())
    assert shelf.shown == []


def test_only_an_index_misses_candles() -> None:
    shelf = Shelf()
    stage = Stage(shelf)
    stage.recorder.give_up(OPTION, [OPEN])
    stage.recorder.give_up(INDEX, [OPEN])
    asyncio.run(stage.writer.flush())
    assert [each.instrument for each in shelf.absent] == ["NIFTY"]


def test_ten_thousand_spoiled_frames_reach_the_store_without_harm(tmp_path: Path) -> None:
    store = Store(tmp_path / "market.duckdb", "paper", now=lambda: datetime(2026, 11, 19, 12, tzinfo=UTC))
    stage, rng = Stage(StoreSink(store, "simulated:exchange")), Random(19)
    close = struct.pack("<BHBIfI", 6, 16, 0, 13, 25_600.5, 0)
    ticker = struct.pack("<BHBIfI", 2, 16, 0, 13, 25_642.85, OPEN + 19_800)
    for number in range(10_000):
        stage.second = OPEN + number // 20
        frame = bytearray(b"".join(rng.choices([TICKER, INTEREST, full(number), close, ticker], k=rng.randint(1, 4))))
        if len(frame) > 16:
            struct.pack_into("<I", frame, 12, stage.second + 19_800)
        for _ in range(rng.randint(0, 5)):
            frame[rng.randrange(len(frame))] = rng.choice([0, 127, 128, 255, rng.randrange(256)])
        found = read_frame(bytes(frame[: rng.randint(1, len(frame))]))
        heard = [one for one in found.packets if hasattr(one, "key")]
        stage.recorder.heard(heard, stage.now())
        if found.damage:
            stage.recorder.missed(stage.now())
        stage.look()
    assert asyncio.run(stage.writer.flush())
    [(odd,)] = store.rows("select count(*) from candles where low > high or low <= 0 or volume < 0")
    assert odd == 0
    assert store.rows("select count(*) > 100 from quote_snapshots") == [(True,)]
