"""One-minute candles out of packets, equal to the broker's own for the same minutes, or else known to be doubtful.

A minute's candle is sure when the feed was heard without a break from before the minute to after its end, and nothing
within it contradicted itself. All others are doubtful and are named, so that they can be read over REST; a doubtful
candle is never handed out. Trades fall into minutes by their own time, so that a late packet changes nothing.
"""

from typing import Final, NamedTuple

from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.minutes import MINUTE, Minutes
from agents.data.feed.packets import FeedKey, Price
from agents.data.feed.tapes import Forming, Tape

GRACE: Final = 2
PATIENCE: Final = 10
HOLE: Final = 5
LONG_AGO: Final = 30 * 86_400  # trades older than this make no candle
BELIEVED: Final = 5  # seconds that a trade may lie ahead of our clock and still prove that a minute is over


class Bar(NamedTuple):
    """A candle of one minute: prices in ticks, volume and open interest in units, times in seconds since 1970 UTC."""

    key: FeedKey
    opened_at: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    open_interest: int | None = None


class Doubt(NamedTuple):
    """A minute of an instrument that must be read elsewhere."""

    key: FeedKey
    minute: int


class Sealed(NamedTuple):
    """Minutes that are over: sure candles, and doubtful minutes, whether or not anything traded in them."""

    bars: list[Bar]
    doubts: list[Doubt]


class MinuteBars:
    """Makes candles.

    Parameters
    ----------
    minutes : Minutes
        The sessions.
    now : int
        The market's present. A session of that date is doubtful up to here.
    grace : int
        Seconds after a minute's end at which a trade of any instrument proves that the minute is complete: what is
        due to one connection arrives in order.
    patience : int
        Seconds after a minute's end at which it is closed without proof, all of it doubtful.
    hole : int
        Seconds without a trade of any instrument after which something must have been kept from us, although the
        connection stood. Subscribe something that trades all the time, such as the index.
    """

    def __init__(
        self, minutes: Minutes, now: int, *, grace: int = GRACE, patience: int = PATIENCE, hole: int = HOLE
    ) -> None:
        self._minutes = minutes
        self._grace = grace
        self._patience = patience
        self._hole = hole
        self._tapes: dict[FeedKey, Tape] = {}
        self._doubts: list[Doubt] = []
        self._adrift: set[FeedKey] = set()
        self._next = minutes.first_from(minutes.opening_of(now))
        self._oldest = now - LONG_AGO
        self._newest = 0

    def add(self, instrument: FeedInstrument) -> None:
        """Take an instrument in; its minutes of this session that are over already are doubtful."""
        known = self._tapes.get(instrument.key)
        if known is not None and known.instrument.mode is instrument.mode:
            return
        tape = self._tapes[instrument.key] = Tape(instrument)
        if known is None and tape.makes_bars:
            past = range(self._minutes.opening_of(self._next), self._next, MINUTE)
            self._doubts.extend(
                Doubt(instrument.key, minute)
                for minute in past
                if self._minutes.holds(minute, derivatives=tape.derivatives)
            )

    def drop(self, key: FeedKey) -> None:
        """Forget an instrument, with the minute that it is in."""
        self._tapes.pop(key, None)
        self._adrift.discard(key)

    def broken(self) -> None:
        """Take note that the connection broke: nothing is covered until each instrument is heard again."""
        for tape in self._tapes.values():
            tape.covered_from = None

    def missed(self, now: int) -> None:
        """Take note that some packets were lost: the minute that all instruments are in is doubtful.

        So is the minute in which each is heard again, which may be much later: its total then counts what was lost too.
        """
        later = self._next_minute(now)
        self._adrift.update(self._tapes)
        for tape in self._tapes.values():
            if tape.covered_from is not None:
                tape.covered_from = max(tape.covered_from, later)

    def take(self, price: Price, now: int) -> None:
        """Take a price in. One that is not sound leaves its minute doubtful."""
        tape = self._tapes.get(price.key)
        if tape is None:
            return
        if not price.sound:
            tape.covered_from = self._next_minute(now)
            return
        at = price.traded_at
        if at < self._oldest:
            self._untraded(tape, price, now)
            return
        if at > self._newest + self._hole and at > self._minutes.opening_of(at) + self._hole:
            self.missed(at)
        self._newest = max(self._newest, at)
        if tape.covered_from is None:
            tape.covered_from = self._next_minute(max(now, at))
        minute = at - at % MINUTE
        if at < tape.last_at:
            self._late(tape, price, minute)
            return
        self._place(tape, price, minute)

    def _place(self, tape: Tape, price: Price, minute: int) -> None:
        """Let a price, not older than any before, into its minute."""
        at = price.traded_at
        adrift = price.key in self._adrift and tape.says_news(price)
        self._adrift.discard(price.key)
        if not self._minutes.holds(at, derivatives=tape.derivatives):
            tape.remember(price)
        elif minute >= self._next:
            tape.trade(price, minute)
            tape.forming[minute].doubtful |= adrift
        else:
            if tape.last_at and tape.makes_bars and tape.says_news(price):
                self._doubts.append(Doubt(price.key, minute))
            tape.remember(price)

    def _untraded(self, tape: Tape, price: Price, now: int) -> None:
        """Take an instrument in that has never traded: nothing of what it will trade is missed from now on."""
        if tape.covered_from is None:
            tape.covered_from = self._next_minute(now)
        tape.remember(price)

    def take_interest(self, key: FeedKey, units: int) -> None:
        """Take open interest in that came in a packet of its own."""
        if key in self._tapes:
            self._tapes[key].interest = units

    def seal(self, now: int) -> Sealed:
        """Return the minutes that are over, each once, and the doubts that came up about older ones."""
        bars: list[Bar] = []
        doubts, self._doubts = self._doubts, []
        while True:
            end = self._next + MINUTE
            proven = min(self._newest, now + BELIEVED) >= end + self._grace
            if not proven and now < end + self._patience:
                return Sealed(bars, doubts)
            for tape in self._tapes.values():
                made = tape.forming.pop(self._next, None)
                if tape.makes_bars and self._minutes.holds(self._next, derivatives=tape.derivatives):
                    if not proven or _is_doubtful(tape, self._next, made):
                        doubts.append(Doubt(tape.instrument.key, self._next))
                    elif made is not None:
                        bars.append(_bar(tape.instrument.key, self._next, made))
            self._next = self._minutes.first_from(end)

    def _late(self, tape: Tape, price: Price, minute: int) -> None:
        """Take a trade that is older than the latest one: it may have been an extreme of its minute."""
        if not tape.makes_bars or not self._minutes.holds(price.traded_at, derivatives=tape.derivatives):
            return
        if minute in tape.forming:
            tape.forming[minute].doubtful = True
        else:
            self._doubts.append(Doubt(price.key, minute))

    def _next_minute(self, now: int) -> int:
        latest = max(now, self._newest)
        return latest - latest % MINUTE + MINUTE


def _is_doubtful(tape: Tape, minute: int, made: Forming | None) -> bool:
    """Return whether something of a minute may have been missed."""
    covered = tape.covered_from is not None and tape.covered_from <= minute
    return not covered or (made is not None and made.doubtful)


def _bar(key: FeedKey, minute: int, made: Forming) -> Bar:
    return Bar(key, minute, made.open, made.high, made.low, made.close, made.volume, made.open_interest)
