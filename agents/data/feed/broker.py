"""The live feed of an account: its addresses, its token, its charts for the gaps, and the desk's names on its wire."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

import numpy as np

from agents.data.calendar import NseCalendar
from agents.data.dhan.charts import Page, Question, fetch_candles
from agents.data.dhan.connect import Dhan
from agents.data.dhan.master import Listing
from agents.data.dhan.resolve import resolve
from agents.data.feed.account import AccountKeys, feed_address
from agents.data.feed.bars import Bar
from agents.data.feed.instruments import FeedInstrument, Mode
from agents.data.feed.live import FeedLimits, FeedPorts, LiveFeed
from agents.data.feed.pace import Sleep
from agents.data.feed.packets import FeedKey
from agents.data.feed.stored import StoredFirst
from agents.data.feed.thread import FeedThread
from agents.data.feed.writer import StoreSink
from agents.data.instruments import load_instruments
from agents.data.names import instrument_from
from agents.data.store import Store
from agents.domain.candles import epoch
from agents.domain.errors import ConfigError, MissingDataError
from agents.domain.market import InstrumentKind
from agents.domain.values import IST
from agents.ports import Clock

USUAL_TICK: Final = Decimal("0.05")


class AccountCharts:
    """The charts of an account; see `agents.data.feed.gaps.MinuteSource`.

    Parameters
    ----------
    dhan : Dhan
        The account.
    clock : Clock
        The market's present: a candle that is still forming is left out.
    """

    def __init__(self, dhan: Dhan, clock: Clock) -> None:
        self._dhan = dhan
        self._clock = clock
        self._listings: dict[FeedKey, Listing] = {}

    def add(self, listing: Listing) -> FeedKey:
        """Take an instrument in and return its key."""
        key = FeedKey(listing.segment, listing.security_id)
        self._listings[key] = listing
        return key

    def minutes(self, instrument: FeedInstrument, first: datetime, end: datetime) -> Sequence[Bar]:
        """Return the candles that open in ``[first, end)``; none where the broker says that there are none."""
        last = (end - timedelta(seconds=1)).astimezone(IST).date()
        page = Page(first.astimezone(IST).date(), last)
        question = Question(instrument.name, 1, page, self._clock.now())
        try:
            found = fetch_candles(self._dhan.reader, self._listings[instrument.key], question)
        except MissingDataError:
            return []
        tick = float(instrument.instrument.tick_size)
        wanted = (found.opened >= epoch(first)) & (found.opened < epoch(end)) & (found.prices > 0.0).all(axis=1)
        prices = np.rint(found.prices / tick)
        interest = found.open_interest
        return [
            Bar(
                instrument.key,
                int(found.opened[row]),
                open=int(prices[row, 0]),
                high=int(prices[row, 1]),
                low=int(prices[row, 2]),
                close=int(prices[row, 3]),
                volume=int(np.nan_to_num(found.volume[row])),
                open_interest=int(interest[row]) if np.isfinite(interest[row]) else None,
            )
            for row in np.flatnonzero(wanted)
        ]


class AccountFeed:
    """Makes the live feed of an account, and knows the desk's names on it.

    Parameters
    ----------
    dhan : Dhan
        The account; its requests come from the feed's threads too.
    store : Store
        Where candles and snapshots go.
    calendar : NseCalendar
        The sessions.
    clock : Clock
        The market's present.
    """

    def __init__(self, dhan: Dhan, store: Store, calendar: NseCalendar, clock: Clock) -> None:
        self._dhan = dhan
        self._store = store
        self._calendar = calendar
        self._clock = clock
        self._charts = AccountCharts(dhan, clock)

    @property
    def charts(self) -> AccountCharts:
        """The charts of the instruments that were asked for by name."""
        return self._charts

    def instruments(self, names: Iterable[str]) -> list[FeedInstrument]:
        """Return subscriptions for the desk's names: everything that the feed says of each.

        Raises
        ------
        MissingDataError
            If today's master does not list one.
        ConfigError
            If one is no single instrument.
        """
        now = self._clock.now()
        master = self._dhan.masters.of(now.astimezone(IST).date())
        ticks = {each.name: each.tick_size for each in load_instruments(self._store)} if self._store.exists else {}
        found = []
        for name in names:
            resolved = resolve(name, master, self._calendar, now)
            if not isinstance(resolved.what, Listing):
                raise ConfigError(f"{name} is not one contract and has no feed; name the option itself")
            tick = ticks.get(resolved.name) or min(USUAL_TICK, resolved.what.tick_size)
            known = instrument_from(resolved.name, tick)
            if resolved.what.expiry_on is not None and known.kind is InstrumentKind.FUTURE and "-" not in known.name:
                known = known.model_copy(update={"expiry_on": resolved.what.expiry_on})
            mode = Mode.QUOTE if known.kind is InstrumentKind.INDEX else Mode.FULL
            found.append(FeedInstrument(self._charts.add(resolved.what), known, mode))
        return found

    def build(self, sleep: Sleep, rng: Random, limits: FeedLimits | None = None) -> Callable[[], LiveFeed]:
        """Return what makes the feed, for a `FeedThread` or a loop of the caller's own."""
        ports = FeedPorts(
            address=feed_address(self._dhan.reader.wire.address),
            credentials=AccountKeys(self._dhan),
            clock=self._clock,
            calendar=self._calendar,
            sink=StoreSink(self._store, self._dhan.source),
            charts=StoredFirst(self._store, self._charts),
            sleep=sleep,
            rng=rng,
        )
        return lambda: LiveFeed(ports, limits)

    def start(self, names: Iterable[str], sleep: Sleep, rng: Random, limits: FeedLimits | None = None) -> FeedThread:
        """Return the feed, running in a thread of its own with `names` subscribed."""
        thread = FeedThread(self.build(sleep, rng, limits))
        thread.start(self.instruments(names))
        return thread
