"""A start reads what concerns today: the cases of a year that are over stay unread, and nothing else does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.data.ledger import Ledger
from agents.domain.lifecycle import TradeState
from agents.execution.guardian.case import Case
from agents.execution.guardian.fold import opened, stepped
from agents.execution.guardian.past import MARK, read_after
from agents.execution.guardian.ports import ANSWER, ORDER_EVENT, REQUEST
from agents.execution.guardian.records import JournalDownError, Records
from agents.execution.guardian.requests import Inbox
from agents.execution.request import cases_since
from tests.agents.execution.guardian.story import OPENS, FakeJournal, Row, order_of

STEPS = 8


@dataclass
class CountingJournal(FakeJournal):
    """Counts the rows of orders, requests and answers that were read."""

    read: int = 0
    marks: bool = True

    def events(self, kind: str | None = None, *, after: int = 0) -> list[Row]:
        found = super().events(kind, after=after)
        if kind == MARK:
            return found if self.marks else []
        self.read += len(found)
        return found


def journal_of() -> CountingJournal:
    return CountingJournal(lambda _: None)


def live(journal: FakeJournal | Ledger, number: int, at: datetime, *, over: bool = True, answered: bool = True) -> Case:
    """Write the request, the order and the answer of one setup, over at once or open for good."""
    case = Case(
        setup_id=f"setup{number:05d}",
        order=order_of(number, at),
        cycle_id="cycle",
        equity=Decimal(500_000),
        opened_at=at,
    )
    journal.append(REQUEST, {"number": number}, key=case.setup_id, at=at)
    case, event = opened(case, at, "asked")
    journal.append(ORDER_EVENT, event.model_dump(mode="json"), key=event.key, at=at)
    states = [TradeState.SENT, TradeState.ACKED, *[TradeState.ACKED] * (STEPS - 4)]
    states += [TradeState.ENTRY_PENDING, TradeState.CANCELLED if over else TradeState.ENTRY_PENDING]
    for count, state in enumerate(states):
        case, event = stepped(case, at + timedelta(seconds=count), "a step", state)
        journal.append(ORDER_EVENT, event.model_dump(mode="json"), key=event.key, at=event.at)
    if answered:
        journal.append(ANSWER, {"number": number}, key=case.setup_id, at=at)
    return case


def started(journal: FakeJournal | Ledger, day: int) -> Records:
    """Return what a guardian knows that starts on a day; it leaves its mark."""
    at = OPENS + timedelta(days=day)
    records = Records(journal)
    records.recover(at.date())
    records.mark(at.date(), at)
    assert records.is_sound
    return records


def keys(found: Records) -> set[str]:
    return set(found.cases)


def test_a_year_that_is_over_is_read_once() -> None:
    journal = journal_of()
    for day in range(250):
        live(journal, day, OPENS + timedelta(days=day))
    started(journal, 250)
    journal.read = 0
    assert not keys(started(journal, 250))
    assert journal.read == 1  # the answer that was written after the last order event
    assert len(journal.events(MARK)) == 1


def test_a_guardian_that_starts_every_day_never_reads_more_than_a_day() -> None:
    journal = journal_of()
    for day in range(30):
        journal.read = 0
        started(journal, day)
        assert journal.read <= 2 * (STEPS + 2)
        live(journal, day, OPENS + timedelta(days=day))


def test_what_is_open_is_read_however_old_it_is() -> None:
    journal = journal_of()
    live(journal, 1, OPENS)
    live(journal, 2, OPENS, over=False)
    for day in range(1, 40):
        assert keys(started(journal, day)) == {"setup00002"}
        live(journal, 100 + day, OPENS + timedelta(days=day))


def test_a_request_without_an_answer_is_read_however_old_it_is() -> None:
    journal = journal_of()
    live(journal, 1, OPENS)
    live(journal, 2, OPENS, answered=False)
    live(journal, 3, OPENS)
    records = started(journal, 1)
    records = started(journal, 1)
    inbox = Inbox(journal)
    inbox.poll(lambda key: key in records.answered, records.begins_after)
    item = inbox.next()
    assert item is not None
    assert item[0] == "setup00002"
    assert inbox.next() is None


def test_what_went_on_after_it_was_over_is_read_from_its_beginning() -> None:
    journal = journal_of()
    case = live(journal, 1, OPENS)
    live(journal, 2, OPENS)
    started(journal, 1)
    at = OPENS + timedelta(days=1)
    assert read_after(journal, at.date()) > 0
    case, event = stepped(case, at, "filled after all", TradeState.FILLED, bought=65)
    journal.append(ORDER_EVENT, event.model_dump(mode="json"), key=event.key, at=at)
    assert started(journal, 1).cases == {case.setup_id: case}
    assert cases_since(journal, at.date()) == (case,)


def test_a_mark_that_a_clock_ahead_of_time_made_is_not_used() -> None:
    journal = journal_of()
    live(journal, 1, OPENS)
    started(journal, 400)
    assert keys(started(journal, 0)) == {"setup00001"}


def test_who_asks_of_an_earlier_day_reads_what_that_day_needs() -> None:
    journal = journal_of()
    for day in range(5):
        live(journal, day, OPENS + timedelta(days=day))
        started(journal, day + 1)
    for day in range(5):
        found = cases_since(journal, (OPENS + timedelta(days=day)).date())
        assert [case.setup_id for case in found] == [f"setup{number:05d}" for number in range(day, 5)]


def test_a_setup_before_the_mark_is_never_ordered_again() -> None:
    journal = journal_of()
    live(journal, 1, OPENS)
    started(journal, 1)
    records = started(journal, 1)
    again = Case(
        setup_id="setup00001", order=order_of(1, OPENS), cycle_id="c", equity=Decimal(500_000), opened_at=OPENS
    )
    before = len(journal.rows)
    with pytest.raises(JournalDownError, match="other contents"):
        records.open(again, OPENS + timedelta(days=1), "asked again")
    assert len(journal.rows) == before


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.booleans(), st.booleans(), st.booleans()),
        max_size=12,
    )
)
def test_marks_change_nothing_but_what_is_read(history: list[tuple[int, bool, bool, bool]]) -> None:
    journal, plain = journal_of(), journal_of()
    plain.marks = False
    plain.rows = journal.rows
    day = 0
    for number, (later, over, answered, start) in enumerate(history):
        day += later
        live(journal, number, OPENS + timedelta(days=day), over=over, answered=answered)
        if start:
            known, whole = started(journal, day), Records(plain)
            on = (OPENS + timedelta(days=day)).date()
            whole.recover(on)
            assert known.cases == whole.cases
            assert cases_since(journal, on) == tuple(whole.cases.values())
            assert waiting(journal, known) == waiting(plain, whole)


def waiting(journal: FakeJournal, records: Records) -> list[str]:
    inbox = Inbox(journal)
    inbox.poll(lambda key: key in records.answered, records.begins_after)
    found: list[str] = []
    while (item := inbox.next()) is not None:
        found.append(item[0])
    return found


def test_the_ledger_is_read_from_the_mark_on() -> None:
    ledger = Ledger.in_memory("paper", now=lambda: OPENS)
    asked: list[tuple[str | None, int]] = []

    class Watched:
        """The ledger, and what was asked of it."""

        def append(
            self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
        ) -> object:
            return ledger.append(kind, payload, key=key, at=at)

        def events(self, kind: str | None = None, *, after: int = 0) -> list[Any]:
            asked.append((kind, len(found := ledger.events(kind, after=after))))
            return found

    for day in range(10):
        live(ledger, day, OPENS + timedelta(days=day))
    started(ledger, 10)
    today: date = (OPENS + timedelta(days=10)).date()
    Records(Watched()).recover(today)
    assert dict(asked) == {MARK: 1, ORDER_EVENT: 0, ANSWER: 1}
    ledger.close()
