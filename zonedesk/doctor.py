"""Checks of this machine and of the desk's files; each says what was found and what to do about it."""

import importlib
import shutil
import sys
from collections.abc import Callable
from datetime import date

from agents.bootstrap import open_ledger
from agents.data.calendar import NseCalendar
from agents.data.store import Store
from agents.domain.errors import TradingError
from agents.domain.values import Frozen
from agents.settings import Settings
from zonedesk.home import DeskHome
from zonedesk.judges import judge_in_words
from zonedesk.ports import is_free
from zonedesk.shell import wall_now

LEAST_FREE_BYTES = 2_000_000_000
PYTHONS = ((3, 11), (3, 12))


class Finding(Frozen):
    """One check: its name, whether all is well, what was found, and the cure where it is not."""

    name: str
    ok: bool
    found: str
    cure: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Run every check; none of them changes anything."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _python,
        _kernels,
        _disk,
        _calendar,
        _store,
        _ledger,
        _dagster,
        _ports,
        _keys,
        _judge,
    )
    return [check(settings) for check in checks]


def findings_text(findings: list[Finding]) -> str:
    """Return the checks as lines of text."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'ok  ' if finding.ok else 'BAD '} {finding.name.ljust(width)}  {finding.found}")
        if not finding.ok:
            lines.append(f"     {' ' * width}  -> {finding.cure}")
    return "\n".join(lines)


def _python(_settings: Settings) -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    return Finding(name="python", ok=sys.version_info[:2] in PYTHONS, found=found, cure="use Python 3.11 or 3.12")


def _kernels(_settings: Settings) -> Finding:
    try:
        importlib.import_module("analytics_ext")
    except ImportError as error:
        return Finding(name="kernels", ok=False, found=str(error), cure="run `make build`")
    return Finding(name="kernels", ok=True, found="built")


def _disk(settings: Settings) -> Finding:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    cure = f"free some space or name another --data-dir than {settings.data_dir}"
    return Finding(name="disk", ok=free >= LEAST_FREE_BYTES, found=f"{free / 1e9:.1f} GB free", cure=cure)


def _calendar(_settings: Settings) -> Finding:
    until = NseCalendar().known_until
    this_year = wall_now().year
    ok = until >= date(this_year, 12, 31)
    return Finding(
        name="calendar",
        ok=ok,
        found=f"holidays are known until {until}",
        cure=f"add the holidays of {this_year} to agents/data/nse_holidays.csv when the exchange publishes them",
    )


def _store(settings: Settings) -> Finding:
    store = Store(settings.store_path, settings.mode, now=wall_now, create=False)
    if not store.exists:
        return Finding(name="store", ok=True, found=f"none yet at {settings.store_path}")
    try:
        candles, sessions = store.rows("select count(*), count(distinct session) from candles")[0]
    except TradingError as error:
        return Finding(name="store", ok=False, found=str(error), cure="follow the sentence above")
    return Finding(name="store", ok=True, found=f"{candles:,} candles of {sessions} sessions in {settings.store_path}")


def _ledger(settings: Settings) -> Finding:
    if not settings.ledger_path.exists():
        return Finding(name="ledger", ok=True, found=f"none yet at {settings.ledger_path}")
    try:
        ledger = open_ledger(settings, now=wall_now)
        state = ledger.desk_state().value
        ledger.close()
    except TradingError as error:
        return Finding(name="ledger", ok=False, found=str(error), cure="follow the sentence above")
    return Finding(name="ledger", ok=True, found=f"readable; the desk is {state}")


def _dagster(settings: Settings) -> Finding:
    config = settings.home / "dagster" / "dagster.yaml"
    found = str(config.parent) if config.exists() else "no home yet; `zonedesk up` or `materialize` makes it"
    return Finding(name="dagster", ok=True, found=found)


def _ports(settings: Settings) -> Finding:
    if DeskHome.of(settings).running_pid() is not None:
        return Finding(name="ports", ok=True, found="used by the running desk")
    wanted = {"ZONEDESK_DAGSTER_PORT": settings.dagster_port, "ZONEDESK_DASHBOARD_PORT": settings.dashboard_port}
    taken = {name: port for name, port in wanted.items() if not is_free(port)}
    if taken:
        names = ", ".join(f"{port} ({name})" for name, port in taken.items())
        return Finding(
            name="ports", ok=False, found=f"taken: {names}", cure="end those programs or set the named variables"
        )
    return Finding(name="ports", ok=True, found=", ".join(str(port) for port in wanted.values()) + " are free")


def _keys(settings: Settings) -> Finding:
    said = "set" if settings.openai_api_key is not None else "not set"
    return Finding(name="keys", ok=True, found=f"OPENAI_API_KEY {said}")


def _judge(settings: Settings) -> Finding:
    if settings.judge == "openai" and settings.openai_api_key is None and settings.openai_base_url is None:
        return Finding(
            name="judge",
            ok=False,
            found="the model is asked for without a key or a server",
            cure="set OPENAI_API_KEY or ZONEDESK_OPENAI_BASE_URL, or set ZONEDESK_JUDGE=rules",
        )
    return Finding(name="judge", ok=True, found=judge_in_words(settings))
