"""The trade cycle as a run does it: a desk over this mode's store and ledger, one evaluation for each instrument."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from time import perf_counter
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from agents.bootstrap import make_broker, make_desk, make_judge
from agents.cycle import Desk, run_cycle
from agents.data.contracts import OPTION_TICK
from agents.data.market import StoreMarket, last_stored
from agents.domain.cycle import CycleRecord, Decision
from agents.domain.orders import Trade
from agents.domain.values import IST
from agents.execution.guardian.ports import TradeAnswer
from agents.execution.orders import flat_at
from agents.execution.outcomes import ending_of, label
from agents.execution.request import answer_to
from agents.execution.rows import cycle_frame, trade_frame
from agents.llm.calibration import SEED
from agents.ports import Broker, Metrics
from pipelines.measured import MeasuredJudge, measure_cycle, measure_trades
from pipelines.resources import Workbench


class Evaluated(NamedTuple):
    """What the cycles of one slot decided, which of them are news, and which round trips have closed since the last.

    A cycle is news if it traded or failed, or if its reason is not that of the cycle before. `answers` are the
    guardian's, by setup.
    """

    records: tuple[CycleRecord, ...]
    news: tuple[CycleRecord, ...]
    closed: tuple[Trade, ...]
    answers: Mapping[str, TradeAnswer] = MappingProxyType({})


def evaluate_instruments(bench: Workbench, now: datetime, instruments: Sequence[str]) -> Evaluated:
    """Run one trade cycle for each instrument, and mirror records and trades into the store.

    The ledger is the truth and has each record before this writes anything; the mirror joins them with the zones.
    """
    metrics = bench.metrics
    judge = make_judge(bench.settings, bench.ledger, bench.clock)
    judge = MeasuredJudge(judge, metrics, perf_counter, bench.ledger.calls.spent_today)
    known_by = last_stored(bench.store, now.astimezone(IST).date())
    desk = make_desk(
        bench.settings,
        store=bench.store,
        ledger=bench.ledger,
        judge=judge,
        calendar=bench.calendar,
        broker=_broker(bench),
        market=StoreMarket(bench.store, known_by=known_by),
        dice=_dice,
    )
    desk = replace(desk, pace=bench.speed, known_by=known_by)
    records = tuple(_measured(desk, now, instrument, metrics) for instrument in instruments)
    news = tuple(record for record in records if _is_news(bench, record))
    scope = {"cycle_id": [record.cycle_id for record in records]}
    bench.store.merge("cycles", cycle_frame(records), scope=scope)
    closed = _mirror_trades(bench, desk, now.astimezone(IST).date())
    _label_setups(bench, desk, now)
    metrics.flush()
    return Evaluated(records, news, closed, _answers(bench, records))


def _dice() -> np.random.Generator:
    """Return the generator of the samples that show a judge's skill: the same record always shows the same."""
    return np.random.default_rng(SEED)


def _broker(bench: Workbench) -> Broker | None:
    """Return who takes orders: the guardian, asked through the ledger; a replay has a book of its own."""
    if bench.settings.mode == "replay":
        return None
    return make_broker(bench.settings, ledger=bench.ledger, clock=bench.clock, pause=bench.pause)


def _answers(bench: Workbench, records: Sequence[CycleRecord]) -> Mapping[str, TradeAnswer]:
    """Return what the guardian answered about the setups of these cycles."""
    if bench.settings.mode == "replay":
        return {}
    setups = [record.setup.setup_id for record in records if record.setup is not None]
    found = ((setup_id, answer_to(bench.ledger, setup_id)) for setup_id in setups)
    return {setup_id: answer for setup_id, answer in found if answer is not None}


def _measured(desk: Desk, now: datetime, instrument: str, metrics: Metrics) -> CycleRecord:
    started = perf_counter()
    record = run_cycle(desk, now, instrument)
    measure_cycle(metrics, record, perf_counter() - started)
    return record


def _is_news(bench: Workbench, record: CycleRecord) -> bool:
    """Return whether a record is worth an event of its own in Dagster's log."""
    if record.decision is not Decision.SKIP:
        return True
    sql = (
        "select reason from cycles where instrument = ? and session = ? and decided_at < ? "
        "order by decided_at desc limit 1"
    )
    before = bench.store.rows(sql, [record.instrument, record.at.astimezone(IST).date(), record.at])
    return not before or before[0][0] != record.reason.value


def _label_setups(bench: Workbench, desk: Desk, now: datetime) -> None:
    """Write how the day's setups ended, traded or not, once everything is sold."""
    session = bench.calendar.session(now.astimezone(IST).date())
    if session is None or now < flat_at(session):
        return
    sql = "select record from cycles where session = ? and setup_id is not null order by decided_at"
    records = [CycleRecord.model_validate_json(row[0]) for row in bench.store.rows(sql, [session.on])]
    brokerage = bench.settings.brokerage_rupees
    label(
        records,
        bench.ledger,
        lambda setup: ending_of(setup, desk.market, session, tick_size=OPTION_TICK, brokerage=brokerage, now=now),
    )


def _mirror_trades(bench: Workbench, desk: Desk, on: date) -> tuple[Trade, ...]:
    """Bring the table `trades` up to the broker's book and return the trades that were not in it."""
    trades = desk.broker.trades(on)
    measure_trades(bench.metrics, trades)
    if not trades:
        return ()
    known = {row[0] for row in bench.store.rows("select setup_id from trades where session = ?", [on])}
    fresh = tuple(trade for trade in trades if trade.setup_id not in known)
    if fresh:
        entered = {trade.entry_at.astimezone(IST).date() for trade in trades}
        orders = [order for day in entered for order in desk.broker.orders(day)]
        bench.store.merge("trades", trade_frame(trades, orders), scope={"session": on})
    return fresh
