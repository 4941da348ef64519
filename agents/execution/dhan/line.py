"""Requests of the guardian to Dhan: each is sent once, and what came back is sorted by what the guardian may do.

Reads are not repeated here, because whoever waits for the third attempt protects nothing meanwhile; the guardian asks
again by itself. A request that changes something is refused only where Dhan says so in its own words: a 4xx with a
code and a message that stand on the allow-list. Everything else may have arrived.
"""

import logging
from collections.abc import Callable
from typing import Any

from dhanhq import dhanhq

from agents.data.dhan.attempts import OK, UNANSWERED, CallReport
from agents.data.dhan.errors import DhanThrottledError, Fault, Trouble, UnansweredError, classify
from agents.data.dhan.http import Wire
from agents.data.dhan.limiter import CallKind, Limiter
from agents.data.dhan.reply import Reply
from agents.domain.errors import (
    BrokerUnavailableError,
    ConfigError,
    OrderRejectedError,
    OrderUnknownError,
    TradingError,
)
from agents.execution.dhan.rows import listed, state_of
from agents.execution.dhan.witness import Witness
from agents.execution.gateway import Ack

READ_TIMEOUT = (2.0, 5.0)
SEND_TIMEOUT = (3.05, 10.0)
REFUSING_CODES = frozenset({"DH-901", "DH-902", "DH-903", "DH-904", "DH-905", "DH-906"})
REFUSALS = frozenset(
    {
        Trouble.TOKEN,
        Trouble.ACCESS,
        Trouble.ADDRESS,
        Trouble.THROTTLED,
        Trouble.REQUEST,
        Trouble.ORDER,
        Trouble.UNKNOWN_ORDER,
        Trouble.IN_TRANSIT,
    }
)
_CLIENT_ERRORS = range(400, 500)
_log = logging.getLogger(__name__)
Ask = Callable[[dhanhq], object]


class Line:
    """One account's order line.

    Parameters
    ----------
    wire : Wire
        The account; this line has two twins of it, so that a slow read never holds up an order.
    limiter : Limiter
        Shared with every process of the account.
    renew : callable
        Called when the token is refused; returns whether another one is in use now.
    observe : callable
        Told of every request.
    witness : Witness, optional
        Shown every answer.
    """

    def __init__(
        self,
        wire: Wire,
        limiter: Limiter,
        *,
        renew: Callable[[], bool],
        observe: Callable[[CallReport], None],
        witness: Witness | None = None,
    ) -> None:
        self._reads = wire.twin(READ_TIMEOUT)
        self._sends = wire.twin(SEND_TIMEOUT)
        self._limiter = limiter
        self._renew = renew
        self._observe = observe
        self._witness = witness

    def read(self, what: str, ask: Ask) -> Any:  # Any: JSON
        """Return the parsed body of one read. Raises `BrokerUnavailableError`."""
        reply, fault = self._try_read(what, ask)
        if fault is not None and fault.trouble is Trouble.TOKEN and self._renewed():
            reply, fault = self._try_read(what, ask)
        if fault is not None:
            raise BrokerUnavailableError(f"Dhan did not give {what}: {fault}; it is asked again soon")
        return reply.json()

    def find(self, what: str, ask: Ask) -> Any:  # Any: JSON
        """Return the parsed body of one read, None where Dhan says that there is no such thing. Raises as `read`."""
        reply, fault = self._try_read(what, ask)
        if fault is None:
            return reply.json()
        if fault.trouble in {Trouble.UNKNOWN_ORDER, Trouble.NO_DATA}:
            return None
        raise BrokerUnavailableError(f"Dhan did not give {what}: {fault}; it is asked again soon")

    def send(self, what: str, kind: CallKind, ask: Ask) -> Reply:
        """Send one request that changes something, once, and return the reply of a success.

        Raises
        ------
        OrderRejectedError
            If Dhan certainly refused it, or it was certainly never sent because the limits left no room.
        OrderUnknownError
            If anything else but a success came of it.
        """
        self._wait(what, kind)
        try:
            reply = self._heard(self._sends, what, ask)
        except UnansweredError as lost:
            self._tell(what, kind, UNANSWERED, None)
            raise OrderUnknownError(f"{lost}; it may have arrived, look before anything else is sent") from lost
        except (ConfigError, ValueError) as unsent:  # the client checks its arguments before it sends them
            raise OrderRejectedError(f"{what} was not sent: {unsent}") from unsent
        fault = classify(reply)
        self._tell(what, kind, OK if fault is None else str(fault.trouble), reply)
        if fault is None:
            return reply
        if fault.trouble is Trouble.TOKEN:
            self._renewed()
        if self._witness is not None:
            self._witness.doubted(fault)
        if is_refusal(fault):
            raise OrderRejectedError(f"Dhan refused {what}: {fault}; never send it again unchanged")
        raise OrderUnknownError(f"nobody knows what became of {what}: {fault}; look before anything else is sent")

    def _heard(self, wire: Wire, what: str, ask: Ask) -> Reply:
        """Return the reply to one request, after the witness has seen it."""
        if self._witness is None:
            return wire.call(what, ask)
        before = self._witness.wall()
        reply = wire.call(what, ask)
        self._witness.heard(reply, before)
        return reply

    def _wait(self, what: str, kind: CallKind) -> None:
        try:
            self._limiter.wait(kind)
        except (DhanThrottledError, ConfigError) as full:
            raise OrderRejectedError(f"{what} was not sent: {full}") from full

    def _try_read(self, what: str, ask: Ask) -> tuple[Reply, Fault | None]:
        try:
            self._limiter.wait(CallKind.OTHER)
            reply = self._heard(self._reads, what, ask)
        except UnansweredError as lost:
            self._tell(what, CallKind.OTHER, UNANSWERED, None)
            raise BrokerUnavailableError(str(lost)) from lost
        except TradingError as error:
            raise BrokerUnavailableError(f"{what} could not be asked for: {error}") from error
        fault = classify(reply)
        self._tell(what, CallKind.OTHER, OK if fault is None else str(fault.trouble), reply)
        return reply, fault

    def _renewed(self) -> bool:
        """Look for another token; whatever is wrong with that is told by the next request."""
        try:
            return self._renew()
        except TradingError as error:
            _log.warning("there is no other token: %s", error)
            return False

    def _tell(self, what: str, kind: CallKind, outcome: str, reply: Reply | None) -> None:
        status, seconds = (0, 0.0) if reply is None else (reply.status, reply.seconds)
        self._observe(CallReport(what, kind, outcome, status, seconds, 1))


def is_refusal(fault: Fault) -> bool:
    """Whether a fault certainly means that nothing was done."""
    return fault.status in _CLIENT_ERRORS and fault.code in REFUSING_CODES and fault.trouble in REFUSALS


def ack_of(reply: Reply, what: str) -> Ack:
    """Return the acknowledgement in a reply. Raises `OrderUnknownError` where it holds no order id."""
    try:
        [row] = listed(reply.json())
        order_id = str(row["orderId"] or "")
    except (KeyError, TypeError, ValueError):
        order_id, row = "", {}
    if not order_id:
        raise OrderUnknownError(f"the answer to {what} names no order; look for it before anything else is sent")
    return Ack(order_id=order_id, state=state_of(row.get("orderStatus")))
