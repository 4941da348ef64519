"""What became of judged setups, and the command that holds it against what was said."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from agents.bootstrap import open_ledger, open_store
from agents.data.calendar import NseCalendar
from agents.data.contracts import OPTION_TICK
from agents.data.ledger import Ledger
from agents.data.market import StoreMarket
from agents.data.store import Store
from agents.domain.cycle import CycleRecord, Reason
from agents.domain.orders import OrderState
from agents.execution.outcomes import OUTCOME, Ending, ending_of
from agents.llm.calibration import SetupResult
from agents.settings import Settings
from zonedesk.cli import app
from zonedesk.market import simulate_history
from zonedesk.outcomes import Resolved, judged, resolve
from zonedesk.replay import ReplayResult, replay
from zonedesk.shell import wall_now

ON = date(2025, 11, 21)
CALENDAR = NseCalendar()
BROKERAGE = Decimal(20)


class Traded(NamedTuple):
    """A day that the rules judged, and its records in a ledger."""

    settings: Settings
    result: ReplayResult

    @property
    def judged(self) -> list[CycleRecord]:
        return [record for record in self.result.cycles if record.setup is not None and record.verdict is not None]

    def market(self) -> StoreMarket:
        return StoreMarket(open_store(self.settings, now=wall_now, create=False))

    def ledger(self) -> Ledger:
        return open_ledger(self.settings, now=wall_now)


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Traded:
    folder = tmp_path_factory.mktemp("judged")
    settings = Settings(_env_file=None, mode="replay", data_dir=folder, judge="rules", min_risk_reward=0.5)
    store = Store(settings.store_path, "replay", now=wall_now)
    simulate_history(store, "NIFTY", sessions=12, seed=7, future="NIFTY-I", last=ON)
    made = Traded(settings, replay(settings, ON, "NIFTY"))
    ledger = made.ledger()
    for record in made.result.cycles:
        ledger.record_cycle(record)
    ledger.close()
    return made


def test_the_day_has_taken_and_refused_setups(traded: Traded) -> None:
    reasons = {record.reason for record in traded.judged}
    assert Reason.ORDER_PLACED in reasons
    assert reasons & {Reason.VERDICT_SKIP, Reason.PROBABILITY_LOW}


def test_a_setup_that_was_traded_ends_as_its_trade_did(traded: Traded) -> None:
    ends = {
        OrderState.TARGET_DONE: Ending.WIN,
        OrderState.STOP_DONE: Ending.LOSS,
        OrderState.FLATTENED: Ending.TIMEOUT,
    }
    session = CALENDAR.session(ON)
    assert session is not None
    setups = {record.setup.setup_id: record.setup for record in traded.judged if record.order and record.setup}
    assert traded.result.trades
    for trade in traded.result.trades:
        terms = {"tick_size": OPTION_TICK, "brokerage": BROKERAGE, "now": session.derivatives_close_at}
        found = ending_of(setups[trade.setup_id], traded.market(), session, **terms)  # type: ignore[arg-type]  # mixed
        assert found is not None
        assert found[0] is ends[trade.exit_reason]
        assert (found[1] > 0) == (trade.net > 0)


def test_each_judged_setup_gets_one_outcome_after_its_session(traded: Traded) -> None:
    ledger, market = traded.ledger(), traded.market()
    session = CALENDAR.session(ON)
    assert session is not None
    close = session.derivatives_close_at
    assert resolve(ledger, market, CALENDAR, close - timedelta(minutes=1), BROKERAGE) == Resolved(0, 0)
    first = resolve(ledger, market, CALENDAR, close, BROKERAGE)
    assert first.fresh + first.without_candles == len({r.setup.setup_id for r in traded.judged if r.setup})
    assert resolve(ledger, market, CALENDAR, close, BROKERAGE).fresh == 0
    found = judged(ledger)
    assert len(found) == len(ledger.events(OUTCOME)) == first.fresh > 0
    assert {each.taken for each in found} == {True, False}
    assert all((each.won is None) == (each.result is SetupResult.NOT_FILLED) for each in found)
    assert ledger.verify().sound
    ledger.close()


def test_without_candles_of_the_contract_there_is_no_outcome(traded: Traded) -> None:
    store = open_store(traded.settings, now=wall_now, create=False)
    contract = traded.judged[0].setup
    assert contract is not None
    ledger = Ledger.in_memory("replay", now=wall_now)
    unknown = contract.model_copy(update={"contract": "NIFTY25112599999CE", "strike": Decimal(99_999)})
    ledger.record_cycle(traded.judged[0].model_copy(update={"setup": unknown}))
    assert resolve(ledger, StoreMarket(store), CALENDAR, wall_now(), BROKERAGE) == Resolved(0, 1)
    assert judged(ledger) == []
    ledger.close()


def test_the_command_prints_tables_and_that_there_is_not_enough(traded: Traded) -> None:
    words = ["calibration", "--data-dir", str(traded.settings.data_dir), "--mode", "replay"]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0, said.output
    assert "rules, prompt rules-1: " in said.stdout
    assert "no model: the baseline" in said.stdout
    assert "of 200 that are needed: its probabilities decide nothing yet" in said.stdout
    (judge,) = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["judges"]
    assert judge["may_gate"] is False
    assert sum(row["setups"] for row in judge["bins"]) == judge["count"]


def test_a_ledger_without_judged_setups_says_so(tmp_path: Path) -> None:
    empty = Settings(_env_file=None, mode="replay", data_dir=tmp_path)
    simulate_history(
        Store(empty.store_path, "replay", now=wall_now), "NIFTY", sessions=1, seed=7, future="NIFTY-I", last=ON
    )
    open_ledger(empty, now=wall_now).close()
    said = CliRunner().invoke(app, ["calibration", "--data-dir", str(tmp_path), "--mode", "replay"])
    assert said.exit_code == 0, said.output
    assert "no setup that was judged has ended yet" in said.stdout
