"""The latest quotes in memory, each with its age in the market's time."""

from datetime import UTC, datetime
from typing import NamedTuple

from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.packets import FeedKey, OpenInterest, Packet, PreviousClose, Price, Touch, is_price
from agents.domain.errors import MissingDataError, StaleDataError
from agents.domain.market import Quote
from agents.domain.values import to_rupees


class LiveQuote(NamedTuple):
    """What is known of an instrument. Prices are ticks, quantities units, times seconds since 1970 UTC.

    Attributes
    ----------
    ltp : int
        The last trade's price.
    traded_at : int
        When that was.
    as_of : int
        How far the feed had come when this was heard: the newest trade of any instrument then. A feed that lags shows
        here, even where this instrument itself trades rarely.
    bid, ask : int or None
        None where nobody is there, or the mode does not say.
    bid_quantity, ask_quantity, volume, open_interest : int
        0 where the mode does not say.
    previous_close : int or None
        The close of the session before.
    offered : int
        Units on sale in the visible book, 0 where the mode does not say.
    """

    ltp: int
    traded_at: int
    as_of: int
    bid: int | None = None
    ask: int | None = None
    bid_quantity: int = 0
    ask_quantity: int = 0
    volume: int = 0
    open_interest: int = 0
    previous_close: int | None = None
    offered: int = 0


class LatestQuotes:
    """Keeps the latest quote of each instrument; one thread writes, any may read.

    A price older than the one that is there is not taken: packets may come in the wrong order.
    """

    def __init__(self) -> None:
        self._instruments: dict[FeedKey, FeedInstrument] = {}
        self._ticks: dict[FeedKey, float] = {}
        self._by_name: dict[str, FeedInstrument] = {}
        self._quotes: dict[FeedKey, LiveQuote] = {}
        self._closes: dict[FeedKey, int] = {}
        self.newest = 0

    def add(self, instrument: FeedInstrument) -> None:
        """Take an instrument in."""
        self._instruments[instrument.key] = instrument
        self._ticks[instrument.key] = float(instrument.instrument.tick_size)
        self._by_name[instrument.name] = instrument

    def drop(self, key: FeedKey) -> None:
        """Forget an instrument."""
        gone = self._instruments.pop(key, None)
        if gone is not None:
            self._by_name.pop(gone.name, None)
            self._quotes.pop(key, None)

    def take(self, packet: Packet) -> None:
        """Take a packet in; those of instruments nobody added, and prices that are none, are passed over."""
        if isinstance(packet, Price):
            if packet.sound and packet.key in self._instruments:
                self._price(packet)
        elif isinstance(packet, OpenInterest):
            if packet.key in self._quotes:
                self._quotes[packet.key] = self._quotes[packet.key]._replace(open_interest=packet.open_interest)
        elif isinstance(packet, PreviousClose) and packet.key in self._ticks and is_price(packet.close):
            close = self._closes[packet.key] = round(packet.close / self._ticks[packet.key])
            if packet.key in self._quotes:
                self._quotes[packet.key] = self._quotes[packet.key]._replace(previous_close=close)

    def live(self, key: FeedKey) -> LiveQuote | None:
        """Return what is known of an instrument, None before its first packet."""
        return self._quotes.get(key)

    def age_seconds(self, name: str, now: datetime) -> float:
        """Return how old the quote of an instrument is in the market's time.

        Raises
        ------
        MissingDataError
            If the feed has not shown it yet.
        """
        return now.timestamp() - self._known(name).as_of

    def quote(self, name: str, now: datetime, *, max_age: float | None = None) -> Quote:
        """Return the latest quote of an instrument.

        Parameters
        ----------
        name : str
            The desk's name.
        now : datetime
            The market's present.
        max_age : float, optional
            Seconds that it may be old.

        Raises
        ------
        MissingDataError
            If the feed has not shown the instrument yet.
        StaleDataError
            If the quote is older than `max_age`.
        """
        known = self._known(name)
        age = now.timestamp() - known.as_of
        if max_age is not None and age > max_age:
            raise StaleDataError(
                f"the quote of {name} is {age:.1f} s old and may be {max_age:g} s; wait for the feed to catch up"
            )
        tick = self._by_name[name].instrument.tick_size
        return Quote(
            instrument=name,
            at=datetime.fromtimestamp(known.as_of, UTC),
            ltp=to_rupees(known.ltp, tick),
            bid=None if known.bid is None else to_rupees(known.bid, tick),
            ask=None if known.ask is None else to_rupees(known.ask, tick),
            offered=known.offered or None,
        )

    def _known(self, name: str) -> LiveQuote:
        instrument = self._by_name.get(name)
        if instrument is None:
            raise MissingDataError(f"{name} is not on the feed; subscribe it first")
        known = self._quotes.get(instrument.key)
        if known is None:
            raise MissingDataError(f"the feed has not shown {name} yet; is a session open, and is the feed connected?")
        return known

    def _price(self, packet: Price) -> None:
        key, tick = packet.key, self._ticks[packet.key]
        self.newest = max(self.newest, packet.traded_at)
        before = self._quotes.get(key)
        if before is not None and packet.traded_at < before.traded_at:
            return
        known = before or LiveQuote(0, 0, 0, previous_close=self._closes.get(key))
        touch, day = packet.touch or Touch(0.0, 0.0, 0, 0), packet.day
        self._quotes[key] = LiveQuote(
            ltp=round(packet.ltp / tick),
            traded_at=packet.traded_at,
            as_of=self.newest,
            bid=_ticks(touch.bid, tick),
            ask=_ticks(touch.ask, tick),
            bid_quantity=touch.bid_quantity,
            ask_quantity=touch.ask_quantity,
            volume=known.volume if day is None else day.volume,
            open_interest=known.open_interest if packet.open_interest is None else packet.open_interest,
            previous_close=known.previous_close,
            offered=touch.offered,
        )


def _ticks(rupees: float, tick: float) -> int | None:
    """Return a bid or ask in ticks, None where nobody is there or the wire says nonsense."""
    return round(rupees / tick) if is_price(rupees) else None
