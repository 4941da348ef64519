"""What the tests of the pipelines share: other moments, and what a store holds of a session."""

from datetime import date, datetime

from agents.data.clock import ReplayClock
from pipelines.resources import Workbench

LAST = date(2025, 6, 20)

TABLES = (
    "session_candles",
    "volume_profile",
    "volume_profile_rows",
    "order_blocks",
    "fair_value_gaps",
    "explosive_zones",
    "zones",
    "zone_components",
    "zone_parts",
    "lifecycle_events",
    "analysis_candles",
    "verdicts",
)


def rows_of(bench: Workbench, on: date) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a session in every table of the analysis, without the time of recording."""
    return {
        table: bench.store.rows(f"select * exclude (recorded_at) from {table} where session = ? order by all", [on])
        for table in TABLES
    }


def at(bench: Workbench, now: datetime) -> Workbench:
    """The same bench at another moment of the market."""
    return Workbench(bench.settings, pause=bench.pause, present=ReplayClock(now))
