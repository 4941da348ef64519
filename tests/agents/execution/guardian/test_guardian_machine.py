"""The life of an order as a machine: any sequence of steps keeps to the table, and the journal folds to the memory."""

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agents.domain.errors import ConfigError, InvariantViolationError
from agents.domain.lifecycle import ALIVE, OVER, TRADE_TRANSITIONS, TradeState, checked, seen_as
from agents.execution.gateway import BrokerState, Leg, LegRow
from agents.execution.guardian.case import Case, Exit, ExitState, OrderEvent
from agents.execution.guardian.fold import fold, opened, stepped
from agents.execution.guardian.ports import ORDER_EVENT
from agents.execution.guardian.records import JournalDownError, Records
from tests.agents.execution.guardian.story import OPENS, FakeJournal, order_of


def case_of(number: int = 1, **update: object) -> Case:
    case = Case(
        setup_id=f"setup{number:05d}",
        order=order_of(number, OPENS),
        cycle_id="cycle",
        equity=Decimal(500_000),
        opened_at=OPENS,
    )
    return case.model_copy(update=update)


def test_every_state_is_in_the_table_and_every_end_can_be_reached() -> None:
    assert set(TRADE_TRANSITIONS) == set(TradeState)
    reached, todo = {TradeState.PLANNED}, [TradeState.PLANNED]
    while todo:
        for state in TRADE_TRANSITIONS[todo.pop()] - reached:
            reached.add(state)
            todo.append(state)
    assert reached == set(TradeState)
    assert {TradeState.PLANNED} | OVER | ALIVE == set(TradeState)
    assert all(seen_as(state) for state in TradeState)


@pytest.mark.parametrize("was", list(TradeState))
@pytest.mark.parametrize("state", list(TradeState))
def test_a_step_outside_the_table_raises(was: TradeState, state: TradeState) -> None:
    if state in TRADE_TRANSITIONS[was]:
        assert checked(was, state, "setup") is state
        return
    with pytest.raises(InvariantViolationError, match="setup"):
        checked(was, state, "setup")


def test_nothing_leads_back_to_sent() -> None:
    leading = {was for was, states in TRADE_TRANSITIONS.items() if TradeState.SENT in states}
    assert leading == {TradeState.INTENT}


def test_an_event_that_is_missing_is_noticed() -> None:
    case, first = opened(case_of(), OPENS, "asked")
    case, _ = stepped(case, OPENS, "sending", TradeState.SENT)
    _, third = stepped(case, OPENS, "lost", TradeState.UNKNOWN)
    payloads = [event.model_dump(mode="json") for event in (first, third)]
    with pytest.raises(InvariantViolationError, match="lacks an event"):
        fold(payloads, OPENS.date())


def test_a_case_of_an_earlier_day_is_kept_only_while_it_is_not_over() -> None:
    case, first = opened(case_of(), OPENS, "asked")
    _, last = stepped(case, OPENS, "kept back", TradeState.REJECTED)
    payloads = [event.model_dump(mode="json") for event in (first, last)]
    tomorrow = OPENS.date() + timedelta(days=1)
    assert fold(payloads, tomorrow) == {}
    assert set(fold(payloads[:1], tomorrow)) == {case.setup_id}


class Life(RuleBasedStateMachine):
    """Steps of several cases at once, legal and illegal, with a journal that fails now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = FakeJournal(lambda _: None)
        self.records = Records(self.journal)
        self.at = OPENS
        self.count = 0

    @initialize()
    def first(self) -> None:
        self.open_another()

    @rule()
    def open_another(self) -> None:
        self.count += 1
        if self.journal.full:
            with pytest.raises(JournalDownError):
                self.records.open(case_of(self.count), self.at, "asked")
        else:
            self.records.open(case_of(self.count), self.at, "asked")

    @rule(number=st.integers(1, 9))
    def the_same_setup_is_never_opened_twice(self, number: int) -> None:
        if number <= self.count:
            with pytest.raises(InvariantViolationError, match="never ordered twice"):
                self.records.open(case_of(number), self.at, "asked again")

    @rule(data=st.data(), state=st.sampled_from(list(TradeState)), filled=st.integers(0, 130))
    def step(self, data: st.DataObject, state: TradeState, filled: int) -> None:
        case = data.draw(st.sampled_from(list(self.records.cases.values())))
        changes: dict[str, Any] = {"bought": filled, "spent": Decimal(filled) * 100}
        self.at += timedelta(seconds=1)
        if state is case.state or state in TRADE_TRANSITIONS[case.state]:
            after = self.records.record(case, self.at, "a step", state, **changes)
            assert (after.state, after.number) == (state, case.number + 1)
        else:
            with pytest.raises(InvariantViolationError):
                self.records.record(case, self.at, "a step", state, **changes)
            assert self.records.cases[case.setup_id] == case

    @rule(data=st.data(), filled=st.integers(0, 130), state=st.sampled_from(list(BrokerState)))
    def legs_and_exits(self, data: st.DataObject, filled: int, state: BrokerState) -> None:
        case = data.draw(st.sampled_from(list(self.records.cases.values())))
        leg = LegRow(leg=Leg.STOP, order_id="1s", state=state, quantity=130, filled=filled, price=Decimal(90))
        one = Exit(correlation_id="X01", quantity=65, limit=Decimal(80), state=ExitState.UNKNOWN)
        self.records.record(case, self.at, "seen", legs=(leg,), exits=(one,), filled_at=self.at)

    @rule(full=st.booleans())
    def the_disk(self, full: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        self.journal.full = full
        if not full:
            assert self.records.flush()

    @rule()
    def an_answer_that_never_came_is_settled_by_writing_again(self) -> None:
        before = len(self.journal.rows)
        for row in list(self.journal.rows):
            if not self.journal.full:
                self.journal.append(row.kind, row.payload, key=row.key, at=row.at)
        assert len(self.journal.rows) == before

    @invariant()
    def what_is_durable_folds_to_what_is_known(self) -> None:
        if not self.records.is_sound:
            return
        again = Records(self.journal)
        again.recover(OPENS.date())
        assert again.cases == self.records.cases

    @invariant()
    def the_journal_holds_one_intent_for_each_setup(self) -> None:
        events = [OrderEvent.model_validate_json(_json(row.payload)) for row in self.journal.events(ORDER_EVENT)]
        intents = [event.setup_id for event in events if event.state is TradeState.INTENT and event.number == 0]
        assert len(intents) == len(set(intents))
        assert len({event.key for event in events}) == len(events)


def _json(payload: Mapping[str, Any]) -> str:  # Any: whatever JSON can hold

    return json.dumps(dict(payload))


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase


def test_an_intent_that_is_not_durable_says_so_and_waits() -> None:
    journal = FakeJournal(lambda _: None, full=True)
    records = Records(journal)
    with pytest.raises(JournalDownError, match="not durable"):
        records.open(case_of(), OPENS, "asked")
    assert not records.is_sound
    journal.full = False
    assert records.flush()
    assert [row.key for row in journal.rows] == ["setup00001/000"]


def test_another_writer_is_found_out_by_the_journal() -> None:
    journal = FakeJournal(lambda _: None)
    mine, other = Records(journal), Records(journal)
    case = mine.open(case_of(), OPENS, "asked")
    other.recover(OPENS.date())
    other.record(other.cases[case.setup_id], OPENS, "sending", TradeState.SENT)
    mine.record(case, OPENS, "kept back", TradeState.REJECTED)
    assert mine.superseded
    assert not mine.is_sound


def test_a_full_disk_never_loses_what_was_seen() -> None:
    journal = FakeJournal(lambda _: None)
    records = Records(journal)
    case = records.open(case_of(), OPENS, "asked")
    journal.full = True
    with pytest.raises(ConfigError):
        journal.append("any", {})
    case = records.record(case, OPENS, "sending", TradeState.SENT)
    case = records.record(case, OPENS, "taken", TradeState.ACKED, order_id="7")
    journal.full = False
    assert records.flush()
    again = Records(journal)
    again.recover(OPENS.date())
    assert again.cases[case.setup_id] == case
