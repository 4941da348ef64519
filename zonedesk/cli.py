"""The command ``zonedesk``: the one entrance for people and scripts."""

import typer

from zonedesk.commands import (
    alerts,
    audit,
    calibration,
    control,
    desk,
    download,
    guardian,
    limits,
    market,
    research,
    venue,
    why,
)

EPILOG = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not ready or not healthy. Results go to standard output."

app = typer.Typer(
    name="zonedesk",
    help="An AI trading desk for NIFTY options: zones, verdicts, trades, and the reasons for each.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 120},
)
app.command("import")(market.import_files)
app.command()(download.download)
app.command()(market.simulate)
app.command()(research.materialize)
app.command()(research.zones)
app.command()(research.replay)
app.command()(research.certify)
app.command()(venue.exchange)
app.command()(desk.up)
app.command()(desk.down)
app.command()(desk.status)
app.command()(control.halt)
app.command()(control.resume)
app.command()(control.flatten)
app.command()(limits.limits)
app.command()(desk.doctor)
app.command()(why.why)
app.command()(calibration.calibration)
app.command()(alerts.alerts)
app.add_typer(audit.app, name="audit")
app.command(hidden=True)(desk.feed)
app.command()(guardian.guardian)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
