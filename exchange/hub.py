"""The market feed without its sockets: all connections, and what each is owed as market time goes on.

Time is cut into windows on a fixed grid; an instrument that traded within a window sends one packet, as the window's
last trade left it. So what a connection gets depends on its requests and on the market, not on how often `advance` is
called, unless that is too seldom: then it gets the newest state only.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from exchange.accounts import Refused, TokenRefusedError
from exchange.channels import Channel, FeedRules
from exchange.clock import Millis
from exchange.core import Core
from exchange.feedfaults import FeedFaults
from exchange.windows import Windows

EVICTED: Final = 805
NO_PLAN: Final = 806
REFUSED: Final[dict[Refused, int]] = {"expired": 807, "replaced": 808, "malformed": 809, "client": 810}

LEAST_LEAP: Final = 10_000  # milliseconds of market time: a clock that is set further ahead leaves a hole


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
        self._windows = Windows(core.market, FeedFaults(core), self.rules)
        self._count = 0
        self._until = self._windows.of(core.now)
        self._seen_at = core.clock.real()
        self._undone: Iterator[None] = iter(())

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
            self._until, self._seen_at = self._windows.of(now), self._core.clock.real()
        self.channels.append(channel)
        return channel

    def request(self, channel: Channel, message: str | bytes, now: Millis) -> None:
        """Do what a client asks, after everything before it has been sent."""
        self.advance(now)
        self._windows.put(channel, channel.request(message, self._core.market, now), now)
        self._windows.forget(channel)

    def leave(self, channel: Channel) -> None:
        """Forget a connection."""
        self._windows.forget(channel)
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

        What an earlier call left undone is done first. Whoever stops between two steps loses nothing. A machine that
        has fallen behind by more than the rules allow sends the newest state of what traded meanwhile and nothing of
        how it came about; a clock that was set ahead, such as over a night, shows its last moments before and its
        first after.
        """
        self._finish()
        clock, behind = self._core.clock, self.rules.behind
        until, since = self._windows.of(now), self._seen_at
        self._until = min(self._until, until)  # the clock may have been set back

        def is_late() -> bool:
            return clock.real() - since > behind

        most = self._windows.of(max(int(behind * clock.speed), LEAST_LEAP))
        spans = [(self._until, until)]
        if until - self._until > 2 * most and not is_late():
            spans = [(self._until, self._until + most), (until - most, until)]
        self._until, self._seen_at = until, clock.real()
        self._undone = chain.from_iterable(self._windows.send(self.channels, *span, is_late) for span in spans)
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
