"""One connection after another, never two at once, never faster than the back-off, until told to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from agents.data.feed.health import Counts
from agents.data.feed.pace import Backoff, End, Pace, Sleep, Why
from agents.data.feed.wire import Credentials
from agents.domain.errors import TradingError

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Stop:
    """Says once and for all that it is time to stop; may be said from any thread once a loop runs it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def said(self) -> bool:
        """Whether it was said."""
        return self._event.is_set()

    def say(self) -> None:
        """Say it; from within the loop."""
        self._event.set()

    async def wait(self) -> None:
        """Wait until it is said."""
        await self._event.wait()

    async def unless_said(self, what: Coroutine[Any, Any, T]) -> T | None:
        """Return what `what` returns, or None, with `what` cancelled, if the word comes first."""
        doing = asyncio.create_task(what)
        stopping = asyncio.create_task(self._event.wait())
        try:
            await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            for each in (doing, stopping):
                each.cancel()
            await asyncio.gather(doing, stopping, return_exceptions=True)


class Link:
    """Keeps a connection alive.

    Parameters
    ----------
    name : str
        Of the counts and log lines: "feed" or "updates".
    talk : callable
        Opens a connection, serves it, and returns how it ended.
    credentials : Credentials
        Looked at while a refused token keeps us out: another token ends the wait.
    pace : Pace
        Waits.
    counts : Counts
        Gets ``<name>_ended`` by reason.
    sleep : callable
        Waits so many real seconds.
    rng : Random
        Jitter.
    """

    def __init__(
        self,
        name: str,
        talk: Callable[[Stop], Awaitable[End]],
        credentials: Credentials,
        *,
        pace: Pace,
        counts: Counts,
        sleep: Sleep,
        rng: Random,
    ) -> None:
        self._name = name
        self._talk = talk
        self._credentials = credentials
        self._pace = pace
        self._counts = counts
        self._sleep = sleep
        self._backoff = Backoff(pace, rng)

    async def run(self, stop: Stop) -> None:
        """Connect, and connect again, until `stop` is said."""
        while not stop.said:
            used = self._credentials.token()
            end = await self._talk(stop)
            if stop.said or end.why is Why.STOPPED:
                return
            delay = self._backoff.after(end)
            self._counts.add(f"{self._name}_ended", end.why)
            _log.warning("%s ended (%s): %s; again in %.1f s", self._name, end.why, end.detail, delay)
            await stop.unless_said(self._pause(end.why, used.get_secret_value(), delay))

    async def _pause(self, why: Why, used: str, delay: float) -> None:
        """Wait so long; after a refusal of our credentials, only until there is another token than `used`."""
        left = delay
        if why is Why.CREDENTIALS:
            await self._replace()
        while left > 0.0:
            step = min(self._pace.look_every, left) if why is Why.CREDENTIALS else left
            await self._sleep(step)
            left -= step
            if why is Why.CREDENTIALS and self._credentials.token().get_secret_value() != used:
                return

    async def _replace(self) -> None:
        try:
            await asyncio.to_thread(self._credentials.refused)
        except TradingError as error:
            _log.error("%s: the token was refused and there is no other: %s", self._name, error)
