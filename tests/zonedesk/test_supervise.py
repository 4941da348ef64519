import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zonedesk import supervise
from zonedesk.logs import bound, last_line
from zonedesk.ports import answers, free_port, is_free, refuse_busy
from zonedesk.supervise import Service, ServiceState, Supervisor

pytestmark = pytest.mark.process

SLEEP = "import time; time.sleep(600)"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", textwrap.dedent(code))


@contextmanager
def supervised(folder: Path, *services: Service) -> Iterator[tuple[Supervisor, list[str]]]:
    said: list[str] = []
    supervisor = Supervisor(services, folder, dict(os.environ), said.append)
    supervisor.start()
    try:
        yield supervisor, said
    finally:
        supervisor.stop()


def until(supervisor: Supervisor, done: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, [child.facts() for child in supervisor.children]
        supervisor.step()
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    with supervised(tmp_path, Service("one", python(SLEEP))) as (supervisor, said):
        until(supervisor, lambda: supervisor.all_ready)
        child = supervisor.children[0]
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        until(supervisor, lambda: supervisor.all_ready and child.restarts == 1)
        assert child.pid not in {None, first}
        assert child.facts()["ended_at"] is not None
        assert any("one ended (SIGKILL)" in text for text in said)


def test_what_keeps_dying_is_left_down_and_reported_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "FIRST_PAUSE_SECONDS", 0.01)
    broken = Service("broken", python("import sys; sys.exit('no such key')"))
    with supervised(tmp_path, broken, Service("fine", python(SLEEP))) as (supervisor, said):
        until(supervisor, lambda: supervisor.failed == ["broken"])
        assert supervisor.children[0].restarts == supervise.MAX_SHORT_LIVES - 1
        assert any("broken keeps dying" in text and "no such key" in text for text in said)
        assert supervisor.children[1].pid is not None


def test_a_service_is_ready_when_its_address_answers(tmp_path: Path) -> None:
    port = free_port()
    late = f"""
        import http.server, time
        time.sleep(0.5)
        http.server.HTTPServer(("127.0.0.1", {port}), http.server.SimpleHTTPRequestHandler).serve_forever()
    """
    service = Service("web", python(late), check=f"http://127.0.0.1:{port}/", address=f"http://127.0.0.1:{port}")
    with supervised(tmp_path, service) as (supervisor, said):
        supervisor.step()
        assert supervisor.children[0].state is ServiceState.STARTING
        until(supervisor, lambda: supervisor.all_ready)
        assert answers(f"tcp://127.0.0.1:{port}")
        assert said == [f"web is ready at http://127.0.0.1:{port}"]


def test_stopping_ends_stubborn_processes_and_their_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    stubborn = f"""
        import signal, subprocess, sys, time, pathlib
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        pathlib.Path({str(note)!r}).write_text(str(child.pid))
        time.sleep(600)
    """
    with supervised(tmp_path, Service("stubborn", python(stubborn), stop_rank=1)) as (supervisor, _):
        until(supervisor, lambda: note.exists() and note.read_text() != "")
        started = time.monotonic()
        supervisor.stop()
        assert time.monotonic() - started < supervise.STOP_SECONDS
        until(supervisor, lambda: not alive(int(note.read_text())))


def test_children_end_with_a_killed_supervisor_and_heed_sigterm(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"""
        import os, pathlib, signal, sys, time
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a background shell
        from zonedesk.supervise import Service, Supervisor
        child = (sys.executable, "-c", "import time; time.sleep(600)")
        supervisor = Supervisor([Service("one", child)], pathlib.Path({str(tmp_path)!r}), dict(os.environ), print)
        supervisor.start()
        pathlib.Path({str(note)!r}).write_text(str(supervisor.children[0].pid))
        time.sleep(600)
    """
    root = str(Path(supervise.__file__).parents[1])
    process = subprocess.Popen(python(code), env={**os.environ, "PYTHONPATH": root})
    deadline = time.monotonic() + 15
    while not (note.exists() and note.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pid = int(note.read_text())
    ignored = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("SigIgn"))
    process.kill()
    process.wait()
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert int(ignored.split()[1], 16) & (1 << (signal.SIGTERM - 1)) == 0


def test_a_full_log_moves_aside_and_the_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 5000 + b"\n")
        writer.flush()
        bound(log, max_bytes=1000)
        writer.write(b"after\n\n")
        writer.flush()
        assert (tmp_path / "one.log.1").stat().st_size == 5001
        assert last_line(log) == "after"
        assert log.stat().st_size == 7


def test_a_busy_port_names_itself_and_its_setting() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(Exception, match=f"port {port} is taken.*ZONEDESK_DAGSTER_PORT"):
            refuse_busy({"ZONEDESK_DAGSTER_PORT": port})
