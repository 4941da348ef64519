"""What the exchange knows of a market: contracts, quotes, prints, candles and chains, each as of a moment.

Prices are whole paise, quantities are contracts, moments are milliseconds since 1970 UTC. A market is a pure function
of its seed or its recording: the same question at the same moment has the same answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from exchange.clock import Millis
from exchange.contracts import IDX_I, NSE_FNO, Contract
from exchange.sessions import TradingHours

DEPTH = 5

__all__ = [
    "DEPTH",
    "IDX_I",
    "NSE_FNO",
    "Book",
    "Candle",
    "Chain",
    "ChainRow",
    "Level",
    "Market",
    "OptionSide",
    "Options",
    "Print",
    "RecordingError",
    "TradingHours",
    "UnknownInstrumentError",
]


class RecordingError(ValueError):
    """A recording cannot be shown; the message says what it lacks."""


class Level(NamedTuple):
    """One row of the market depth, both sides; a price of 0 means that nobody is there."""

    bid_quantity: int
    ask_quantity: int
    bid_orders: int
    ask_orders: int
    bid: int
    ask: int


class Print(NamedTuple):
    """One trade, or one value of an index: `volume` is the session's so far, `quantity` this trade's."""

    at: Millis
    price: int
    quantity: int
    volume: int


class Candle(NamedTuple):
    """One candle, named by the moment it opens at."""

    opened_at: Millis
    open: int
    high: int
    low: int
    close: int
    volume: int
    open_interest: int


@dataclass(slots=True)  # not frozen: thousands are made a second, and freezing triples what one costs
class Book:
    """What one instrument shows at one moment; shared by all who ask, so never changed, only replaced.

    A bid or ask of 0 means that nobody is there; `ltt` of 0 means not traded in this session, and `ltp` is then the
    previous close. `depth` has five rows whose first is the bid and ask; an index has neither.
    """

    bid: int
    ask: int
    bid_quantity: int
    ask_quantity: int
    ltp: int
    ltq: int
    ltt: Millis
    volume: int
    average: int
    open_interest: int
    open_interest_high: int
    open_interest_low: int
    open: int
    high: int
    low: int
    previous_close: int
    total_bid_quantity: int
    total_ask_quantity: int
    depth: tuple[Level, ...]


class ChainRow(NamedTuple):
    """One contract of a chain snapshot; `iv` is a percentage, 0 when there is none."""

    contract: Contract
    book: Book
    iv: float
    delta: float
    theta: float
    gamma: float
    vega: float
    previous_open_interest: int
    previous_volume: int


class Chain(NamedTuple):
    """A chain as of a moment: the underlying's price, and rows by strike in rupees and option type CE or PE."""

    at: Millis
    underlying: int
    rows: Mapping[tuple[int, str], ChainRow]


class OptionSide(NamedTuple):
    """Options of one index, right and expiry in a session; `place` counts the expiries from the nearest, which is 0."""

    on: date
    underlying_id: int
    option_type: str
    monthly: bool
    place: int

    def end(self, ends: Mapping[date, bool]) -> date | None:
        """Return the expiry that is meant, among those listed and whether each is its month's last; None without it."""
        own = sorted(end for end, last_of_month in ends.items() if last_of_month or not self.monthly)
        return own[self.place] if self.place < len(own) else None


class Options(NamedTuple):
    """Options of one index, expiry and right in one session: strikes in rupees, ascending, and how to get candles.

    `candles` takes strikes and returns the one-minute candles of those that have any, oldest first.
    """

    expiry_on: date
    strikes: Sequence[int]
    candles: Callable[[Sequence[int]], Mapping[int, Sequence[Candle]]]


class Market(Protocol):
    """Where prices come from; recorded or simulated. Unknown instruments raise `UnknownInstrumentError`."""

    def hours(self, on: date) -> TradingHours | None:
        """Return the hours of a date, or None when there is no session."""
        ...

    def contracts(self, on: date) -> Sequence[Contract]:
        """Return the instrument table of a date, by segment and id."""
        ...

    def contract(self, security_id: int, segment: str, on: date) -> Contract:
        """Return one row of the instrument table."""
        ...

    def opening(self, on: date) -> Iterator[None]:
        """Make what the session of a date needs, step by step; whatever is asked before its turn is made at once."""
        ...

    def top_of_book(self, security_id: int, segment: str, now: Millis) -> Book:
        """Return what the instrument shows at a moment; outside the hours, as the last session left it."""
        ...

    def prints(self, security_id: int, segment: str, after: Millis, until: Millis) -> Sequence[Print]:
        """Return the trades with ``after < at <= until``, oldest first, none before the session of `until`."""
        ...

    def candles(self, security_id: int, segment: str, start: Millis, end: Millis, now: Millis) -> Sequence[Candle]:
        """Return one-minute candles that open in ``[start, end)``, the forming one as it stands at `now`."""
        ...

    def options(self, side: OptionSide, now: Millis) -> Options | None:
        """Return the options that a side means as of `now`, None where there are none."""
        ...

    def expiries(self, underlying_id: int, now: Millis) -> Sequence[date]:
        """Return the expiry dates of an index that are not past, nearest first."""
        ...

    def chain(self, underlying_id: int, expiry_on: date, now: Millis) -> Chain:
        """Return the option chain of one expiry as of `now`."""
        ...


class UnknownInstrumentError(LookupError):
    """There is no such instrument in the table of that date."""
