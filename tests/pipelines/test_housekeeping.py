"""Housekeeping removes what nothing needs, and its files."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from agents.settings import Settings
from pipelines.home import open_instance, prepare_home
from pipelines.housekeeping import sweep
from pipelines.run import materialize_range
from tests.pipelines.markets import LAST


def test_superseded_runs_leave_with_their_files_and_young_ones_and_the_newest_stay(settings: Settings) -> None:
    for _ in range(2):
        report = materialize_range(settings, ["NIFTY"], LAST, LAST)
    folder = prepare_home(settings).folder
    with open_instance(folder) as instance:
        before = {run.run_id for run in instance.get_runs()}
        assert sweep(instance, folder, datetime.now(UTC) - timedelta(hours=1), []).runs == 0  # young runs stay
        assets = [dg.AssetKey(name) for name in ("candles", "zones", "llm_validation")]
        swept = sweep(instance, folder, datetime.now(UTC) + timedelta(minutes=1), assets)
        after = {run.run_id for run in instance.get_runs()}
        assert instance.get_materialized_partitions(dg.AssetKey("zones")) == {LAST.isoformat()}
    gone = before - after
    assert swept.runs == 1
    assert swept.freed_bytes > 100_000
    assert after == set(report["runs"])
    for run_id in gone:
        assert not list((folder / "history" / "runs").glob(f"{run_id}*"))
        assert not (folder / "storage" / run_id).exists()
