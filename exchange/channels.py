"""One connection to the market feed without its socket: what it subscribed, what it is owed.

A request comes in as text or bytes; what is to be sent goes into `outbox`, in frames. Nothing here waits.
"""

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from exchange import packets
from exchange.clock import Millis, ist
from exchange.market import Book, Market, UnknownInstrumentError
from exchange.packets import Mode, Target

SUBSCRIBE: Final[Mapping[int, Mode]] = {15: "ticker", 17: "quote", 21: "full"}
UNSUBSCRIBE: Final[Mapping[int, Mode]] = {16: "ticker", 18: "quote", 22: "full"}
LEAVE: Final = 12

PER_REQUEST: Final = 100
PER_CONNECTION: Final = 5_000
TOO_MANY: Final = 804
BAD_REQUEST: Final = 814

INDEX: Final = "IDX_I"


class Instrument(NamedTuple):
    """What is subscribed: segment by name, and id."""

    segment: str
    security_id: int

    @property
    def target(self) -> Target:
        """The instrument as packets write it."""
        return Target(packets.SEGMENTS[self.segment], self.security_id)


@dataclass(frozen=True)
class FeedRules:
    """What Dhan leaves open about its feed, and what is measured.

    Packets of an instrument are at least `conflate` milliseconds of market time apart. Up to `one_a_frame` packets due
    to a connection at the same moment go out in frames of their own, more of them `a_frame` together. `index_mode` is
    what an index sends when quotes or depth were asked. A connection whose client leaves more than `backlog` bytes
    unread is ended. A feed that is `behind` by more than so many real milliseconds sends the newest state only.
    """

    conflate: Millis = 250
    one_a_frame: int = 8
    a_frame: int = 50
    index_mode: Literal["ticker", "quote"] = "quote"
    connections: int = 5
    backlog: int = 32_000_000
    behind: Millis = 2_000


@dataclass
class Channel:
    """The state of one connection.

    `closing` says that nothing follows once the outbox is empty; `resetting` that it ends in a reset instead; `silent`
    that nothing follows though it stands; `deaf` that pings stay unanswered.
    """

    number: int
    client_id: str
    token: str = field(repr=False)
    rules: FeedRules = field(default_factory=FeedRules)
    modes: dict[Instrument, Mode] = field(default_factory=dict)
    outbox: deque[tuple[Millis, bytes]] = field(default_factory=deque, repr=False)
    waiting: int = 0
    interest: dict[Instrument, int] = field(default_factory=dict, repr=False)
    first_seen: dict[Instrument, Book] = field(default_factory=dict, repr=False)
    closing: bool = False
    resetting: bool = False
    silent: bool = False
    deaf: bool = False

    def request(self, message: str | bytes, market: Market, now: Millis) -> list[bytes]:
        """Do what a client asks and return the packets it gets at once.

        Bytes are requests of the version before this one, and ask nothing.
        """
        if isinstance(message, bytes) or self.closing:
            return []
        try:
            asked = json.loads(message)
            code, rows = int(asked["RequestCode"]), asked.get("InstrumentList", [])
            instruments = [_instrument(row) for row in rows]
        except (ValueError, KeyError, TypeError, AttributeError):
            self.end(BAD_REQUEST, now)
            return []
        known = [one for one in instruments if one is not None]
        if code == LEAVE:
            self.closing = True
        elif code in SUBSCRIBE:
            return self._subscribe(SUBSCRIBE[code], known, market, now)
        elif code in UNSUBSCRIBE:
            self._unsubscribe(UNSUBSCRIBE[code], known)
        return []

    def put(self, frame: bytes, due: Millis) -> None:
        """Owe a frame from a moment on; frames leave in the order in which they were put."""
        self.outbox.append((due, frame))
        self.waiting += len(frame)

    def take(self, now: Millis) -> list[bytes]:
        """Return the frames that are due, and owe them no longer."""
        found = []
        while self.outbox and self.outbox[0][0] <= now:
            frame = self.outbox.popleft()[1]
            self.waiting -= len(frame)
            found.append(frame)
        return found

    def end(self, reason: int, now: Millis) -> None:
        """Say why it ends; nothing follows."""
        self.put(packets.disconnect(reason), now)
        self.closing = True

    def mode_of(self, instrument: Instrument) -> Mode:
        """Return in which mode a subscribed instrument is sent."""
        is_index = instrument.segment == INDEX
        return "ticker" if is_index and self.rules.index_mode == "ticker" else self.modes[instrument]

    def packet_of(self, instrument: Instrument, book: Book) -> bytes:
        """Return what a state of an instrument sends in its mode."""
        is_index = instrument.segment == INDEX
        mode = "ticker" if is_index and self.rules.index_mode == "ticker" else self.modes[instrument]
        return packets.packet(mode, instrument.target, book)

    def beside(self, instrument: Instrument, book: Book) -> list[bytes]:
        """Return what goes with a quote of a derivative: its open interest, when it changed."""
        quoted = self.modes[instrument] == "quote" and instrument.segment != INDEX
        if not quoted or self.interest.get(instrument) == book.open_interest:
            return []
        self.interest[instrument] = book.open_interest
        return [packets.open_interest(instrument.target, book.open_interest)]

    def _subscribe(self, mode: Mode, asked: Sequence[Instrument], market: Market, now: Millis) -> list[bytes]:
        if len(asked) > PER_REQUEST or len(self.modes.keys() | set(asked)) > PER_CONNECTION:
            self.end(TOO_MANY, now)
            return []
        found = []
        for one in asked:
            try:
                market.contract(one.security_id, one.segment, ist(now).date())
                book = market.top_of_book(one.security_id, one.segment, now)
            except UnknownInstrumentError:
                continue  # the live feed says nothing of it and never sends a packet
            self.modes[one] = mode
            self.interest.pop(one, None)
            if one.segment == INDEX:
                found.append(packets.previous_close(one.target, book.previous_close, 0))
            found += [self.packet_of(one, book), *self.beside(one, book)]
        return found

    def _unsubscribe(self, mode: Mode, instruments: Iterable[Instrument]) -> None:
        for one in instruments:
            if self.modes.get(one) == mode:
                del self.modes[one]
                self.interest.pop(one, None)


def _instrument(row: Mapping[str, Any]) -> Instrument | None:  # Any: what clients send
    """Return what a row names, None when no feed has such a segment or id."""
    segment, security_id = row["ExchangeSegment"], row["SecurityId"]
    if segment not in packets.SEGMENTS or not str(security_id).isdecimal():
        return None
    return Instrument(segment, int(security_id))
