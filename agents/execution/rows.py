"""What the desk decided and traded as rows of the store, so that one query joins zones with their trades."""

from collections.abc import Iterable, Sequence

import pandas as pd

from agents.domain.cycle import CycleRecord
from agents.domain.orders import SuperOrder, Trade
from agents.domain.values import IST


def cycle_frame(records: Sequence[CycleRecord]) -> pd.DataFrame:
    """Return records as rows of the table `cycles`, without ``recorded_at``."""
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


def trade_frame(trades: Sequence[Trade], orders: Iterable[SuperOrder]) -> pd.DataFrame:
    """Return round trips as rows of the table `trades`, of the sessions they ended in; their zones are of `orders`."""
    order_of = {order.setup_id: order for order in orders}
    return pd.DataFrame(
        {
            "setup_id": [trade.setup_id for trade in trades],
            "zone_id": [order_of[trade.setup_id].zone_id for trade in trades],
            "instrument": [order_of[trade.setup_id].underlying for trade in trades],
            "session": [trade.exit_at.astimezone(IST).date() for trade in trades],
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
