"""How the market feed goes wrong: what faults do to books before they become packets, and to frames before they leave.

One occasion of a fault is one frame, or one book for faults about prices; the place is the client's id.
"""

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from exchange import packets
from exchange.channels import Channel, Instrument
from exchange.clock import Millis
from exchange.core import Core
from exchange.faults import FaultBox
from exchange.market import Book
from exchange.services import NoFaults

_LTP_AT: Final = 8
_LTT_AT: Final = {packets.TICKER: 12, packets.QUOTE: 14, packets.FULL: 14}
_OF_BOOKS: Final = frozenset({"feed_stale", "feed_zero_prices"})
_PRICED: Final = (packets.TICKER, packets.QUOTE, packets.FULL)
_NAN = struct.pack("<f", float("nan"))


class FeedFaults:
    """The faults of the feed, asked of the core for every book and frame.

    Parameters
    ----------
    core : Core
        Whose faults.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def spares(self, channel: Channel) -> bool:
        """Whether no fault is in force that may change a book which this connection is shown."""
        faults = self._core.faults
        if channel.first_seen or not isinstance(faults, NoFaults | FaultBox):
            return False
        return isinstance(faults, NoFaults) or not any(script.name in _OF_BOOKS for script in faults.scripts())

    def book(self, channel: Channel, instrument: Instrument, book: Book) -> Book:
        """Return the book that a connection is shown."""
        strike, where = self._core.faults.strike, channel.client_id
        if strike("feed_stale", where) is not None:
            shown = channel.first_seen.setdefault(instrument, book)
            return replace(book, ltp=shown.ltp, ltt=shown.ltt, volume=shown.volume)
        if channel.first_seen:
            channel.first_seen.pop(instrument, None)
        if strike("feed_zero_prices", where) is not None:
            return replace(book, ltp=0)
        return book

    def put(self, channel: Channel, frames: Sequence[bytes], due: Millis) -> None:
        """Owe frames to a connection, as the faults leave them; some faults end the connection."""
        strike, where = self._core.faults.strike, channel.client_id
        if strike("feed_together", where) is not None:
            frames = [b"".join(frames)]
        for frame in frames:
            ended = strike("feed_disconnect", where)
            if ended is not None:
                channel.end(int(ended["code"]), due)
                return
            if strike("feed_reset", where) is not None:
                channel.closing = channel.resetting = True
                return
            if strike("feed_silent", where) is not None:
                channel.silent = True
                return
            self._put(channel, frame, due)

    def _put(self, channel: Channel, frame: bytes, due: Millis) -> None:
        strike, where = self._core.faults.strike, channel.client_id
        late = strike("feed_lag", where)
        if late is not None:
            due += int(float(late["seconds"]) * 1000)
        if strike("feed_nan_prices", where) is not None:
            frame = b"".join(_with_nan(packet) for packet in packets.walk(frame))
        back = strike("feed_disordered", where)
        if back is not None:
            frame = _disordered(frame, int(back["seconds"]))
        unknown = strike("feed_unknown", where)
        if unknown is not None:
            frame = _foreign(int(unknown["code"]), int(unknown["length"])) + frame
        if strike("feed_zero_code", where) is not None:
            frame = _foreign(0, packets.HEADER.size) + frame
        cut = strike("feed_truncated", where)
        if cut is not None:
            frame = frame[: max(len(frame) - int(cut["bytes"]), 1)]
        channel.put(frame, due)


def _with_nan(packet: bytes) -> bytes:
    return packet[:_LTP_AT] + _NAN + packet[_LTP_AT + 4 :] if packet[0] in _PRICED else packet


def _disordered(frame: bytes, seconds: int) -> bytes:
    """Return the frame backwards, its trades `seconds` older than they are."""
    return b"".join(_older(packet, seconds) for packet in reversed(list(packets.walk(frame))))


def _older(packet: bytes, seconds: int) -> bytes:
    place = _LTT_AT.get(packet[0])
    if place is None:
        return packet
    at = int.from_bytes(packet[place : place + 4], "little")
    return packet[:place] + max(at - seconds, 0).to_bytes(4, "little") + packet[place + 4 :]


def _foreign(code: int, length: int) -> bytes:
    """Return a packet with a header and zeros."""
    size = max(length, packets.HEADER.size)
    return packets.HEADER.pack(code & 0xFF, size, packets.SEGMENTS["NSE_FNO"], 0) + bytes(size - packets.HEADER.size)
