"""What a code server that died leaves behind does not keep the next analysis waiting."""

import json
import socket
import uuid

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG

from pipelines.leftover import LEFT, end_leftover_runs


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
            assert end_leftover_runs(instance) == [left]
            found = {run.run_id: run.status for run in instance.get_runs()}
            events = [record.event_log_entry.dagster_event for record in instance.get_records_for_run(left).records]
    assert found == {
        left: dg.DagsterRunStatus.FAILURE,
        waiting: dg.DagsterRunStatus.NOT_STARTED,
        by_hand: dg.DagsterRunStatus.STARTED,
    }
    assert [event.message for event in events if event] == [LEFT]
