"""What keeps the desk from trading is told once, in plain words, with what to do; what is the market's is not told."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.data.ledger import Ledger, Severity
from agents.data.ledger.ledger import CYCLE
from agents.domain.cycle import CycleRecord, Decision, Reason
from agents.domain.errors import ConfigError
from agents.execution.guardian.ports import ANSWER as GUARDIANS_ANSWER
from agents.ops.channels import AlertFile
from agents.ops.sender import AlertSender
from agents.ops.troubles import ANSWER, BY_RULE, IN_A_ROW, QUIET, TroubleWatch
from agents.ops.unkept import Unkept, UnkeptAlerts

START = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)


class Desk:
    """A ledger in which cycles end, and the watch over it."""

    def __init__(self) -> None:
        self.now = START
        self.holding = False
        self.number = 0
        self.ledger = Ledger.in_memory("paper", now=lambda: self.now)
        self.watch = TroubleWatch(self.ledger, lambda: self.holding)

    def cycle(self, reason: Reason, detail: str = "", instrument: str = "NIFTY") -> None:
        self.number += 1
        self.now += timedelta(minutes=3)
        decision = Decision.TRADE if reason is Reason.ORDER_PLACED else Decision.SKIP
        record = CycleRecord(
            cycle_id=f"c{self.number}",
            instrument=instrument,
            at=self.now,
            decision=decision,
            reason=reason,
            detail=detail,
        )
        self.ledger.record_cycle(record)
        self.watch.step()

    def refuse(self, *rules: str) -> None:
        self.number += 1
        vetoes = [{"rule": rule, "limit": 0.0, "value": 1.0, "text": f"{rule.lower()} says no"} for rule in rules]
        self.ledger.append(ANSWER, {"setup_id": f"s{self.number}", "outcome": "refused", "vetoes": vetoes})
        self.watch.step()

    def told(self) -> list[tuple[str, str]]:
        return [(row.dedupe_key, row.text) for row in reversed(self.ledger.outbox.recent(50))]


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    made.watch.step()
    yield made
    made.ledger.close()


def test_the_answers_that_are_read_are_the_guardians() -> None:
    assert ANSWER == GUARDIANS_ANSWER


def test_data_that_is_missing_once_is_a_hiccup_and_three_times_a_trouble(desk: Desk) -> None:
    for number in range(IN_A_ROW + 2):
        desk.cycle(Reason.ZONES_STALE, "the last analysis is 21 minutes old")
        assert len(desk.told()) == (number >= IN_A_ROW - 1)
    [(key, text)] = desk.told()
    assert key == "trouble:zones"
    assert text.startswith("nothing is bought: the last analysis is 21 minutes old. What to do: see in Dagster")


def test_a_cycle_that_went_well_ends_the_row(desk: Desk) -> None:
    for _ in range(4):
        desk.cycle(Reason.CHAIN_STALE)
        desk.cycle(Reason.CHAIN_STALE)
        desk.cycle(Reason.PRICE_AWAY)
    assert desk.told() == []


def test_each_instrument_has_a_row_of_its_own(desk: Desk) -> None:
    for _ in range(2):
        desk.cycle(Reason.PRICE_STALE)
        desk.cycle(Reason.PRICE_AWAY, instrument="BANKNIFTY")
    assert desk.told() == []
    desk.cycle(Reason.PRICE_STALE)
    assert [key for key, _ in desk.told()] == ["trouble:feed"]


def test_a_fault_and_a_halt_are_told_at_once(desk: Desk) -> None:
    desk.cycle(Reason.FAULT, "KeyError: 'x'")
    desk.cycle(Reason.DESK_HALTED, "the file HALT halts the desk: smoke")
    assert [key for key, _ in desk.told()] == ["trouble:fault", "trouble:halt"]


def test_what_is_the_markets_is_told_to_nobody(desk: Desk) -> None:
    for reason in (Reason.PRICE_AWAY, Reason.NO_LIVE_ZONE, Reason.VERDICT_SKIP, Reason.SIZE_ZERO, Reason.ORDER_PLACED):
        for _ in range(IN_A_ROW):
            desk.cycle(reason)
    desk.refuse("R6.cool_down", "R8.spread", "R10.late")
    assert desk.told() == []


def test_of_a_refusal_the_gravest_trouble_is_told(desk: Desk) -> None:
    desk.refuse("R7.zones", "R6.drawdown", "G.open", "R5.lock")
    assert [key for key, _ in desk.told()] == ["trouble:daily loss"]


@pytest.mark.parametrize("rule", sorted(BY_RULE))
def test_every_trouble_says_what_to_do_and_is_quiet_for_a_while(desk: Desk, rule: str) -> None:
    desk.refuse(rule)
    desk.refuse(rule)
    [(_, text)] = desk.told()
    assert f"{rule.lower()} says no. What to do: " in text
    desk.now += QUIET
    desk.refuse(rule)
    assert len(desk.told()) == 2


def test_prices_that_are_missing_while_something_is_held_are_the_guardians_to_tell(desk: Desk) -> None:
    desk.holding = True
    desk.refuse("G.index")
    desk.holding = False
    desk.ledger.outbox.put(Severity.CRITICAL, "prices:NIFTY26NOV24000CE", "no prices")
    desk.refuse("G.index")
    assert [key for key, _ in desk.told()] == ["prices:NIFTY26NOV24000CE"]


def test_a_model_that_is_left_alone_is_told_by_its_breaker(desk: Desk) -> None:
    breaker = desk.ledger.breaker("model")
    for _ in range(5):
        permit = breaker.enter()
        assert permit is not None
        breaker.failed(permit)
    for _ in range(IN_A_ROW):
        desk.cycle(Reason.JUDGE_FAILED)
    assert desk.told() == []


def test_what_was_written_before_the_first_look_is_history(desk: Desk) -> None:
    desk.ledger.append(CYCLE, {"reason": "fault", "instrument": "NIFTY"}, key="old")
    later = TroubleWatch(desk.ledger, lambda: False)
    later.step()
    assert desk.told() == []


def test_an_alert_without_a_ledger_is_sent_once_and_written_down_later(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = deque([Unkept(Severity.CRITICAL, "journal", "the journal fails: no room")] * 3)
    sender = AlertSender(desk.ledger.outbox, (), AlertFile(tmp_path / "alerts.log"), "zonedesk paper")
    alerts = UnkeptAlerts(desk.ledger.outbox, sender, queue, lambda: desk.now)

    def full(*_: object) -> None:
        raise ConfigError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.ledger.outbox, "put", full)
        alerts.step()
        alerts.step()
    assert (tmp_path / "alerts.log").read_text().count("the journal fails: no room") == 1
    assert desk.told() == []
    alerts.step()
    assert desk.told() == [("journal", "the journal fails: no room")]
    assert desk.ledger.outbox.due() == [], "it is not sent a second time"
