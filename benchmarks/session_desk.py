"""The desk of `full_session`: started, followed, made flat and stopped, with a log of all of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from agents.settings import Settings
from benchmarks.paper_account import Facts, PaperAccount
from zonedesk.home import DeskHome
from zonedesk.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 240.0
FLAT_SECONDS = 120.0
BOOK_SECONDS = 2.0
STOP_SECONDS = 90.0
LOOK_EVERY = 1.0
TELL_EVERY = 15.0
PORTS = ("ZONEDESK_DAGSTER_PORT", "ZONEDESK_DASHBOARD_PORT", "ZONEDESK_EXCHANGE_PORT")
FOREIGN = ("OPENAI_API_KEY", "ZONEDESK_MODE", "ZONEDESK_DATA_DIR", "ZONEDESK_LEDGER_URL", "DAGSTER_HOME")


class SessionDesk:
    """`zonedesk up` in a folder and on ports of its own.

    Parameters
    ----------
    folder : Path
        Everything lies here, ``session.log`` among it.
    wants : mapping
        Settings by the names that the environment has for them.
    history : int
        Sessions before the first live one.
    """

    def __init__(self, folder: Path, wants: Mapping[str, str], history: int) -> None:
        self.folder = folder
        self.account = PaperAccount(folder)
        self._history = history
        self._log = folder / "session.log"
        self._process: subprocess.Popen[bytes] | None = None
        ports = {name: str(free_port()) for name in PORTS}
        own = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "ZONEDESK_OPS_PORT": "0"}
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        self._environment = {**kept, **own, **ports, **wants}

    @property
    def settings(self) -> Settings:
        """The settings of the desk's folder."""
        return Settings(mode="paper", data_dir=self.folder)

    def say(self, text: str) -> None:
        """Tell on the screen and in the log."""
        line = f"{datetime.now(UTC):%H:%M:%S} {text}"
        print(line, flush=True)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def run_once(self, *words: str) -> None:
        """Run Python with the desk's environment to its end. Exits where that fails."""
        began = time.monotonic()
        with self._log.open("ab") as log:
            done = subprocess.run(
                [sys.executable, *words],
                env=self._environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode:
            sys.exit(f"{' '.join(words)} failed; see {self._log}")
        self.say(f"prepared in {time.monotonic() - began:.0f} s")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the desk, keep what it said in the log, and return it."""
        done = subprocess.run(
            [sys.executable, "-m", "zonedesk.cli", *words, "--data-dir", str(self.folder), "--mode", "paper"],
            env=self._environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"$ zonedesk {' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}\n")
        return done

    def start(self) -> None:
        """Start the desk and return when all its processes answer. Exits where they do not."""
        with (self.folder / "up.log").open("ab") as log:
            words = ("up", "--data-dir", str(self.folder), "--history", str(self._history))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "zonedesk.cli", *words],
                env=self._environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        began = time.monotonic()
        while self._status().get("state") != "ready":
            self._must_live()
            if time.monotonic() - began > READY_SECONDS:
                sys.exit(f"the desk is not ready after {READY_SECONDS:.0f} s; see {self.folder}/up.log")
            time.sleep(0.2)
        self.say(f"ready after {time.monotonic() - began:.0f} s")

    def follow(self, now: Callable[[], datetime], until: datetime) -> None:
        """Wait for a moment of the market, and tell now and then how the desk is."""
        told = 0.0
        while now() < until:
            self._must_live()
            if time.monotonic() - told > TELL_EVERY:
                told = time.monotonic()
                self.say(f"market {now():%H:%M:%S}, load {os.getloadavg()[0]:.1f}, {self._summary()}")
            time.sleep(LOOK_EVERY)

    def make_flat(self, *, early: bool) -> None:
        """Have everything sold where the session is not over, and wait until the exchange holds nothing of ours."""
        if early:
            self.command("flatten", "--reason", "the proof ends here", "--wait", "30")
        deadline = time.monotonic() + FLAT_SECONDS
        while self.account.holds() and time.monotonic() < deadline:
            self._must_live()
            time.sleep(LOOK_EVERY)
        time.sleep(BOOK_SECONDS)  # the guardian looks at the trade book once more

    def stop(self) -> None:
        """Stop the desk in good order, and by force where that takes too long."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.say("stopped")

    def _status(self) -> Facts:
        found: Facts = DeskHome.of(self.settings).read_status()
        mine = self._process is not None and found.get("pid") == self._process.pid
        return found if mine else {}

    def _summary(self) -> str:
        status = self._status()
        restarted = {one["name"]: one["restarts"] for one in status.get("services", []) if one["restarts"]}
        account = self.account.book()
        held = sum(one["net"] for one in account["positions"])
        return (
            f"desk {status.get('state')}, {len(account['trades'])} executions, {held} held"
            f"{f', restarted {restarted}' if restarted else ''}"
        )

    def _must_live(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            sys.exit(f"the desk ended with exit code {self._process.returncode}; see {self.folder}/up.log")
