"""Minutes from the store where it has them, and from the charts where not: a feed that begins anew asks little."""

from collections.abc import Sequence
from datetime import UTC, datetime

from agents.data.feed.bars import Bar
from agents.data.feed.gaps import MinuteSource
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.minutes import MINUTE
from agents.data.store import Store
from agents.domain.candles import epoch

_STORED = """
    select epoch(opened_at)::bigint, open, high, low, close, volume, open_interest from candles
    where instrument = ? and minutes = 1 and opened_at >= ? and opened_at < ? order by 1
"""


class StoredFirst:
    """A `MinuteSource` that asks another one only for what the store does not have.

    Parameters
    ----------
    store : Store
        Holds sure candles: the feed's own, and the charts'.
    charts : MinuteSource
        The broker's.
    """

    def __init__(self, store: Store, charts: MinuteSource) -> None:
        self._store = store
        self._charts = charts

    def minutes(self, instrument: FeedInstrument, first: datetime, end: datetime) -> Sequence[Bar]:
        """Return the candles that open in ``[first, end)``, oldest first. Raises as the charts and the store do."""
        stored = {bar.opened_at: bar for bar in self._stored(instrument, first, end)}
        absent = [minute for minute in range(epoch(first), epoch(end), MINUTE) if minute not in stored]
        if absent:
            bounds = (datetime.fromtimestamp(at, UTC) for at in (absent[0], absent[-1] + MINUTE))
            for bar in self._charts.minutes(instrument, *bounds):
                stored.setdefault(bar.opened_at, bar)
        return [stored[minute] for minute in sorted(stored)]

    def _stored(self, instrument: FeedInstrument, first: datetime, end: datetime) -> list[Bar]:
        if not self._store.exists:
            return []
        rows = self._store.rows(_STORED, [instrument.name, first, end])
        return [Bar(instrument.key, *row) for row in rows]
