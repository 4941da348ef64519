"""What the feed has said of one instrument, and the minutes that are forming from it."""

from agents.data.feed.instruments import FeedInstrument, Mode
from agents.data.feed.packets import DayFigures, Price, is_price
from agents.data.names import trades_like_derivatives

_INDIA = 19_800
_DAY = 86_400


class Forming:
    """A minute under way; prices in ticks. `doubtful` says that something within it contradicted itself."""

    __slots__ = ("close", "doubtful", "high", "low", "open", "open_interest", "volume")

    def __init__(self, price: int) -> None:
        self.open = self.high = self.low = self.close = price
        self.volume = 0
        self.open_interest: int | None = None
        self.doubtful = False

    def reach(self, price: int) -> None:
        """Widen the range to a price."""
        self.high = max(self.high, price)
        self.low = min(self.low, price)


class Tape:
    """One instrument's past as far as its candles need it.

    Attributes
    ----------
    covered_from : int or None
        From this minute on nothing was missed; None while the instrument has not been heard on this connection.
    last_at : int
        The time of the latest trade.
    forming : dict
        Minutes that are not sealed yet.
    interest : int or None
        The latest open interest.
    """

    def __init__(self, instrument: FeedInstrument) -> None:
        self.instrument = instrument
        self.derivatives = trades_like_derivatives(instrument.name, instrument.instrument.kind)
        self.covered_from: int | None = None
        self.last_at = 0
        self.forming: dict[int, Forming] = {}
        self.interest: int | None = None
        self._tick = float(instrument.instrument.tick_size)
        self._last: tuple[float, int] = (0.0, 0)
        self._volume: int | None = None
        self._high = self._low = 0.0

    @property
    def makes_bars(self) -> bool:
        """Whether the mode says enough: a derivative's ticker has no volume."""
        return not self.derivatives or self.instrument.mode is not Mode.TICKER

    def says_news(self, price: Price) -> bool:
        """Whether a packet tells of another trade than the latest one: many only repeat it beside a new depth."""
        volume = price.day.volume if price.day else 0
        return price.traded_at > self.last_at or (price.ltp, volume) != self._last

    def remember(self, price: Price) -> None:
        """Take a packet as the state of affairs, without a candle."""
        day = price.day
        self.last_at = price.traded_at
        self._last = (price.ltp, day.volume if day else 0)
        if price.open_interest is not None:
            self.interest = price.open_interest
        if day is not None:
            self._volume, self._high, self._low = day.volume, day.high, day.low

    def trade(self, price: Price, minute: int) -> None:
        """Let a packet, not older than any before, into its minute."""
        if price.open_interest is not None:
            self.interest = price.open_interest
        made = self.forming.get(minute)
        if made is not None and not self.says_news(price):
            made.open_interest = self.interest
            return
        ticks = round(price.ltp / self._tick)
        fresh = made is None
        if made is None:
            made = self.forming[minute] = Forming(ticks)
        made.reach(ticks)
        made.close = ticks
        made.open_interest = self.interest
        if price.day is not None:
            self._figures(made, price.day, price, fresh=fresh)
        self.remember(price)

    def _figures(self, made: Forming, day: DayFigures, price: Price, *, fresh: bool) -> None:
        """Take volume from the session's total, and extremes between two packets from the session's high and low."""
        first_of_session = (self.last_at + _INDIA) // _DAY != (price.traded_at + _INDIA) // _DAY
        before = 0 if first_of_session else self._volume
        if before is not None:
            made.volume += max(day.volume - before, 0)
            made.doubtful |= day.volume < before
        if first_of_session:
            if is_price(day.open):
                made.open = round(day.open / self._tick)
                made.reach(made.open)
            higher = lower = True
        else:
            higher, lower = day.high > self._high > 0.0, day.low < self._low
        self._widen(
            made,
            [x for x, reached in ((day.high, higher), (day.low, lower)) if reached and is_price(x)],
            fresh=fresh and not first_of_session,
        )

    def _widen(self, made: Forming, extremes: list[float], *, fresh: bool) -> None:
        """Widen a minute; one that has just begun may owe an extreme beyond its price to the minute before."""
        for extreme in extremes:
            ticks = round(extreme / self._tick)
            if not made.low <= ticks <= made.high:
                made.doubtful |= fresh
                made.reach(ticks)
