"""The guardian's memory and the journal behind it.

The rules: what may make an order is durable before it is sent (`must_record`). What was only observed is written at
once too, and while the journal fails it waits in memory, in order, because it can be seen again; entries are closed
meanwhile. Every event carries its setup and number as key, so that writing one twice is writing it once, and a second
guardian that writes another history is found out by the journal itself.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from agents.domain.errors import InvariantViolationError, TradingError
from agents.domain.lifecycle import TradeState
from agents.execution.guardian.case import Case, OrderEvent
from agents.execution.guardian.fold import fold, opened, stepped
from agents.execution.guardian.past import MARK, answered_up_to, key_of, over_up_to, payload_of, read_after
from agents.execution.guardian.ports import (
    ANSWER,
    GUARDIAN_EVENT,
    ORDER_EVENT,
    REQUEST,
    Journal,
    JournalEvent,
    TradeAnswer,
)


class JournalDownError(TradingError):
    """An event could not be made durable; nothing may be sent on its strength."""


class Records:
    """Cases by setup, kept in step with the journal; `ordered` are the setups that had a case.

    What lies up to event number `begins_after` was over before today and was not read. What was ordered there is never
    ordered again either: its request has its answer, and the journal takes its intent only once.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[tuple[str, dict[str, Any], str | None, datetime]] = []
        self.cases: dict[str, Case] = {}
        self.ordered: set[str] = set()
        self.answered: set[str] = set()
        self._written: set[str | None] = set()
        self._read_up_to = self.begins_after = 0
        self._steps: Sequence[JournalEvent] = ()
        self.trouble = ""
        self.superseded = False

    @property
    def is_sound(self) -> bool:
        """Whether everything known is also durable."""
        return not self._waiting and not self.superseded

    def recover(self, today: date) -> None:
        """Read the cases and answers back from the journal, as far as they concern today. Raises what it raises."""
        after = read_after(self._journal, today)
        try:
            self._read(today, after)
        except InvariantViolationError:
            if not after:
                raise
            self._read(today, 0)  # something that was over went on

    def _read(self, today: date, after: int) -> None:
        self._steps = self._journal.events(ORDER_EVENT, after=after)
        payloads = [step.payload for step in self._steps]
        self.begins_after = after
        self._written = {step.key for step in self._steps}
        self._read_up_to = max((step.seq for step in self._steps), default=after)
        self.cases = fold(payloads, today)
        self.ordered = {payload["setup_id"] for payload in payloads}
        answers = self._journal.events(ANSWER, after=after)
        self.answered = {event.key for event in answers if event.key is not None}

    def mark(self, today: date, at: datetime) -> None:
        """After `recover`: note what the next start need not read again. Raises what the journal raises."""
        steps, self._steps = self._steps, ()
        last = over_up_to(steps, self.cases)
        if last <= self.begins_after:
            return
        last = answered_up_to(self._journal.events(REQUEST, after=self.begins_after), self.answered, last)
        if last > self.begins_after:
            self._append(MARK, payload_of(today, last), key_of(today, last), at)

    def is_overtaken(self) -> bool:
        """Whether somebody else wrote events of orders since this process read them. Raises what the journal raises."""
        for event in self._journal.events(ORDER_EVENT, after=self._read_up_to):
            self._read_up_to = event.seq
            if event.key not in self._written:
                self.superseded = True
                self.trouble = f"event {event.key} was written by another guardian"
        return self.superseded

    def open(self, case: Case, at: datetime, why: str) -> Case:
        """Make the intent of a new case durable.

        Raises
        ------
        JournalDownError
            If that could not be done; the case is then known as an intent that must be kept back.
        InvariantViolationError
            If the setup has a case, in memory or in the journal.
        """
        if case.setup_id in self.ordered:
            raise InvariantViolationError(f"setup {case.setup_id} has an order; it is never ordered twice")
        self.ordered.add(case.setup_id)
        new, event = opened(case, at, why)
        self._keep(new, event)
        self._must_be_durable(event.key)
        return new

    def record(
        self, case: Case, at: datetime, why: str, state: TradeState | None = None, **changes: Any
    ) -> Case:  # Any: fields of a Case
        """Take note of an observation: in the journal now, or as soon as it works again."""
        new, event = stepped(case, at, why, state, **changes)
        self._keep(new, event)
        return new

    def must_record(
        self, case: Case, at: datetime, why: str, state: TradeState | None = None, **changes: Any
    ) -> Case:  # Any: as in `record`
        """Make an event durable before anything is sent on its strength.

        Raises
        ------
        JournalDownError
            If that could not be done; the event is known in memory and waits.
        """
        new, event = stepped(case, at, why, state, **changes)
        self._keep(new, event)
        self._must_be_durable(event.key)
        return new

    def answer(self, key: str, answer: TradeAnswer) -> None:
        """Give the one answer to a request."""
        if key not in self.answered:
            self.answered.add(key)
            self._append(ANSWER, answer.model_dump(mode="json"), key, answer.at)

    def note(self, what: str, facts: Mapping[str, Any], at: datetime) -> None:  # Any: whatever JSON can hold
        """Write something about the guardian itself; dropped while the journal fails, since nothing rests on it."""
        if self.is_sound:
            self._append(GUARDIAN_EVENT, {"what": what, **facts}, None, at)

    def flush(self) -> bool:
        """Write what waits, in order; return whether nothing waits any more."""
        while self._waiting:
            kind, payload, key, at = self._waiting[0]
            try:
                self._journal.append(kind, payload, key=key, at=at)
            except InvariantViolationError as conflict:
                self._lose(conflict)
                return False
            except TradingError as error:
                self.trouble = str(error)
                return False
            self._waiting.pop(0)
        self.trouble = ""
        return not self.superseded

    def _keep(self, case: Case, event: OrderEvent) -> None:
        self.cases[case.setup_id] = case
        self._append(ORDER_EVENT, event.model_dump(mode="json"), event.key, event.at)

    def _append(self, kind: str, payload: dict[str, Any], key: str | None, at: datetime) -> None:
        if kind == ORDER_EVENT:
            self._written.add(key)
        self._waiting.append((kind, payload, key, at))
        self.flush()

    def _must_be_durable(self, key: str) -> None:
        if not self.is_sound:
            raise JournalDownError(f"event {key} is not durable: {self.trouble}; nothing is sent until it is")

    def _lose(self, conflict: InvariantViolationError) -> None:
        """Somebody else wrote our next event: another guardian is at work, and this one must not act again."""
        self.superseded = True
        self.trouble = str(conflict)
