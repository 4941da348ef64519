"""The market feed without its sockets: all connections, and what each is owed as market time goes on.

Time is cut into windows on a fixed grid; an instrument that traded within a window sends one packet, as the window's
last trade left it. So what a connection gets depends on its requests and on the market, not on how often `advance` is
called.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Final

from exchange import packets
from exchange.accounts import Refused, TokenRefusedError
from exchange.channels import INDEX, Channel, FeedRules, Instrument
from exchange.clock import Millis, ist
from exchange.core import Core
from exchange.feedfaults import FeedFaults
from exchange.market import Book, Market, TradingHours, UnknownInstrumentError
from exchange.packets import Mode

EVICTED: Final = 805
NO_PLAN: Final = 806
REFUSED: Final[dict[Refused, int]] = {"expired": 807, "replaced": 808, "malformed": 809, "client": 810}

AT_ONCE: Final = 25  # instruments looked at in one step
PUT_AT_ONCE: Final = 200  # packets owed in one step
CATCH_UP: Final = 2_000  # milliseconds of real time, but LEAST_CATCH_UP at least of market time; a clock that jumps
LEAST_CATCH_UP: Final = 10_000  # further, or a machine that falls further behind, leaves a hole
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


class Hub:
    """The feed of one exchange.

    Parameters
    ----------
    core : Core
        Market, accounts, clock and faults.
    rules : FeedRules, optional
        Conflation, frames, limits.
    """

    def __init__(self, core: Core, rules: FeedRules | None = None) -> None:
        self.rules = rules or FeedRules()
        self.channels: list[Channel] = []
        self._core = core
        self._faults = FeedFaults(core)
        self._count = 0
        self._until = self._window(core.now)
        self._undone: Iterator[None] = iter(())
        self._bells = Bells(core.market)
        self._subscribed: dict[int, Subscribed] = {}
        self._orders: dict[Order, Subscribed] = {}

    def connect(self, client_id: str, token: str, now: Millis) -> Channel:
        """Open a connection; one that is refused comes back with the reason in its outbox, closing.

        The oldest connection of a client gives way to one too many.
        """
        self._finish()
        self._count += 1
        channel = Channel(self._count, client_id, token, self.rules)
        reason = self._refusal(channel)
        if reason is not None:
            channel.end(reason, now)
            return channel
        own = [one for one in self.channels if one.client_id == client_id]
        for oldest in own[: max(len(own) + 1 - self.rules.connections, 0)]:
            oldest.end(EVICTED, now)
            self.channels.remove(oldest)
        if not self.channels:
            self._until = self._window(now)
        self.channels.append(channel)
        return channel

    def request(self, channel: Channel, message: str | bytes, now: Millis) -> None:
        """Do what a client asks, after everything before it has been sent."""
        self.advance(now)
        self._put(channel, channel.request(message, self._core.market, now), now)
        self._subscribed.pop(channel.number, None)

    def leave(self, channel: Channel) -> None:
        """Forget a connection."""
        self._subscribed.pop(channel.number, None)
        if not self._subscribed:
            self._orders.clear()
        if channel in self.channels:
            self.channels.remove(channel)

    def check(self, now: Millis) -> None:
        """End the connections whose token is no longer in force, and see who is to play deaf."""
        for channel in list(self.channels):
            channel.deaf = channel.deaf or self._core.faults.strike("feed_deaf", channel.client_id) is not None
            reason = self._refusal(channel)
            if reason is not None:
                channel.end(reason, now)
                self.channels.remove(channel)

    def advance(self, now: Millis) -> None:
        """Put what happened up to a moment into the outboxes."""
        for _ in self.steps(now):
            pass

    def steps(self, now: Millis) -> Iterator[None]:
        """Do what `advance` does in steps, so that orders need not wait for a thousand quotes.

        What an earlier call left undone is done first. Whoever stops between two steps loses nothing.
        """
        self._finish()
        until = self._window(now)
        self._until = min(self._until, until)  # the clock may have been set back
        most = self._window(max(int(CATCH_UP * self._core.clock.speed), LEAST_CATCH_UP))
        spans = [(self._until, until)]
        if until - self._until > 2 * most:
            spans = [(self._until, self._until + most), (until - most, until)]
        self._until = until
        self._undone = chain.from_iterable(self._send(*span) for span in spans)
        yield from self._drained()

    def _finish(self) -> None:
        for _ in self._drained():
            pass

    def _drained(self) -> Iterator[None]:
        """Do what is undone; whoever comes in between finishes it for the one who began."""
        while next(self._undone, self) is None:
            yield

    def _refusal(self, channel: Channel) -> int | None:
        accounts, at = self._core.accounts, self._core.clock.real()
        try:
            account = accounts.authenticate(channel.token, at, client_id=channel.client_id)
        except TokenRefusedError as error:
            return REFUSED[error.why]
        return None if account.data_plan else NO_PLAN

    def _send(self, after: Millis, until: Millis) -> Iterator[None]:
        """Send the windows that end in ``(after, until]``."""
        busy = [channel for channel in self.channels if not channel.closing]
        if not busy or until <= after:
            return
        due: Due = defaultdict(dict)
        wanted = list(dict.fromkeys(one for channel in busy for one in channel.modes))
        for first in range(0, len(wanted), AT_ONCE):
            self._look(wanted[first : first + AT_ONCE], (after, until), due)
            yield
        opening = {self._window(at) for at in self._bells.between(after, until + self.rules.conflate)} - {after}
        put = 0
        for window in sorted(due.keys() | opening):
            made, states = Made(), due.get(window, {})
            for channel in busy:
                owed = [_OPEN_STATUS] if window in opening else []
                self._show(channel, states, made, owed, window)
                put += len(states)
                if put >= PUT_AT_ONCE:
                    put = 0
                    yield

    def _look(self, wanted: Iterable[Instrument], span: tuple[Millis, Millis], due: Due) -> None:
        """Add, by window, the books of the instruments that traded in it."""
        market, step = self._core.market, self.rules.conflate
        for one in wanted:
            try:
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
            self._put(channel, first + self._owed(channel, subscribed.traded(states), states, made), window)
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
        size = 1 if len(owed) <= self.rules.one_a_frame else self.rules.a_frame
        return [b"".join(owed[start : start + size]) for start in range(0, len(owed), size)]

    def _put(self, channel: Channel, owed: Sequence[bytes], window: Millis) -> None:
        if not owed or channel.silent or channel.closing:
            return
        self._faults.put(channel, self._framed(owed), window)

    def _window(self, at: Millis) -> Millis:
        return at // self.rules.conflate * self.rules.conflate


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
