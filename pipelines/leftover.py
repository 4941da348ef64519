"""Runs whose processes died with the code server that had started them.

A code server notices when the process of one of its runs dies. When it dies itself, its runs die with it, and Dagster
would hold them for running until their longest time is over, with the place that their pool has: for ten minutes no
zone would be computed. So the next code server tells of their end before it serves.
"""

import json
import logging
from typing import Final

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

SECONDS: Final = 5
LEFT = "The code server that had started this run has ended, and the run with it."
_log = logging.getLogger(__name__)


def end_leftover_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed that no code server has any more, and return their ids.

    Only runs that a code server had started are looked at; those of ``zonedesk materialize`` have no address in their
    tags.

    Parameters
    ----------
    instance : DagsterInstance
        Whose runs.
    """
    begun = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=begun)):
        address = run.tags.get(GRPC_INFO_TAG)
        if address and not _is_alive(run.run_id, json.loads(address)):
            _log.warning("run %s, %s, is left over: %s", run.run_id[:8], run.job_name, LEFT)
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
