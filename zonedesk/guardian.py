"""The process of the guardian: owns the account's orders, whatever else of the desk runs or dies."""

import random
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from agents.bootstrap import open_ledger
from agents.data.calendar import NseCalendar
from agents.data.clock import market_clock
from agents.data.metrics import MetricWriter
from agents.domain.errors import ConfigError, TradingError
from agents.execution.guardian.ports import Checks
from agents.execution.service.assemble import Wrap, assemble
from agents.execution.service.process import GuardianProcess, Parts, World
from agents.execution.service.timing import Tune
from agents.ops.logs import configure_logs
from agents.settings import Settings
from zonedesk.shell import wall_now
from zonedesk.watchmen import Watchmen

BROKER_PATIENCE: Final = 60.0
PAUSE: Final = 0.5
Report = Callable[[str], None]


def run_guardian(
    settings: Settings,
    report: Report,
    *,
    checks: Checks | None = None,
    tune: Tune = lambda settings: settings,
    wrap: Wrap = lambda ports: ports,
) -> None:
    """Guard the account until the process is asked to end.

    Parameters
    ----------
    settings : Settings
        In paper or live mode.
    report : callable
        Is told in one sentence what happens.
    checks : Checks, optional
        Other risk rules than the desk's.
    tune, wrap : callable, optional
        See `assemble`.

    Raises
    ------
    ConfigError
        If a person must act first: another mode, live trading not confirmed for today or a check of the machine and
        the account that failed, no account.
    DhanUnavailableError
        If the broker does not answer at the start.
    """
    configure_logs(settings, "guardian")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    if settings.mode == "replay":
        raise ConfigError("a replay has no account to guard; leave --mode out")
    if settings.mode == "live":
        _refuse_live(settings)
    ledger, metrics = open_ledger(settings, now=wall_now), MetricWriter(settings.ops_path, wall_now)
    rng = random.Random(time.time_ns())  # noqa: S311 - jitter
    world = World(wall_now, time.monotonic, time.sleep, rng, boot_of_machine())
    try:
        build = partial(assemble, settings, ledger, world, checks=checks, metrics=metrics, tune=tune, wrap=wrap)
        parts = _patiently(build, report, stop)
        if parts is not None:
            process = GuardianProcess(parts, world, report)
            with Watchmen(settings, ledger, process, metrics):
                process.run(stop)
    finally:
        metrics.close()
        ledger.close()


def boot_of_machine() -> str:
    """Return the name of this start of the machine, "" where the system tells none: each start then waits in full."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _patiently(build: Callable[[], Parts], report: Report, stop: threading.Event) -> Parts | None:
    """Return what `build` makes, asked again while the broker does not answer; None if told to stop meanwhile."""
    began = time.monotonic()
    while not stop.is_set():
        try:
            return build()
        except TradingError as error:
            if not error.retryable or time.monotonic() - began > BROKER_PATIENCE:
                raise
            report(f"waiting for the broker: {error}")
        stop.wait(PAUSE)
    return None


def _refuse_live(settings: Settings) -> None:
    """Run every check of machine and account. Raises `ConfigError` that names what is wrong."""
    from agents.data.preflight import preflight, refuse  # noqa: PLC0415 - paper mode does not need it

    refuse(preflight(settings, wall_now, market_clock(settings, NseCalendar()).now()))
