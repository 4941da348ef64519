"""Our event log stores what Dagster's own would have stored, only in fewer transactions."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from pipelines.event_log import DeskEventLog

DAYS = dg.DailyPartitionsDefinition("2024-01-01")
NAMES = ("first", "second")
PLAIN = ("dagster._core.storage.event_log", "SqliteEventLogStorage")
OURS = ("pipelines.event_log", "DeskEventLog")


@dg.asset(name="first", partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def first(context: dg.AssetExecutionContext) -> None:
    for key in context.partition_keys:
        context.add_asset_metadata({"rows": int(key[-2:])}, partition_key=key)


@dg.asset(name="second", partitions_def=DAYS, deps=[first], backfill_policy=dg.BackfillPolicy.single_run())
def second(context: dg.AssetExecutionContext) -> None:
    for key in context.partition_keys:
        context.add_asset_metadata({"rows": -int(key[-2:])}, partition_key=key)


@dg.asset_check(asset="first")
def sound() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def ran(home: Path, storage: tuple[str, str]) -> dg.DagsterInstance:
    """Return an instance with one log class, after a run over a range and one over a day of it."""
    home.mkdir()
    module, name = storage
    (home / "dagster.yaml").write_text(
        f"telemetry: {{enabled: false}}\nevent_log_storage:\n  module: {module}\n  class: {name}\n"
        f"  config: {{base_dir: {home / 'history'}}}\n"
    )
    instance = dg.DagsterInstance.from_config(str(home))
    job = dg.Definitions(
        assets=[first, second],
        asset_checks=[sound],
        jobs=[dg.define_asset_job("both")],
        executor=dg.in_process_executor,
    ).resolve_job_def("both")
    for begin, end in (("2024-01-02", "2024-01-20"), ("2024-01-05", "2024-01-05")):
        tags = {"dagster/asset_partition_range_start": begin, "dagster/asset_partition_range_end": end}
        assert job.execute_in_process(instance=instance, tags=tags).success
    return instance


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[dg.DagsterInstance, dg.DagsterInstance]]:
    with ran(tmp_path / "plain", PLAIN) as plain, ran(tmp_path / "ours", OURS) as ours:
        yield plain, ours


def facts(instance: dg.DagsterInstance) -> dict[str, object]:
    """Return what the pages and the schedules read of each asset."""
    found: dict[str, object] = {}
    for name in NAMES:
        key = dg.AssetKey(name)
        rows = instance.fetch_materializations(key, limit=100).records
        found[name] = (
            sorted(instance.get_materialized_partitions(key)),
            [
                (row.partition_key, row.asset_materialization.metadata["rows"].value)
                for row in rows
                if row.asset_materialization
            ],
        )
    check = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(dg.AssetKey("first"), "sound"))
    found["check"] = check.status if check else None
    runs = instance.get_runs()
    found["events"] = [Counter(str(e.dagster_event_type) for e in instance.all_logs(run.run_id)) for run in runs]
    return found


def test_both_logs_tell_the_same(both: tuple[dg.DagsterInstance, dg.DagsterInstance]) -> None:
    plain, ours = map(facts, both)
    assert ours == plain
    again = both[1].fetch_materializations(dg.AssetKey("second"), limit=1).records[0]
    assert again.partition_key == "2024-01-05"
    assert len(both[1].get_materialized_partitions(dg.AssetKey("second"))) == 19


def test_either_class_reads_what_the_other_wrote(
    both: tuple[dg.DagsterInstance, dg.DagsterInstance], tmp_path: Path
) -> None:
    home = tmp_path / "ours"
    before = facts(both[1])
    text = (home / "dagster.yaml").read_text().replace(OURS[0], PLAIN[0]).replace(OURS[1], PLAIN[1])
    (home / "dagster.yaml").write_text(text)
    with dg.DagsterInstance.from_config(str(home)) as again:
        assert facts(again) == before


def test_a_run_s_database_is_made_as_dagster_makes_it(tmp_path: Path) -> None:
    made = {}
    for name, kind in (("plain", SqliteEventLogStorage), ("ours", DeskEventLog)):
        storage = kind(str(tmp_path / name))
        with storage.run_connection("a run") as connection:
            tables = connection.exec_driver_sql("select name, sql from sqlite_master order by name").fetchall()
            version = connection.exec_driver_sql("select version_num from alembic_version").fetchall()
            mode = connection.exec_driver_sql("pragma journal_mode").fetchall()
        made[name] = (tables, version, mode)
    assert made["ours"] == made["plain"]
    assert len(made["ours"][0]) > 5


def test_a_second_process_takes_the_database_that_the_first_made(tmp_path: Path) -> None:
    first, second = DeskEventLog(str(tmp_path)), DeskEventLog(str(tmp_path))
    with first.run_connection("a run") as connection:
        connection.exec_driver_sql("create table marked (x)")
    with second.run_connection("a run") as connection:
        assert connection.exec_driver_sql("select count(*) from marked").scalar() == 0
    assert not list(tmp_path.glob("*.new"))
