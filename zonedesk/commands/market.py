"""Commands that bring market data into the store: import and simulate."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from zonedesk.shell import DataDir, Debug, Json, Mode, Shell, day, settings_of, wall_now

Interval = Literal["1m", "3m", "5m", "15m", "1d"]
MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "1d": 1440}


def import_files(
    files: Annotated[list[Path], typer.Argument(help="Parquet or CSV files of candles or option chains.")],
    *,
    instrument: Annotated[
        str | None, typer.Option("--instrument", help="Name, where the file has no column for it.", show_default=False)
    ] = None,
    interval: Annotated[
        Interval | None,
        typer.Option("--interval", help="Length of a candle, where it cannot be seen.", show_default=False),
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Import candle files as they are: cleaned by stated rules, every decision recorded, safe to repeat."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from agents.data.calendar import NseCalendar  # noqa: PLC0415  (start-up)
        from agents.data.importer import import_file  # noqa: PLC0415  (start-up)
        from agents.data.store import Store  # noqa: PLC0415  (start-up)
        from zonedesk.views import import_text  # noqa: PLC0415  (start-up)

        settings = settings_of(data_dir, mode, default="replay")
        shell.logs(settings, "import")
        store = Store(settings.store_path, settings.mode, now=wall_now)
        reports = []
        with shell.progress("importing") as step:
            for number, path in enumerate(files):
                reports.append(
                    import_file(
                        store,
                        path,
                        NseCalendar(),
                        instrument=instrument,
                        minutes=MINUTES[interval] if interval else None,
                    )
                )
                step(number + 1, len(files))
        facts = {"store": str(settings.store_path), "files": [report.model_dump(mode="json") for report in reports]}
        shell.result(facts, "\n".join(import_text(report) for report in reports))


def simulate(
    *,
    sessions: Annotated[int, typer.Option("--sessions", min=1, max=750, help="How many sessions.")] = 60,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Which market.  [default: the setting]", show_default=False)
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], help="Last date.  [default: yesterday]", show_default=False),
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Fill the store with a plausible market: the index, its near future with volume, option chains."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from agents.data.store import Store  # noqa: PLC0415  (start-up)
        from zonedesk.market import simulate_history  # noqa: PLC0415  (start-up)

        settings = settings_of(data_dir, mode, default="replay")
        shell.logs(settings, "simulate")
        store = Store(settings.store_path, settings.mode, now=wall_now)
        wanted = settings.simulation_seed if seed is None else seed
        with shell.progress("simulating") as step:
            report = simulate_history(
                store,
                settings.instruments[0],
                sessions=sessions,
                seed=wanted,
                future=settings.futures[settings.instruments[0]],
                last=day(until) if until else None,
                on_progress=step,
            )
        text = (
            f"{report.sessions} sessions of {report.instrument}, {report.first} to {report.last}, market {wanted}: "
            f"{report.candles:,} candles and {report.quotes:,} option quotes added to {settings.store_path}"
        )
        shell.result(report.model_dump(mode="json"), text)
