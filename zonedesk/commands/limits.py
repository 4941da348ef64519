"""The command that shows the limits in force, and the only way to loosen what was tightened while the desk ran."""

import getpass
from typing import Annotated

import typer

from zonedesk.shell import DataDir, Debug, Json, Mode, Shell, settings_of


def limits(
    *,
    take_back: Annotated[bool, typer.Option("--take-back", help="Let the settings and the file hold again.")] = False,
    confirm: Annotated[str, typer.Option("--confirm", help='What shows that it is meant: "loosen paper".')] = "",
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Show the limits as they hold, tightened by people or not; take back what was tightened."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from agents.domain.limits import MEANING, LimitName  # noqa: PLC0415  (start-up)
        from agents.execution.risk import load_limits  # noqa: PLC0415  (start-up)
        from agents.execution.risk import tightened as rules  # noqa: PLC0415  (start-up)
        from zonedesk.ledgers import existing_ledger  # noqa: PLC0415  (start-up)
        from zonedesk.views import table  # noqa: PLC0415  (start-up)

        settings = settings_of(data_dir, mode, default="paper")
        base, ledger = load_limits(settings), existing_ledger(settings)
        try:
            if take_back:
                rules.take_back(ledger, typed=confirm, mode=settings.mode, by=getpass.getuser())
                rules.publish(base, ledger)
            now = rules.tightened(base, ledger)
        finally:
            ledger.close()
        facts = {name.value: {"now": getattr(now, name), "of_settings": getattr(base, name)} for name in LimitName}
        rows = [
            (name.value, f"{getattr(now, name):g}", f"{getattr(base, name):g}", MEANING[name]) for name in LimitName
        ]
        shell.result(facts, table(("limit", "now", "settings", "what it is"), rows))
