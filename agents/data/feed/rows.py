"""What the feed leaves in the store: its rows, as the tables have them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from agents.data.feed.bars import Bar
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.latest import LiveQuote
from agents.data.feed.minutes import MINUTE
from agents.data.feed.packets import FeedKey
from agents.data.grid import ist_day
from agents.data.issues import REPORTED

if TYPE_CHECKING:
    import pyarrow as pa

_MICRO = 1_000_000


class Snapshot(NamedTuple):
    """The quote of an instrument as it stood at the end of a second, in seconds since 1970 UTC."""

    key: FeedKey
    taken_at: int
    quote: LiveQuote


class Missing(NamedTuple):
    """A candle that should be there: the desk's name, and the minute in seconds since 1970 UTC."""

    instrument: str
    minute: int


def bar_table(bars: Sequence[Bar], instruments: Mapping[FeedKey, FeedInstrument]) -> "pa.Table":
    """Return candles as rows of ``candles``, without their source and stamp."""
    import numpy as np  # noqa: PLC0415  (with pyarrow: the feed starts without either)
    import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

    opened = np.array([bar.opened_at for bar in bars], dtype=np.int64)
    return pa.table(
        {
            "instrument": pa.array([instruments[bar.key].name for bar in bars], pa.string()),
            "minutes": pa.array(np.ones(len(bars), dtype=np.int32)),
            "opened_at": pa.array(opened * _MICRO, pa.timestamp("us", tz="UTC")),
            "closed_at": pa.array((opened + MINUTE) * _MICRO, pa.timestamp("us", tz="UTC")),
            "session": pa.array(ist_day(opened).astype(np.int32), pa.int32()).cast(pa.date32()),
            "open": pa.array([bar.open for bar in bars], pa.int64()),
            "high": pa.array([bar.high for bar in bars], pa.int64()),
            "low": pa.array([bar.low for bar in bars], pa.int64()),
            "close": pa.array([bar.close for bar in bars], pa.int64()),
            "volume": pa.array([bar.volume for bar in bars], pa.int64()),
            "open_interest": pa.array([bar.open_interest for bar in bars], pa.int64()),
        }
    )


def snapshot_table(
    snapshots: Sequence[Snapshot], instruments: Mapping[FeedKey, FeedInstrument], source: str
) -> "pa.Table":
    """Return snapshots as rows of ``quote_snapshots``, without their stamp."""
    import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

    quotes = [each.quote for each in snapshots]
    times = {
        "taken_at": [each.taken_at for each in snapshots],
        "as_of": [quote.as_of for quote in quotes],
        "traded_at": [quote.traded_at for quote in quotes],
    }
    numbers = ("ltp", "bid", "ask", "bid_quantity", "ask_quantity", "volume", "open_interest")
    return pa.table(
        {
            "instrument": pa.array([instruments[each.key].name for each in snapshots], pa.string()),
            **{
                name: pa.array([at * _MICRO for at in column], pa.timestamp("us", tz="UTC"))
                for name, column in times.items()
            },
            **{name: pa.array([getattr(quote, name) for quote in quotes], pa.int64()) for name in numbers},
            "source": pa.array([source] * len(snapshots), pa.string()),
        }
    )


def missing_table(missing: Sequence[Missing], source: str) -> "pa.Table":
    """Return rows of ``data_issues``, without their stamp, that say which candles nobody has."""
    import numpy as np  # noqa: PLC0415  (with pyarrow: the feed starts without either)
    import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

    seen = np.array([each.minute for each in missing], dtype=np.int64)
    count = len(missing)
    return pa.table(
        {
            "instrument": pa.array([each.instrument for each in missing], pa.string()),
            "minutes": pa.array(np.ones(count, dtype=np.int32)),
            "session": pa.array(ist_day(seen).astype(np.int32), pa.int32()).cast(pa.date32()),
            "seen_at": pa.array(seen * _MICRO, pa.timestamp("us", tz="UTC")),
            "rule": pa.array(["missing_candle"] * count, pa.string()),
            "action": pa.array([REPORTED] * count, pa.string()),
            "detail": pa.array(["neither the feed nor the broker's charts have this candle"] * count, pa.string()),
            "source": pa.array([source] * count, pa.string()),
        }
    )
