from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from agents.data.clock import ReplayClock
from agents.data.ledger import Ledger, LedgerEvent
from agents.domain.cycle import Approval, Veto
from agents.domain.errors import OrderRejectedError, OrderUnknownError
from agents.domain.lifecycle import TradeState
from agents.domain.orders import OrderState, SuperOrder, TradeSetup
from agents.execution.gateway import BrokerState, Leg, LegRow
from agents.execution.guardian.case import Case
from agents.execution.guardian.fold import opened, stepped
from agents.execution.guardian.past import MARK
from agents.execution.guardian.ports import ANSWER, ORDER_EVENT, REQUEST, AnswerKind, TradeAnswer, TradeRequest
from agents.execution.guardian.records import Records
from agents.execution.request import OrderRefusedError, RequestBroker, answer_to, request_of
from tests.agents.execution.orders import order
from tests.agents.execution.setups import setup_of
from tests.agents.execution.verdicts import yes_to
from tests.agents.options.chains import NOW

SETUP = setup_of()
BROKERAGE = Decimal(20)


def planned(setup: TradeSetup = SETUP) -> SuperOrder:
    return order(
        setup_id=setup.setup_id,
        correlation_id=f"A240605{setup.setup_id}01",
        contract=setup.contract,
        placed_at=NOW,
        flatten_at=NOW + timedelta(hours=4),
    )


def approval(cycle: str = "cycle-1", setup: TradeSetup = SETUP) -> Approval:
    return Approval(setup=setup, verdict=yes_to(setup.setup_id), cycle_id=cycle, equity=Decimal(1_000_000))


@dataclass
class Desk:
    """A ledger, and a guardian that answers when the broker's wait gives it the time."""

    ledger: Ledger
    outcome: AnswerKind | None = AnswerKind.PLACED
    after: int = 3
    waits: int = 0
    vetoes: tuple[Veto, ...] = ()
    extra: Callable[[], None] | None = None
    clock: ReplayClock = field(default_factory=lambda: ReplayClock(NOW))

    def broker(self) -> RequestBroker:
        return RequestBroker(self.ledger, self.clock, self._pause, BROKERAGE, patience=1.0)

    def _pause(self, seconds: float) -> None:
        assert seconds > 0
        self.waits += 1
        if self.waits == self.after and self.outcome is not None:
            for event in self.ledger.events(REQUEST):
                self.answer(str(event.key), self.outcome)

    def answer(self, setup_id: str, outcome: AnswerKind) -> None:
        said = TradeAnswer(
            setup_id=setup_id, outcome=outcome, order_id="1234", vetoes=self.vetoes, detail="said", at=NOW
        )
        self.ledger.append(ANSWER, said.model_dump(mode="json"), key=setup_id, at=NOW)


@pytest.fixture
def desk() -> Iterator[Desk]:
    ledger = Ledger.in_memory("paper", now=lambda: NOW)
    yield Desk(ledger)
    ledger.close()


def test_a_request_holds_what_the_guardian_needs(desk: Desk) -> None:
    placed = desk.broker().place(planned(), approval())
    assert placed == planned().model_copy(update={"state": OrderState.ENTRY_PENDING})
    request = request_of(desk.ledger, SETUP.setup_id)
    assert isinstance(request, TradeRequest)
    assert request.order == planned()
    assert (request.setup, request.cycle_id, request.asked_at) == (SETUP, "cycle-1", NOW)
    assert desk.waits == 3
    answer = answer_to(desk.ledger, SETUP.setup_id)
    assert answer is not None
    assert answer.order_id == "1234"


def test_a_run_that_is_repeated_reads_the_answer_and_asks_nothing(desk: Desk) -> None:
    desk.broker().place(planned(), approval())
    desk.broker().place(planned(), approval())
    assert len(desk.ledger.events(REQUEST)) == 1
    assert desk.waits == 3


def test_another_cycle_cannot_have_the_setup_placed_again(desk: Desk) -> None:
    desk.broker().place(planned(), approval())
    with pytest.raises(OrderRejectedError, match=r"cycle-1: setup .* is order 1234"):
        desk.broker().place(planned(), approval("cycle-2"))
    assert len(desk.ledger.events(REQUEST)) == 1


def test_a_refusal_names_its_rules(desk: Desk) -> None:
    desk.outcome = AnswerKind.REFUSED
    desk.vetoes = (Veto(rule="G.halt", limit=0, value=1, text="the file HALT is there"),)
    with pytest.raises(OrderRefusedError, match="the file HALT is there") as refused:
        desk.broker().place(planned(), approval())
    assert refused.value.vetoes == desk.vetoes


@pytest.mark.parametrize(
    ("outcome", "fault", "text"),
    [
        (AnswerKind.REJECTED, OrderRejectedError, "the broker refused"),
        (AnswerKind.UNKNOWN, OrderUnknownError, "no reply came"),
        (None, OrderUnknownError, "has not answered"),
    ],
)
def test_refusal_silence_and_absence_are_told_apart(
    desk: Desk, outcome: AnswerKind | None, fault: type[Exception], text: str
) -> None:
    desk.outcome = outcome
    with pytest.raises(fault, match=text):
        desk.broker().place(planned(), approval())


def test_a_request_without_an_answer_is_a_planned_order_of_its_day(desk: Desk) -> None:
    desk.outcome = None
    broker = desk.broker()
    with pytest.raises(OrderUnknownError):
        broker.place(planned(), approval())
    assert [seen.state for seen in broker.orders(NOW.date())] == [OrderState.PLANNED]
    assert not broker.orders(NOW.date() + timedelta(days=1))
    desk.answer(SETUP.setup_id, AnswerKind.REFUSED)
    assert not broker.orders(NOW.date())


def write(desk: Desk, *steps: tuple[TradeState, dict[str, object]]) -> None:
    """Write the life of one order as the guardian does."""
    at: datetime = NOW
    new = Case(setup_id=SETUP.setup_id, order=planned(), cycle_id="c", equity=Decimal(1_000_000), opened_at=NOW)
    case, event = opened(new, at, "asked")
    desk.ledger.append(ORDER_EVENT, event.model_dump(mode="json"), key=event.key, at=at)
    for state, changes in steps:
        at += timedelta(seconds=1)
        case, event = stepped(case, at, "a step", state, **changes)
        desk.ledger.append(ORDER_EVENT, event.model_dump(mode="json"), key=event.key, at=at)


def leg(name: Leg, filled: int) -> LegRow:
    state = BrokerState.TRADED if filled else BrokerState.CANCELLED
    return LegRow(leg=name, order_id="1", state=state, quantity=100, filled=filled, price=Decimal(120))


def test_orders_and_trades_come_from_the_guardians_journal(desk: Desk) -> None:
    write(
        desk,
        (TradeState.SENT, {}),
        (TradeState.ACKED, {"order_id": "77"}),
        (TradeState.ENTRY_PENDING, {}),
        (TradeState.FILLED, {"bought": 100, "spent": Decimal(10_030), "filled_at": NOW}),
        (TradeState.PROTECTED, {}),
    )
    assert [seen.state for seen in desk.broker().orders(NOW.date())] == [OrderState.PROTECTED]
    assert not desk.broker().trades(NOW.date())


def test_a_closed_position_is_a_round_trip_with_its_costs(desk: Desk) -> None:
    write(
        desk,
        (TradeState.SENT, {}),
        (TradeState.ACKED, {"order_id": "77"}),
        (TradeState.ENTRY_PENDING, {}),
        (TradeState.FILLED, {"bought": 100, "spent": Decimal(10_030), "filled_at": NOW}),
        (TradeState.PROTECTED, {}),
        (TradeState.TARGET_DONE, {"legs": (leg(Leg.TARGET, 100), leg(Leg.STOP, 0))}),
        (TradeState.CLOSED, {"earned": Decimal(12_000), "priced": 100, "closed_at": NOW + timedelta(minutes=9)}),
    )
    broker = desk.broker()
    [trade] = broker.trades(NOW.date())
    assert trade.exit_reason is OrderState.TARGET_DONE
    assert trade.gross == Decimal(1_970)
    assert trade.net == trade.gross - trade.costs
    assert [seen.state for seen in broker.orders(NOW.date())] == [OrderState.TARGET_DONE]


def test_days_that_are_over_are_not_read_again_and_can_still_be_asked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.broker().place(planned(), approval())
    write(desk, (TradeState.SENT, {}), (TradeState.REJECTED, {}))
    tomorrow = NOW + timedelta(days=1)
    records = Records(desk.ledger)
    records.recover(tomorrow.date())
    records.mark(tomorrow.date(), tomorrow)
    read: list[int] = []
    events = desk.ledger.events

    def counted(kind: str | None = None, *, key: str | None = None, after: int = 0) -> list[LedgerEvent]:
        found = events(kind, key=key, after=after)
        read.append(len(found) if kind != MARK else 0)
        return found

    monkeypatch.setattr(desk.ledger, "events", counted)
    assert not desk.broker().orders(tomorrow.date())
    assert sum(read) == 0
    assert [seen.setup_id for seen in desk.broker().orders(NOW.date())] == [SETUP.setup_id]
    assert sum(read) > 0
