"""Market data: the candles that everything else is computed from."""

import dagster as dg

from pipelines.assets.common import OWNERS, session_asset
from pipelines.resources import Workbench
from pipelines.tables import column_schema
from pipelines.task import Task
from pipelines.written import Written

raw_candles = dg.AssetSpec(
    "raw_candles",
    description="Candles of any interval as imported, simulated or received: one row per instrument, interval "
    "and candle. The first value seen of a candle is kept; `data_issues` tells what was repaired or left out.",
    group_name="market",
    kinds={"duckdb"},
    owners=OWNERS,
    metadata={"dagster/column_schema": column_schema("candles"), "dagster/table_name": "market.main.candles"},
)


@session_asset(group="market", table="session_candles", deps=["raw_candles"], kinds={"duckdb", "python"})
def candles(bench: Workbench, task: Task) -> Written:
    """One row per instrument and 15-minute candle of a session, built from the finest candles that cover it.

    Minutes of an open session that the feed has not brought are asked of the broker's charts first.
    Also builds the candles of the future and the basket whose volume makes the profile, and those of earlier sessions
    that were never built, because every analysis needs the whole history before it.
    """
    from pipelines.history import write_candles  # noqa: PLC0415  (pandas and DuckDB load when a run starts)

    return write_candles(bench, task)
