"""What the guardian hears: prices of what it watches and changes of orders, in one thread beside its own.

Nothing heard is acted on here. A price is looked up when it is needed; a word about an order is a hint that wakes the
guardian, which then reads over REST.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from agents.data.feed.alerts import OrderAlert
from agents.data.feed.client import FeedClient
from agents.data.feed.health import Counts, FeedState
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.latest import LatestQuotes
from agents.data.feed.link import Stop
from agents.data.feed.pace import Delay, Pace, Why
from agents.data.feed.packets import Packet
from agents.data.feed.updates import UpdatesClient
from agents.data.feed.watch import Watch
from agents.data.feed.wire import Credentials
from agents.domain.errors import DataError
from agents.execution.gateway import BrokerState, OrderUpdate
from agents.ports import Calendar, Clock

ANSWER_WITHIN = 5.0
# Whoever holds a position cannot wait for half a minute; too many connections still end the haste.
_PACE = Pace(delays={why: Delay(0.5, 5.0) if why in {Why.LOST, Why.STALE} else Delay(5.0, 60.0) for why in Why})
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EarPorts:
    """What the ears need; `speed` is how many seconds of the market pass in one."""

    feed_address: str
    updates_address: str
    credentials: Credentials
    clock: Clock
    calendar: Calendar
    speed: float
    rng: Random = field(repr=False)


class _Prices:
    """Keeps the latest quotes; see `agents.data.feed.conversation.FeedListener`."""

    def __init__(self) -> None:
        self.latest = LatestQuotes()

    def opened(self, now: datetime) -> None:
        """Nothing to do: ages are those of the trades."""

    def closed(self, now: datetime) -> None:
        """Nothing to do: as above."""

    def missed(self, now: datetime) -> None:
        """Nothing to do: as above."""

    def heard(self, packets: Sequence[Packet], now: datetime) -> None:  # noqa: ARG002 - the protocol's
        """Take the packets of a frame."""
        for packet in packets:
            self.latest.take(packet)


class HintBox:
    """Collects hints about orders; implements `guardian.ports.Updates` and `feed.updates.UpdateListener`."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._hints: deque[OrderUpdate] = deque(maxlen=1_000)

    def drain(self) -> Sequence[OrderUpdate]:
        """Return what was heard since the last call, and forget it."""
        found = []
        while self._hints:
            found.append(self._hints.popleft())
        return found

    def opened(self, now: datetime) -> None:  # noqa: ARG002 - the protocol's
        """Hint at everything: nothing of the time before will be told."""
        self._put(OrderUpdate(order_id=""))

    def closed(self, now: datetime) -> None:
        """Nothing to do: REST decides all the same."""

    def changed(self, alert: OrderAlert, now: datetime) -> None:  # noqa: ARG002 - the protocol's
        """Hint at an order."""
        state = BrokerState.__members__.get(alert.status.name, BrokerState.UNKNOWN)
        self._put(OrderUpdate(order_id=alert.order_id, correlation_id=alert.correlation_id or "", state=state))

    def unsure(self, reason: str, now: datetime) -> None:  # noqa: ARG002 - the protocol's
        """Hint at everything."""
        self._put(OrderUpdate(order_id=""))

    def _put(self, hint: OrderUpdate) -> None:
        self._hints.append(hint)
        self._wake()


class Ears:
    """The thread. Build, `start`, `watch` instruments, `stop`.

    Parameters
    ----------
    ports : EarPorts
        The world outside.
    wake : callable
        Called, from the thread, whenever something was said of an order.
    """

    def __init__(self, ports: EarPorts, wake: Callable[[], None]) -> None:
        self._ports = ports
        self.hints = HintBox(wake)
        self._prices = _Prices()
        self.counts = Counts()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Stop | None = None
        self._client: FeedClient | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ears", daemon=True)

    @property
    def latest(self) -> LatestQuotes:
        """The latest quotes."""
        return self._prices.latest

    def start(self) -> None:
        """Begin to listen; returns once the connections are being made."""
        self._thread.start()
        self._ready.wait(ANSWER_WITHIN)

    def watch(self, instruments: Iterable[FeedInstrument]) -> None:
        """Subscribe to prices. Raises `DataError` if the ears have ended or do not answer."""
        loop, client = self._loop, self._client
        if loop is None or client is None or not self._thread.is_alive():
            raise DataError("the guardian's feed has ended; prices come over REST until it is started again")
        wanted = list(instruments)
        for each in wanted:
            self._prices.latest.add(each)
        try:
            asyncio.run_coroutine_threadsafe(client.subscribe(wanted), loop).result(ANSWER_WITHIN)
        except TimeoutError as error:
            raise DataError("the guardian's feed does not answer; prices come over REST meanwhile") from error

    def state(self) -> FeedState | None:
        """Return the feed's state, None when the ears do not listen."""
        return self._client.state() if self._client is not None and self._thread.is_alive() else None

    def stop(self, within: float = 5.0) -> None:
        """Leave the broker."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.say)
            self._thread.join(within)

    def _run(self) -> None:
        try:
            asyncio.run(self._listen())
        except Exception:  # noqa: BLE001 - whatever it was, the guardian must live on without its ears
            _log.exception("the guardian's ears have ended; it goes on by REST alone")
        finally:
            self._ready.set()

    async def _listen(self) -> None:
        ports, stop = self._ports, Stop()
        second = timedelta(seconds=ports.speed)
        watch = Watch(ports.calendar, stale_after=3 * second, leave_after=10 * second)
        feed = FeedClient(
            ports.feed_address,
            ports.credentials,
            self._prices,
            ports.clock,
            watch,
            sleep=asyncio.sleep,
            rng=ports.rng,
            pace=_PACE,
            counts=self.counts,
        )
        updates = UpdatesClient(
            ports.updates_address,
            ports.credentials,
            self.hints,
            ports.clock,
            sleep=asyncio.sleep,
            rng=ports.rng,
            pace=_PACE,
            counts=self.counts,
        )
        self._loop, self._stop, self._client = asyncio.get_running_loop(), stop, feed
        self._ready.set()
        await asyncio.gather(feed.run(stop), updates.run(stop))
