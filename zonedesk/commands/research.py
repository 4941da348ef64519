"""Commands that analyse what the store holds: materialize, zones, replay and certify."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from zonedesk.shell import (
    DataDir,
    Debug,
    ExitCode,
    First,
    Instrument,
    Json,
    Last,
    Mode,
    ModeWord,
    Shell,
    day,
    settings_for_reading,
    settings_of,
    wall_now,
)

if TYPE_CHECKING:
    from agents.domain.cycle import CycleRecord

Recorded = Annotated[
    Path | None,
    typer.Option(
        "--recorded-from",
        help="Repeat the day that this ledger has, with the store beside it, and name every cycle that differs.",
        show_default=False,
    ),
]
MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M"]


def materialize(
    *,
    first: First,
    last: Last,
    instrument: Instrument = "NIFTY",
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Compute the analysis of past sessions, as Dagster runs it; the runs show in Dagster's pages."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from pipelines.run import materialize_range  # noqa: PLC0415  (start-up)
        from zonedesk.views import materialize_text  # noqa: PLC0415  (start-up)

        settings = settings_of(data_dir, mode, default="replay")
        with shell.progress("materialising sessions") as step:
            facts = materialize_range(settings, [instrument], day(first), day(last), on_progress=step)
        shell.result(facts, materialize_text(facts))


def zones(
    *,
    at: Annotated[datetime, typer.Option("--at", formats=MOMENTS, help="As known then; without an offset it is IST.")],
    instrument: Instrument = "NIFTY",
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Show the zones as they were known at a moment, with their components and verdicts."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from agents.data.findings import zones_at  # noqa: PLC0415  (start-up)
        from agents.data.store import Store  # noqa: PLC0415  (start-up)
        from agents.domain.values import IST  # noqa: PLC0415  (start-up)
        from zonedesk.views import zones_facts, zones_text  # noqa: PLC0415  (start-up)

        settings = settings_for_reading(shell, data_dir, mode)
        moment = at if at.tzinfo else at.replace(tzinfo=IST)
        store = Store(settings.store_path, settings.mode, now=wall_now, create=False)
        found = zones_at(store, instrument, moment)
        if found and not found.complete:
            shell.note(
                f"{len(found.analysis.zones)} of the {found.expected} zones that lived then are stored; "
                "materialize the sessions before this one to have the others"
            )
        facts = zones_facts(instrument, moment, found.analysis if found else None)
        shell.result(facts, zones_text(facts))


def replay(
    on: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The session's date.")],
    *,
    instrument: Instrument = "NIFTY",
    recorded_from: Recorded = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Trade one recorded session from its open to its close: each cycle's decision, and the day's result."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from zonedesk.replay import replay as run  # noqa: PLC0415  (start-up)
        from zonedesk.views import cycle_text, replay_text  # noqa: PLC0415  (start-up)

        def told(record: "CycleRecord") -> None:
            if not as_json:
                print(cycle_text(record))

        if recorded_from is not None:
            _repeat(shell, recorded_from, day(on), instrument, data_dir, mode=mode, told=told)
            return
        settings = settings_of(data_dir, mode, default="replay")
        facts = run(settings, day(on), instrument, on_cycle=told).facts()
        shell.result(facts, replay_text(facts))


def _repeat(
    shell: Shell,
    ledger: Path,
    on: date,
    instrument: str,
    data_dir: Path | None,
    *,
    mode: ModeWord | None,
    told: "Callable[[CycleRecord], None]",
) -> None:
    """Go through a traded day again; whatever came out otherwise is said, and makes the command fail."""
    from zonedesk.repeat import repeat  # noqa: PLC0415  (start-up)
    from zonedesk.views import replay_text  # noqa: PLC0415  (start-up)

    folder = ledger.resolve().parent
    beside = (folder / "market.duckdb").is_file() and folder.name in get_args(ModeWord)
    if beside and data_dir is None and mode is None:
        data_dir, mode = folder.parent, cast("ModeWord", folder.name)
    found = repeat(settings_of(data_dir, mode, default="paper"), ledger, on, instrument, on_cycle=told)
    facts = found.facts()
    lines = [each.text() for each in found.differences] or ["every cycle came out as it was recorded"]
    shell.result(facts, "\n".join([replay_text(facts), *lines]))
    if found.differences:
        shell.note(f"{len(found.differences)} fields came out otherwise than {ledger} has them")
        raise typer.Exit(ExitCode.FAILED)


def certify(
    *,
    first: First,
    last: Last,
    instrument: Instrument = "NIFTY",
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Prove that no finding was rewritten: replay prefixes of the candles through every detector and the zones."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from zonedesk.certification import certify_range  # noqa: PLC0415  (start-up)
        from zonedesk.views import certificates_text  # noqa: PLC0415  (start-up)

        settings = settings_for_reading(shell, data_dir, mode)
        with shell.progress("certifying") as step:
            certificates = certify_range(settings, instrument, day(first), day(last), on_progress=step)
        rows = [certificate.model_dump(mode="json") for certificate in certificates]
        rewritten = sum(certificate.rewritten for certificate in certificates)
        facts = {"instrument": instrument, "from": str(day(first)), "to": str(day(last)), "rewritten": rewritten}
        shell.result({**facts, "certificates": rows}, certificates_text(rows))
        if rewritten:
            shell.note(f"{rewritten} findings were rewritten by later candles: do not trade on these detectors")
            raise typer.Exit(ExitCode.FAILED)
