"""The live feed as one thing: client, candles, snapshots, gaps and writer, in one asyncio loop."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from agents.data.feed.bars import GRACE, PATIENCE, MinuteBars
from agents.data.feed.client import FeedClient
from agents.data.feed.gaps import GapFiller, MinuteSource
from agents.data.feed.health import Counts, FeedState
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.latest import LatestQuotes
from agents.data.feed.link import Stop
from agents.data.feed.minutes import Minutes
from agents.data.feed.pace import Pace, Sleep
from agents.data.feed.packets import FeedKey
from agents.data.feed.recorder import Recorder
from agents.data.feed.watch import Watch
from agents.data.feed.wire import Credentials
from agents.data.feed.writer import BatchWriter, Sink
from agents.ports import Calendar, Clock

LOOK_EVERY = 0.2


@dataclass(frozen=True)
class FeedPorts:
    """What the live feed needs from outside.

    Attributes
    ----------
    address : str
        ``wss://host`` or ``ws://host/path``.
    credentials : Credentials
        Client id and the token in force.
    clock : Clock
        The market's present.
    calendar : Calendar
        The sessions.
    sink : Sink
        Where rows go.
    charts : MinuteSource
        Where doubtful minutes are filled from.
    sleep : callable
        Waits so many real seconds: ``asyncio.sleep``.
    rng : Random
        Jitter.
    """

    address: str
    credentials: Credentials
    clock: Clock
    calendar: Calendar
    sink: Sink
    charts: MinuteSource
    sleep: Sleep
    rng: Random = field(repr=False)


@dataclass(frozen=True)
class FeedLimits:
    """How the feed behaves; the defaults are for a market that runs at its own speed.

    Attributes
    ----------
    pace : Pace
        Real seconds of connections.
    watch : Watch or None
        How old the feed may be; None for the usual limits.
    grace, patience : int
        Seconds of market time after which a minute is over; see `MinuteBars`.
    write_every, look_every : float
        Real seconds between batches, and between looks at the clock.
    """

    pace: Pace = field(default_factory=Pace)
    watch: Watch | None = None
    grace: int = GRACE
    patience: int = PATIENCE
    write_every: float = 1.0
    look_every: float = LOOK_EVERY


class LiveFeed:
    """The feed with everything behind it.

    Parameters
    ----------
    ports : FeedPorts
        The world outside.
    limits : FeedLimits, optional
        How it behaves.

    Notes
    -----
    After an interruption the feed is heard again within the time that the other side takes to come back, plus at most
    30 s of back-off (600 s where the broker asked to slow down or refused the token; a new token ends that wait within
    a second), plus 15 s where the interruption has to be noticed by the age of the data.
    """

    def __init__(self, ports: FeedPorts, limits: FeedLimits | None = None) -> None:
        limits = limits or FeedLimits()
        self.counts = Counts()
        self._ports = ports
        self._limits = limits
        self._writer = BatchWriter(ports.sink, self.counts, sleep=ports.sleep, rng=ports.rng, every=limits.write_every)
        now = int(ports.clock.now().timestamp())
        bars = MinuteBars(Minutes(ports.calendar), now, grace=limits.grace, patience=limits.patience)
        self._recorder = Recorder(bars, self._writer, self.counts)
        self._gaps = GapFiller(
            ports.charts,
            self._writer.put_bars,
            self._recorder.give_up,
            ports.clock,
            self.counts,
            sleep=ports.sleep,
            rng=ports.rng,
        )
        self._client = FeedClient(
            ports.address,
            ports.credentials,
            self._recorder,
            ports.clock,
            limits.watch or Watch(ports.calendar),
            sleep=ports.sleep,
            rng=ports.rng,
            pace=limits.pace,
            counts=self.counts,
        )

    @property
    def latest(self) -> LatestQuotes:
        """The latest quotes; may be read from any thread."""
        return self._recorder.latest

    @property
    def open_minutes(self) -> int:
        """How many minutes of candles still have to be filled from the charts."""
        return self._gaps.open_minutes

    @property
    def rows_waiting(self) -> int:
        """How many rows wait for the store."""
        return self._writer.waiting

    def state(self) -> FeedState:
        """Return the feed's state at the market's present."""
        return self._client.state()

    async def subscribe(self, instruments: Iterable[FeedInstrument]) -> None:
        """Add instruments, or change their mode; from within the loop that runs the feed."""
        added = list(instruments)
        for each in added:
            self._recorder.add(each)
            self._gaps.add(each)
        await self._client.subscribe(added)

    async def unsubscribe(self, keys: Iterable[FeedKey]) -> None:
        """Take instruments out; gaps that are known are still filled."""
        gone = list(keys)
        await self._client.unsubscribe(gone)
        for key in gone:
            self._recorder.drop(key)

    async def run(self, stop: Stop) -> None:
        """Run until `stop` is said; then leave the broker, and write what is left.

        Raises
        ------
        TradingError
            If the store refuses rows for good.
        """
        last = Stop()
        writing = asyncio.create_task(self._writer.run(last))
        parts = [asyncio.create_task(each) for each in (self._client.run(stop), self._gaps.run(stop), self._look(stop))]
        try:
            await asyncio.wait([writing, *parts], return_when=asyncio.FIRST_COMPLETED)  # told to stop, or failed
        finally:
            stop.say()
            await asyncio.gather(*parts, return_exceptions=True)
            last.say()
            await asyncio.gather(writing, return_exceptions=True)
        for task in (writing, *parts):
            task.result()

    async def _look(self, stop: Stop) -> None:
        while not stop.said:
            await stop.unless_said(self._ports.sleep(self._limits.look_every))
            self._recorder.look(self._ports.clock.now(), self._gaps)
