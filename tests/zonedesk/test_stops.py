"""A repeated cycle meets a halt where its record says that it was met."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agents.data.ledger import Ledger, LedgerEvent
from agents.data.ledger.ledger import DESK_STATE
from agents.domain.checks import Check, CheckWord
from agents.domain.cycle import CycleRecord, Decision, DeskState, Reason
from zonedesk.stops import Stops

AT = datetime(2026, 10, 7, 4, 30, tzinfo=UTC)
FILE = "the file HALT halts the desk: a test"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    found = Ledger.in_memory("paper", now=lambda: AT, equity=Decimal(1_000_000))
    yield found
    found.close()


def record(reason: Reason, detail: str = "", *, met: str | None = None) -> CycleRecord:
    checks = () if met is None else (Check(rule="R11.state", word=CheckWord.FORBID, limit=0.0, value=1.0, text=met),)
    return CycleRecord(
        cycle_id="c", instrument="NIFTY", at=AT, decision=Decision.SKIP, reason=reason, detail=detail, checks=checks
    )


def states(*said: DeskState, by: str = "test", at: datetime = AT - timedelta(seconds=1)) -> list[LedgerEvent]:
    log = Ledger.in_memory("paper", now=lambda: AT, equity=Decimal(1))
    try:
        return [log.append(DESK_STATE, {"state": each.value, "reason": "", "by": by}, at=at) for each in said]
    finally:
        log.close()


def test_a_halt_in_the_middle_of_a_cycle_is_met_by_the_rules_alone(ledger: Ledger) -> None:
    stops = Stops(ledger)
    stops.show(record(Reason.VETOED, "R11.state", met=FILE), states(DeskState.HALTED))
    assert (stops.halted(), ledger.desk_state()) == ("", DeskState.ACTIVE)
    assert (stops.halted(), ledger.desk_state()) == (FILE, DeskState.HALTED)


def test_a_halt_before_a_cycle_is_met_at_its_gate(ledger: Ledger) -> None:
    stops = Stops(ledger)
    stops.show(record(Reason.DESK_HALTED, FILE), states(DeskState.HALTED))
    assert (stops.halted(), ledger.desk_state()) == (FILE, DeskState.HALTED)


def test_a_halt_that_came_too_late_for_a_cycle_is_there_for_the_next(ledger: Ledger) -> None:
    stops = Stops(ledger)
    stops.show(record(Reason.PRICE_AWAY), states(DeskState.REDUCING, DeskState.ACTIVE, DeskState.REDUCING))
    assert (stops.halted(), ledger.desk_state()) == ("", DeskState.ACTIVE)
    stops.show(record(Reason.DESK_REDUCING), [])
    assert (stops.halted(), ledger.desk_state()) == ("", DeskState.REDUCING)


def test_what_a_cycle_itself_set_is_left_to_the_repeated_one(ledger: Ledger) -> None:
    stops = Stops(ledger)
    halted = record(Reason.DESK_HALTED, "equity is Infinity, which nothing can be measured against")
    stops.show(halted, states(DeskState.HALTED, by="risk", at=AT))
    assert (stops.halted(), ledger.desk_state()) == ("", DeskState.ACTIVE)
