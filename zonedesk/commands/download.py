"""The command that fetches market data from Dhan: candles, option chains, the instrument master."""

import random
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from agents.domain.values import IST
from zonedesk.commands.market import MINUTES
from zonedesk.shell import DataDir, Debug, Json, Mode, Shell, day, settings_of, wall_now

if TYPE_CHECKING:
    from agents.data.agent import DataCollectionAgent
    from agents.data.dhan.chains import ChainSnapshot
    from agents.data.dhan.download import DownloadReport
    from agents.data.dhan.master import InstrumentMaster
    from agents.settings import Settings

Interval = Literal["1m", "5m", "15m", "1d"]
SHOWN_DATES = 5
USUAL_DAYS = 90


def download(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Index, future (NIFTY-I), option (NIFTY26112425650CE) or rolling option (NIFTY-ATM+1-CE).  "
            "[default: the instruments of the settings and their futures]",
            show_default=False,
        ),
    ] = None,
    *,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First date.  [default: 90 days ago]", show_default=False),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last date.  [default: today]", show_default=False),
    ] = None,
    interval: Annotated[Interval, typer.Option("--interval", help="Length of a candle.")] = "1m",
    chains: Annotated[bool, typer.Option("--chains", help="Take a snapshot of the option chains instead.")] = False,
    master: Annotated[bool, typer.Option("--master", help="Fetch the instrument master of today instead.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Fetch candles from Dhan into the store; what is there is not fetched again, and a stopped download goes on."""
    shell = Shell(as_json, debug)
    with shell.errors():
        settings = settings_of(data_dir, mode, default="replay")
        shell.logs(settings, "download")
        agent = open_agent(settings)
        if master:
            found = agent.master(agent.clock.now())
            shell.result(*_master_in_words(found))
        elif chains:
            shots = [agent.snapshot_chain(name) for name in names or settings.instruments]
            shell.result(*_chains_in_words(shots, settings))
        else:
            reports = _candles(agent, shell, names or _usual(settings), _dates(first, last, agent), interval)
            shell.result(*_candles_in_words(reports, settings))


def open_agent(settings: "Settings") -> "DataCollectionAgent":
    """Return the data agent of a command, on the market's clock. Raises as `open_dhan`."""
    from agents.data.agent import DataCollectionAgent  # noqa: PLC0415  (start-up)
    from agents.data.calendar import NseCalendar  # noqa: PLC0415  (start-up)
    from agents.data.clock import market_clock  # noqa: PLC0415  (start-up)
    from agents.data.dhan.connect import open_dhan  # noqa: PLC0415  (start-up)
    from agents.data.store import Store  # noqa: PLC0415  (start-up)

    dhan = open_dhan(settings, wall=wall_now, sleep=time.sleep, jitter=random.random)
    store = Store(settings.store_path, settings.mode, now=wall_now)
    calendar = NseCalendar()
    return DataCollectionAgent(dhan, store, calendar, market_clock(settings, calendar))


def _dates(first: datetime | None, last: datetime | None, agent: "DataCollectionAgent") -> tuple[date, date]:
    """Return the first and the last date to fetch: the last 90 days unless told."""
    until = day(last) if last else agent.clock.now().astimezone(IST).date()
    return day(first) if first else until - timedelta(days=USUAL_DAYS - 1), until


def _usual(settings: "Settings") -> list[str]:
    """Return the instruments that are analysed, each with the future that lends it volume."""
    names = []
    for name in settings.instruments:
        names += [name, settings.futures[name]] if name in settings.futures else [name]
    return names


def _candles(
    agent: "DataCollectionAgent", shell: Shell, names: Sequence[str], dates: tuple[date, date], interval: Interval
) -> list["DownloadReport"]:
    reports, minutes = [], MINUTES[interval]
    for name in names:
        with shell.progress(f"{name} {minutes}m") as step:
            reports.append(agent.fetch_historical_data(name, *dates, minutes=minutes, on_progress=step))
    return reports


def _candles_in_words(
    reports: Sequence["DownloadReport"], settings: "Settings"
) -> tuple[dict[str, Any], str]:  # Any: what JSON can hold
    facts = {"store": str(settings.store_path), "downloads": [each.model_dump(mode="json") for each in reports]}
    return facts, "\n".join(map(_report_in_words, reports))


def _report_in_words(report: "DownloadReport") -> str:
    text = (
        f"{report.instrument} {report.minutes}m, {report.first} to {report.last}: {report.added:,} candles added, "
        f"{report.there:,} there already; {report.sessions_there} of {report.sessions} sessions were complete before"
    )
    if report.dropped or report.conflicts:
        text += f"; {report.dropped} dropped, {report.conflicts} in conflict (see data_issues)"
    if report.missing:
        shown = ", ".join(str(on) for on in report.missing[:SHOWN_DATES])
        more = f" and {len(report.missing) - SHOWN_DATES} more" if len(report.missing) > SHOWN_DATES else ""
        text += f"\n  no candles on {shown}{more}"
    return text


def _master_in_words(found: "InstrumentMaster") -> tuple[dict[str, Any], str]:  # Any: what JSON can hold
    kinds = {kind: sum(each.kind == kind for each in found.listings) for kind in ("index", "future", "option")}
    counted = ", ".join(f"{count:,} of kind {kind}" for kind, count in kinds.items())
    return {"on": str(found.on), **kinds}, f"instrument master of {found.on}: {counted}"


def _chains_in_words(
    shots: Sequence["ChainSnapshot"], settings: "Settings"
) -> tuple[dict[str, Any], str]:  # Any: what JSON can hold
    facts = [
        {
            "underlying": shot.underlying,
            "expiry_on": str(shot.expiry_on),
            "at": shot.at.isoformat(),
            "spot": str(shot.spot),
            "options": len(shot.rows),
            "gaps": list(shot.gaps),
        }
        for shot in shots
    ]
    lines = [
        f"{shot.underlying} {shot.expiry_on} at {shot.at}: {len(shot.rows)} options around {shot.spot}, "
        f"{len(shot.gaps)} gaps"
        for shot in shots
    ]
    return {"store": str(settings.store_path), "chains": facts}, "\n".join(lines)
