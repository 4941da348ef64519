"""Minutes of the store before minutes of the charts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from agents.data.feed.bars import Bar
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.packets import FeedKey
from agents.data.feed.stored import StoredFirst
from agents.data.feed.writer import StoreSink
from agents.data.store import Store
from agents.domain.market import Instrument, InstrumentKind

KEY = FeedKey("IDX_I", 13)
INDEX = FeedInstrument(KEY, Instrument(name="NIFTY", kind=InstrumentKind.INDEX, tick_size=Decimal("0.05")))
OPEN = datetime(2026, 11, 19, 3, 45, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def bar(number: int, close: int = 100) -> Bar:
    return Bar(KEY, int((OPEN + number * MINUTE).timestamp()), 100, 110, 90, close, 7, 3)


class Charts:
    """Has every minute, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def minutes(self, instrument: FeedInstrument, first: datetime, end: datetime) -> Sequence[Bar]:
        assert instrument is INDEX
        span = (first - OPEN) // MINUTE, (end - OPEN) // MINUTE
        self.asked.append(span)
        return [bar(number, close=105) for number in range(*span)]


def test_only_what_the_store_lacks_is_asked_for(tmp_path: Path) -> None:
    store, charts = Store(tmp_path / "market.duckdb", "paper", now=lambda: OPEN), Charts()
    source = StoredFirst(store, charts)
    assert len(source.minutes(INDEX, OPEN, OPEN + 3 * MINUTE)) == 3
    StoreSink(store, "simulated:exchange").bars([bar(0), bar(1), bar(3), bar(5)], {KEY: INDEX})
    found = source.minutes(INDEX, OPEN, OPEN + 6 * MINUTE)
    assert found == [bar(0), bar(1), bar(2, 105), bar(3), bar(4, 105), bar(5)]
    assert source.minutes(INDEX, OPEN, OPEN + 2 * MINUTE) == [bar(0), bar(1)]
    assert charts.asked == [(0, 3), (2, 5)]
