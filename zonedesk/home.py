"""Files of a running desk: who holds it, and how its processes are."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.domain.errors import ConfigError
from agents.settings import Settings


@dataclass(frozen=True)
class DeskHome:
    """The folder of one mode, as the supervisor uses it."""

    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> "DeskHome":
        """Return the home of the settings' mode."""
        return cls(settings.home)

    @property
    def run_dir(self) -> Path:
        """Where the lock and the status file lie."""
        return self.folder / "run"

    @property
    def log_dir(self) -> Path:
        """Where the processes write."""
        return self.folder / "logs"

    @property
    def status_path(self) -> Path:
        """What the supervisor says of its processes."""
        return self.run_dir / "status.json"

    @property
    def feed_path(self) -> Path:
        """What the feed says of itself."""
        return self.run_dir / "feed.json"

    @property
    def clock_path(self) -> Path:
        """The simulated market's clock."""
        return self.folder / "clock.json"

    @property
    def lock_path(self) -> Path:
        """Held by the one supervisor of this home."""
        return self.run_dir / "desk.lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the desk for this process. Raises `ConfigError` if another process does."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        with self.lock_path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(
                    f"the desk in {self.folder} already runs (process {_holder(file.name)}); "
                    "stop it with `zonedesk down` or name another --data-dir"
                ) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def running_pid(self) -> int | None:
        """Return the process that holds the desk, None when nobody does."""
        if not self.lock_path.exists():
            return None
        with self.lock_path.open("r", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _holder(file.name)
        return None

    def read_status(self) -> dict[str, Any]:  # Any: JSON
        """Return the status file's content, empty where there is none."""
        try:
            found: dict[str, Any] = json.loads(self.status_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def write_status(self, facts: dict[str, Any]) -> None:  # Any: JSON
        """Replace the status file in one step."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        draft = self.status_path.with_suffix(".tmp")
        draft.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.status_path)


def _holder(path: str) -> int | None:
    text = Path(path).read_text(encoding="utf-8").strip()
    return int(text) if text.isdigit() else None
