"""The queue in front of the store."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agents.data.lock import FairLock
from agents.domain.errors import ConfigError, InvariantViolationError, StoreBusyError

HOLDER = """
import sys, time
from pathlib import Path
from agents.data.lock import FairLock
lock = FairLock(Path(sys.argv[1]))
with getattr(lock, sys.argv[2])():
    print("in", flush=True)
    time.sleep(60)
"""


def hold(folder: Path, kind: str) -> subprocess.Popen[str]:
    """Start a process that holds the lock, and return once it does."""
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder), kind], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "in\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.communicate()


def tickets(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "mutex")


def wait_for_tickets(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 10
    while len(tickets(folder)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.process
def test_readers_of_two_processes_share(tmp_path: Path) -> None:
    child = hold(tmp_path, "read")
    try:
        with FairLock(tmp_path, patience=1).read():
            assert len(tickets(tmp_path)) == 2
    finally:
        end(child)


@pytest.mark.process
@pytest.mark.parametrize(("held", "wanted"), [("write", "read"), ("write", "write"), ("read", "write")])
def test_a_writer_excludes_and_is_named_when_patience_ends(tmp_path: Path, held: str, wanted: str) -> None:
    child = hold(tmp_path, held)
    try:
        busy = pytest.raises(StoreBusyError, match=f"process {child.pid} .* more than 0.1 s")
        with busy, getattr(FairLock(tmp_path, patience=0.1), wanted)():
            pass
        assert len(tickets(tmp_path)) == 1
    finally:
        end(child)


@pytest.mark.process
def test_a_killed_holder_is_passed_over_at_once(tmp_path: Path) -> None:
    child = hold(tmp_path, "write")
    end(child)
    begun = time.monotonic()
    with FairLock(tmp_path, patience=5).write():
        assert time.monotonic() - begun < 1
    assert tickets(tmp_path) == []


@pytest.mark.process
def test_a_suspended_holder_does_not_hang_anyone(tmp_path: Path) -> None:
    child = hold(tmp_path, "write")
    os.kill(child.pid, signal.SIGSTOP)
    try:
        with pytest.raises(StoreBusyError), FairLock(tmp_path, patience=0.1).read():
            pass
    finally:
        end(child)


def test_arrival_decides_so_neither_kind_starves(tmp_path: Path) -> None:
    order: list[str] = []
    gate = FairLock(tmp_path)

    def enter(kind: str, name: str) -> None:
        with getattr(FairLock(tmp_path), kind)():
            order.append(name)
            time.sleep(0.01)

    with gate.read():
        threads = []
        for count, (kind, name) in enumerate([("write", "w1"), ("read", "r1"), ("write", "w2"), ("read", "r2")], 2):
            threads.append(threading.Thread(target=enter, args=(kind, name)))
            threads[-1].start()
            wait_for_tickets(tmp_path, count)
        assert order == []
    for thread in threads:
        thread.join()
    assert order == ["w1", "r1", "w2", "r2"]


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    inside, most = 0, 0

    def enter() -> None:
        nonlocal inside, most
        for _ in range(20):
            with FairLock(tmp_path).write():
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_entering_twice_in_one_thread_is_refused(tmp_path: Path) -> None:
    lock = FairLock(tmp_path)
    with lock.read(), pytest.raises(InvariantViolationError, match="already"), FairLock(tmp_path).write():
        pass
    with lock.write():
        pass


def test_an_exception_inside_gives_the_ticket_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), FairLock(tmp_path).write():
        _ = 1 / 0
    assert tickets(tmp_path) == []


def test_a_folder_that_cannot_be_made_names_the_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="writable"), FairLock(tmp_path / "file" / "queue").read():
        pass
