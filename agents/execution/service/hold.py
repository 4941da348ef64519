"""The right to be the one guardian of an account: a fenced lease in the ledger, and a lock on this machine.

The lease keeps guardians of different machines apart. The lock says whether the holder on this machine still lives, so
that one who was killed need not be waited for: the kernel lets go of it whatever ends the process.
"""

import fcntl
import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from agents.data.ledger import Lease, Ledger
from agents.domain.errors import ConfigError, LeaseLostError, TradingError

LASTS = timedelta(seconds=30)
RENEW_EVERY = 5.0
MARGIN = 2.0
LOCK_FILE = "guardian.lock"

_log = logging.getLogger(__name__)


class GuardianHold:
    """Implements `agents.execution.guardian.ports.Lease`.

    Parameters
    ----------
    ledger : Ledger
        Where the lease is.
    name : str
        What the lease is for, one for each account.
    holder : str
        Who asks: this machine and folder, then the process; the same for every process of this folder up to ``#``.
    folder : Path
        Where the lock is.
    monotonic : callable
        Returns seconds that only grow.
    shared : bool
        Whether guardians of other machines can reach the ledger. Where none can, the lock alone keeps the right while
        the ledger's disk is full or broken: a position must be guarded then, too.
    """

    def __init__(
        self,
        ledger: Ledger,
        name: str,
        holder: str,
        folder: Path,
        monotonic: Callable[[], float],
        *,
        shared: bool = True,
    ) -> None:
        self._ledger = ledger
        self._name = name
        self._holder = holder
        self._path = folder / LOCK_FILE
        self._monotonic = monotonic
        self._shared = shared
        self._lock: IO[str] | None = None
        self._lease: Lease | None = None
        self._renewed_at = 0.0

    @property
    def lease(self) -> Lease:
        """The lease that is held. Raises `LeaseLostError` when none is."""
        if self._lease is None:
            raise LeaseLostError(f"the lease {self._name} is not held; acquire it first")
        return self._lease

    def acquire(self) -> bool:
        """Try once to become the guardian; return whether that worked.

        Raises
        ------
        ConfigError
            If the lock cannot be used.
        TradingError
            If the ledger cannot.
        """
        if not self._locked():
            return False
        self._bury()
        began = self._monotonic()
        self._lease = self._ledger.leases.acquire(self._name, self._holder, LASTS)
        self._renewed_at = began
        return self._lease is not None

    def valid(self) -> bool:
        """Return whether the right is still ours, renewing it when that is due; what cannot be read is not ours."""
        if self._lease is None:
            return False
        now = self._monotonic()
        if now - self._renewed_at >= RENEW_EVERY:
            try:
                self._lease = self._ledger.leases.renew(self._lease, LASTS)
                self._renewed_at = now
            except LeaseLostError as lost:
                _log.error("%s", lost)
                self._lease = None
                return False
            except TradingError as error:
                _log.warning("the lease could not be renewed: %s", error)
                if not self._shared and not error.retryable:
                    return True
        return now - self._renewed_at < LASTS.total_seconds() - MARGIN

    def release(self) -> None:
        """Give the right back, so that the next one need not wait."""
        lease, self._lease = self._lease, None
        try:
            if lease is not None:
                self._ledger.leases.release(lease)
        except TradingError as error:
            _log.warning("the lease could not be given back, it ends by itself: %s", error)
        finally:
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def held_by(self) -> str:
        """Return who holds the right, "" when nobody does."""
        held = self._ledger.leases.held(self._name)
        return "" if held is None else held.holder

    def _locked(self) -> bool:
        if self._lock is not None:
            return True
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot open {self._path}: {error}; check the folder") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._lock = file
        return True

    def _bury(self) -> None:
        """End the lease of a guardian of this folder: whoever has the lock knows that it is dead."""
        held = self._ledger.leases.held(self._name)
        if held is not None and held.holder.partition("#")[0] == self._holder.partition("#")[0]:
            self._ledger.leases.release(held)


def holder_name(machine: str, folder: Path, started_at: datetime) -> str:
    """Return who a guardian is: machine and folder, then its process and start."""
    return f"{machine}:{folder}#{os.getpid()}.{started_at.timestamp():.3f}"
