"""Keeps a set of processes alive: starts them, restarts what dies, says what keeps dying, stops all of them.

One thread, no asking of children beyond their process and their address; a child's fault never ends the supervisor.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from zonedesk.logs import bound, last_line
from zonedesk.ports import answers
from zonedesk.shell import wall_now

LONG_LIFE_SECONDS = 60.0
MAX_SHORT_LIVES = 6
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STOP_SECONDS = 6.0
LOG_CHECK_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1


class ServiceState(StrEnum):
    """Where a service stands."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"  # died, is started again after a pause
    FAILED = "failed"  # keeps dying, left down
    STOPPED = "stopped"


@dataclass(frozen=True)
class Service:
    """A process to keep alive.

    `check` is the URL (or ``tcp://host:port``) that must answer before it counts as ready, None where running is
    enough; `address` is what a person opens. Services with a higher `stop_rank` are stopped later.
    """

    name: str
    command: tuple[str, ...]
    check: str | None = None
    address: str | None = None
    stop_rank: int = 0


@dataclass
class Child:
    """A service with its process and its history."""

    service: Service
    log: Path
    process: subprocess.Popen[bytes] | None = None
    state: ServiceState = ServiceState.STOPPED
    started_at: float = 0.0
    start_again_at: float = 0.0
    restarts: int = 0
    short_lives: int = 0
    last_exit: int | None = None
    ended_at: str | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def facts(self) -> dict[str, object]:
        """Return what the status file says of it."""
        return {
            "name": self.service.name,
            "state": self.state.value,
            "pid": self.pid,
            "restarts": self.restarts,
            "last_exit": self.last_exit,
            "ended_at": self.ended_at,
            "up_seconds": round(time.monotonic() - self.started_at) if self.pid else None,
            "address": self.service.address,
            "log": str(self.log),
        }


@dataclass
class Supervisor:
    """Runs services until it is told to stop.

    Parameters
    ----------
    services : sequence of Service
        In the order in which they are started.
    log_dir : Path
        Where each service's output goes, as ``<name>.log``, bounded in size.
    environment : mapping
        What the services find in their environment.
    report : callable
        Is told in one sentence what happened.
    alarm : callable
        Is told the name of a service that is left down, and why.
    """

    services: Sequence[Service]
    log_dir: Path
    environment: Mapping[str, str]
    report: Callable[[str], None]
    alarm: Callable[[str, str], None] = lambda _name, _text: None
    children: list[Child] = field(init=False)
    _logs_checked_at: float = 0.0

    def __post_init__(self) -> None:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self.children = [Child(service, self.log_dir / f"{service.name}.log") for service in self.services]

    @property
    def all_ready(self) -> bool:
        """Whether every service answers."""
        return all(child.state is ServiceState.READY for child in self.children)

    @property
    def failed(self) -> list[str]:
        """Names of the services that were left down."""
        return [child.service.name for child in self.children if child.state is ServiceState.FAILED]

    def start(self, *but: str) -> None:
        """Start every service that does not run, `but` these."""
        for child in self.children:
            if child.process is None and child.state is ServiceState.STOPPED and child.service.name not in but:
                self._start(child)

    def is_ready(self, name: str) -> bool:
        """Whether a service answers."""
        return any(child.service.name == name and child.state is ServiceState.READY for child in self.children)

    def step(self) -> None:
        """Look at every service once: restart what died and is due, notice what has become ready."""
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, now)
            elif child.state is ServiceState.WAITING and now >= child.start_again_at:
                child.restarts += 1
                self._start(child)
            elif child.state is ServiceState.STARTING and _is_ready(child.service):
                child.state = ServiceState.READY
                self.report(f"{child.service.name} is ready{_at(child.service)}")
        if now - self._logs_checked_at > LOG_CHECK_SECONDS:
            self._logs_checked_at = now
            for child in self.children:
                bound(child.log)

    def stop(self) -> None:
        """Ask every service to end, by rank; end by force what does not within seconds."""
        for rank in sorted({child.service.stop_rank for child in self.children}):
            ours = [c for c in self.children if c.service.stop_rank == rank and c.process is not None]
            for child in ours:
                _signal_group(child, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS / 2 if rank else time.monotonic() + STOP_SECONDS
            for child in ours:
                _wait(child, deadline)
                _signal_group(child, signal.SIGKILL)  # also what the process left behind in its group
                child.state = ServiceState.STOPPED

    def _start(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603  (our own commands)
                child.service.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
                preexec_fn=_in_child,  # noqa: PLW1509  (one thread; it only resets signals)
            )
        child.started_at = time.monotonic()
        child.state = ServiceState.STARTING

    def _bury(self, child: Child, now: float) -> None:
        assert child.process is not None
        child.last_exit, child.ended_at = child.process.returncode, wall_now().isoformat()
        _signal_group(child, signal.SIGKILL)
        child.process = None
        lived = now - child.started_at
        child.short_lives = 1 if lived >= LONG_LIFE_SECONDS else child.short_lives + 1
        name = child.service.name
        if child.short_lives >= MAX_SHORT_LIVES:
            child.state = ServiceState.FAILED
            why = last_line(child.log)
            text = f"{name} keeps dying and stays down; its log {child.log} ends with: {why}"
            self.report(text)
            self.alarm(name, text)
            return
        pause = min(FIRST_PAUSE_SECONDS * 2.0 ** (child.short_lives - 1), LONGEST_PAUSE_SECONDS)
        child.start_again_at = now + pause
        child.state = ServiceState.WAITING
        self.report(f"{name} ended ({_how(child.last_exit)}) after {lived:.0f} s; starting it again in {pause:.1f} s")


def _in_child() -> None:
    """Give the child ordinary signals, and let it end when the supervisor does, however that ends."""
    # Started from a background shell we ignore SIGINT, and Dagster would carry that over to SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


_LIBC = ctypes.CDLL(None) if os.uname().sysname == "Linux" else None


def _is_ready(service: Service) -> bool:
    return service.check is None or answers(service.check)


def _at(service: Service) -> str:
    return f" at {service.address}" if service.address else ""


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def _signal_group(child: Child, number: signal.Signals) -> None:
    """Signal a child's whole process group; it may be gone already."""
    if child.process is None:
        return
    try:
        os.killpg(child.process.pid, number)
    except ProcessLookupError:
        return


def _wait(child: Child, deadline: float) -> None:
    assert child.process is not None
    try:
        child.process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return
