"""What all assets share: partitions, owners, columns, freshness, and the way from a body to metadata."""

import inspect
import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeAlias

import dagster as dg

from agents.domain.values import IST
from pipelines.failures import our_errors_as_failures
from pipelines.partitions import SESSIONS
from pipelines.resources import RunScope, Workbench
from pipelines.tables import column_schema
from pipelines.task import Task, plan
from pipelines.written import Written, publish

CODE_VERSION = "1"
OWNERS = ["team:desk"]
Body: TypeAlias = Callable[[Workbench, Task], Written]
_SESSIONS_A_RUN = 50  # about ten seconds
# Due five minutes after each close. Outside these hours the last deadline stands, so nights and weekends stay green.
_FRESH = dg.FreshnessPolicy.cron(
    deadline_cron="5-59/15 9-15 * * 1-5", lower_bound_delta=timedelta(minutes=5), timezone=IST.key
)


def session_asset(
    *,
    group: str,
    table: str,
    deps: Sequence[str],
    kinds: set[str],
    also: Sequence[str] = (),
    pool: str | None = None,
) -> Callable[[Body], dg.AssetsDefinition]:
    """Make an asset with one partition a session out of a function that writes rows and says what it wrote.

    The function's name and docstring become the asset's; its docstring states the grain.

    Parameters
    ----------
    group : str
        Where the asset stands in the lineage.
    table : str
        The store's table that it is named after.
    deps : sequence of str
        Assets it reads.
    kinds : set of str
        What Dagster shows as icons.
    also : sequence of str
        Further tables it writes.
    pool : str, optional
        Runs that share a pool wait for each other.
    """

    def decorate(body: Body) -> dg.AssetsDefinition:
        def run(context: dg.AssetExecutionContext, bench: dg.ResourceParam[Workbench], scope: RunScope) -> None:
            with our_errors_as_failures():
                task = plan(bench, scope, context.partition_keys)
                publish(context, task, body(bench, task))

        with warnings.catch_warnings():
            # The policy only cuts a backfill into runs; if its spelling changes, the definitions' test says so.
            warnings.simplefilter("ignore", dg.BetaWarning)
            return dg.asset(
                name=body.__name__,
                description=inspect.getdoc(body),
                partitions_def=SESSIONS,
                group_name=group,
                deps=list(deps),
                kinds=kinds,
                owners=OWNERS,
                tags={"grain": "session"},
                code_version=CODE_VERSION,
                backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=_SESSIONS_A_RUN),
                freshness_policy=_FRESH,
                pool=pool,
                metadata={
                    "dagster/column_schema": column_schema(table),
                    "dagster/table_name": f"market.main.{table}",
                    "tables": [table, *also],
                },
            )(run)

    return decorate
