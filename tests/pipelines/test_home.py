"""Dagster's home: made once, complete, with the desk's event log."""

import json
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped]  # PyYAML has no types, and one line here uses it

from agents.domain.errors import ConfigError
from agents.settings import Settings
from pipelines.definitions import build
from pipelines.event_log import DeskEventLog
from pipelines.home import open_instance, prepare_home
from pipelines.resources import Workbench
from pipelines.run import materialize_range
from tests.pipelines.markets import LAST, rows_of


def test_a_home_can_be_prepared_twice_and_opens(tmp_path: Path) -> None:
    settings = Settings(mode="replay", data_dir=tmp_path)
    first = prepare_home(settings)
    home = prepare_home(settings, code_server_port=4266)
    assert home.folder == first.folder
    assert json.loads(home.workspace.read_text())["load_from"][0]["grpc_server"]["port"] == 4266
    config = yaml.safe_load((home.folder / "dagster.yaml").read_text())
    assert config["telemetry"]["enabled"] is False
    assert config["concurrency"]["pools"] == {"granularity": "run", "default_limit": 1}
    with open_instance(home.folder) as instance:
        assert isinstance(instance.event_log_storage, DeskEventLog)


def test_a_place_is_always_free_for_chains_and_trade_cycles(tmp_path: Path) -> None:
    home = prepare_home(Settings(mode="replay", data_dir=tmp_path))
    runs = yaml.safe_load((home.folder / "dagster.yaml").read_text())["concurrency"]["runs"]
    (limit,) = runs["tag_concurrency_limits"]
    found = build(Settings(mode="paper", data_dir=tmp_path)).get_repository_def()
    waiting = {job.name for job in found.get_all_jobs() if limit["key"] in job.tags}
    assert waiting == {"analysis", "housekeeping", "mirror"}
    assert limit["limit"] == runs["max_concurrent_runs"] - 2


def test_a_run_by_hand_leaves_the_workspace_of_the_desk_alone(tmp_path: Path) -> None:
    settings = Settings(mode="replay", data_dir=tmp_path)
    served = prepare_home(settings, code_server_port=4266).workspace
    before = served.read_text()
    assert prepare_home(settings).workspace != served
    assert served.read_text() == before


def test_without_a_code_server_the_workspace_names_the_module(tmp_path: Path) -> None:
    home = prepare_home(Settings(mode="replay", data_dir=tmp_path))
    assert "pipelines.definitions" in home.workspace.read_text()


def test_a_home_that_cannot_be_written_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "replay").write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="--data-dir"):
        prepare_home(Settings(mode="replay", data_dir=tmp_path))


def test_a_range_is_recorded_where_the_pages_show_it_and_one_date_again_changes_nothing(settings: Settings) -> None:
    seen: list[tuple[int, int]] = []
    first = Workbench(settings).calendar.previous(LAST).on
    report = materialize_range(settings, ["NIFTY"], first, LAST, on_progress=lambda done, of: seen.append((done, of)))
    assert report["sessions"] == 2
    assert seen == [(0, 2), (2, 2)]
    assert report["failed_checks"] == []
    json.dumps(report)
    bench = Workbench(settings)
    stored = rows_of(bench, LAST)
    again = materialize_range(settings, [], LAST, LAST)
    counts = [each for runs in again["rows"].values() for each in runs.values()]
    assert all(each["rows_inserted"] == each["rows_removed"] == 0 for each in counts)
    assert rows_of(bench, LAST) == stored
    with open_instance(settings.home / "dagster") as instance:
        done = instance.get_materialized_partitions(dg.AssetKey("zones"))
        assert done == {first.isoformat(), LAST.isoformat()}
        assert {run.job_name for run in instance.get_runs()} == {"analysis"}
        _planned_checks_do_not_carry_the_closed_days(instance, again["runs"][0])


def _planned_checks_do_not_carry_the_closed_days(instance: dg.DagsterInstance, run_id: str) -> None:
    planned = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)
    assert len(planned) == 7
    assert max(len(dg.serialize_value(entry)) for entry in planned) < 5_000


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [("2020-01-01", "2020-02-01", "partitions begin"), ("2025-06-21", "2025-06-22", "no session")],
)
def test_a_span_without_sessions_names_what_to_do(first: str, last: str, words: str, settings: Settings) -> None:
    with pytest.raises(Exception, match=words):
        materialize_range(settings, [], date.fromisoformat(first), date.fromisoformat(last))
