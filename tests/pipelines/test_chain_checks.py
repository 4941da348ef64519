"""What the checks say of chains that are one-sided, stand still, or look at another index."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import dagster as dg
import pandas as pd
import pytest

from agents.data.market import StoreMarket
from agents.data.names import instrument_from
from agents.data.writing import store_candles, store_option_quotes
from agents.domain.values import IST
from agents.settings import Settings
from pipelines.chain_checks import CHAIN_CHECKS
from pipelines.chains import NOTHING_RECORDED, chain_facts, is_recordable, preview
from pipelines.resources import RunScope, Workbench
from pipelines.task import plan
from tests.pipelines.markets import LAST, at

NOON = datetime(2025, 6, 20, 12, 0, tzinfo=IST)
EXPIRY = date(2025, 6, 26)
SPOT = 20_000


@pytest.fixture
def paper(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A paper desk at noon whose index stands at 20,000."""
    folder = tmp_path_factory.mktemp("paper")
    bench = at(Workbench(settings.model_copy(update={"mode": "paper", "data_dir": folder})), NOON)
    tick = Decimal("0.05")
    opened = pd.DatetimeIndex([NOON - timedelta(minutes=60 - step) for step in range(60)])
    prices = dict.fromkeys(("open", "high", "low", "close"), SPOT * 20)
    times = {"opened_at": opened, "closed_at": opened + timedelta(minutes=1), "session": LAST}
    frame = pd.DataFrame({"instrument": "NIFTY", "minutes": 1, **times, **prices, "volume": 0, "open_interest": 0})
    store_candles(bench.store, [instrument_from("NIFTY", tick)], frame, source="simulated:test")
    return bench


def chain(bench: Workbench, minutes_ago: int, *, middle: int = SPOT, bid: int | None = 1_990, ltp: int = 2_000) -> None:
    quoted = NOON - timedelta(minutes=minutes_ago)
    rows = [
        {"strike": Decimal(middle + 50 * step), "option_type": right, "bid": bid, "ask": 2_010, "ltp": ltp}
        for step in range(-12, 13)
        for right in ("CE", "PE")
    ]
    key = {"underlying": "NIFTY", "quoted_at": quoted, "expiry_on": EXPIRY}
    counts = {"bid_quantity": 75, "ask_quantity": 75, "open_interest": 7_500, "open_interest_change": 0, "volume": 750}
    frame = pd.DataFrame([{**key, **row, **counts, "iv": 12.0} for row in rows]).astype({"bid": "Int64"})
    store_option_quotes(bench.store, frame, source="simulated:test")


def look(bench: Workbench) -> dict[str, str]:
    """What each check that does not pass says."""
    made = dg.Definitions(
        assets=[dg.AssetSpec("option_chain")],
        asset_checks=list(CHAIN_CHECKS),
        jobs=[dg.define_asset_job("look", selection=dg.AssetSelection.checks(*CHAIN_CHECKS))],
        resources={"bench": bench, "scope": RunScope()},
        executor=dg.in_process_executor,
    )
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    result = made.resolve_job_def("look").execute_in_process(run_config=quiet)
    found = result.get_asset_check_evaluations()
    assert len(found) == len(CHAIN_CHECKS)
    return {each.check_name: str(each.description) for each in found if not each.passed}


def test_a_good_chain_passes(paper: Workbench) -> None:
    chain(paper, 4, ltp=1_999)
    chain(paper, 1)
    assert look(paper) == {}


def test_a_chain_without_bids_near_the_money_is_told(paper: Workbench) -> None:
    chain(paper, 1, bid=None)
    assert "NIFTY 2025-06-20 11:59: 0% have both" in look(paper)["chain_is_two_sided"]


def test_a_chain_of_another_index_is_told(paper: Workbench) -> None:
    chain(paper, 1, middle=50_000)
    assert "NIFTY at 20000" in look(paper)["spot_lies_within_the_strikes"]


def test_a_chain_that_did_not_come_is_told(paper: Workbench) -> None:
    assert "newest chain none" in look(paper)["chain_is_fresh"]
    chain(paper, 7)
    assert "newest chain 2025-06-20 11:53" in look(paper)["chain_is_fresh"]


def test_a_chain_in_which_nothing_moves_is_told(paper: Workbench) -> None:
    chain(paper, 13, ltp=1_990)
    for minutes in (10, 7, 4):
        chain(paper, minutes)
    assert look(paper) == {}  # six minutes may pass
    chain(paper, 1)
    assert "nothing has changed since 2025-06-20 11:50" in look(paper)["chain_is_fresh"]


def test_a_recording_is_never_late_and_asks_nobody(bench: Workbench) -> None:
    replayed = at(bench, NOON)
    assert look(replayed) == {}
    task = plan(replayed, RunScope(), [LAST.isoformat()])
    assert not is_recordable(replayed, task)
    past = LAST - timedelta(days=1)
    task = plan(replayed, RunScope(), [past.isoformat()])
    with replayed.store.write() as connection:
        connection.execute("delete from option_quotes")
    assert chain_facts(replayed, task, task.sessions[-1], {})["note"] == NOTHING_RECORDED


def test_the_preview_has_calls_left_and_puts_right(paper: Workbench) -> None:
    chain(paper, 1)
    lines = preview(StoreMarket(paper.store).chain("NIFTY", NOON, min_minutes=0)).splitlines()
    assert lines[0] == "| call OI | bid | ask | strike | bid | ask | put OI |"
    assert len(lines) == 13
    assert "| 7,500 | 99.50 | 100.50 | **20,000** | 99.50 | 100.50 | 7,500 |" in lines
