"""Commands of the running desk: up, down, status, doctor, and the feed that `up` starts."""

from typing import Annotated

import typer

from zonedesk.shell import DataDir, Debug, ExitCode, Json, Mode, Shell, settings_of

History = Annotated[
    int, typer.Option("--history", min=5, max=250, help="Sessions that a new simulated market has behind it.")
]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Return once the addresses answer; stop with `down`.")]


def up(
    *,
    detach: Detach = False,
    history: History = 60,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Start the paper desk: exchange, feed, Dagster and the dashboard; Ctrl-C stops all of it."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from zonedesk.desk import RunningDesk, start_detached  # noqa: PLC0415  (start-up)

        settings = settings_of(data_dir, mode, default="paper")
        if detach:
            folder = str(settings.data_dir.resolve())
            options = ["--data-dir", folder, "--mode", settings.mode, "--history", str(history)]
            status = start_detached(settings, options, shell.note)
            desk = RunningDesk(settings, shell.note, lambda _done, _total: None)
            shell.result(status, f"{desk.addresses()}\nstop it with `zonedesk down`")
            raise typer.Exit(ExitCode.OK if status["state"] == "ready" else ExitCode.NOT_READY)
        with shell.progress("preparing") as step:
            RunningDesk(settings, shell.note, step, history).run()


def down(*, as_json: Json = False, data_dir: DataDir = None, mode: Mode = None, debug: Debug = False) -> None:
    """Stop the desk and wait until everything has ended."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from zonedesk.desk import stop  # noqa: PLC0415  (start-up)

        pid = stop(settings_of(data_dir, mode, default="paper"))
        shell.result({"stopped": pid}, f"stopped process {pid}" if pid else "the desk does not run")


def status(*, as_json: Json = False, data_dir: DataDir = None, mode: Mode = None, debug: Debug = False) -> None:
    """Show the processes, market, exchange and feed, the last candle, analysis and cycle, and what is wrong."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from zonedesk.status import desk_status, status_text  # noqa: PLC0415  (start-up)

        facts = desk_status(settings_of(data_dir, mode, default="paper"))
        shell.result(facts, status_text(facts))
        if facts["state"] != "ready":
            raise typer.Exit(ExitCode.NOT_READY)


def doctor(*, as_json: Json = False, data_dir: DataDir = None, mode: Mode = None, debug: Debug = False) -> None:
    """Check this machine and the desk's files, and say what to do about each finding."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from zonedesk.doctor import examine, findings_text  # noqa: PLC0415  (start-up)

        findings = examine(settings_of(data_dir, mode, default="paper"))
        healthy = all(finding.ok for finding in findings)
        facts = {"healthy": healthy, "checks": [finding.model_dump() for finding in findings]}
        shell.result(facts, findings_text(findings))
        if not healthy:
            raise typer.Exit(ExitCode.NOT_READY)


def feed(*, data_dir: DataDir = None, mode: Mode = None, debug: Debug = False) -> None:
    """Bring the paper exchange's prices over its wire into the store; started by `up`."""
    shell = Shell(as_json=False, debug=debug)
    with shell.errors():
        from zonedesk.feed import run_feed  # noqa: PLC0415  (start-up)

        run_feed(settings_of(data_dir, mode, default="paper"), shell.note)
