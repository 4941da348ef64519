"""Remembers across processes since when a chain has stood still: each snapshot is taken by a process of its own."""

import json
import logging
from datetime import date, datetime, timedelta
from pathlib import Path

from agents.data.dhan.chains import STALE_AFTER, ChainSnapshot, ChainWatch

_log = logging.getLogger(__name__)


class ChainMemory(ChainWatch):
    """A watch over chains that keeps what it has seen in a file.

    Parameters
    ----------
    path : Path
        The file; made with the first chain. One that cannot be read is begun anew.
    limit : timedelta
        How long a chain may stay the same to the last digit.
    """

    def __init__(self, path: Path, limit: timedelta = STALE_AFTER) -> None:
        super().__init__(limit)
        self._path = path

    def refuse_stale(self, snapshot: ChainSnapshot) -> None:
        """Raise `StaleDataError` if the chain has been the same for longer than the limit, whoever saw it first."""
        self._seen = {
            key: seen for key, seen in self._read().items() if key[1] >= snapshot.at.date() and seen[1] <= snapshot.at
        }
        before = dict(self._seen)
        try:
            super().refuse_stale(snapshot)
        finally:
            if self._seen != before:
                self._keep()

    def _read(self) -> dict[tuple[str, date], tuple[str, datetime]]:
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            return {
                (name, date.fromisoformat(expiry)): (digest, datetime.fromisoformat(since))
                for name, expiry, digest, since in rows
            }
        except FileNotFoundError:
            return {}
        except (TypeError, ValueError) as error:
            _log.warning("%s cannot be read and is begun anew: %s", self._path, error)
            return {}

    def _keep(self) -> None:
        rows = [
            [name, str(expiry), digest, since.isoformat()] for (name, expiry), (digest, since) in self._seen.items()
        ]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(self._path.name + ".new")
        draft.write_text(json.dumps(rows, indent=1), encoding="utf-8")
        draft.replace(self._path)
