"""Option chains: recorded while the market is open, because nobody can be asked for them afterwards."""

import warnings

import dagster as dg

from pipelines.assets.common import CODE_VERSION, OWNERS
from pipelines.failures import our_errors_as_failures
from pipelines.partitions import SESSIONS
from pipelines.recording import CHAIN_TAG
from pipelines.resources import RunScope, Workbench
from pipelines.tables import column_schema
from pipelines.task import plan

_SESSIONS_A_RUN = 50
_DESCRIPTION = """One row per option and snapshot of the chain: bid, ask, last price, open interest and volume.

Recorded every three minutes of a session, a minute before each trade cycle. A chain of the past cannot be asked for:
materialising a past session records nothing and shows what was recorded then.
"""


def _record(context: dg.AssetExecutionContext, bench: dg.ResourceParam[Workbench], scope: RunScope) -> None:
    from pipelines.chains import chain_facts, record_chains  # noqa: PLC0415  (DuckDB and the broker's client)

    with our_errors_as_failures():
        task = plan(bench, scope, context.partition_keys, scheduled=CHAIN_TAG in context.run.tags)
        fresh = record_chains(bench, task)
        for session in task.sessions:
            facts = chain_facts(bench, task, session, fresh)
            context.add_asset_metadata(facts, partition_key=session.on.isoformat())
        bench.metrics.flush()


with warnings.catch_warnings():
    # The policy only cuts a backfill into runs; if its spelling changes, the definitions' test says so.
    warnings.simplefilter("ignore", dg.BetaWarning)
    option_chain = dg.asset(
        name="option_chain",
        description=_DESCRIPTION,
        partitions_def=SESSIONS,
        group_name="market",
        kinds={"duckdb", "python"},
        owners=OWNERS,
        tags={"grain": "session"},
        code_version=CODE_VERSION,
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=_SESSIONS_A_RUN),
        pool="chains",
        metadata={
            "dagster/column_schema": column_schema("option_quotes"),
            "dagster/table_name": "market.main.option_quotes",
            "tables": ["option_quotes"],
        },
    )(_record)
