"""Commands of the audit log: verify the chain of events, export it, and verify an export anywhere."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zonedesk.shell import DataDir, Debug, ExitCode, Json, Mode, Shell, day, settings_of

if TYPE_CHECKING:
    from agents.data.ledger import ChainReport

app = typer.Typer(no_args_is_help=True, help="Verify and export the log of everything the desk did.")

File = Annotated[
    Path | None, typer.Argument(help="An exported log; the ledger itself if left out.", show_default=False)
]
Noted = Annotated[
    str | None,
    typer.Option("--head", help="A hash noted down earlier, which must be in the chain.", show_default=False),
]
From = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First date recorded.", show_default=False)
]
To = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last date recorded.", show_default=False)
]


@app.command()
def verify(
    file: File = None,
    *,
    head: Noted = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Check every row of the chain, and name the first that was changed, moved or taken out."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from agents.data.ledger import check_audit  # noqa: PLC0415  (start-up)
        from zonedesk.ledgers import existing_ledger  # noqa: PLC0415  (start-up)

        if file is not None:
            report, place = check_audit(file), str(file)
            known = head is None or head == report.head
        else:
            ledger = existing_ledger(settings_of(data_dir, mode, default="paper"))
            report, place = ledger.verify(), ledger.name
            known = head is None or ledger.knows(head)
        shell.result({"place": place, "sound": report.sound and known, **report.model_dump()}, _text(place, report))
        if not known:
            shell.note(f"the hash {head} is not in the chain: rows were taken out, or it is another ledger")
        if not (report.sound and known):
            raise typer.Exit(ExitCode.FAILED)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write it, one JSON object a line.")],
    *,
    first: From = None,
    last: To = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Write the log into a file that `audit verify FILE` checks on any machine, without the ledger."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from zonedesk.ledgers import existing_ledger  # noqa: PLC0415  (start-up)

        ledger = existing_ledger(settings_of(data_dir, mode, default="paper"))
        made = ledger.export(file, first=day(first) if first else None, last=day(last) if last else None)
        text = f"wrote rows {made.first} to {made.last} with {made.calls} calls to {file}\nlast hash {made.head}"
        shell.result({"file": str(file), **made.model_dump()}, text)


def _text(place: str, report: "ChainReport") -> str:
    if report.sound:
        return f"{place}: {report.checked} rows, none changed\nlast hash {report.head}"
    first = f"{place}: row {report.first_bad} is the first bad one, {report.checked} rows before it are good"
    return f"{first}\n{report.problem}"
