"""Shows the simulated market to the desk as its clock goes on: minute by minute, never a minute too early."""

import signal
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pyarrow as pa

from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, SimulatedMarketClock
from agents.data.store import Store
from agents.data.writing import insert_candles, insert_quotes
from agents.domain.candles import epoch, moment
from agents.domain.errors import StoreBusyError
from agents.domain.values import IST
from agents.settings import Settings
from exchange.simulation import SimulatedSession
from zonedesk.home import DeskHome
from zonedesk.market import SimulatedMarket
from zonedesk.rows import candle_rows, instruments_of, quote_rows
from zonedesk.shell import wall_now

LONGEST_WAIT_SECONDS = 2.0
_MINUTE = 60


class Feed:
    """Keeps the store level with the market's clock.

    Parameters
    ----------
    store : Store
        Where the candles and quotes go.
    market : SimulatedMarket
        Where they come from.
    clock : SimulatedMarketClock
        How much of the market may be known.
    underlying, future : str
        Names of the index and of its near future.
    """

    def __init__(
        self, store: Store, market: SimulatedMarket, clock: SimulatedMarketClock, *, underlying: str, future: str
    ) -> None:
        self._store = store
        self._market = market
        self._clock = clock
        self._underlying = underlying
        self._future = future
        self._calendar = NseCalendar()
        self._made: SimulatedSession | None = None
        self._shown_until = self._last_shown()

    @property
    def shown_until(self) -> datetime:
        """The last minute that is in the store."""
        return moment(self._shown_until)

    def run(self, stop: threading.Event, report: Callable[[str], None]) -> None:
        """Show minutes until `stop` is set, also those that were missed."""
        while not stop.is_set():
            try:
                shown = self.catch_up()
            except StoreBusyError as error:  # the next round shows these minutes too
                report(str(error))
                shown = 0
            if shown:
                report(f"shown until {self.shown_until.astimezone(IST):%Y-%m-%d %H:%M}: {shown} rows")
            stop.wait(self._seconds_to_next_minute())

    def catch_up(self) -> int:
        """Store everything that has happened up to the clock's moment, and return how many rows that was."""
        now = epoch(self._clock.now())
        whole = now - now % _MINUTE
        rows = 0
        for on in self._dates(whole):
            rows += self._show(on, whole)
        self._shown_until = max(self._shown_until, whole)
        return rows

    def _dates(self, until: int) -> list[date]:
        """Return the sessions that have something to show between the last minute shown and `until`."""
        if until <= self._shown_until:
            return []
        return self._calendar.days(_day(self._shown_until), _day(until))

    def _show(self, on: date, until: int) -> int:
        if self._made is None or self._made.on != on:
            self._made = self._market.session(on)
        candles = candle_rows(self._made, self._underlying, self._future, after=self._shown_until, until=until)
        quotes = quote_rows(self._made, self._underlying, after=self._shown_until, until=until)
        if candles.num_rows == 0 and quotes.num_rows == 0:
            return 0
        known = instruments_of(self._made, self._underlying, self._future)
        source, stamp = self._market.source, self._store.now()
        sourced = [rows.append_column("source", _repeated(source, rows.num_rows)) for rows in (candles, quotes)]
        with self._store.write() as connection:
            added = insert_candles(connection, known, sourced[0], source=source, stamp=stamp).added
            added += insert_quotes(connection, sourced[1], source=source, stamp=stamp).added
        return added

    def _last_shown(self) -> int:
        """Return the last minute that the store has, or the market's present where it has none of this session."""
        rows = self._store.rows(
            "select epoch(max(closed_at))::bigint from candles where instrument = ? and minutes = 1", [self._future]
        )
        if rows and rows[0][0] is not None:
            return int(rows[0][0])
        return epoch(self._clock.now())

    def _seconds_to_next_minute(self) -> float:
        """Return how long the next market minute is away on the wall clock, at most two seconds."""
        speed = self._clock.speed
        now = self._clock.now()
        rest = (timedelta(minutes=1) - timedelta(seconds=now.second, microseconds=now.microsecond)).total_seconds()
        return min(max(rest / speed, 0.02), LONGEST_WAIT_SECONDS)


def _repeated(text: str, n_rows: int) -> pa.Array:
    return pa.array([text] * n_rows, pa.string())


def _day(seconds: int) -> date:
    return moment(seconds).astimezone(IST).date()


def run_feed(settings: Settings, report: Callable[[str], None]) -> None:
    """Run the feed of the paper desk until the process is asked to end."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    calendar = NseCalendar()
    path = DeskHome.of(settings).clock_path
    file = ClockFile.read(path)
    underlying = settings.instruments[0]
    feed = Feed(
        Store(settings.store_path, settings.mode, now=wall_now),
        SimulatedMarket(calendar, underlying, file.seed, file.origin_on),
        SimulatedMarketClock(path, calendar),
        underlying=underlying,
        future=settings.futures[underlying],
    )
    feed.run(stop, report)
