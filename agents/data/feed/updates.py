"""The order updates over their WebSocket: every order of the account, from whichever platform it came.

Nothing is replayed after a break, and a login is never confirmed: whoever listens reads the orders over REST each time
the connection is opened, and treats what comes here as the faster of two witnesses.
"""

import asyncio
import json
import logging
from datetime import datetime
from random import Random
from typing import Final, Protocol

from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agents.data.feed.alerts import AlertLog, AlertStatus, OrderAlert, UnreadableAlertError, read_alert
from agents.data.feed.health import Counts
from agents.data.feed.link import Link, Stop
from agents.data.feed.pace import End, Pace, Sleep, Why
from agents.data.feed.wire import Credentials, Ended, dial
from agents.ports import Clock

_log = logging.getLogger(__name__)

LOGIN: Final = 42
CURT: Final = 2.0  # real seconds: a connection that breaks so soon after the login was not wanted
CURT_IN_A_ROW: Final = 3


class UpdateListener(Protocol):
    """Is told what happens to orders, in order. Each call must return at once."""

    def opened(self, now: datetime) -> None:
        """Take note of a new connection: read all orders, since nothing of the time before will be told."""
        ...

    def closed(self, now: datetime) -> None:
        """Take note that nothing will be told until the next `opened`."""
        ...

    def changed(self, alert: OrderAlert, now: datetime) -> None:
        """Take an order's new state; repeats and old states do not come here."""
        ...

    def unsure(self, reason: str, now: datetime) -> None:
        """Take note that something was said that nobody understood: read all orders."""
        ...


class UpdatesClient:
    """Listens to order updates.

    Parameters
    ----------
    address : str
        ``wss://host`` or ``ws://host/path``.
    credentials : Credentials
        Who we are.
    listener : UpdateListener
        Who is told.
    clock : Clock
        The market's present.
    sleep : callable
        Waits so many real seconds.
    rng : Random
        Jitter.
    pace : Pace, optional
        Waits.
    counts : Counts, optional
        Gets the counts that begin with ``updates_``.
    """

    def __init__(
        self,
        address: str,
        credentials: Credentials,
        listener: UpdateListener,
        clock: Clock,
        *,
        sleep: Sleep,
        rng: Random,
        pace: Pace | None = None,
        counts: Counts | None = None,
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._listener = listener
        self._clock = clock
        self._pace = pace or Pace()
        self.counts = counts or Counts()
        self.connected = False
        self._log = AlertLog()
        self._curt = 0
        self._link = Link("updates", self._talk, credentials, pace=self._pace, counts=self.counts, sleep=sleep, rng=rng)

    async def run(self, stop: Stop) -> None:
        """Tell the listener until `stop` is said; then leave cleanly."""
        await self._link.run(stop)

    async def _talk(self, stop: Stop) -> End:
        try:
            socket = await stop.unless_said(dial(SecretStr(self._address), self._pace))
        except Ended as error:
            return error.end
        if socket is None:
            return End(Why.STOPPED, "stopped before the connection was made")
        loop = asyncio.get_running_loop()
        began, heard = loop.time(), self.counts.of("updates_heard")
        try:
            end = await stop.unless_said(self._hold(socket))
        finally:
            if self.connected:
                self.connected = False
                self._listener.closed(self._clock.now())
            await socket.close()
        if end is None:
            return End(Why.STOPPED, "stopped")
        lasted = loop.time() - began
        return self._judged(end, lasted, silent=self.counts.of("updates_heard") == heard)

    def _judged(self, end: End, lasted: float, *, silent: bool) -> End:
        """Return the end for what it is: a login that is refused may look like a broken connection."""
        self._curt = self._curt + 1 if silent and lasted < CURT else 0
        if self._curt >= CURT_IN_A_ROW and end.why is Why.LOST:
            return End(Why.CREDENTIALS, f"{end.detail}, {self._curt} times right after the login: is the token valid?")
        return end._replace(settled=lasted >= self._pace.settled_after)

    async def _hold(self, socket: ClientConnection) -> End:
        request = {
            "MsgCode": LOGIN,
            "ClientId": self._credentials.client_id,
            "Token": self._credentials.token().get_secret_value(),
        }
        try:
            await socket.send(json.dumps({"LoginReq": request, "UserType": "SELF"}))
            self.connected = True
            self.counts.add("updates_connected")
            self._listener.opened(self._clock.now())
            async for message in socket:
                if isinstance(message, bytes):
                    return End(Why.CREDENTIALS, "the broker refused the login")
                self._take(message)
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else "no close frame"
            return End(Why.LOST, f"the connection broke ({code})")
        return End(Why.LOST, "the broker closed the connection")

    def _take(self, message: str) -> None:
        now = self._clock.now()
        try:
            alert = read_alert(message)
        except UnreadableAlertError as error:
            self.counts.add("updates_unreadable")
            _log.warning("an order update cannot be read: %s", error)
            self._listener.unsure(str(error), now)
            return
        if alert is None:
            return
        self.counts.add("updates_heard")
        news = self._log.take(alert)
        if news is None:
            self.counts.add("updates_repeated")
            return
        self._note(news)
        self._listener.changed(news, now)

    def _note(self, news: OrderAlert) -> None:
        """Count and log an order's new state; what nobody here asked for, and refusals, louder."""
        rejected = news.status is AlertStatus.REJECTED
        if news.foreign:
            self.counts.add("updates_foreign")
        if rejected:
            self.counts.add("updates_rejected")
        _log.log(
            logging.WARNING if news.foreign or rejected else logging.INFO,
            "order %s, leg %d%s: %s, %d of %d; %s",
            news.order_id,
            news.leg,
            " (not sent by the desk)" if news.foreign else "",
            news.status.name,
            news.traded_quantity,
            news.quantity,
            news.reason,
        )
