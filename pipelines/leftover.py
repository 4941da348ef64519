"""Runs whose processes end, or died, with the code server that had started them.

A desk that is stopped ends its runs, which nobody needs to be told of as a failure: they count as cancelled. A code
server notices when the process of one of its runs dies. When it dies itself, its runs die with it, and Dagster
would hold them for running until their longest time is over, with the place that their pool has: for ten minutes no
zone would be computed. So the next code server tells of their end before it serves.
"""

import json
import logging
from pathlib import Path
from typing import Final

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

from pipelines.home import open_instance

SECONDS: Final = 5
STOPPED = "The desk is being stopped, and this run with it."
LEFT = "The code server that had started this run has ended, and the run with it."
_BEGUN: Final = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
_log = logging.getLogger(__name__)


def cancel_runs(home: Path) -> int:
    """Let the runs that a desk is about to end count as cancelled, and return how many.

    Parameters
    ----------
    home : Path
        Dagster's home of the desk.
    """
    count = 0
    with open_instance(home) as instance:
        for run in instance.get_runs(dg.RunsFilter(statuses=_BEGUN)):
            if GRPC_INFO_TAG in run.tags:
                instance.report_run_canceling(run, STOPPED)
                count += 1
    return count


def end_leftover_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as over that no code server has any more, and return their ids.

    They have failed, but for those that a stopping desk had cancelled and that died before they could say so.

    Only runs that a code server had started are looked at; those of ``zonedesk materialize`` have no address in their
    tags.

    Parameters
    ----------
    instance : DagsterInstance
        Whose runs.
    """
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=[*_BEGUN, dg.DagsterRunStatus.CANCELING])):
        address = run.tags.get(GRPC_INFO_TAG)
        if address and not _is_alive(run.run_id, json.loads(address)):
            _log.warning("run %s, %s, is left over: %s", run.run_id[:8], run.job_name, LEFT)
            if run.status is dg.DagsterRunStatus.CANCELING:
                instance.report_run_canceled(run, LEFT)
            else:
                instance.report_run_failed(run, LEFT)
            ended.append(run.run_id)
    return ended


def _is_alive(run_id: str, address: dict[str, object]) -> bool:
    """Return whether a code server answers at an address and has the run."""
    client = DagsterGrpcClient(
        port=address.get("port"),  # type: ignore[arg-type]  # Dagster's own words, which it checks
        socket=address.get("socket"),  # type: ignore[arg-type]  # as above
        host=str(address.get("host") or "localhost"),
    )
    try:
        answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id), timeout=SECONDS)
    except DagsterUserCodeUnreachableError:
        return False
    return deserialize_value(answer, CanCancelExecutionResult).can_cancel
