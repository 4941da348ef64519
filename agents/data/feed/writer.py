"""From the feed's queue into the store, in batches, without ever blocking the feed."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final, Protocol, TypeVar

from agents.data.feed.bars import Bar
from agents.data.feed.health import Counts
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.link import Stop
from agents.data.feed.pace import Backoff, End, Pace, Sleep, Why
from agents.data.feed.packets import FeedKey
from agents.data.feed.rows import Missing, Snapshot, bar_table, missing_table, snapshot_table
from agents.data.store import Store
from agents.data.writing import store_candles
from agents.domain.errors import TradingError

_log = logging.getLogger(__name__)

MOST_SNAPSHOTS: Final = 200_000

T = TypeVar("T")


class Sink(Protocol):
    """Where rows go. Calls block, and come from a thread of their own; none is made while another runs."""

    def bars(self, bars: Sequence[Bar], instruments: Mapping[FeedKey, FeedInstrument]) -> None:
        """Keep candles; one that is there already stays as it is."""
        ...

    def snapshots(self, snapshots: Sequence[Snapshot], instruments: Mapping[FeedKey, FeedInstrument]) -> None:
        """Keep quotes."""
        ...

    def missing(self, missing: Sequence[Missing]) -> None:
        """Keep that neither the feed nor the broker's charts have these candles."""
        ...


class StoreSink:
    """Keeps rows in the store.

    Parameters
    ----------
    store : Store
        Where to.
    source : str
        What the rows say of their origin; a simulated market's must begin with ``simulated:``.
    """

    def __init__(self, store: Store, source: str) -> None:
        self._store = store
        self._source = source

    def bars(self, bars: Sequence[Bar], instruments: Mapping[FeedKey, FeedInstrument]) -> None:
        """Keep candles."""
        named = [instruments[key].instrument for key in dict.fromkeys(bar.key for bar in bars)]
        store_candles(self._store, named, bar_table(bars, instruments), source=self._source)

    def snapshots(self, snapshots: Sequence[Snapshot], instruments: Mapping[FeedKey, FeedInstrument]) -> None:
        """Keep quotes."""
        self._store.append("quote_snapshots", snapshot_table(snapshots, instruments, self._source))

    def missing(self, missing: Sequence[Missing]) -> None:
        """Keep which candles are missing."""
        self._store.append("data_issues", missing_table(missing, self._source))


class BatchWriter:
    """A queue in front of a sink.

    Candles are never dropped. Snapshots are, the oldest first and counted, once more than `most_snapshots` wait.

    Parameters
    ----------
    sink : Sink
        Where rows go.
    counts : Counts
        Gets ``rows_written``, ``writes_failed`` and ``snapshots_dropped``.
    sleep : callable
        Waits so many real seconds.
    rng : Random
        Jitter of the waits after a write failed.
    every : float
        Real seconds between batches.
    most_snapshots : int
        How many may wait.
    """

    def __init__(
        self,
        sink: Sink,
        counts: Counts,
        *,
        sleep: Sleep,
        rng: Random,
        every: float = 1.0,
        most_snapshots: int = MOST_SNAPSHOTS,
    ) -> None:
        self._sink = sink
        self._counts = counts
        self._sleep = sleep
        self._every = every
        self._most = most_snapshots
        self._backoff = Backoff(Pace(), rng)
        self._instruments: dict[FeedKey, FeedInstrument] = {}
        self._bars: list[Bar] = []
        self._snapshots: list[Snapshot] = []
        self._missing: list[Missing] = []

    @property
    def waiting(self) -> int:
        """How many rows wait to be written."""
        return len(self._bars) + len(self._snapshots) + len(self._missing)

    def add(self, instrument: FeedInstrument) -> None:
        """Let the writer know an instrument before its first row."""
        self._instruments[instrument.key] = instrument

    def put_bars(self, bars: Sequence[Bar]) -> None:
        """Queue candles."""
        self._bars.extend(bars)

    def put_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Queue quotes."""
        self._snapshots.extend(snapshots)
        self._drop_oldest()

    def put_missing(self, missing: Sequence[Missing]) -> None:
        """Queue the news that candles are missing."""
        self._missing.extend(missing)

    async def run(self, stop: Stop) -> None:
        """Write a batch every so often until `stop` is said, then what is left.

        Raises
        ------
        TradingError
            If the store refuses the rows for good; a person must act. The rows stay in the queue.
        """
        while not stop.said:
            await stop.unless_said(self._sleep(self._every))
            if await self.flush():
                self._backoff.forget()
            elif not stop.said:
                delay = self._backoff.after(End(Why.LOST, "the store is busy"))
                _log.warning("%d rows wait for the store; again in %.1f s", self.waiting, delay)
                await stop.unless_said(self._sleep(delay))
        if self.waiting and not await self.flush():
            _log.error("%d rows of the feed could not be written before the end", self.waiting)

    async def flush(self) -> bool:
        """Write what waits and return whether that worked; what was not written waits on."""
        bars, self._bars, known = self._bars, [], dict(self._instruments)
        if not await self._write(bars, lambda: self._sink.bars(bars, known), self._return_bars):
            return False
        # Others may have been added while the candles were written, and have quotes already.
        snapshots, self._snapshots, later = self._snapshots, [], dict(self._instruments)
        if not await self._write(snapshots, lambda: self._sink.snapshots(snapshots, later), self._return_snapshots):
            return False
        missing, self._missing = self._missing, []
        return await self._write(missing, lambda: self._sink.missing(missing), self._return_missing)

    async def _write(self, rows: list[T], write: Callable[[], None], give_back: Callable[[list[T]], None]) -> bool:
        """Write rows in a thread; give them back to their queue unless that worked."""
        if not rows:
            return True
        written = False
        try:
            await asyncio.to_thread(write)
            written = True
        except TradingError as error:
            self._counts.add("writes_failed", type(error).__name__)
            if not error.retryable:
                raise
        finally:
            if not written:
                give_back(rows)
        self._counts.add("rows_written", number=len(rows) if written else 0)
        return written

    def _return_bars(self, rows: list[Bar]) -> None:
        self._bars[:0] = rows

    def _return_snapshots(self, rows: list[Snapshot]) -> None:
        self._snapshots[:0] = rows
        self._drop_oldest()

    def _return_missing(self, rows: list[Missing]) -> None:
        self._missing[:0] = rows

    def _drop_oldest(self) -> None:
        extra = len(self._snapshots) - self._most
        if extra > 0:
            del self._snapshots[:extra]
            self._counts.add("snapshots_dropped", number=extra)
