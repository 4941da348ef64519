"""Checks of this machine, the desk's files and the way to the broker; each says what to do about what it found."""

import importlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime

from agents.data.calendar import NseCalendar
from agents.data.clock import market_clock
from agents.data.preflight import Finding, State, preflight
from agents.data.preflight.files import LEAST_CALENDAR_DAYS
from agents.domain.errors import ConfigError
from agents.domain.values import IST
from agents.execution.risk import load_limits, load_special_days
from agents.execution.risk.special_days import FILE, HEADER
from agents.settings import Settings
from zonedesk.home import DeskHome
from zonedesk.ports import is_free
from zonedesk.shell import wall_now

PYTHONS = ((3, 11), (3, 12))
_WORDS = {State.OK: "ok  ", State.WARN: "WARN", State.FAIL: "FAIL"}


def examine(settings: Settings) -> list[Finding]:
    """Run every check; none of them changes anything, and none makes an access token."""
    running = DeskHome.of(settings).running_pid() is not None
    needed = running or settings.mode == "live"
    return [
        _python(),
        _kernels(),
        _dagster(settings),
        _ports(settings, running=running),
        check_special_days(settings, wall_now().astimezone(IST).date()),
        *([check_proof(settings)] if settings.mode == "live" else []),
        *preflight(settings, wall_now, _market_now(settings), needed=needed),
    ]


def check_special_days(settings: Settings, today: date) -> Finding:
    """Check that the Budget, the RBI's policy and elections of the next month are on the list, or known not to be."""
    name, file = "special days", settings.data_dir / FILE
    try:
        share = load_limits(settings).event_factor
        until = load_special_days(settings.data_dir, beyond=share).until
    except ConfigError as error:
        return Finding(name=name, state=State.FAIL, found=str(error), cure="mend the file that the sentence names")
    found = f"Budget, RBI policy and elections are listed until {until}"
    if (until - today).days >= LEAST_CALENDAR_DAYS:
        return Finding(name=name, state=State.OK, found=found)
    cure = f"add what comes to {file}, whose first line is {','.join(HEADER)}; the kind `none` says how far you looked"
    found = f"{found}; any later day opens {share:.0%} of the usual size"
    return Finding(name=name, state=State.WARN, found=found, cure=cure)


def check_proof(settings: Settings) -> Finding:
    """Check that real money follows a judge only when its record shows what it is worth."""
    name, least = "judge's record", settings.calibration_outcomes
    if settings.live_unproven:
        found = "orders follow a judge whatever its record shows"
        cure = f"unset ZONEDESK_LIVE_UNPROVEN: orders then wait for {least} outcomes of a real market"
        return Finding(name=name, state=State.WARN, found=found, cure=cure)
    found = f"no order goes out before {least} outcomes show that the judge beats no model; see `zonedesk calibration`"
    return Finding(name=name, state=State.OK, found=found)


def findings_text(findings: Sequence[Finding]) -> str:
    """Return the checks as lines of text."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{_WORDS[finding.state]} {finding.name.ljust(width)}  {finding.found}")
        if finding.state is not State.OK:
            lines.append(f"     {' ' * width}  -> {finding.cure}")
    return "\n".join(lines)


def _market_now(settings: Settings) -> datetime:
    """Return the market's present; the machine's where the clock's file is damaged."""
    with suppress(ConfigError):
        return market_clock(settings, NseCalendar()).now()
    return wall_now()


def _finding(name: str, found: str, cure: str, *, ok: bool) -> Finding:
    return Finding(name=name, state=State.OK if ok else State.FAIL, found=found, cure="" if ok else cure)


def _python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    return _finding("python", found, "use Python 3.11 or 3.12", ok=sys.version_info[:2] in PYTHONS)


def _kernels() -> Finding:
    try:
        importlib.import_module("analytics_ext")
    except ImportError as error:
        return _finding("kernels", str(error), "run `make build`", ok=False)
    return _finding("kernels", "built", "", ok=True)


def _dagster(settings: Settings) -> Finding:
    config = settings.home / "dagster" / "dagster.yaml"
    found = str(config.parent) if config.exists() else "no home yet; `zonedesk up` or `materialize` makes it"
    return _finding("dagster", found, "", ok=True)


def _ports(settings: Settings, *, running: bool) -> Finding:
    if running:
        return _finding("ports", "used by the running desk", "", ok=True)
    wanted = {"ZONEDESK_DAGSTER_PORT": settings.dagster_port, "ZONEDESK_DASHBOARD_PORT": settings.dashboard_port}
    taken = {name: port for name, port in wanted.items() if not is_free(port)}
    if taken:
        names = ", ".join(f"{port} ({name})" for name, port in taken.items())
        return _finding("ports", f"taken: {names}", "end those programs or set the named variables", ok=False)
    return _finding("ports", ", ".join(str(port) for port in wanted.values()) + " are free", "", ok=True)
