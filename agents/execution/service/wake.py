"""When the guardian has something to do: its ledger has changed, or it heard something."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from agents.data.ledger import Ledger
from agents.domain.errors import TradingError

SERVER_EVERY = 0.1


class LedgerWatch:
    """Says cheaply whether any other connection has written to a ledger since the last call.

    A SQLite file keeps a number for that, which costs microseconds to read; a server is asked for its last event, ten
    times a second at most.

    Parameters
    ----------
    ledger : Ledger
        The ledger.
    path : Path or None
        Its file; None for a server.
    monotonic : callable
        Returns seconds that only grow.
    """

    def __init__(self, ledger: Ledger, path: Path | None, monotonic: Callable[[], float]) -> None:
        self._ledger = ledger
        self._monotonic = monotonic
        self._asked_at = -SERVER_EVERY
        self._file = None if path is None else sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        self._last: object = None

    def changed(self) -> bool:
        """Return whether something was written; a ledger that cannot be read says yes, and the reader finds out."""
        try:
            seen = self._version()
        except (sqlite3.Error, TradingError):
            return True
        changed, self._last = seen != self._last, seen
        return changed

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _version(self) -> object:
        if self._file is not None:
            return self._file.execute("pragma data_version").fetchone()[0]
        now = self._monotonic()
        if now - self._asked_at < SERVER_EVERY:
            return self._last
        self._asked_at = now
        after = self._last if isinstance(self._last, int) else 0
        seqs = [event.seq for event in self._ledger.events(after=after)]
        return seqs[-1] if seqs else after


class Bell:
    """Wakes the loop from another thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ring(self) -> None:
        """Wake it."""
        self._event.set()

    def rang(self, within: float) -> bool:
        """Wait so many seconds for a ring, and return whether there was one."""
        rang = self._event.wait(within)
        self._event.clear()
        return rang
