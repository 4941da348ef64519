"""Commands that stop the desk and let it go on: they work when everything else is dead."""

import getpass
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from zonedesk.shell import DataDir, Debug, ExitCode, Json, Mode, Shell, settings_of, wall_now

if TYPE_CHECKING:
    from agents.data.ledger import Ledger
    from agents.execution.controls import Tightening
    from agents.settings import Settings

Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever reads it later.")]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the guardian's word.")]
RESUME = "resume"
LOOK_EVERY = 0.1
ALIVE_SECONDS = 30.0


def halt(
    *,
    reason: Reason = "by hand",
    wait: Wait = 3.0,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Open nothing new from now on: a HALT file, the ledger, and the guardian. What is held keeps its protection."""
    from agents.execution.controls import Tightening  # noqa: PLC0415  (start-up)

    shell = Shell(as_json, debug)
    with shell.errors():
        _stop(shell, settings_of(data_dir, mode, default="paper"), Tightening.HALT, reason, wait)


def flatten(
    *,
    reason: Reason = "by hand",
    wait: Wait = 10.0,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Sell everything that is held and halt the desk. The guardian sells; without it the legs at the broker remain."""
    from agents.execution.controls import Tightening  # noqa: PLC0415  (start-up)

    shell = Shell(as_json, debug)
    with shell.errors():
        _stop(shell, settings_of(data_dir, mode, default="paper"), Tightening.FLATTEN, reason, wait)


def resume(
    *,
    confirm: Annotated[str, typer.Option("--confirm", help='What shows that it is meant: "resume paper".')] = "",
    reason: Reason = "by hand",
    wait: Wait = 3.0,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Let a halted desk trade again. Nothing but this command can."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from agents.execution.controls import loosen  # noqa: PLC0415  (start-up)
        from zonedesk.ledgers import existing_ledger  # noqa: PLC0415  (start-up)

        settings, who = settings_of(data_dir, mode, default="paper"), _who()
        ledger = existing_ledger(settings)
        try:
            loosen(ledger, settings.home, settings.mode, typed=confirm, reason=reason, by=who)
            # The guardian says by this row that it knows; the row loosens nothing.
            told = ledger.commands.ask(f"cli-{uuid4().hex}", RESUME, {"reason": reason}, by=who)
            outcome = _acknowledged(ledger, told.id, wait) if _guardian_lives(ledger) else None
        finally:
            ledger.close()
        facts = {"state": "active", "mode": settings.mode, "guardian": outcome}
        shell.result(facts, f"the {settings.mode} desk may trade again")
        shell.note(f"the guardian says {outcome}" if outcome else "no guardian has acknowledged it yet")


def _stop(shell: Shell, settings: "Settings", kind: "Tightening", reason: str, wait: float) -> None:
    """Stop the desk: the file first, because nothing can keep it from working."""
    from agents.domain.errors import TradingError  # noqa: PLC0415  (start-up)
    from agents.execution.controls import tighten, write_halt  # noqa: PLC0415  (start-up)
    from zonedesk.ledgers import existing_ledger  # noqa: PLC0415  (start-up)

    who, at = _who(), wall_now()
    path = write_halt(settings.home, f"{at.isoformat(timespec='seconds')} {kind} by {who}: {reason}")
    facts: dict[str, object] = {"file": str(path), "state": "halted", "ledger": False, "guardian": None}
    outcome, alive = None, False
    try:
        ledger = existing_ledger(settings)
        try:
            asked = tighten(ledger, kind, reason, by=who, command_id=f"cli-{uuid4().hex}")
            facts["ledger"] = True
            alive = _guardian_lives(ledger)
            outcome = _acknowledged(ledger, asked.command_id, wait) if alive else None
        finally:
            ledger.close()
    except TradingError as error:
        shell.note(f"the HALT file holds, but the ledger was not told: {error}")
    facts["guardian"] = outcome
    shell.result(facts, f"the {settings.mode} desk is halted: {path}")
    if outcome is not None:
        shell.note(f"the guardian says {outcome}")
        return
    if not alive:
        shell.note("no guardian answers; whatever is held rests on its stop and target at the broker")
    elif wait:
        shell.note(f"the guardian has not acknowledged within {wait:.0f} s; it will when it looks")
    if kind == "flatten":
        shell.note("nothing was sold as far as this command knows: look at the broker's own app")
        raise typer.Exit(ExitCode.NOT_READY)


def _acknowledged(ledger: "Ledger", command_id: str, wait: float) -> str | None:
    """Return what became of a command, None if the guardian has not said so in time."""
    deadline = time.monotonic() + wait
    while True:
        found = ledger.commands.find(command_id)
        if found is not None and found.done_at is not None:
            return found.outcome
        if time.monotonic() >= deadline:
            return None
        time.sleep(LOOK_EVERY)


def _guardian_lives(ledger: "Ledger") -> bool:
    """Whether the guardian has said that it lives, a moment ago."""
    now = wall_now()
    beats = [beat for beat in ledger.heartbeats.all() if beat.name.startswith("guardian")]
    return any((now - beat.at).total_seconds() < ALIVE_SECONDS for beat in beats)


def _who() -> str:
    """Return who asks: the name of the account on this machine."""
    name = "unknown"
    with suppress(OSError, KeyError):  # a process without an account has no name
        name = getpass.getuser()
    return f"command line, {name}"
