"""The ledger in the store: what was decided, ordered and said, beside the zones it was about."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg
from dagster import DefaultScheduleStatus

from pipelines.assets.common import CODE_VERSION, OWNERS
from pipelines.failures import our_errors_as_failures
from pipelines.resources import MAY_WAIT, Workbench

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

MIRROR_JOB = "mirror"
_TABLES = ["ledger_events", "ledger_calls", "cycles", "trades"]


@dg.asset(
    name="ledger_mirror",
    deps=["cycles", "trades"],
    group_name="trading",
    kinds={"duckdb", "sqlite"},
    owners=OWNERS,
    code_version=CODE_VERSION,
    pool="mirror",
    metadata={"dagster/table_name": "market.main.ledger_events", "tables": _TABLES},
)
def ledger_mirror(context: dg.AssetExecutionContext, bench: dg.ResourceParam[Workbench]) -> None:
    """One row per event of the ledger, with the ids that it speaks of; and one per question put to a model.

    Copied by number: a second run adds nothing, and rows that were deleted come back the same. The view
    `ledger_orders` has the last state of each order.
    """
    from pipelines.mirror import mirror_ledger  # noqa: PLC0415  (pandas and DuckDB load when a run starts)

    with our_errors_as_failures():
        done = mirror_ledger(bench.ledger, bench.store, bench.settings.brokerage_rupees)
    added = {f"{name}_added": getattr(done, name) for name in ("events", "calls", "cycles", "trades")}
    context.add_output_metadata({"dagster/row_count": done.last, **added})


def mirror_job() -> "UnresolvedAssetJobDefinition":
    """Return the job that copies what is new in the ledger."""
    return dg.define_asset_job(
        MIRROR_JOB,
        selection=dg.AssetSelection.assets(ledger_mirror),
        executor_def=dg.in_process_executor,
        tags={**MAY_WAIT, "dagster/max_runtime": "600", "dagster/priority": "-5"},
        description="Copies the ledger's new events into the store.",
    )


def mirror_schedules(job: "UnresolvedAssetJobDefinition") -> Sequence[dg.ScheduleDefinition]:
    """Return the schedule of the copy: hourly, between two analyses."""
    return [
        dg.ScheduleDefinition(
            name="hourly_mirror",
            job=job,
            cron_schedule="24 * * * *",
            default_status=DefaultScheduleStatus.RUNNING,
            description="Copies the ledger into the store.",
        )
    ]
