"""Every metric that is declared for the guardian moves when what it measures happens."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from agents.domain.lifecycle import TradeState
from agents.domain.metrics import METRICS, declared
from agents.execution.gateway import BrokerState, Leg
from agents.execution.guardian.case import Exit, ExitState
from agents.execution.guardian.ports import GUARDIAN_EVENT, ORDER_EVENT
from agents.execution.service.measured import GuardianMeasures
from tests.agents.execution.guardian.cases import case_of, leg_of
from tests.agents.execution.guardian.story import Story

OURS = {
    "agent_up",
    "order_ack_seconds",
    "order_unknown_total",
    "fill_slippage_points",
    "naked_position_seconds",
    "stop_triggered_unfilled_seconds",
    "reconcile_mismatch_total",
}
LEGS = (leg_of(Leg.TARGET), leg_of(Leg.STOP))


@dataclass
class Desk:
    """A guardian's measures, with a stopwatch that a test moves."""

    seconds: float = 0.0
    kept: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.measures = GuardianMeasures(self, lambda: self.seconds)

    def record(self, name: str, value: float = 1.0, /, **labels: str) -> None:
        declared(name, labels)
        self.kept[name].append(value)

    def move(self, was: TradeState, state: TradeState, setup_id: str = "s") -> None:
        self.measures.hear(ORDER_EVENT, {"setup_id": setup_id, "was": was.value, "state": state.value})


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_acknowledgement_is_timed_from_the_sending(desk: Desk) -> None:
    desk.move(TradeState.INTENT, TradeState.SENT)
    desk.seconds = 0.2
    desk.move(TradeState.SENT, TradeState.ACKED)
    assert desk.kept == {"order_ack_seconds": [0.2]}


def test_an_order_without_a_reply_is_counted_and_not_timed(desk: Desk) -> None:
    desk.move(TradeState.INTENT, TradeState.SENT)
    desk.move(TradeState.SENT, TradeState.UNKNOWN)
    desk.move(TradeState.UNKNOWN, TradeState.ACKED)
    assert desk.kept == {"order_unknown_total": [1.0]}


def test_what_a_reconciliation_finds_is_counted(desk: Desk) -> None:
    desk.measures.hear(GUARDIAN_EVENT, {"what": "reconciled", "differences": []})
    desk.measures.hear(GUARDIAN_EVENT, {"what": "started"})
    desk.measures.hear(GUARDIAN_EVENT, {"what": "reconciled", "differences": ["one", "two"]})
    assert desk.kept == {"reconcile_mismatch_total": [2.0]}


def test_a_position_without_a_stop_is_timed_until_it_has_one(desk: Desk) -> None:
    naked = case_of(state=TradeState.FILLED, bought=130)
    for desk.seconds, case in (
        (0.0, naked),
        (4.0, naked),
        (6.0, naked.model_copy(update={"legs": LEGS})),
        (7.0, naked),
        (9.0, naked.model_copy(update={"exits": (_exit(),)})),
    ):
        desk.measures.look([case])
    assert desk.kept["naked_position_seconds"] == [0.0, 4.0, 0.0, 0.0, 0.0]


def test_a_stop_that_was_set_off_and_does_not_sell_is_timed(desk: Desk) -> None:
    hanging = case_of(
        state=TradeState.PROTECTED, bought=130, legs=(leg_of(Leg.TARGET), leg_of(Leg.STOP, BrokerState.TRIGGERED))
    )
    desk.measures.look([hanging])
    desk.seconds = 3.0
    desk.measures.look([hanging])
    desk.measures.look([hanging.model_copy(update={"state": TradeState.CLOSED})])
    assert desk.kept["stop_triggered_unfilled_seconds"] == [0.0, 3.0, 0.0]


def test_each_fill_is_held_once_against_the_price_that_its_order_named(desk: Desk) -> None:
    waiting = case_of()
    bought = case_of(bought=130, spent=130 * (waiting.order.entry_limit - 1), entry_state=BrokerState.TRADED, legs=LEGS)
    stop = leg_of(Leg.STOP, BrokerState.TRADED, 130).model_copy(update={"average": Decimal("87.5")})
    sold = bought.model_copy(update={"legs": (leg_of(Leg.TARGET), stop)})
    for case in (waiting, bought, bought, sold, sold):
        desk.measures.look([case])
    assert desk.kept["fill_slippage_points"] == [1.0, 2.5]


def test_fills_from_before_the_start_are_not_new(desk: Desk) -> None:
    case = case_of(bought=130, spent=130 * Decimal(99), entry_state=BrokerState.TRADED)
    desk.measures.look([case])
    desk.measures.look([case])
    assert "fill_slippage_points" not in desk.kept


def test_a_real_guardian_moves_what_is_declared(desk: Desk) -> None:
    story = Story()
    append = story.journal.append

    def heard(kind: str, payload: dict[str, object], **named: object) -> object:
        event = append(kind, payload, **named)  # type: ignore[arg-type]  # what the guardian says, passed on
        desk.measures.hear(kind, payload)
        return event

    story.journal.append = heard  # type: ignore[method-assign, assignment]  # as above
    story.ask()
    for _ in range(5):
        story.run(1)
        desk.measures.look(list(story.guardian.records.cases.values()))
    assert desk.kept["order_ack_seconds"]
    assert set(desk.kept) <= OURS
    assert set(METRICS) >= OURS


def _exit() -> Exit:
    return Exit(correlation_id="x", quantity=130, limit=Decimal(90), state=ExitState.WORKING)
