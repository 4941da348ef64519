"""The live feed in a thread of its own, for callers that have no asyncio loop."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from agents.data.feed.health import Counts, FeedState
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.latest import LatestQuotes
from agents.data.feed.link import Stop
from agents.data.feed.live import LiveFeed
from agents.data.feed.packets import FeedKey
from agents.domain.errors import DataError

_log = logging.getLogger(__name__)

T = TypeVar("T")
ANSWER_WITHIN = 10.0


class FeedThread:
    """Runs a live feed beside its caller.

    Parameters
    ----------
    build : callable
        Makes the feed; called in the thread, so that its loop is the one that runs it.
    """

    def __init__(self, build: Callable[[], LiveFeed]) -> None:
        self._build = build
        self._feed: LiveFeed | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = Stop()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="live-feed", daemon=True)

    def start(self, instruments: Iterable[FeedInstrument] = ()) -> None:
        """Start, subscribing `instruments`; returns once the feed is being connected.

        Raises
        ------
        DataError
            If the feed could not be built; the cause says why.
        RuntimeError
            If it was started before.
        """
        self._thread.start()
        self._ready.wait()
        self._raise_failure()
        self.subscribe(instruments)

    def subscribe(self, instruments: Iterable[FeedInstrument]) -> None:
        """Add instruments, or change their mode. Raises `DataError` if the feed has ended."""
        self._do(lambda feed: feed.subscribe(list(instruments)))

    def unsubscribe(self, keys: Iterable[FeedKey]) -> None:
        """Take instruments out. Raises `DataError` if the feed has ended."""
        self._do(lambda feed: feed.unsubscribe(list(keys)))

    def stop(self, within: float = 15.0) -> bool:
        """Leave the broker, write what is left, and return whether that was done in time."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.say)
            self._thread.join(within)
        return not self._thread.is_alive()

    @property
    def running(self) -> bool:
        """Whether the feed runs."""
        return self._thread.is_alive() and self._feed is not None

    @property
    def latest(self) -> LatestQuotes:
        """The latest quotes."""
        return self._known().latest

    @property
    def counts(self) -> Counts:
        """What happened so far."""
        return self._known().counts

    @property
    def open_minutes(self) -> int:
        """How many minutes of candles still have to be filled from the charts."""
        return self._known().open_minutes

    def state(self) -> FeedState:
        """Return the feed's state. Raises `DataError` if it has ended by a fault."""
        self._raise_failure()
        return self._known().state()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        task = asyncio.create_task(self._serve())
        await asyncio.wait({task})
        self._failure = task.exception()  # for the caller's thread, which raises it
        if self._failure is not None:
            _log.error("the live feed has ended: %s", type(self._failure).__name__, exc_info=self._failure)

    async def _serve(self) -> None:
        self._feed = self._build()
        self._ready.set()
        await self._feed.run(self._stop)

    def _do(self, what: Callable[[LiveFeed], Coroutine[Any, Any, T]]) -> T:
        self._raise_failure()
        feed, loop = self._known(), self._loop
        if loop is None or not self._thread.is_alive():
            raise DataError("the live feed has stopped; start another one")
        return asyncio.run_coroutine_threadsafe(what(feed), loop).result(ANSWER_WITHIN)

    def _known(self) -> LiveFeed:
        if self._feed is None:
            raise DataError("the live feed is not running; start it first")
        return self._feed

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise DataError(
                "the live feed has ended by a fault; see its cause, and start another one"
            ) from self._failure
