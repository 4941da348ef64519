"""A fair reader-writer lock between processes and threads, in front of every open of the store.

Everyone who wants in draws a numbered ticket: a file in the lock's folder, locked by its owner for as long as it is
valid. A writer waits until every earlier ticket is gone, a reader until every earlier writer's ticket is gone. So the
order of arrival decides, readers share, and neither kind can starve the other. When a process dies, the kernel drops
its file locks, and whoever waits for its ticket removes it.
"""

import fcntl
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.domain.errors import ConfigError, InvariantViolationError, StoreBusyError

_FIRST_PAUSE = 0.0005
_LONGEST_PAUSE = 0.003
_FILE_MODE = 0o644


class FairLock:
    """The queue of one file. Each instance, thread and process that names the same folder stands in the same queue.

    Parameters
    ----------
    folder : Path
        Where the tickets lie; made when missing. Must be on a local disk, because file locks are.
    patience : float
        Seconds that anyone waits before `StoreBusyError`.
    """

    def __init__(self, folder: Path, *, patience: float = 30.0) -> None:
        self._folder = folder
        self._patience = patience

    @contextmanager
    def read(self) -> Iterator[None]:
        """Hold the lock together with other readers.

        Raises
        ------
        StoreBusyError
            If an earlier writer is still there after `patience` seconds.
        InvariantViolationError
            If this thread holds the lock already: it would wait for itself.
        """
        with self._turn("r", waits_for="w"):
            yield

    @contextmanager
    def write(self) -> Iterator[None]:
        """Hold the lock alone.

        Raises
        ------
        StoreBusyError
            If an earlier holder is still there after `patience` seconds.
        InvariantViolationError
            If this thread holds the lock already: it would wait for itself.
        """
        with self._turn("w", waits_for="rw"):
            yield

    @contextmanager
    def _turn(self, kind: str, *, waits_for: str) -> Iterator[None]:
        key = str(self._folder.resolve())
        mine = _held_by_this_thread()
        if key in mine:
            raise InvariantViolationError(
                f"{key} is held by this thread already; leave the first block before entering"
            )
        deadline = time.monotonic() + self._patience
        ticket, descriptor, ahead = self._draw(kind, waits_for, deadline)
        mine.add(key)
        try:
            os.write(descriptor, f"process {os.getpid()} ({Path(sys.argv[0]).name})".encode())
            for earlier in ahead:
                _wait_for(earlier, deadline, self._patience)
            yield
        finally:
            mine.discard(key)
            _give_back(ticket, descriptor)

    def _draw(self, kind: str, waits_for: str, deadline: float) -> tuple[Path, int, list[Path]]:
        """Return a new ticket, its locked descriptor and the earlier tickets to wait for."""
        with self._mutex(deadline):
            names = sorted(p.name for p in self._folder.iterdir() if p.name[-1] in "rw" and p.name[:-1].isdigit())
            number = int(names[-1][:-1]) + 1 if names else 1
            ticket = self._folder / f"{number:012d}{kind}"
            descriptor = os.open(ticket, os.O_RDWR | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return ticket, descriptor, [self._folder / name for name in names if name[-1] in waits_for]

    @contextmanager
    def _mutex(self, deadline: float) -> Iterator[None]:
        """Hold the right to draw a ticket: for some microseconds, so a bare lock is fair enough."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / "mutex", os.O_RDWR | os.O_CREAT, _FILE_MODE)
        except OSError as error:
            raise ConfigError(f"cannot write {self._folder}: {error.strerror}; make the folder writable") from error
        try:
            while not _try_lock(descriptor, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise StoreBusyError(f"nobody gets a ticket in {self._folder}; is a process there suspended?")
                time.sleep(_FIRST_PAUSE)
            yield
        finally:
            os.close(descriptor)


_THREAD = threading.local()


def _held_by_this_thread() -> set[str]:
    """Return the folders whose lock this thread holds or waits for."""
    if not hasattr(_THREAD, "held"):
        _THREAD.held = set()
    held: set[str] = _THREAD.held
    return held


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(ticket: Path, deadline: float, patience: float) -> None:
    """Return once `ticket` is gone, or its owner is."""
    try:
        descriptor = os.open(ticket, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        pause = _FIRST_PAUSE
        while not _try_lock(descriptor, fcntl.LOCK_SH):
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"
                raise StoreBusyError(
                    f"{holder} has kept {ticket.parent} for more than {patience:g} s; try again, or stop that process"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        # Given back, its file is gone already. Left behind by a process that died, we clear it away.
        ticket.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _give_back(ticket: Path, descriptor: int) -> None:
    """Make `ticket` invalid. The file goes first, so that nobody finds it without an owner."""
    ticket.unlink(missing_ok=True)
    # Unlock by name: a child forked meanwhile may still hold a copy of the descriptor.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
