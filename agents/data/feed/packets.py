"""The market feed's bytes as facts: frames are walked by the length that each packet states, and nothing is guessed.

A frame is little endian and holds one packet or several. What cannot be read is counted, never raised: a feed that
sends nonsense must not stop the one that reads it. Times become true seconds since 1970 UTC; the wire dresses India's
wall clock up as UTC.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

INDIA_AHEAD: Final = 19_800  # seconds that India's wall clock is ahead of UTC

HIGHEST: Final = 10_000_000.0  # rupees; nothing on these exchanges costs more

SEGMENTS: Final[Mapping[int, str]] = {
    0: "IDX_I",
    1: "NSE_EQ",
    2: "NSE_FNO",
    3: "NSE_CURRENCY",
    4: "BSE_EQ",
    5: "MCX_COMM",
    7: "BSE_CURRENCY",
    8: "BSE_FNO",
}

_HEADER: Final = struct.Struct("<BHBI")
_TICKER: Final = struct.Struct("<fI")
_QUOTE: Final = struct.Struct("<fHIfIIIffff")
_FULL: Final = struct.Struct("<fHIfIIIIIIffff")
_LEVEL: Final = struct.Struct("<IIHHff")
_OFFERED: Final = struct.Struct("<" + "4xI12x" * 5)  # the sizes on sale of the same five levels
_DEPTH_AT: Final = 62
_INTEREST: Final = struct.Struct("<I")
_CLOSE: Final = struct.Struct("<fI")
_REASON: Final = struct.Struct("<H")


def is_price(rupees: float) -> bool:
    """Whether a number from the wire is a price: above zero, finite, and not absurd."""
    return 0.0 < rupees < HIGHEST


class FeedKey(NamedTuple):
    """What the broker calls an instrument: ids are unique within a segment only."""

    segment: str
    security_id: int


class Touch(NamedTuple):
    """The best bid and ask, in rupees and units; a price of 0 means that nobody is there.

    `offered` are the units on sale in all five levels.
    """

    bid: float
    ask: float
    bid_quantity: int
    ask_quantity: int
    offered: int = 0


class DayFigures(NamedTuple):
    """What a quote says of the session so far: prices in rupees, quantities in units."""

    volume: int
    average: float
    open: float
    high: float
    low: float
    previous_close: float
    total_sell_quantity: int
    total_buy_quantity: int


class Price(NamedTuple):
    """A ticker, quote or full packet.

    Attributes
    ----------
    key : FeedKey
        Whose.
    ltp : float
        Rupees as the wire's 32-bit float has them; `sound` says whether it is a price at all.
    traded_at : int
        When that trade was, in seconds since 1970 UTC; 0 where the wire has none.
    quantity : int
        Units of the last trade modulo 65,536; 0 in a ticker.
    day : DayFigures or None
        None in a ticker.
    open_interest : int or None
        Units; only full packets have it.
    touch : Touch or None
        Only full packets have it.
    """

    key: FeedKey
    ltp: float
    traded_at: int
    quantity: int = 0
    day: DayFigures | None = None
    open_interest: int | None = None
    touch: Touch | None = None

    @property
    def sound(self) -> bool:
        """Whether the price is one; see `is_price`."""
        return is_price(self.ltp)


class OpenInterest(NamedTuple):
    """Open interest in units; it comes beside quotes of derivatives."""

    key: FeedKey
    open_interest: int


class PreviousClose(NamedTuple):
    """The close of the session before, in rupees, and the open interest then."""

    key: FeedKey
    close: float
    open_interest: int


class MarketStatus(NamedTuple):
    """A packet that says that a market opened or closed, and not which of the two."""

    key: FeedKey


class Disconnect(NamedTuple):
    """The last packet of a connection: why the server ends it."""

    reason: int


Packet = Price | OpenInterest | PreviousClose | MarketStatus | Disconnect


class Frame(NamedTuple):
    """One message of the feed.

    Attributes
    ----------
    packets : list of Packet
        In the order of the wire.
    unknown : list of int
        Codes of whole packets that nobody knows. Code 0 is a sign of life and is not among them.
    damage : str
        What could not be read, empty where all was; packets behind it may be lost.
    """

    packets: list[Packet]
    unknown: list[int]
    damage: str = ""


def read_frame(frame: bytes) -> Frame:
    """Return what a frame holds; never raises, whatever the bytes.

    Parameters
    ----------
    frame : bytes
        One message as it came.
    """
    packets: list[Packet] = []
    unknown: list[int] = []
    damage = ""
    start, end = 0, len(frame)
    while start < end:
        if end - start < _HEADER.size:
            damage = f"{end - start} bytes at {start} are less than a header"
            break
        code, length, segment, security_id = _HEADER.unpack_from(frame, start)
        if length < _HEADER.size or length > end - start:
            damage = f"packet {code} at {start} states {length} bytes of the {end - start} that are there"
            break
        layout = _LAYOUTS.get(code)
        name = SEGMENTS.get(segment)
        if layout is None or (name is None and code != _DISCONNECT):
            if code:
                unknown.append(code)
        elif length < layout.size:
            damage = f"packet {code} at {start} states {length} bytes and needs {layout.size}"
        else:
            packets.append(layout.read(FeedKey(name or "", security_id), frame, start))
        start += length
    return Frame(packets, unknown, damage)


class _Layout(NamedTuple):
    size: int
    read: Callable[[FeedKey, bytes, int], Packet]


def _true_time(dressed: int) -> int:
    return dressed - INDIA_AHEAD if dressed > INDIA_AHEAD else 0


def _ticker(key: FeedKey, frame: bytes, start: int) -> Packet:
    ltp, traded_at = _TICKER.unpack_from(frame, start + _HEADER.size)
    return Price(key, ltp, _true_time(traded_at))


def _quote(key: FeedKey, frame: bytes, start: int) -> Packet:
    found = _QUOTE.unpack_from(frame, start + _HEADER.size)
    ltp, quantity, traded_at, average, volume, selling, buying, opened, close, high, low = found
    day = DayFigures(volume, average, opened, high, low, close, selling, buying)
    return Price(key, ltp, _true_time(traded_at), quantity, day)


def _full(key: FeedKey, frame: bytes, start: int) -> Packet:
    found = _FULL.unpack_from(frame, start + _HEADER.size)
    ltp, quantity, traded_at, average, volume, selling, buying, interest, _, _, opened, close, high, low = found
    bid_quantity, ask_quantity, _, _, bid, ask = _LEVEL.unpack_from(frame, start + _DEPTH_AT)
    day = DayFigures(volume, average, opened, high, low, close, selling, buying)
    offered = sum(_OFFERED.unpack_from(frame, start + _DEPTH_AT))
    touch = Touch(bid, ask, bid_quantity, ask_quantity, offered)
    return Price(key, ltp, _true_time(traded_at), quantity, day, interest, touch)


def _interest(key: FeedKey, frame: bytes, start: int) -> Packet:
    return OpenInterest(key, *_INTEREST.unpack_from(frame, start + _HEADER.size))


def _close(key: FeedKey, frame: bytes, start: int) -> Packet:
    return PreviousClose(key, *_CLOSE.unpack_from(frame, start + _HEADER.size))


def _status(key: FeedKey, _frame: bytes, _start: int) -> Packet:
    return MarketStatus(key)


def _disconnect(_key: FeedKey, frame: bytes, start: int) -> Packet:
    return Disconnect(*_REASON.unpack_from(frame, start + _HEADER.size))


_DISCONNECT: Final = 50
_LAYOUTS: Final[Mapping[int, _Layout]] = {
    2: _Layout(16, _ticker),
    4: _Layout(50, _quote),
    5: _Layout(12, _interest),
    6: _Layout(16, _close),
    7: _Layout(8, _status),
    8: _Layout(162, _full),
    _DISCONNECT: _Layout(10, _disconnect),
}
