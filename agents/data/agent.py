"""The data agent: candles, chains and the live feed of the broker, in the store and in memory."""

import asyncio
import logging
from collections.abc import Callable
from datetime import date
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from agents.data.calendar import NseCalendar
from agents.data.dhan.chains import ChainSnapshot, ChainWatch, fetch_chain
from agents.data.dhan.charts import (
    INTRADAY_MINUTES,
    ROLLING_DAYS,
    Page,
    Question,
    RollingOption,
    fetch_candles,
    fetch_rolling,
    page_days,
)
from agents.data.dhan.download import CandleDownload, DownloadReport, Progress
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.resolve import Resolved, resolve
from agents.data.feed.broker import AccountFeed
from agents.data.feed.live import FeedLimits
from agents.data.feed.pace import Sleep
from agents.data.feed.thread import FeedThread
from agents.data.hours import DAILY
from agents.data.questions import MarketQuestions
from agents.data.reading import RawCandles
from agents.data.store import Store
from agents.data.writing import store_option_quotes
from agents.domain.errors import ConfigError, StaleDataError
from agents.domain.market import OptionChain
from agents.ports import Clock

if TYPE_CHECKING:
    from agents.data.dhan.connect import Dhan

_log = logging.getLogger(__name__)


class DataCollectionAgent(MarketQuestions):
    """Collects market data from Dhan, or from anything that speaks as Dhan does.

    Parameters
    ----------
    dhan : Dhan
        The account; see `agents.data.dhan.connect.open_dhan`.
    store : Store
        Where candles and chains are kept.
    calendar : NseCalendar
        When the exchange is open.
    clock : Clock
        The market's present.
    watch : ChainWatch, optional
        Notices chains that stand still; one that remembers only as long as this object unless given.
    """

    def __init__(
        self, dhan: "Dhan", store: Store, calendar: NseCalendar, clock: Clock, watch: ChainWatch | None = None
    ) -> None:
        super().__init__(dhan, calendar, clock)
        self.store = store
        self._watch = watch or ChainWatch()

    @cached_property
    def account_feed(self) -> AccountFeed:
        """The account's feed: knows the desk's names on it, also while one runs."""
        return AccountFeed(self.dhan, self.store, self.calendar, self.clock)

    def fetch_historical_data(
        self, instrument: str, first: date, last: date, *, minutes: int = 1, on_progress: Progress | None = None
    ) -> DownloadReport:
        """Bring the candles of an instrument into the store; what was downloaded before is not asked for again.

        Parameters
        ----------
        instrument : str
            An index (``NIFTY``), future (``NIFTY-I``), option (``NIFTY26112425650CE``) or an option that keeps its
            distance from the money (``NIFTY-ATM+1-CE``).
        first, last : date
            The dates, both included, as many as you like. A future that rolls is asked for since it became the near
            one, because expired futures cannot be asked for.
        minutes : int
            1, 5 or 15, or 1440 for daily candles.
        on_progress : callable, optional
            Called with sessions done and sessions in all.

        Raises
        ------
        ConfigError
            If the interval, the name or the dates cannot be served, or the account does not allow it.
        MissingDataError
            If Dhan has no candle of it in those dates.
        DhanUnavailableError
            If Dhan does not answer; what was downloaded until then is kept.
        """
        if minutes not in (*INTRADAY_MINUTES, DAILY):
            raise ConfigError(f"Dhan has no candles of {minutes} minutes; ask for 1, 5, 15 or 1440")
        now = self.clock.now()
        found = resolve(instrument, self.master(now), self.calendar, now)
        if found.since is not None and first < found.since:
            _log.warning("%s is asked for since %s, when it became the near future", found.name, found.since)
            first = found.since
        fetch, days = self._fetcher(found, minutes)
        download = CandleDownload(self.store, self.calendar, fetch, source=self.dhan.source, days=days)
        return download.run(found.name, minutes, Page(first, last), now, on_progress)

    def fetch_option_chain(self, underlying: str, expiry_on: date | None = None) -> OptionChain:
        """Return an option chain as of now and keep it in the store, with bids, asks and open interest.

        Parameters
        ----------
        underlying : str
            The index.
        expiry_on : date, optional
            Which expiry; the nearest when left out.

        Raises
        ------
        MissingDataError
            If there is no such chain.
        StaleDataError
            If the chain has not changed for minutes.
        DhanError
            If it contradicts the instrument master, or cannot be had.
        """
        return self.snapshot_chain(underlying, expiry_on).chain()

    def snapshot_chain(self, underlying: str, expiry_on: date | None = None) -> ChainSnapshot:
        """Do as `fetch_option_chain`, and return the chain with all that was said and missing."""
        now = self.clock.now()
        master = self.master(now)
        index = master.index(underlying)
        wanted = expiry_on or self.expiries(underlying)[0]
        snapshot = fetch_chain(self.dhan.reader, master, index, wanted, self.clock.now())
        try:
            self._watch.refuse_stale(snapshot)
        except StaleDataError as error:
            self.dhan.reader.spoilt(f"the option chain of {underlying}", CallKind.DATA, "stale", str(error))
            raise
        store_option_quotes(self.store, snapshot.table(), source=self.dhan.source)
        return snapshot

    def start_live_feed(
        self, *instruments: str, rng: Random, sleep: Sleep = asyncio.sleep, limits: FeedLimits | None = None
    ) -> FeedThread:
        """Start the live feed in a thread of its own: latest quotes in memory, candles and snapshots in the store.

        Parameters
        ----------
        *instruments : str
            What to subscribe: indices, futures, options by the desk's names.
        rng : Random
            Jitter of reconnects.
        sleep : callable
            Waits so many real seconds.
        limits : FeedLimits, optional
            How the feed behaves; the defaults are for a market that runs at its own speed.

        Returns
        -------
        FeedThread
            The running feed; stop it when done.

        Raises
        ------
        MissingDataError
            If today's master does not list an instrument.
        DataError
            If the feed cannot be started.
        """
        return self.account_feed.start(instruments, sleep, rng, limits)

    def _fetcher(self, found: Resolved, minutes: int) -> tuple[Callable[[Question], RawCandles], int]:
        """Return how to ask for candles of what was found, and how many days at once."""
        what, reader = found.what, self.dhan.reader
        if isinstance(what, RollingOption):
            if minutes == DAILY:
                raise ConfigError(f"{found.name} has no daily candles at Dhan; ask for 1, 5 or 15 minutes")
            option = what
            return (lambda question: fetch_rolling(reader, option, question)), ROLLING_DAYS
        listing = what
        return (lambda question: fetch_candles(reader, listing, question)), page_days(minutes)
