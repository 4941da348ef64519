"""What a code server that died leaves behind does not keep the next analysis waiting."""

import json
import socket
import uuid
from pathlib import Path

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG

from agents.settings import Settings
from pipelines.home import open_instance, prepare_home
from pipelines.leftover import LEFT, cancel_runs, end_leftover_runs


def begun(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: dict[str, str]) -> str:
    run = dg.DagsterRun(job_name="analysis", run_id=str(uuid.uuid4()), status=status, tags=tags)
    instance.add_run(run)
    return run.run_id


def test_only_runs_of_a_code_server_that_is_gone_are_ended() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # nobody listens here
        gone = {GRPC_INFO_TAG: json.dumps({"host": "127.0.0.1", "port": probe.getsockname()[1]})}
        with dg.DagsterInstance.ephemeral() as instance:
            left = begun(instance, dg.DagsterRunStatus.STARTED, gone)
            waiting = begun(instance, dg.DagsterRunStatus.NOT_STARTED, gone)
            by_hand = begun(instance, dg.DagsterRunStatus.STARTED, {})
            stopped = begun(instance, dg.DagsterRunStatus.CANCELING, gone)
            assert set(end_leftover_runs(instance)) == {left, stopped}
            found = {run.run_id: run.status for run in instance.get_runs()}
            events = [record.event_log_entry.dagster_event for record in instance.get_records_for_run(left).records]
    assert found == {
        left: dg.DagsterRunStatus.FAILURE,
        waiting: dg.DagsterRunStatus.NOT_STARTED,
        by_hand: dg.DagsterRunStatus.STARTED,
        stopped: dg.DagsterRunStatus.CANCELED,
    }
    assert [event.message for event in events if event] == [LEFT]


def test_a_stopping_desk_cancels_its_own_runs_only(tmp_path: Path) -> None:
    home = prepare_home(Settings(_env_file=None, mode="paper", data_dir=tmp_path))
    with open_instance(home.folder) as instance:
        own = begun(instance, dg.DagsterRunStatus.STARTED, {GRPC_INFO_TAG: "{}"})
        done = begun(instance, dg.DagsterRunStatus.SUCCESS, {GRPC_INFO_TAG: "{}"})
        by_hand = begun(instance, dg.DagsterRunStatus.STARTED, {})
    assert cancel_runs(home.folder) == 1
    with open_instance(home.folder) as instance:
        found = {run.run_id: run.status for run in instance.get_runs()}
    assert found == {
        own: dg.DagsterRunStatus.CANCELING,
        done: dg.DagsterRunStatus.SUCCESS,
        by_hand: dg.DagsterRunStatus.STARTED,
    }
