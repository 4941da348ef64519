"""The broker as a run sees it in paper and live: it writes a request into the ledger and reads the guardian's answer.

Only the guardian talks to order endpoints. A request's key is its setup, so a setup is asked for once, whoever asks:
a run that is started again finds the request of the first and reads its answer.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from agents.domain.cycle import Approval, Veto
from agents.domain.errors import InvariantViolationError, OrderRejectedError, OrderUnknownError
from agents.domain.orders import OrderState, SuperOrder, Trade
from agents.domain.values import IST
from agents.execution.guardian.case import Case
from agents.execution.guardian.fold import fold
from agents.execution.guardian.past import Marks, read_after
from agents.execution.guardian.ports import ANSWER, ORDER_EVENT, REQUEST, AnswerKind, TradeAnswer, TradeRequest
from agents.execution.guardian.standing import left_on, of_day, order_of
from agents.ports import Clock

LOOK_EVERY_SECONDS = 0.02
PATIENCE_SECONDS = 25.0


class Event(Protocol):
    """One appended fact."""

    @property
    def payload(self) -> Mapping[str, Any]:  # Any: whatever JSON can hold
        """Return what was appended."""
        ...


class RequestLog(Protocol):
    """What is needed of the ledger."""

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> object:  # Any: as above
        """Add an event that survives before this returns; raises `InvariantViolationError` if its key says another."""
        ...

    def events(self, kind: str | None = None, *, key: str | None = None, after: int = 0) -> Sequence[Event]:
        """Return the events of a kind, in order: of one key, with ``seq > after``."""
        ...


class OrderRefusedError(OrderRejectedError):
    """The guardian refused a request and sent nothing; `vetoes` are its rules that said no."""

    def __init__(self, text: str, vetoes: tuple[Veto, ...]) -> None:
        super().__init__(text)
        self.vetoes = vetoes


def request_of(log: RequestLog, setup_id: str) -> TradeRequest | None:
    """Return the request for a setup, None if nobody has asked."""
    found = log.events(REQUEST, key=setup_id)
    return TradeRequest.model_validate_json(json.dumps(dict(found[0].payload))) if found else None


def answer_to(log: RequestLog, setup_id: str) -> TradeAnswer | None:
    """Return the guardian's answer to the request for a setup, None before it came."""
    found = log.events(ANSWER, key=setup_id)
    return TradeAnswer.model_validate_json(json.dumps(dict(found[0].payload))) if found else None


def ask_once(log: RequestLog, request: TradeRequest) -> TradeRequest:
    """Write a request unless its setup was asked for before, and return the request that stands."""
    setup_id = request.setup.setup_id
    known = request_of(log, setup_id)
    if known is None:
        try:
            log.append(REQUEST, request.model_dump(mode="json"), key=setup_id, at=request.asked_at)
        except InvariantViolationError:  # another run asked in this very moment, and its request stands
            known = request_of(log, setup_id)
            if known is None:
                raise
    return known or request


class RequestBroker:
    """Implements `ports.Broker` over the ledger that the guardian reads.

    Parameters
    ----------
    log : RequestLog
        The ledger.
    clock : Clock
        The market's present; a request is as old as this says.
    pause : callable
        Waits so many seconds.
    brokerage : Decimal
        Rupees for each executed order.
    patience : float
        Seconds to wait for an answer.
    """

    def __init__(
        self,
        log: RequestLog,
        clock: Clock,
        pause: Callable[[float], None],
        brokerage: Decimal,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._log = log
        self._clock = clock
        self._pause = pause
        self._brokerage = brokerage
        self._patience = patience

    def settle(self, now: datetime) -> None:
        """Do nothing: the guardian keeps the book."""

    def place(self, order: SuperOrder, approval: Approval) -> SuperOrder:
        """Ask the guardian for an order and return it as placed.

        Raises
        ------
        OrderRefusedError
            If the guardian refused it; nothing was sent.
        OrderRejectedError
            If the broker refused it, or another cycle had it placed.
        OrderUnknownError
            If no answer came in time, or the guardian itself waits for the broker's.
        """
        asked_by = self._ask(order, approval)
        answer = self._wait_for(order.setup_id)
        before = "" if asked_by == approval.cycle_id else f"asked before by cycle {asked_by}: "
        name = f"setup {order.setup_id}"
        if answer is None:
            raise OrderUnknownError(
                f"{before}the guardian has not answered for {name} within {self._patience:.0f} s; see `zonedesk status`"
            )
        if answer.outcome is AnswerKind.REFUSED:
            text = "; ".join(veto.text for veto in answer.vetoes) or answer.detail
            raise OrderRefusedError(f"{before}the guardian refused {name}: {text}", answer.vetoes)
        if answer.outcome is AnswerKind.REJECTED:
            raise OrderRejectedError(f"{before}the broker refused {name}: {answer.detail}")
        if answer.outcome is AnswerKind.UNKNOWN:
            raise OrderUnknownError(f"{before}{name} was sent and no reply came; the guardian looks for it")
        if before:
            raise OrderRejectedError(f"{before}{name} is order {answer.order_id}; it is not placed twice")
        return order.model_copy(update={"state": OrderState.ENTRY_PENDING})

    def orders(self, on: date) -> Sequence[SuperOrder]:
        """Return the orders of a date (India), oldest first; a request without an answer is a planned order."""
        placed = [order_of(case) for case in of_day(self._cases(on), on)]
        known, after = {order.setup_id for order in placed}, read_after(self._log, on)
        answered = {event.payload["setup_id"] for event in self._log.events(ANSWER, after=after)}
        waiting = [
            SuperOrder.model_validate_json(json.dumps(payload["order"]))
            for event in self._log.events(REQUEST, after=after)
            if (payload := event.payload)["order"]["setup_id"] not in known | answered
            and _day(payload["asked_at"]) == on
        ]
        return (*placed, *waiting)

    def trades(self, on: date, *, since: date | None = None) -> Sequence[Trade]:
        """Return the round trips that ended on that date, or from `since` to it, by exit, costs included."""
        return left_on(self._cases(since or on), on, self._brokerage, since=since)

    def _cases(self, first: date) -> Sequence[Case]:
        """Return the cases of `first` and later."""
        return cases_since(self._log, first)

    def _ask(self, order: SuperOrder, approval: Approval) -> str:
        """Write the request unless there is one; return the cycle whose request it is."""
        request = TradeRequest(order=order, asked_at=self._clock.now(), **dict(approval))
        return ask_once(self._log, request).cycle_id

    def _wait_for(self, setup_id: str) -> TradeAnswer | None:
        for _ in range(max(1, round(self._patience / LOOK_EVERY_SECONDS))):
            answer = answer_to(self._log, setup_id)
            if answer is not None:
                return answer
            self._pause(LOOK_EVERY_SECONDS)
        return None


def cases_since(log: Marks, first: date) -> tuple[Case, ...]:
    """Return the cases of `first` and later, and those that are not over, without reading what was over before."""
    after = read_after(log, first)
    try:
        return tuple(fold((event.payload for event in log.events(ORDER_EVENT, after=after)), first).values())
    except InvariantViolationError:  # something that was over went on
        return tuple(fold((event.payload for event in log.events(ORDER_EVENT)), first).values())


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).astimezone(IST).date()
