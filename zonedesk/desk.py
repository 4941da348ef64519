"""The running desk: holds its home, prepares it, supervises its processes, stops them in good order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, SimulatedMarketClock, anchored
from agents.domain.errors import ConfigError, TradingError
from agents.settings import Settings
from zonedesk.alarm import raise_alarm
from zonedesk.apart import Say, Step, apart
from zonedesk.home import DeskHome
from zonedesk.logs import last_line
from zonedesk.notices import Notices
from zonedesk.services import DAEMON, EXCHANGE, FEED, GUARDIAN, Prepared, environment, services
from zonedesk.shell import wall_now
from zonedesk.supervise import Supervisor
from zonedesk.watchdog import ALIVE, READY, STOPPING, tell_systemd

HISTORY_SESSIONS = 60  # twice what a zone lives
STEP_SECONDS = 0.25
STOP_PATIENCE_SECONDS = 60.0
DETACH_PATIENCE_SECONDS = 600.0
EXCHANGE_PATIENCE_SECONDS = 60.0
FIRST_DECISION_SECONDS = 60.0


@dataclass
class RunningDesk:
    """One desk from its start to its stop.

    Parameters
    ----------
    settings : Settings
        In paper mode.
    say : callable
        Is told in one sentence what happens.
    step : callable
        Is told how far long work is.
    history : int
        Sessions that a new market has before its first live one.
    """

    settings: Settings
    say: Say
    step: Step
    history: int = HISTORY_SESSIONS
    home: DeskHome = field(init=False)
    notices: Notices = field(init=False)
    _stop: bool = False
    _preparing: bool = True
    _supervisor: Supervisor | None = None

    def __post_init__(self) -> None:
        self.home = DeskHome.of(self.settings)
        self.notices = Notices(self.home, self.say)

    def run(self) -> None:
        """Run until a signal asks to stop. Raises `ConfigError` if the desk runs already or cannot start."""
        with self.home.held():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._ask_to_stop)
            try:
                self._run(apart(self._prepare, self.notices.tell, self.step))
            finally:
                self.notices.turn("stopped")

    def _prepare(self, say: Say, step: Step) -> Prepared:
        from zonedesk.prepare import prepare  # noqa: PLC0415  (pandas, DuckDB and Dagster, for this one piece of work)

        return prepare(self.settings, say, step, history=self.history)

    def _first_look(self, say: Say, step: Step) -> None:
        from zonedesk.prepare import first_look  # noqa: PLC0415  (as above)

        first_look(self.settings, say, step)

    def _run(self, prepared: Prepared) -> None:
        clock = self._start_clock()
        self._supervisor = Supervisor(
            services(self.settings, prepared.workspace, prepared.code_port),
            self.home.log_dir,
            environment(self.settings, prepared.dagster_home),
            self.notices.tell,
            self._alarm,
        )
        self.notices.children = self._supervisor.children
        self.notices.state = "starting"
        try:
            self._supervisor.start(FEED, DAEMON)
            self._wait_for_exchange(self._supervisor)
            self._supervisor.start(DAEMON)  # its runs would meet the first analysis
            apart(self._first_look, self.notices.tell, self.step)
            self._preparing = False
            self.notices.keep_a_log(self.settings)
            self._supervisor.start()
            self._watch(self._supervisor)
        finally:
            self._preparing = False
            self.notices.state = "stopping"
            self.notices.tell("stopping")
            tell_systemd(STOPPING)
            if self._supervisor.is_ready(DAEMON):
                self._cancel_runs(prepared.dagster_home)
            self._supervisor.stop()
            stopped_at = clock.now()
            clock.file.model_copy(update={"resumed_at": stopped_at, "running": False}).write(self.home.clock_path)

    def _cancel_runs(self, dagster_home: Path) -> None:
        """Let the runs under way count as cancelled; they end with the code server."""

        def cancel(_say: Say, _step: Step) -> int:
            from pipelines.leftover import cancel_runs  # noqa: PLC0415  (Dagster, as above)

            return cancel_runs(dagster_home)

        try:
            count = apart(cancel, self.notices.tell, self.step)
        except (TradingError, OSError) as error:  # whatever it is, the desk must stop
            self.notices.tell(f"the runs under way will count as failed: {error}")
        else:
            if count:
                self.notices.tell(f"runs cancelled: {count}")

    def _start_clock(self) -> SimulatedMarketClock:
        """Let the market's time run on from where it stands."""
        calendar = NseCalendar()
        file = ClockFile.read(self.home.clock_path)
        anchored(file, calendar, wall_now(), file.resumed_at).write(self.home.clock_path)
        return SimulatedMarketClock(self.home.clock_path, calendar)

    def _wait_for_exchange(self, supervisor: Supervisor) -> None:
        """Return once the exchange answers. Raises `ConfigError` if it does not."""
        deadline = time.monotonic() + EXCHANGE_PATIENCE_SECONDS
        while not supervisor.is_ready(EXCHANGE):
            if EXCHANGE in supervisor.failed or time.monotonic() > deadline:
                log = self.home.log_dir / f"{EXCHANGE}.log"
                raise ConfigError(f"the paper exchange does not answer: {last_line(log)} (more in {log})")
            time.sleep(STEP_SECONDS)
            supervisor.step()

    def _watch(self, supervisor: Supervisor) -> None:
        told = False
        while not self._stop:
            supervisor.step()
            state = "degraded" if supervisor.failed else "ready" if supervisor.all_ready else "starting"
            if state != self.notices.state and not (told and state == "starting"):
                self.notices.turn(state)
            if supervisor.all_ready and not told:
                told = True
                self.notices.tell(self.addresses())
                tell_systemd(READY)
            if self.notices.refresh():
                tell_systemd(ALIVE)
            time.sleep(STEP_SECONDS)

    def _alarm(self, name: str, text: str) -> None:
        """Turn a process that is left down into an alert; without the guardian nobody else would send it."""
        assert self._supervisor is not None
        sends = GUARDIAN in self._supervisor.failed
        problem = raise_alarm(self.settings, name, text, critical=name in {GUARDIAN, FEED, EXCHANGE}, sends=sends)
        if problem:
            self.say(f"the alert could not be written down: {problem}")

    def addresses(self) -> str:
        """Return the sentence with the addresses that people open."""
        return f"the desk is up. {addresses_of(self.settings)}"

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._preparing:
            raise KeyboardInterrupt
        self._stop = True


def start_detached(settings: Settings, options: Sequence[str], say: Callable[[str], None]) -> dict[str, object]:
    """Start the desk in the background and return its status once its addresses answer.

    A new desk has until then made its first decision too, so that whoever opens its pages finds one; it is not waited
    for longer than `FIRST_DECISION_SECONDS`.

    Parameters
    ----------
    settings : Settings
        In paper mode.
    options : sequence of str
        Options of ``zonedesk up`` to pass on.
    say : callable
        Is told what the desk is doing.

    Raises
    ------
    ConfigError
        If it runs already, or ends before it is ready.
    """
    home = DeskHome.of(settings)
    if (pid := home.running_pid()) is not None:
        where = addresses_of(settings)
        raise ConfigError(f"the desk in {home.folder} already runs (process {pid}). {where}  `zonedesk down` stops it")
    home.log_dir.mkdir(parents=True, exist_ok=True)
    log = home.log_dir / "desk.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            [sys.executable, "-m", "zonedesk.cli", "up", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    said, deadline = "", time.monotonic() + DETACH_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            why = last_line(log).removeprefix("error: ")
            raise ConfigError(f"the desk did not start: {why} (more in {log})")
        status = home.read_status()
        if status.get("pid") == process.pid:
            if status["message"] != said:
                said = status["message"]
                say(said)
            if status["state"] == "ready":
                await_a_decision(settings, say)
            if status["state"] in {"ready", "degraded"}:
                return status
        time.sleep(STEP_SECONDS)
    raise ConfigError(f"the desk is not ready after {DETACH_PATIENCE_SECONDS:.0f} s; look into {home.log_dir}")


def addresses_of(settings: Settings) -> str:
    """Return where the pages of a desk are, in words."""
    return f"Dashboard: http://127.0.0.1:{settings.dashboard_port}  Dagster: http://127.0.0.1:{settings.dagster_port}"


def await_a_decision(settings: Settings, say: Callable[[str], None]) -> None:
    """Return once the desk has decided anything, or takes too long to."""
    from agents.bootstrap import open_store  # noqa: PLC0415  (DuckDB, for this one question)

    store, deadline, told = open_store(settings, now=wall_now), time.monotonic() + FIRST_DECISION_SECONDS, False
    while not store.rows("select 1 from cycles limit 1") and time.monotonic() < deadline:
        if not told:
            told = True
            say("waiting for the first decision")
        time.sleep(1.0)


def stop(settings: Settings) -> int | None:
    """Stop the desk of this home and return the process that held it, None when nobody did.

    Raises
    ------
    ConfigError
        If it does not end.
    """
    home = DeskHome.of(settings)
    pid = home.running_pid()
    if pid is None:
        return None
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE_SECONDS
    while home.running_pid() is not None or _is_alive(pid):
        if time.monotonic() > deadline:
            raise ConfigError(f"the desk (process {pid}) does not stop; end it with `kill -9 {pid}`")
        time.sleep(STEP_SECONDS)
    return pid


def _is_alive(pid: int) -> bool:
    """Whether a process that we may signal still exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
