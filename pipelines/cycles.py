"""The trade cycle as a run does it: a desk over this mode's store and ledger, one evaluation for each instrument."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import pandas as pd

from agents.bootstrap import make_desk, make_judge
from agents.cycle import Desk, run_cycle
from agents.domain.cycle import CycleRecord, Decision
from agents.domain.orders import SuperOrder, Trade
from agents.domain.values import IST
from pipelines.resources import Workbench


class Evaluated(NamedTuple):
    """What the cycles of one slot decided, which of them are news, and which round trips have closed since the last.

    A cycle is news if it traded or failed, or if its reason is not that of the cycle before.
    """

    records: tuple[CycleRecord, ...]
    news: tuple[CycleRecord, ...]
    closed: tuple[Trade, ...]


def evaluate_instruments(bench: Workbench, now: datetime, instruments: Sequence[str]) -> Evaluated:
    """Run one trade cycle for each instrument, and mirror records and trades into the store.

    The ledger is the truth and has each record before this writes anything; the mirror joins them with the zones.
    """
    judge = make_judge(bench.settings, bench.ledger, bench.clock)
    desk = make_desk(bench.settings, store=bench.store, ledger=bench.ledger, judge=judge, calendar=bench.calendar)
    records = tuple(run_cycle(desk, now, instrument) for instrument in instruments)
    news = tuple(record for record in records if _is_news(bench, record))
    scope = {"cycle_id": [record.cycle_id for record in records]}
    bench.store.merge("cycles", cycle_frame(records), scope=scope)
    return Evaluated(records, news, _mirror_trades(bench, desk, now.astimezone(IST).date()))


def cycle_frame(records: Sequence[CycleRecord]) -> pd.DataFrame:
    """Return records as rows of the table `cycles`."""
    return pd.DataFrame(
        {
            "cycle_id": [record.cycle_id for record in records],
            "instrument": [record.instrument for record in records],
            "session": [record.at.astimezone(IST).date() for record in records],
            "decided_at": pd.to_datetime([record.at for record in records], utc=True),
            "decision": [record.decision.value for record in records],
            "reason": [record.reason.value for record in records],
            "zone_id": [record.zone_id for record in records],
            "setup_id": [record.setup.setup_id if record.setup else None for record in records],
            "record": [record.model_dump_json() for record in records],
        }
    )


def trade_frame(trades: Sequence[Trade], orders: Sequence[SuperOrder], on: date) -> pd.DataFrame:
    """Return the round trips of a session as rows of the table `trades`; their zones come from `orders`."""
    order_of = {order.setup_id: order for order in orders}
    return pd.DataFrame(
        {
            "setup_id": [trade.setup_id for trade in trades],
            "zone_id": [order_of[trade.setup_id].zone_id for trade in trades],
            "instrument": [order_of[trade.setup_id].underlying for trade in trades],
            "session": [on] * len(trades),
            "contract": [trade.contract for trade in trades],
            "lots": [trade.lots for trade in trades],
            "entry_at": pd.to_datetime([trade.entry_at for trade in trades], utc=True),
            "entry": [trade.entry for trade in trades],
            "exit_at": pd.to_datetime([trade.exit_at for trade in trades], utc=True),
            "exit": [trade.exit for trade in trades],
            "exit_reason": [trade.exit_reason.value for trade in trades],
            "gross": [trade.gross for trade in trades],
            "costs": [trade.costs for trade in trades],
            "net": [trade.net for trade in trades],
        }
    )


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


def _mirror_trades(bench: Workbench, desk: Desk, on: date) -> tuple[Trade, ...]:
    """Bring the table `trades` up to the broker's book and return the trades that were not in it."""
    trades = desk.broker.trades(on)
    if not trades:
        return ()
    known = {row[0] for row in bench.store.rows("select setup_id from trades where session = ?", [on])}
    fresh = tuple(trade for trade in trades if trade.setup_id not in known)
    if fresh:
        bench.store.merge("trades", trade_frame(trades, desk.broker.orders(on), on), scope={"session": on})
    return fresh
