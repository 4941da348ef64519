"""The command that starts the paper exchange."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from zonedesk.shell import DataDir, Debug, Json, Mode, Shell, settings_of

On = Annotated[
    datetime | None,
    typer.Option(
        "--on", formats=["%Y-%m-%d"], help="Session to open with.  [default: the next one]", show_default=False
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Which simulated market, or which path inside the candles.")]
Speed = Annotated[float, typer.Option("--speed", min=0.1, max=600, help="Market minutes per minute.")]
Recording = Annotated[
    tuple[Path, Path, Path] | None,
    typer.Option("--recording", help="Parquet files of one-minute candles: index, futures, options."),
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="REST, feed and order updates; 0: any.")]
ControlPort = Annotated[int, typer.Option("--control-port", min=0, max=65535, help="Faults, clock, accounts; 0: any.")]
WithDesk = Annotated[
    bool, typer.Option("--with-desk", help="Show the desk's own market by the desk's clock; how `up` starts it.")
]


def exchange(
    *,
    on: On = None,
    seed: Seed = 7,
    speed: Speed = 1.0,
    recording: Recording = None,
    with_desk: WithDesk = False,
    port: Port = 8899,
    control_port: ControlPort = 8898,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Start the paper exchange, which speaks Dhan's v2 protocol on this machine; Ctrl-C stops it."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from zonedesk.venue import Shown, desk_shown, next_session, run_exchange  # noqa: PLC0415  (start-up)

        settings = settings_of(data_dir, mode, default="paper")
        shell.logs(settings, "exchange")
        own = Shown(on.date() if on else next_session(), seed, speed, recording)
        run_exchange(
            settings,
            desk_shown(settings) if with_desk else own,
            (port, control_port),
            lambda facts: shell.result(facts, "\n".join(f"{name:10} {value}" for name, value in facts.items())),
        )
