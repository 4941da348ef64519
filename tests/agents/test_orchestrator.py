"""The orchestrator on fakes: what it does when, and what it says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from agents.data.ledger import Ledger
from agents.domain.cycle import Decision, DeskState
from agents.domain.errors import MissingDataError
from agents.domain.zones import ZoneAnalysis
from agents.execution.agent import ExecutionAgent, Waiting
from agents.orchestrator import Agents, TradingOrchestrator
from tests.agents.desks import Fakes, analysis_of
from tests.agents.options.chains import NOW


@dataclass
class SetClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class Analyst:
    asked: list[tuple[str, datetime]] = field(default_factory=list)
    fails: bool = False

    def __call__(self, instrument: str, now: datetime) -> ZoneAnalysis:
        self.asked.append((instrument, now))
        if self.fails:
            raise MissingDataError("no candles; import some")
        return analysis_of()


@dataclass
class Stage:
    fakes: Fakes
    ledger: Ledger
    clock: SetClock = field(default_factory=SetClock)
    analyst: Analyst = field(default_factory=Analyst)

    def orchestrator(self) -> TradingOrchestrator:
        waiting = Waiting(lambda: 0.0, lambda _seconds: None)
        execution = ExecutionAgent(self.ledger, self.clock.now, waiting)
        return TradingOrchestrator(Agents(self.fakes.desk(), execution, self.ledger, self.clock, self.analyst))


@pytest.fixture
def stage() -> Iterator[Stage]:
    ledger = Ledger.in_memory("paper", now=lambda: NOW, equity=Decimal(1_000_000))
    yield Stage(Fakes(), ledger)
    ledger.close()


def test_a_candle_is_analysed_once_and_a_slot_decided_once(stage: Stage) -> None:
    orchestrator = stage.orchestrator()
    first = orchestrator.step()
    assert [instrument for instrument, _ in stage.analyst.asked] == ["NIFTY"]
    assert len(first) == 1
    assert orchestrator.step() == ()
    stage.clock.at += timedelta(minutes=3)
    assert len(orchestrator.step()) == 1
    stage.clock.at += timedelta(minutes=15)
    orchestrator.step()
    assert len(stage.analyst.asked) == 2
    assert stage.analyst.asked[1][1] - stage.analyst.asked[0][1] == timedelta(minutes=15)


def test_a_cycle_settles_decides_and_is_shown(stage: Stage) -> None:
    orchestrator = stage.orchestrator()
    record = orchestrator.run_trade_cycle("NIFTY", NOW)
    assert stage.fakes.broker.settled == [NOW]
    assert orchestrator.status().last_cycle == record
    assert (record.decision is Decision.TRADE) == bool(stage.fakes.broker.placed)


def test_nothing_is_done_outside_of_a_session(stage: Stage) -> None:
    stage.clock.at = NOW.replace(hour=20)
    orchestrator = stage.orchestrator()
    assert orchestrator.step() == ()
    assert not orchestrator.status().session_open
    stage.clock.at = NOW + timedelta(days=(5 - NOW.weekday()) % 7)
    assert orchestrator.step() == ()
    assert not stage.fakes.broker.settled


def test_an_analysis_that_fails_is_told_and_stops_nothing(stage: Stage) -> None:
    stage.analyst.fails = True
    orchestrator = stage.orchestrator()
    assert len(orchestrator.step()) == 1
    assert "no candles" in orchestrator.status().trouble


def test_the_status_tells_of_desk_and_guardian(stage: Stage) -> None:
    stage.ledger.set_desk_state(DeskState.REDUCING, "a test", by="test")
    stage.ledger.heartbeats.beat("guardian", {"state": "guarding"})
    status = stage.orchestrator().status()
    assert (status.running, status.desk_state, status.open_orders) == (False, DeskState.REDUCING, 0)
    assert status.guardian["state"] == "guarding"
    assert stage.orchestrator().orders() == []


def test_it_starts_once_and_stops(stage: Stage) -> None:
    orchestrator = stage.orchestrator()
    assert orchestrator.stop()
    orchestrator.start()
    with pytest.raises(RuntimeError, match="already"):
        orchestrator.start()
    assert orchestrator.status().running
    assert orchestrator.stop()
    assert not orchestrator.status().running
