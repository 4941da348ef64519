"""Packets of the market feed, byte for byte; little endian, prices as 32-bit floats of rupees.

A packet starts with eight bytes: what it is, its whole length, the segment, the instrument. The last trade's time is
the wall clock of India written down as if it were UTC, so it runs 19,800 s ahead of true UTC.
"""

import struct
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from exchange.clock import IST_OFFSET_SECONDS, Millis
from exchange.market import DEPTH, Book, Level

TICKER: Final = 2
QUOTE: Final = 4
OPEN_INTEREST: Final = 5
PREVIOUS_CLOSE: Final = 6
STATUS: Final = 7
FULL: Final = 8
DISCONNECT: Final = 50

Mode = Literal["ticker", "quote", "full"]

SEGMENTS: Final = {
    "IDX_I": 0,
    "NSE_EQ": 1,
    "NSE_FNO": 2,
    "NSE_CURRENCY": 3,
    "BSE_EQ": 4,
    "MCX_COMM": 5,
    "BSE_CURRENCY": 7,
    "BSE_FNO": 8,
}

HEADER: Final = struct.Struct("<BHBI")
_TICKER = struct.Struct("<BHBIfI")
_PREVIOUS_CLOSE = struct.Struct("<BHBIfI")
_QUOTE = struct.Struct("<BHBIfHIfIIIffff")
_OPEN_INTEREST = struct.Struct("<BHBII")
_FULL = struct.Struct("<BHBIfHIfIIIIIIffff" + "IIHHff" * DEPTH)
_DISCONNECT = struct.Struct("<BHBIH")

_U16, _U32 = 0xFFFF, 0xFFFFFFFF
_NOBODY = (Level(0, 0, 0, 0, 0, 0),) * DEPTH


class Target(NamedTuple):
    """The instrument a packet is about: segment as the feed numbers it, and id."""

    segment: int
    security_id: int


def wall_clock(at: Millis) -> int:
    """Return a moment as the feed writes it: seconds of India's wall clock, 0 for never."""
    return (at // 1000 + IST_OFFSET_SECONDS) & _U32 if at else 0


def ticker(target: Target, book: Book) -> bytes:
    """Return a ticker packet, 16 bytes."""
    return _TICKER.pack(TICKER, _TICKER.size, *target, book.ltp / 100, wall_clock(book.ltt))


def previous_close(target: Target, price: int, open_interest: int) -> bytes:
    """Return a previous-close packet, 16 bytes; `price` in paise."""
    return _PREVIOUS_CLOSE.pack(PREVIOUS_CLOSE, _PREVIOUS_CLOSE.size, *target, price / 100, open_interest & _U32)


def quote(target: Target, book: Book) -> bytes:
    """Return a quote packet, 50 bytes. The last quantity wraps at 65,536."""
    return _QUOTE.pack(QUOTE, _QUOTE.size, *target, *_trade(book), *_day(book))


def open_interest(target: Target, contracts: int) -> bytes:
    """Return an open-interest packet, 12 bytes; it accompanies quotes of derivatives."""
    return _OPEN_INTEREST.pack(OPEN_INTEREST, _OPEN_INTEREST.size, *target, contracts & _U32)


def full(target: Target, book: Book) -> bytes:
    """Return a full packet, 162 bytes: quote, open interest and five levels of depth."""
    rows = book.depth if len(book.depth) == DEPTH else _NOBODY
    depth: list[float] = []
    for bids, asks, bid_orders, ask_orders, bid, ask in rows:
        depth += (bids & _U32, asks & _U32, bid_orders & _U16, ask_orders & _U16, bid / 100, ask / 100)
    return _FULL.pack(
        FULL,
        _FULL.size,
        *target,
        book.ltp / 100,
        book.ltq & _U16,
        wall_clock(book.ltt),
        book.average / 100,
        book.volume & _U32,
        book.total_ask_quantity & _U32,
        book.total_bid_quantity & _U32,
        book.open_interest & _U32,
        book.open_interest_high & _U32,
        book.open_interest_low & _U32,
        book.open / 100,
        book.previous_close / 100,
        book.high / 100,
        book.low / 100,
        *depth,
    )


def status(target: Target) -> bytes:
    """Return a market-status packet, 8 bytes: a header and nothing else."""
    return HEADER.pack(STATUS, HEADER.size, *target)


def disconnect(reason: int) -> bytes:
    """Return the packet that says why the connection ends, 10 bytes."""
    return _DISCONNECT.pack(DISCONNECT, _DISCONNECT.size, 0, 0, reason)


def packet(mode: Mode, target: Target, book: Book) -> bytes:
    """Return the packet of a mode."""
    if mode == "ticker":
        return ticker(target, book)
    return quote(target, book) if mode == "quote" else full(target, book)


def walk(frame: bytes) -> Iterator[bytes]:
    """Yield the packets of a frame, each by its own length; a last one that is cut short is yielded as it is."""
    place = 0
    while place < len(frame):
        length = int.from_bytes(frame[place + 1 : place + 3], "little") if place + HEADER.size <= len(frame) else 0
        past = place + length if length >= HEADER.size else len(frame)
        yield frame[place:past]
        place = past


def _trade(book: Book) -> tuple[float, int, int, float, int, int, int]:
    """Return last price, quantity and time, average, volume, and the quantities waiting to sell and to buy."""
    return (
        book.ltp / 100,
        book.ltq & _U16,
        wall_clock(book.ltt),
        book.average / 100,
        book.volume & _U32,
        book.total_ask_quantity & _U32,
        book.total_bid_quantity & _U32,
    )


def _day(book: Book) -> tuple[float, float, float, float]:
    """Return open, previous close, high and low; during the session the field named close is the one before."""
    return book.open / 100, book.previous_close / 100, book.high / 100, book.low / 100
