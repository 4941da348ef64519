"""Old runs leave, with the files that Dagster itself would keep for ever.

Each run has a database of its own and a folder of logs; deleting the run in Dagster frees neither. An analysis run
that holds the newest materialisation of any partition stays, because without it the partition would count as missing.
"""

import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import dagster as dg
from dagster import DagsterEventType, DefaultScheduleStatus, ScheduleDefinition

from agents.domain.values import IST
from pipelines.resources import MAY_WAIT, Workbench, market_is_simulated, wall_clock

FINISHED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
_BATCH = 500


class Swept(NamedTuple):
    """What left: runs, and bytes of files."""

    runs: int
    freed_bytes: int


class SweepConfig(dg.Config):
    """How long finished runs are kept."""

    keep_hours: float = 72.0


def sweep(instance: dg.DagsterInstance, folder: Path, before: datetime, assets: Sequence[dg.AssetKey]) -> Swept:
    """Delete the finished runs that were created before `before`, and their files.

    Parameters
    ----------
    instance : DagsterInstance
        Keeps the runs.
    folder : Path
        Its home.
    before : datetime
        Younger runs stay.
    assets : sequence of AssetKey
        Runs that hold the newest materialisation of a partition of these stay.
    """
    needed = _runs_that_count(instance, assets)
    filters = dg.RunsFilter(statuses=list(FINISHED), created_before=before)
    old = [run.run_id for run in instance.get_runs(filters) if run.run_id not in needed]
    freed = 0
    for run_id in old:
        instance.delete_run(run_id)
        freed += sum(_remove(path) for path in _files(folder, run_id))
    return Swept(len(old), freed)


def _runs_that_count(instance: dg.DagsterInstance, assets: Sequence[dg.AssetKey]) -> frozenset[str]:
    """Return the runs behind the newest materialisation of each partition."""
    found: set[str] = set()
    for asset in assets:
        latest = instance.event_log_storage.get_latest_storage_id_by_partition(
            asset, DagsterEventType.ASSET_MATERIALIZATION
        )
        numbers = sorted(latest.values())
        for first in range(0, len(numbers), _BATCH):
            part = numbers[first : first + _BATCH]
            records = instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key=asset, storage_ids=part), limit=len(part)
            ).records
            found.update(record.run_id for record in records)
    return frozenset(found)


def _files(folder: Path, run_id: str) -> Iterable[Path]:
    yield from (folder / "history" / "runs").glob(f"{run_id}.db*")
    yield folder / "storage" / run_id


def _remove(path: Path) -> int:
    """Delete a file or folder and return its bytes; 0 where there is none."""
    if path.is_dir():
        size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
        shutil.rmtree(path)
        return size
    if path.is_file():
        size = path.stat().st_size
        path.unlink()
        return size
    return 0


def housekeeping_job(assets: Sequence[dg.AssetKey]) -> dg.JobDefinition:
    """Return the job that removes old runs."""

    @dg.op
    def remove_old_runs(
        context: dg.OpExecutionContext, config: SweepConfig, bench: dg.ResourceParam[Workbench]
    ) -> None:
        """Delete finished runs that nothing needs any more."""
        before = wall_clock() - timedelta(hours=config.keep_hours)
        swept = sweep(context.instance, bench.settings.home / "dagster", before, assets)
        context.log.info("%d runs deleted, %.1f MB freed", swept.runs, swept.freed_bytes / 1e6)
        context.add_output_metadata({"runs": swept.runs, "megabytes": swept.freed_bytes / 1e6})

    @dg.job(description="Deletes old runs and their files.", tags={**MAY_WAIT, "dagster/max_runtime": "600"})
    def housekeeping() -> None:
        remove_old_runs()

    return housekeeping


def nightly(bench: Workbench, job: dg.JobDefinition) -> ScheduleDefinition:
    """Return the schedule of `job`: at night; hourly where the simulated market makes many sessions a day."""
    simulated = market_is_simulated(bench.settings)
    keep = 6.0 if simulated else 72.0
    return dg.ScheduleDefinition(
        name="nightly_housekeeping",
        job=job,
        cron_schedule="20 * * * *" if simulated else "30 2 * * *",
        execution_timezone=IST.key,
        default_status=DefaultScheduleStatus.RUNNING,
        run_config={"ops": {"remove_old_runs": {"config": {"keep_hours": keep}}}},
        description="Deletes runs that are older than three days (six hours in the simulated market) and superseded.",
    )
