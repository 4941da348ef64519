"""A whole session on simulated and on recorded prices."""

import json
import re
import socket
import time
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pytest

from agents.bootstrap import open_ledger
from agents.data.calendar import NseCalendar
from agents.data.importer import import_file
from agents.data.store import Store
from agents.domain.cycle import CycleRecord, Decision, Reason
from agents.domain.errors import MissingDataError, RecordedReplyMissingError
from agents.domain.orders import Trade
from agents.domain.values import IST
from agents.settings import Settings
from tests.agents.llm.fault_server import SCENARIOS, FaultServer, says
from zonedesk.market import simulate_history
from zonedesk.replay import ReplayResult, replay
from zonedesk.shell import wall_now

LAST = date(2025, 11, 21)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Twelve simulated sessions, of which nothing was materialised."""
    settings = Settings(_env_file=None, mode="replay", data_dir=tmp_path_factory.mktemp("raw"), judge="rules")
    store = Store(settings.store_path, "replay", now=wall_now)
    simulate_history(store, "NIFTY", sessions=12, seed=7, future="NIFTY-I", last=LAST)
    return settings


@pytest.fixture(scope="module")
def played(simulated: Settings) -> ReplayResult:
    return replay(simulated, LAST, "NIFTY")


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    return Store(settings.store_path, settings.mode, now=wall_now, create=False).rows(sql)


def test_a_session_has_a_cycle_every_three_minutes(played: ReplayResult) -> None:
    at = [record.at.astimezone(IST) for record in played.cycles]
    assert (at[0].strftime("%H:%M"), at[-1].strftime("%H:%M")) == ("09:18", "15:27")
    assert {(later - earlier).total_seconds() for earlier, later in pairwise(at)} == {180}


def test_no_cycle_failed(played: ReplayResult) -> None:
    assert [record.detail for record in played.cycles if record.decision is Decision.FAULT] == []


def test_before_the_first_candle_yesterdays_zones_are_too_old(played: ReplayResult) -> None:
    assert [record.reason for record in played.cycles[:4]] == [Reason.ZONES_STALE] * 4


def test_the_same_session_gives_the_same_digest_and_the_same_rows(simulated: Settings, played: ReplayResult) -> None:
    sql = "select * from cycles order by decided_at"
    before = rows(simulated, sql)
    again = replay(simulated, LAST, "NIFTY")
    assert again.digest == played.digest
    assert rows(simulated, sql) == before


def test_rows_of_the_store_are_the_records(simulated: Settings, played: ReplayResult) -> None:
    stored = rows(simulated, "select cycle_id, decision, reason, record from cycles order by decided_at")
    assert [row[:3] for row in stored] == [
        (record.cycle_id, record.decision.value, record.reason.value) for record in played.cycles
    ]
    assert CycleRecord.model_validate_json(stored[-1][3]) == played.cycles[-1]
    trades = rows(simulated, "select setup_id, net from trades order by exit_at")
    assert trades == [(trade.setup_id, trade.net) for trade in played.trades]


def test_a_replay_ends_flat_and_its_net_is_the_sum_of_its_trades(played: ReplayResult) -> None:
    ordered = {record.order.setup_id for record in played.cycles if record.order is not None}
    assert {trade.setup_id for trade in played.trades} <= ordered
    assert all(trade.exit_at.astimezone(IST).strftime("%H:%M") <= "15:20" for trade in played.trades)
    assert played.net == sum((trade.net for trade in played.trades), Decimal(0))


def test_the_json_has_the_promised_names(played: ReplayResult) -> None:
    facts = json.loads(json.dumps(played.facts()))
    assert set(facts) == {"date", "instrument", "cycles", "trades", "net", "digest"}
    assert facts["date"] == "2025-11-21"
    assert set(facts["cycles"][0]) == {"at", "decision", "reason", "setup"}
    assert facts["cycles"][0]["at"] == "2025-11-21T09:18:00+05:30"
    assert re.fullmatch("[0-9a-f]{64}", facts["digest"])


def test_each_cycle_is_told_as_it_happens(simulated: Settings) -> None:
    told: list[CycleRecord] = []
    result = replay(simulated, date(2025, 11, 20), "NIFTY", on_cycle=told.append)
    assert tuple(told) == result.cycles


def test_a_holiday_and_a_missing_session_are_told_apart(simulated: Settings) -> None:
    with pytest.raises(MissingDataError, match="closed on 2025-11-22"):
        replay(simulated, date(2025, 11, 22), "NIFTY")
    with pytest.raises(MissingDataError, match="no candles on 2025-11-24; import"):
        replay(simulated, date(2025, 11, 24), "NIFTY")


def test_a_paper_store_is_read_and_left_as_it_is(simulated: Settings, tmp_path: Path) -> None:
    paper = simulated.model_copy(update={"mode": "paper", "data_dir": tmp_path})
    store = Store(paper.store_path, "paper", now=wall_now)
    simulate_history(store, "NIFTY", sessions=3, seed=7, future="NIFTY-I", last=LAST)
    assert replay(paper, LAST, "NIFTY").cycles
    assert store.rows("select count(*) from cycles") == [(0,)]


def test_a_missing_recorded_reply_is_an_error_that_names_the_cure(simulated: Settings) -> None:
    with pytest.raises(RecordedReplyMissingError, match="ZONEDESK_JUDGE"):
        replay(simulated.model_copy(update={"judge": "recorded"}), LAST, "NIFTY")


def test_recorded_replies_give_the_models_session_again_without_a_network(
    simulated: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCENARIOS, "agrees", says(lambda good: good | {"evidence_ids": []}))
    server = FaultServer().start()
    asked = simulated.model_copy(update={"judge": "openai", "openai_base_url": server.url("agrees")})
    first = replay(asked, LAST, "NIFTY")
    assert any(record.verdict for record in first.cycles)

    def blocked(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a replay of recorded replies opened a socket")

    monkeypatch.setattr(socket.socket, "connect", blocked)
    again = replay(asked.model_copy(update={"judge": "recorded"}), LAST, "NIFTY")
    assert [(r.reason, r.zone_id, r.order) for r in again.cycles] == [
        (r.reason, r.zone_id, r.order) for r in first.cycles
    ]
    assert again.trades == first.trades


def test_a_replay_leaves_no_orders_in_the_modes_ledger(simulated: Settings, played: ReplayResult) -> None:
    assert played.cycles
    ledger = open_ledger(simulated, now=wall_now)
    assert ledger.events("order") == []
    assert ledger.events("cycle") == []
    ledger.close()


@pytest.fixture(scope="module")
def recorded(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Index, future and options of NIFTY in November 2022, with the index's candles since August."""
    settings = Settings(_env_file=None, mode="replay", data_dir=tmp_path_factory.mktemp("recorded"), judge="rules")
    store = Store(settings.store_path, "replay", now=wall_now)
    folder, calendar = tmp_path_factory.mktemp("files"), NseCalendar()
    for name, column, wanted, since in (
        ("dev_index_1m", "instrument", "NIFTY", "2022-08-01"),
        ("dev_futures_1m", "instrument", "NIFTY-I", "2022-11-01"),
        ("dev_options_1m", "underlying", "NIFTY", "2022-11-07"),
    ):
        frame = pd.read_parquet(shared / "data" / f"{name}.parquet")
        until = "2022-11-11" if column == "underlying" else "2022-11-18"
        first, last = (pd.Timestamp(day, tz="Asia/Kolkata") for day in (since, until))
        part = frame[(frame[column] == wanted) & (frame["ts"] >= first) & (frame["ts"] < last)]
        part.to_parquet(folder / f"{name}.parquet")
        import_file(store, folder / f"{name}.parquet", calendar)
    return settings


@pytest.mark.data
def test_recorded_sessions_trade_and_no_fill_is_better_than_its_candle(recorded: Settings, shared: Path) -> None:
    trades: list[Trade] = []
    for day in (7, 9, 10):
        started = time.perf_counter()
        first = replay(recorded, date(2022, 11, day), "NIFTY")
        assert time.perf_counter() - started < 10
        assert replay(recorded, date(2022, 11, day), "NIFTY").digest == first.digest
        assert {record.decision for record in first.cycles} <= {Decision.SKIP, Decision.TRADE}
        trades += first.trades
    assert trades
    options = pd.read_parquet(shared / "data" / "dev_options_1m.parquet")
    for trade in trades:
        own = options[options["instrument"] == trade.contract]
        for at, price, is_entry in ((trade.entry_at, trade.entry, True), (trade.exit_at, trade.exit, False)):
            (low,), (high,) = (own.loc[own["ts"] == _minute(at), name].tolist() for name in ("low", "high"))
            assert float(price) >= low if is_entry else float(price) <= high
        assert trade.entry_at < trade.exit_at


@pytest.mark.data
def test_each_recorded_fill_comes_after_the_decision(recorded: Settings) -> None:
    result = replay(recorded, date(2022, 11, 9), "NIFTY")
    decided = {record.setup.setup_id: record.at for record in result.cycles if record.order and record.setup}
    for trade in result.trades:
        assert decided[trade.setup_id] < trade.entry_at


def _minute(at: datetime) -> pd.Timestamp:
    return pd.Timestamp(at).tz_convert("Asia/Kolkata").floor("min")
