"""Fills minutes that the feed did not see whole from the broker's charts, until each is accounted for."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Final, Protocol

from agents.data.feed.bars import Bar, Doubt
from agents.data.feed.health import Counts
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.link import Stop
from agents.data.feed.minutes import MINUTE
from agents.data.feed.pace import Backoff, End, Pace, Sleep, Why
from agents.data.feed.packets import FeedKey
from agents.domain.errors import TradingError
from agents.ports import Clock

_log = logging.getLogger(__name__)

READY: Final = 5
SETTLED: Final = 180
AGAIN: Final = 15


class MinuteSource(Protocol):
    """The broker's one-minute charts. Calls block, and come from a thread of their own, one after the other."""

    def minutes(self, instrument: FeedInstrument, first: datetime, end: datetime) -> Sequence[Bar]:
        """Return the candles that open in ``[first, end)``; the forming one, and others, may be among them.

        Raises
        ------
        TradingError
            If the broker could not be asked. An empty answer is an answer.
        """
        ...


class GapFiller:
    """Asks for doubtful minutes until each has a candle or certainly has none.

    Parameters
    ----------
    source : MinuteSource
        The charts.
    put : callable
        Takes the candles found.
    give_up : callable
        Takes instrument and minutes that have no candle, though the charts have had time to settle.
    clock : Clock
        The market's present.
    counts : Counts
        Gets the counts that begin with ``gaps_``.
    sleep : callable
        Waits so many real seconds.
    rng : Random
        Jitter of the waits after a failure.
    every : float
        Real seconds between looks.
    ready, settled, again : int
        Seconds of market time: after a minute's end it may be asked for; after that long its absence is final; and
        between two questions about one instrument.
    """

    def __init__(
        self,
        source: MinuteSource,
        put: Callable[[Sequence[Bar]], None],
        give_up: Callable[[FeedInstrument, Sequence[int]], None],
        clock: Clock,
        counts: Counts,
        *,
        sleep: Sleep,
        rng: Random,
        every: float = 1.0,
        ready: int = READY,
        settled: int = SETTLED,
        again: int = AGAIN,
    ) -> None:
        self._source = source
        self._put = put
        self._give_up = give_up
        self._clock = clock
        self._counts = counts
        self._sleep = sleep
        self._every = every
        self._waits = (ready, settled, again)
        self._backoff = Backoff(Pace(), rng)
        self._instruments: dict[FeedKey, FeedInstrument] = {}
        self._open: dict[FeedKey, set[int]] = {}
        self._not_before: dict[FeedKey, int] = {}

    @property
    def open_minutes(self) -> int:
        """How many minutes are not accounted for."""
        return sum(len(minutes) for minutes in self._open.values())

    def add(self, instrument: FeedInstrument) -> None:
        """Let the filler know an instrument before its first gap; those added first are filled first."""
        self._instruments[instrument.key] = instrument
        self._open.setdefault(instrument.key, set())

    def put(self, doubts: Sequence[Doubt]) -> None:
        """Take minutes in that need filling."""
        for doubt in doubts:
            self._open[doubt.key].add(doubt.minute)

    async def run(self, stop: Stop) -> None:
        """Fill until `stop` is said."""
        while not stop.said:
            key = self._due()
            if key is None:
                await stop.unless_said(self._sleep(self._every))
            elif await self._fill(key):
                self._backoff.forget()
            else:
                await stop.unless_said(self._sleep(self._backoff.after(End(Why.LOST, "the charts did not answer"))))
        if self.open_minutes:
            _log.warning("%d minutes are not filled; `zonedesk download` fetches them", self.open_minutes)

    def _due(self) -> FeedKey | None:
        """Return the first instrument that may be asked about now."""
        now = int(self._clock.now().timestamp())
        for key, minutes in self._open.items():
            if minutes and self._not_before.get(key, 0) <= now and min(minutes) + MINUTE + self._waits[0] <= now:
                return key
        return None

    async def _fill(self, key: FeedKey) -> bool:
        """Ask about the first day that an instrument lacks; return whether the charts answered."""
        ready, settled, again = self._waits
        now = int(self._clock.now().timestamp())
        over = sorted(minute for minute in self._open[key] if minute + MINUTE + ready <= now)
        asked = [minute for minute in over if minute < over[0] + _HALF_DAY]
        self._counts.add("gaps_asked", number=len(asked))
        first, end = (datetime.fromtimestamp(at, UTC) for at in (asked[0], asked[-1] + MINUTE))
        try:
            found = await asyncio.to_thread(self._source.minutes, self._instruments[key], first, end)
        except TradingError as error:
            self._counts.add("gaps_failed", type(error).__name__)
            self._not_before[key] = now + again  # let others have their turn
            _log.warning("%d minutes of %s wait for the charts: %s", len(asked), self._instruments[key].name, error)
            return False
        wanted = set(asked)
        bars = [bar for bar in found if bar.opened_at in wanted]
        self._put(bars)
        self._counts.add("gaps_filled", number=len(bars))
        self._open[key] -= {bar.opened_at for bar in bars}
        absent = [minute for minute in asked if minute in self._open[key] and minute + MINUTE + settled <= now]
        if absent:
            self._open[key] -= set(absent)
            self._counts.add("gaps_empty", number=len(absent))
            self._give_up(self._instruments[key], absent)
        self._not_before[key] = now + again
        return True


_HALF_DAY: Final = 43_200
