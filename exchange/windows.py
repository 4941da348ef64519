"""What happened in windows of market time, as the packets of each connection.

An instrument that traded within a window sends one packet, as the window's last trade left it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from exchange import packets
from exchange.channels import INDEX, Channel, FeedRules, Instrument
from exchange.clock import Millis, ist
from exchange.feedfaults import FeedFaults
from exchange.market import Book, Market, TradingHours, UnknownInstrumentError
from exchange.packets import Mode

AT_ONCE: Final = 25  # instruments looked at in one step
PUT_AT_ONCE: Final = 200  # packets owed in one step
Due = dict[int, dict[Instrument, Book]]
Order = tuple[tuple[Instrument, Mode], ...]
_OPEN_STATUS = packets.status(packets.Target(packets.SEGMENTS["NSE_FNO"], 0))


@dataclass
class Made:
    """What was made for one connection in one window and serves others too: packets, and whole frames by order."""

    packets: dict[tuple[Instrument, Mode], bytes] = field(default_factory=dict)
    frames: dict[int, Sequence[bytes]] = field(default_factory=dict)


@dataclass(frozen=True)
class Subscribed:
    """A connection's instruments in the order of its packets, as last seen; `shares` says that frames fit others."""

    order: Order
    places: Mapping[Instrument, int]
    shares: bool

    @classmethod
    def of(cls, channel: Channel, known: dict[Order, "Subscribed"]) -> "Subscribed":
        """Return what a channel has subscribed, the same object for the same instruments in the same order."""
        order = tuple(channel.modes.items())
        if order not in known:
            shares = all(mode != "quote" or one.segment == INDEX for one, mode in order)
            known[order] = cls(order, {one: place for place, (one, _) in enumerate(order)}, shares)
        return known[order]

    def traded(self, states: Mapping[Instrument, Book]) -> Iterable[tuple[Instrument, Mode]]:
        """Return those that traded, in order."""
        if len(states) * 4 > len(self.order):
            return (pair for pair in self.order if pair[0] in states)
        return (self.order[place] for place in sorted(self.places[one] for one in states if one in self.places))


class Windows:
    """Owes connections what happened.

    Parameters
    ----------
    market : Market
        Where it happened.
    faults : FeedFaults
        What goes wrong on the way.
    rules : FeedRules
        Conflation and frames.
    """

    def __init__(self, market: Market, faults: FeedFaults, rules: FeedRules) -> None:
        self._market = market
        self._faults = faults
        self._rules = rules
        self._bells = Bells(market)
        self._subscribed: dict[int, Subscribed] = {}
        self._orders: dict[Order, Subscribed] = {}

    def of(self, at: Millis) -> Millis:
        """Return the end of the last window that is over at a moment."""
        return at // self._rules.conflate * self._rules.conflate

    def forget(self, channel: Channel) -> None:
        """Take note that a connection asked for something, or is gone."""
        self._subscribed.pop(channel.number, None)
        if not self._subscribed:
            self._orders.clear()

    def send(
        self, channels: Sequence[Channel], after: Millis, until: Millis, is_late: Callable[[], bool]
    ) -> Iterator[None]:
        """Owe the windows that end in ``(after, until]``, step by step.

        Parameters
        ----------
        channels : sequence of Channel
            To whom.
        after, until : int
            Ends of windows.
        is_late : callable
            Whether time is so short that of all windows that are left only the newest state is owed, as if they were
            one. It is asked again before each.
        """
        busy = [channel for channel in channels if not channel.closing]
        if not busy or until <= after:
            return
        newest = is_late()
        due: Due = defaultdict(dict)
        wanted = list(dict.fromkeys(one for channel in busy for one in channel.modes))
        for first in range(0, len(wanted), AT_ONCE):
            self._look(wanted[first : first + AT_ONCE], (after, until), due, newest=newest)
            yield
        opening = {self.of(at) for at in self._bells.between(after, until + self._rules.conflate)} - {after}
        windows, put = sorted(due.keys() | opening), 0
        for place, window in enumerate(windows):
            if place < len(windows) - 1 and is_late():
                yield from self._all_in_one(busy, windows[place:], due, opening)
                return
            made, states = Made(), due.get(window, {})
            for channel in busy:
                self._show(channel, states, made, [_OPEN_STATUS] if window in opening else [], window)
                put += len(states)
                if put >= PUT_AT_ONCE:
                    put = 0
                    yield

    def put(self, channel: Channel, owed: Sequence[bytes], window: Millis) -> None:
        """Owe packets to a connection from a moment on."""
        if not owed or channel.silent or channel.closing:
            return
        self._faults.put(channel, self._framed(owed), window)

    def _all_in_one(
        self, busy: Sequence[Channel], windows: Sequence[Millis], due: Due, opening: set[Millis]
    ) -> Iterator[None]:
        """Owe the newest state of all that traded in some windows."""
        states = {one: book for window in windows for one, book in due.get(window, {}).items()}
        first, made = [_OPEN_STATUS for window in windows if window in opening], Made()
        for channel in busy:
            self._show(channel, states, made, list(first), windows[-1])
            yield

    def _look(self, wanted: Iterable[Instrument], span: tuple[Millis, Millis], due: Due, *, newest: bool) -> None:
        """Add, by window, the books of the instruments that traded in it; where only the newest count, by the last."""
        market, step = self._market, self._rules.conflate
        for one in wanted:
            try:
                if newest:
                    book = market.top_of_book(one.security_id, one.segment, span[1])
                    if book.ltt > span[0]:
                        due[span[1]][one] = book
                    continue
                prints = market.prints(one.security_id, one.segment, *span)
                for window in {-(-trade.at // step) * step for trade in prints}:
                    due[window][one] = market.top_of_book(one.security_id, one.segment, window)
            except UnknownInstrumentError:  # expired while subscribed
                continue

    def _show(
        self, channel: Channel, states: Mapping[Instrument, Book], made: Made, first: list[bytes], window: Millis
    ) -> None:
        """Owe a window's packets to a connection, after those that go first."""
        subscribed = self._subscribed.get(channel.number)
        if subscribed is None:
            subscribed = self._subscribed[channel.number] = Subscribed.of(channel, self._orders)
        if first or not subscribed.shares or not self._faults.spares(channel):
            self.put(channel, first + self._owed(channel, subscribed.traded(states), states, made), window)
            return
        frames = made.frames.get(id(subscribed))
        if frames is None:
            owed = self._owed(channel, subscribed.traded(states), states, made)
            frames = made.frames[id(subscribed)] = self._framed(owed)
        if not channel.silent and not channel.closing:
            self._faults.put(channel, frames, window)

    def _owed(
        self,
        channel: Channel,
        traded: Iterable[tuple[Instrument, Mode]],
        states: Mapping[Instrument, Book],
        made: Made,
    ) -> list[bytes]:
        """Return a window's packets for a connection."""
        owed: list[bytes] = []
        spared = self._faults.spares(channel)
        for pair in traded:
            one, mode = pair
            true = states[one]
            shown = true if spared else self._faults.book(channel, one, true)
            packet = made.packets.get(pair) if shown is true else channel.packet_of(one, shown)
            if packet is None:
                packet = made.packets[pair] = channel.packet_of(one, true)
            owed.append(packet)
            if mode == "quote":
                owed += channel.beside(one, shown)
        return owed

    def _framed(self, owed: Sequence[bytes]) -> Sequence[bytes]:
        size = 1 if len(owed) <= self._rules.one_a_frame else self._rules.a_frame
        return [b"".join(owed[start : start + size]) for start in range(0, len(owed), size)]


class Bells:
    """When derivatives open and close.

    Parameters
    ----------
    market : Market
        Knows the hours.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._hours: tuple[date | None, TradingHours | None] = (None, None)

    def between(self, start: Millis, end: Millis) -> list[Millis]:
        """Return the openings and closes in ``[start, end)``, both on one date."""
        on = ist(end).date()
        if self._hours[0] != on:
            self._hours = (on, self._market.hours(on))
        hours = self._hours[1]
        return [at for at in (hours.open_at, hours.close_at) if start <= at < end] if hours is not None else []
