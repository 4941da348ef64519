"""The market feed: keeps instruments subscribed over as many connections as it takes.

The client knows nothing of candles. It hands packets to a listener in the order of the wire and tells it when a
connection begins and ends. Everything runs in one asyncio loop, and nothing in it blocks.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from random import Random
from typing import Final
from urllib.parse import urlencode

from pydantic import SecretStr

from agents.data.feed.conversation import Conversation, FeedListener, Progress, Surroundings
from agents.data.feed.health import Counts, FeedState
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.link import Link, Stop
from agents.data.feed.pace import End, Pace, Sleep, Why
from agents.data.feed.packets import FeedKey
from agents.data.feed.watch import Watch
from agents.data.feed.wire import Credentials, Ended, dial
from agents.data.names import trades_like_derivatives
from agents.ports import Clock

_log = logging.getLogger(__name__)

PER_CONNECTION: Final = 5_000


class FeedClient:
    """Keeps instruments subscribed.

    Parameters
    ----------
    address : str
        ``wss://host`` or ``ws://host/path``, without a query.
    credentials : Credentials
        Who we are.
    listener : FeedListener
        Who is told.
    clock : Clock
        The market's present.
    watch : Watch
        How old the feed may be.
    sleep : callable
        Waits so many real seconds.
    rng : Random
        Jitter.
    pace : Pace, optional
        Waits.
    counts : Counts, optional
        Gets the counts that begin with ``feed_``.
    """

    def __init__(
        self,
        address: str,
        credentials: Credentials,
        listener: FeedListener,
        clock: Clock,
        watch: Watch,
        *,
        sleep: Sleep,
        rng: Random,
        pace: Pace | None = None,
        counts: Counts | None = None,
    ) -> None:
        pace, counts = pace or Pace(), counts or Counts()
        self._address = address
        self._credentials = credentials
        self._around = Surroundings(listener, clock, watch, pace, counts, sleep)
        self._link = Link("feed", self._talk, credentials, pace=pace, counts=counts, sleep=sleep, rng=rng)
        self._wanted: dict[FeedKey, FeedInstrument] = {}
        self._progress = Progress()
        self._conversation: Conversation | None = None
        self._since: datetime | None = None
        self._trouble = ""

    async def run(self, stop: Stop) -> None:
        """Feed the listener until `stop` is said; then leave cleanly."""
        await self._link.run(stop)

    async def subscribe(self, instruments: Iterable[FeedInstrument]) -> None:
        """Add instruments, or change their mode; they stay subscribed over reconnects.

        Raises
        ------
        ValueError
            If a connection may not have as many.
        """
        added = list(instruments)
        if len(self._wanted.keys() | {each.key for each in added}) > PER_CONNECTION:
            raise ValueError(f"a feed has at most {PER_CONNECTION} instruments; leave some out, or open another feed")
        self._wanted.update({each.key: each for each in added})
        if self._conversation is not None:
            await self._conversation.ask(added)

    async def unsubscribe(self, keys: Iterable[FeedKey]) -> None:
        """Take instruments out; those that are not in are passed over."""
        gone = [self._wanted.pop(key) for key in keys if key in self._wanted]
        if self._conversation is not None:
            await self._conversation.drop(gone)

    def state(self) -> FeedState:
        """Return the feed's state at the market's present."""
        now = self._around.clock.now()
        newest = datetime.fromtimestamp(self._progress.newest, UTC) if self._progress.newest else None
        age = (now - newest).total_seconds() if newest else None
        limit = self._around.watch.stale_after.total_seconds()
        derivatives = any(trades_like_derivatives(each.name, each.instrument.kind) for each in self._wanted.values())
        silent = [self._wanted[key].name for key in self._progress.unanswered if key in self._wanted]
        return FeedState(
            connected=self._conversation is not None,
            since=self._since,
            trouble=self._trouble,
            newest_trade_at=newest,
            age_seconds=age,
            stale=(self._conversation is None or age is None or age > limit)
            and self._around.watch.expects(now, derivatives=derivatives),
            unanswered=tuple(sorted(silent)),
        )

    async def _talk(self, stop: Stop) -> End:
        """Hold one connection; see `Link`."""
        query = {
            "version": 2,
            "token": self._credentials.token().get_secret_value(),
            "clientId": self._credentials.client_id,
            "authType": 2,
        }
        try:
            socket = await stop.unless_said(dial(SecretStr(f"{self._address}?{urlencode(query)}"), self._around.pace))
        except Ended as error:
            self._trouble = error.end.detail
            return error.end
        if socket is None:
            return End(Why.STOPPED, "stopped before the connection was made")
        loop = asyncio.get_running_loop()
        began = loop.time()
        conversation = Conversation(socket, self._wanted, self._progress, self._around)
        self._opened(conversation)
        try:
            end = await conversation.hold(stop)
        finally:
            self._closed()
        self._trouble = end.detail
        stale = self._around.watch.leave_after.total_seconds() if end.why is Why.STALE else 0.0
        return end._replace(settled=loop.time() - began - stale >= self._around.pace.settled_after)

    def _opened(self, conversation: Conversation) -> None:
        self._conversation, self._since, self._trouble = conversation, self._around.clock.now(), ""
        self._around.counts.add("feed_connected")
        _log.info("feed connected; %d instruments are asked for", len(self._wanted))
        self._around.listener.opened(self._since)

    def _closed(self) -> None:
        self._conversation, self._since = None, self._around.clock.now()
        self._around.listener.closed(self._since)
