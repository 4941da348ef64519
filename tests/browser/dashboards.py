"""A dashboard alone, without a desk behind it: what it shows stands still, and it is up in seconds."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from agents.data.store import Store
from tests.browser.desks import ROOT, free_port
from tests.ui.replayed import settings_in
from zonedesk.shell import wall_now

MAKING_SECONDS = 600


class TradedHome:
    """A store that is traded in a process of its own, while other things go on."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._log = folder, folder / "making.log"
        with self._log.open("ab") as log:
            made = (sys.executable, "-m", "tests.ui.replayed", str(folder))
            self._process = subprocess.Popen(made, cwd=ROOT, stdout=log, stderr=log)

    def folder(self) -> Path:
        """Return its folder once it has been traded."""
        if self._process.wait(MAKING_SECONDS) != 0:
            raise AssertionError(self._log.read_text()[-2000:])
        return self._folder

    def stop(self) -> None:
        """End the making where nobody waited for it."""
        self._process.kill()
        self._process.wait()


class Dashboard:
    """A dashboard alone, over a store that was traded in a folder."""

    def __init__(self, folder: Path) -> None:
        self.settings = settings_in(folder)
        self.address = f"http://127.0.0.1:{free_port()}"
        port = self.address.rsplit(":", 1)[1]
        self._log = (folder / "dashboard.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(ROOT / "ui" / "server.py"), "--server.port", port],
            env={**os.environ, "PYTHONPATH": str(ROOT), "ZONEDESK_MODE": "replay", "ZONEDESK_DATA_DIR": str(folder)},
            cwd=ROOT,
            stdout=self._log,
            stderr=self._log,
        )

    def store(self) -> Store:
        return Store(self.settings.store_path, "replay", now=wall_now, create=False)

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 180
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(Path(self._log.name).read_text()[-2000:])
            time.sleep(0.3)

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._log.close()
