"""What is made of packets: latest quotes, snapshots of a second, candles of a minute, and the doubtful ones named."""

import logging
from collections.abc import Sequence
from datetime import datetime

from agents.data.feed.bars import MinuteBars
from agents.data.feed.gaps import GapFiller
from agents.data.feed.health import Counts
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.latest import LatestQuotes
from agents.data.feed.packets import Disconnect, FeedKey, MarketStatus, OpenInterest, Packet, Price
from agents.data.feed.rows import Missing, Snapshot
from agents.data.feed.writer import BatchWriter
from agents.domain.market import InstrumentKind

_log = logging.getLogger(__name__)


class Recorder:
    """Listens to the feed; see `agents.data.feed.conversation.FeedListener`.

    Parameters
    ----------
    bars : MinuteBars
        Makes candles.
    writer : BatchWriter
        Takes rows.
    counts : Counts
        Gets ``bars_made`` and ``bars_doubtful``.
    """

    def __init__(self, bars: MinuteBars, writer: BatchWriter, counts: Counts) -> None:
        self.latest = LatestQuotes()
        self._bars = bars
        self._writer = writer
        self._counts = counts
        self._changed: set[FeedKey] = set()
        self._second = 0

    def add(self, instrument: FeedInstrument) -> None:
        """Take an instrument in."""
        self._writer.add(instrument)
        self.latest.add(instrument)
        self._bars.add(instrument)

    def drop(self, key: FeedKey) -> None:
        """Forget an instrument."""
        self.latest.drop(key)
        self._bars.drop(key)
        self._changed.discard(key)

    def opened(self, now: datetime) -> None:
        """Take note of a new connection: what it covers begins with each instrument's first packet."""

    def closed(self, now: datetime) -> None:  # noqa: ARG002  (the protocol's)
        """Take note that the connection broke."""
        self._bars.broken()

    def missed(self, now: datetime) -> None:
        """Take note that packets were lost."""
        self._bars.missed(int(now.timestamp()))

    def heard(self, packets: Sequence[Packet], now: datetime) -> None:
        """Take the packets of a frame."""
        second = int(now.timestamp())
        for packet in packets:
            self.latest.take(packet)
            if isinstance(packet, Price):
                self._bars.take(packet, second)
            elif isinstance(packet, OpenInterest):
                self._bars.take_interest(packet.key, packet.open_interest)
            if not isinstance(packet, MarketStatus | Disconnect):
                self._changed.add(packet.key)

    def look(self, now: datetime, gaps: GapFiller) -> None:
        """Take stock: once a second of market time what changed, and whichever minutes are over."""
        second = int(now.timestamp())
        if second == self._second:
            return
        self._second = second
        changed, self._changed = self._changed, set()
        quotes = [(key, self.latest.live(key)) for key in sorted(changed)]
        self._writer.put_snapshots([Snapshot(key, second, quote) for key, quote in quotes if quote is not None])
        sealed = self._bars.seal(second)
        self._writer.put_bars(sealed.bars)
        if sealed.doubts:
            count, minutes = len(sealed.doubts), len({doubt.minute for doubt in sealed.doubts})
            _log.info("doubtful candles: %d, minutes: %d; they are read from the charts", count, minutes)
        gaps.put(sealed.doubts)
        self._counts.add("bars_made", number=len(sealed.bars))
        self._counts.add("bars_doubtful", number=len(sealed.doubts))

    def give_up(self, instrument: FeedInstrument, minutes: Sequence[int]) -> None:
        """Take note of minutes without a candle. Only an index moves in every minute; others may not have traded."""
        if instrument.instrument.kind is InstrumentKind.INDEX:
            self._writer.put_missing([Missing(instrument.name, minute) for minute in minutes])
