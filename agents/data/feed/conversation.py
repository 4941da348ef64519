"""One connection to the market feed, from the first request to its end: asks, reads, watches the answers' age."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agents.data.feed.health import Counts
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.link import Stop
from agents.data.feed.pace import End, Pace, Sleep, Why
from agents.data.feed.packets import Disconnect, FeedKey, Packet, Price, read_frame
from agents.data.feed.requests import LEAVING, end_of, subscribing, unsubscribing
from agents.data.feed.watch import Watch
from agents.data.names import trades_like_derivatives
from agents.ports import Clock

_log = logging.getLogger(__name__)


class FeedListener(Protocol):
    """Is told what happens on the feed, in order. Each call must return at once."""

    def opened(self, now: datetime) -> None:
        """Take note of a new connection; nothing was heard since the last `closed`."""
        ...

    def closed(self, now: datetime) -> None:
        """Take note that nothing will be heard until the next `opened`."""
        ...

    def heard(self, packets: Sequence[Packet], now: datetime) -> None:
        """Take the packets of a frame."""
        ...

    def missed(self, now: datetime) -> None:
        """Take note that packets were lost although the connection stands."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """What a conversation needs besides its socket."""

    listener: FeedListener
    clock: Clock
    watch: Watch
    pace: Pace
    counts: Counts
    sleep: Sleep


@dataclass
class Progress:
    """How far the feed has come: the newest trade in seconds since 1970 UTC, and who has not answered yet."""

    newest: int = 0
    unanswered: set[FeedKey] = field(default_factory=set)


class Conversation:
    """One connection.

    Parameters
    ----------
    socket : ClientConnection
        Open.
    wanted : mapping
        What is subscribed; looked at again whenever something is asked.
    progress : Progress
        Kept up to date; it outlives the connection.
    around : Surroundings
        Clock, listener, limits.
    """

    def __init__(
        self,
        socket: ClientConnection,
        wanted: Mapping[FeedKey, FeedInstrument],
        progress: Progress,
        around: Surroundings,
    ) -> None:
        self._socket = socket
        self._wanted = wanted
        self._progress = progress
        self._around = around
        self._counts = around.counts
        self._told: set[str] = set()

    async def hold(self, stop: Stop) -> End:
        """Subscribe, read and watch until one of them, or `stop`, ends it; then leave."""
        self._progress.unanswered.clear()
        reading = asyncio.create_task(self._read())
        tasks = {reading, asyncio.create_task(self._look()), asyncio.create_task(_until_said(stop))}
        try:
            await self.ask(self._wanted.values())
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return (reading if reading in done else done.pop()).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if stop.said:
                await self._send([LEAVING])
            await self._socket.close()

    async def ask(self, instruments: Iterable[FeedInstrument]) -> None:
        """Subscribe instruments."""
        asked = list(instruments)
        self._progress.unanswered |= {each.key for each in asked}
        await self._send(subscribing(asked))

    async def drop(self, instruments: Iterable[FeedInstrument]) -> None:
        """End subscriptions."""
        gone = list(instruments)
        self._progress.unanswered -= {each.key for each in gone}
        await self._send(unsubscribing(gone))

    async def _send(self, requests: Iterable[str]) -> None:
        try:
            for request in requests:
                await self._socket.send(request)
        except ConnectionClosed:
            _log.debug("the connection ended before a request could be sent; the next one asks for everything")

    async def _read(self) -> End:
        try:
            async for message in self._socket:
                if isinstance(message, str):
                    self._odd("feed_unknown", "text", "text came where packets belong")
                elif (end := self._frame(message)) is not None:
                    return end
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else "no close frame"
            return End(Why.LOST, f"the connection broke ({code})")
        return End(Why.LOST, "the broker closed the connection")

    def _frame(self, message: bytes) -> End | None:
        """Pass a frame on, and return the end that it may tell of."""
        found, now = read_frame(message), self._around.clock.now()
        self._counts.add("feed_frames")
        self._counts.add("feed_packets", number=len(found.packets))
        for code in found.unknown:
            self._odd(
                "feed_unknown", str(code), f"packets of code {code} came, which nobody knows; they are passed over"
            )
        heard, end = [], None
        for packet in found.packets:
            if isinstance(packet, Disconnect):
                end = end_of(packet.reason)
            elif self._is_believable(packet, now):
                heard.append(packet)
        if heard:
            self._around.listener.heard(heard, now)
        if found.damage:
            self._counts.add("feed_damaged")
            _log.warning("a frame of %d bytes is damaged: %s", len(message), found.damage)
            self._around.listener.missed(now)
        return end

    def _is_believable(self, packet: Packet, now: datetime) -> bool:
        if not isinstance(packet, Price):
            return True
        is_first = packet.key in self._progress.unanswered
        self._progress.unanswered.discard(packet.key)
        age = now.timestamp() - packet.traded_at
        if -age > self._around.watch.ahead.total_seconds():
            self._odd("feed_unsound", "from the future", f"a trade {-age:.0f} s in the future came; it is left out")
            return False
        if not packet.sound:
            self._odd("feed_unsound", "price", "prices that are none came; their minutes are read from the charts")
            return True  # the listener must know that something was not said
        if not is_first and age > self._around.watch.stale_after.total_seconds():
            self._odd("feed_late", "", f"packets came {age:.0f} s after their trades")
        self._progress.newest = max(self._progress.newest, packet.traded_at)
        return True

    def _odd(self, name: str, label: str, text: str) -> None:
        """Count something odd, and log the first of its kind on this connection."""
        self._counts.add(name, label)
        if f"{name}{label}" not in self._told:
            self._told.add(f"{name}{label}")
            _log.warning("%s", text)

    async def _look(self) -> End:
        """Watch the feed's age, and ask again for instruments that never answered."""
        around = self._around
        quiet_since = asked_at = around.clock.now()
        while True:
            await around.sleep(around.pace.look_every)
            now = around.clock.now()
            if not self._wanted or not around.watch.expects(now, derivatives=self._has_derivatives()):
                quiet_since = now  # silence counts from the opening on
                continue
            fresh_at = max(quiet_since, datetime.fromtimestamp(self._progress.newest, UTC))
            if now - fresh_at > around.watch.leave_after:
                return End(Why.STALE, f"nothing newer than {(now - fresh_at).total_seconds():.0f} s came")
            if self._progress.unanswered and now - asked_at > around.watch.leave_after:
                asked_at = now
                silent = [self._wanted[key] for key in self._progress.unanswered if key in self._wanted]
                self._counts.add("feed_resubscribed", number=len(silent))
                await self.ask(silent)

    def _has_derivatives(self) -> bool:
        return any(trades_like_derivatives(each.name, each.instrument.kind) for each in self._wanted.values())


async def _until_said(stop: Stop) -> End:
    await stop.wait()
    return End(Why.STOPPED, "stopped")
