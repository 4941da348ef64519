"""Trading and its readers: assets that other processes write, so that lineage runs on to orders and the dashboard."""

from collections.abc import Sequence

import dagster as dg

from agents.settings import Settings
from pipelines.assets.common import OWNERS
from pipelines.partitions import SESSIONS
from pipelines.tables import column_schema


def trading_specs(settings: Settings) -> Sequence[dg.AssetSpec]:
    """Return what the trade job and the dashboard add to the lineage."""
    return [
        dg.AssetSpec(
            "cycles",
            deps=["llm_validation", "option_chain"],
            description="One row per evaluation of the trade cycle, with its reason; written by the job `trade_cycle`.",
            group_name="trading",
            kinds={"duckdb", "python"},
            owners=OWNERS,
            partitions_def=SESSIONS,
            metadata={"dagster/column_schema": column_schema("cycles"), "dagster/table_name": "market.main.cycles"},
        ),
        dg.AssetSpec(
            "trades",
            deps=["cycles"],
            description="One row per round trip, costs included; written by the job `trade_cycle` when one closes.",
            group_name="trading",
            kinds={"duckdb", "python"},
            owners=OWNERS,
            partitions_def=SESSIONS,
            metadata={"dagster/column_schema": column_schema("trades"), "dagster/table_name": "market.main.trades"},
        ),
        dg.AssetSpec(
            "dashboard",
            deps=["zones", "llm_validation", "trades"],
            description="The desk's own page: zones on a chart, verdicts, cycles and their reasons.",
            group_name="readers",
            kinds={"streamlit"},
            owners=OWNERS,
            metadata={"url": dg.MetadataValue.url(f"http://127.0.0.1:{settings.dashboard_port}")},
        ),
    ]
