"""Dagster's code server, with runs that are forks of one process which has imported everything they need.

As Dagster comes, each run is a new Python: seconds of a processor go into importing before its first step, and each
run holds a copy of its own of all that it imported. A fork begins at once and shares those pages. The process that
forks (`multiprocessing`'s fork server) runs no threads and opens nothing, and is started anew should it die; the code
server itself has threads and must not fork.

Started as ``python -m pipelines.serving`` with the options of ``dagster api grpc``.
"""

import multiprocessing
import os
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import dagster._grpc.server
from dagster._cli.api import grpc_command
from dagster._grpc.server import DagsterApiServer

from pipelines.home import open_instance
from pipelines.leftover import end_leftover_runs

WARM = "pipelines.warm"


class ForkingApiServer(DagsterApiServer):
    """Dagster's server of our definitions; only the way in which a run's process is made differs."""

    def __init__(self, *args: Any, **named: Any) -> None:  # Any: Dagster's
        super().__init__(*args, **named)
        self._mp_ctx = multiprocessing.get_context("forkserver")  # type: ignore[assignment]  # has all that is used of the other


def main() -> None:
    """Serve until told to stop."""
    multiprocessing.set_forkserver_preload([WARM])
    forkserver.ensure_running()  # it imports while this process does
    if home := os.environ.get("DAGSTER_HOME"):
        with open_instance(Path(home)) as instance:
            end_leftover_runs(instance)
    dagster._grpc.server.DagsterApiServer = ForkingApiServer  # type: ignore[misc]  # noqa: SLF001  (where it is taken from)
    grpc_command()


if __name__ == "__main__":
    main()
