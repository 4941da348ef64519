"""The table of `dashboard`: its lines, and the desk that they are about."""

import os
import signal
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from agents.settings import Settings
from zonedesk.home import DeskHome

PATIENCE_SECONDS = 60.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Json = dict[str, Any]  # Any: figures


class Row(NamedTuple):
    """One line of the table; `holds` is None where nothing was promised."""

    what: str
    found: str
    wanted: str = ""
    holds: bool | None = None
    load: float = 0.0


@dataclass
class Run:
    """What is measured, and what was found so far.

    `restarts` says that the dashboard may be ended, so that a first visit finds a server that has just started.
    """

    settings: Settings
    restarts: bool
    seconds: float
    minutes: float
    rows: list[Row] = field(default_factory=list)
    figures: Json = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """The dashboard's process."""
        return int(self._service["pid"])

    @property
    def address(self) -> str:
        """Where the dashboard is."""
        return str(self._service["address"])

    @property
    def _service(self) -> Json:
        """What the desk says of its dashboard. Exits if that does not run."""
        home = DeskHome.of(self.settings)
        for service in home.read_status().get("services", ()):
            if service["name"] == "dashboard" and service["pid"]:
                return dict(service)
        sys.exit(f"no dashboard runs in {home.folder}; start one with `zonedesk up --data-dir ... --detach`")

    def note(self, what: str, found: str, wanted: str = "", *, holds: bool | None = None) -> None:
        """Add a line to the table, and tell it at once."""
        row = Row(what, found, wanted, holds, round(os.getloadavg()[0], 1))
        self.rows.append(row)
        print(line(row), flush=True)

    def taken(self) -> Json:
        """Return what was found since the last call, with the moment, as JSON."""
        part = {"at": datetime.now(UTC).isoformat(timespec="minutes"), "rows": [row._asdict() for row in self.rows]}
        taken = {**part, "figures": self.figures}
        self.rows, self.figures = [], {}
        return taken


def line(row: Row) -> str:
    """Return a line of the table as text."""
    verdict = "" if row.holds is None else "holds" if row.holds else "DOES NOT HOLD"
    return f"{row.what:44} {row.found:72} {row.wanted:28} {verdict:14} load {row.load:.1f}"


def restart(run: Run) -> None:
    """End the dashboard's process, and return when its supervisor has started another that answers."""
    old, address = run.pid, run.address
    os.kill(old, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while Path(f"/proc/{old}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    while time.monotonic() < deadline:
        if _answers(address):
            return
        time.sleep(0.1)
    sys.exit("the dashboard was ended and did not come back")


def _answers(address: str) -> bool:
    try:
        with _DIRECT.open(f"{address}/healthz", timeout=2) as reply:
            return bool(reply.read() == b"ok")
    except OSError:
        return False
