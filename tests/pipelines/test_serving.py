"""Runs are forks of a process that has imported what they need, and opened nothing that forks would share."""

import multiprocessing
import subprocess
import sys
from multiprocessing import forkserver
from multiprocessing.connection import Connection

import pytest
from dagster._cli import api
from dagster._grpc import server

from pipelines import serving

_LOOK = """
import os, threading, pipelines.warm
open_files = {os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if int(name) > 2
              and os.path.exists(f"/proc/self/fd/{name}")}
kept = (".sqlite", ".duckdb", ".db", ".log")
print(threading.active_count(), sorted(name for name in open_files if name.endswith(kept)))
"""


def _tell(pipe: Connection) -> None:
    pipe.send([name in sys.modules for name in ("pipelines.cycles", "pipelines.steps", "duckdb", "pandas")])


def test_dagster_takes_our_server_when_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    class Served(Exception):  # noqa: N818  (carries the news out)
        pass

    def served(*_args: object, **_named: object) -> None:
        raise Served

    monkeypatch.setattr(server, "DagsterApiServer", server.DagsterApiServer)  # put back afterwards
    monkeypatch.setattr(forkserver, "ensure_running", lambda: None)
    monkeypatch.setattr(serving.ForkingApiServer, "__init__", served)
    monkeypatch.setattr(sys, "argv", ["serving", "-m", "pipelines.definitions", "-h", "127.0.0.1", "-p", "1"])
    monkeypatch.setattr(api, "setup_interrupt_handlers", lambda: None)

    with pytest.raises(Served):
        serving.main()


def test_what_is_warm_has_opened_nothing() -> None:
    told = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True, timeout=120)
    assert told.stdout.strip() == "1 []"


@pytest.mark.process
def test_a_fork_has_everything_imported() -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([serving.WARM])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(theirs,))
    process.start()
    assert ours.poll(120)
    assert ours.recv() == [True] * 4
    process.join(60)
    assert process.exitcode == 0
