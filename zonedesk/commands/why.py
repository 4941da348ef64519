"""The command that answers why: from an order, cycle or zone back to the candles."""

from typing import Annotated

import typer

from zonedesk.shell import DataDir, Debug, Json, Mode, Shell, settings_of, wall_now

Asked = Annotated[
    str,
    typer.Argument(metavar="ID", help="Of an order, setup, cycle or zone; the beginning will do if it fits one only."),
]
Full = Annotated[bool, typer.Option("--full", help="With whole prompts, facts and lists.")]


def why(
    asked: Asked,
    *,
    full: Full = False,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Show why: from a fill back to setup, verdict with prompt and reply, zone, candles, and the run that made them."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from agents.bootstrap import open_store  # noqa: PLC0415  (start-up)
        from agents.data.why import DagsterRuns, chain_text, why  # noqa: PLC0415  (start-up)
        from zonedesk.ledgers import existing_ledger  # noqa: PLC0415  (start-up)

        settings = settings_of(data_dir, mode, default="paper")
        store = open_store(settings, now=wall_now, create=False)
        chain = why(existing_ledger(settings), store, asked, run_of=DagsterRuns(settings))
        shell.result(chain.model_dump(mode="json"), chain_text(chain, full=full))
