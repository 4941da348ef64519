"""A whole desk in its own folder and on its own ports, for tests that need the real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 240


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LiveDesk:
    """``zonedesk up`` as a child process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = ("ZONEDESK_DAGSTER_PORT", "ZONEDESK_DASHBOARD_PORT", "ZONEDESK_EXCHANGE_PORT")
        self.ports = {name: free_port() for name in names}
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), **{k: str(v) for k, v in self.ports.items()}}
        self.environment["ZONEDESK_OPS_PORT"] = "0"
        for name in ("OPENAI_API_KEY", "ZONEDESK_MODE", "ZONEDESK_DATA_DIR", "DAGSTER_HOME"):
            self.environment.pop(name, None)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def dagster(self) -> str:
        return f"http://127.0.0.1:{self.ports['ZONEDESK_DAGSTER_PORT']}"

    @property
    def dashboard(self) -> str:
        return f"http://127.0.0.1:{self.ports['ZONEDESK_DASHBOARD_PORT']}"

    @property
    def settings(self) -> Settings:
        """The settings of the desk, for whoever reads its store and its ledger."""
        return Settings(
            mode="paper", data_dir=self.folder, exchange_port=self.ports["ZONEDESK_EXCHANGE_PORT"], judge="rules"
        )

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Give a command of the desk's own command line."""
        return self.run(sys.executable, "-m", "zonedesk.cli", *words, "--data-dir", str(self.folder))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program as the desk's people do."""
        return subprocess.run(
            words,
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def begin(self, sessions: int) -> None:
        """Start it with so many sessions behind it, and wait for nothing."""
        with (self.folder / "up.log").open("ab") as log:
            words = ("up", "--data-dir", str(self.folder), "--history", str(sessions))
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zonedesk.cli", *words],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(self, sessions: int) -> None:
        """Start it with so many sessions behind it, and wait until it is ready."""
        self.begin(sessions)
        self.wait()

    def wait(self) -> None:
        """Wait until it is ready."""
        self.until(lambda: self.status().get("state") == "ready", READY_SECONDS)

    def stop(self) -> float:
        """Send SIGTERM and return how many seconds the end took."""
        started = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        return time.monotonic() - started

    def status(self) -> dict[str, Any]:  # Any: JSON
        path = self.folder / "paper" / "run" / "status.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def service(self, name: str) -> dict[str, Any]:  # Any: JSON
        return next(each for each in self.status()["services"] if each["name"] == name)

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Hold a process still, as one that hangs; its supervisor sees it alive."""
        pid = int(self.service(name)["pid"])
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def until(self, done: Callable[[], bool], seconds: float = 60.0, why: Callable[[], str] = str) -> None:
        """Wait for something, and show `why` and the desk's words when it does not come."""
        deadline = time.monotonic() + seconds
        while not done():
            ended = self.process is not None and self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{why()}\n{(self.folder / 'up.log').read_text()[-2000:]}")
            time.sleep(0.2)
