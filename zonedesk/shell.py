"""What every command shares: its options, its exit codes, how it prints results, progress and errors."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from agents.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder of stores, ledgers and logs.  [default: data]", show_default=False),
]
ModeWord = Literal["replay", "paper", "live"]
Mode = Annotated[ModeWord | None, typer.Option("--mode", help="Which store and ledger to use.", show_default=False)]
Instrument = Annotated[str, typer.Option("--instrument", help="Name of the instrument.")]
First = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First session date.")]
Last = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session date.")]

Step = Callable[[int, int], None]


class ExitCode(IntEnum):
    """What a command's end means; the same words stand in the help."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_READY = 3


@dataclass(frozen=True)
class Shell:
    """How one command speaks: results on standard output, everything else on standard error."""

    as_json: bool
    debug: bool = False

    def result(self, facts: Mapping[str, Any], text: str) -> None:  # Any: what JSON can hold
        """Print a result: `facts` as JSON or `text` for people."""
        print(json.dumps(facts, default=str, ensure_ascii=False) if self.as_json else text, flush=True)

    def note(self, text: str) -> None:
        """Say something beside the result."""
        print(text, file=sys.stderr)

    @contextmanager
    def progress(self, what: str) -> Iterator[Step]:
        """Yield ``step(done, total)``, which moves a bar on a terminal and does nothing elsewhere."""
        if self.as_json or not sys.stderr.isatty():
            yield lambda _done, _total: None
            return
        from rich.console import Console  # noqa: PLC0415  (start-up)
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def logs(self, settings: "Settings", process: str) -> None:
        """Keep what a command logs in the desk's log, warnings on standard error too, and secrets out of both.

        A log that cannot be written costs nothing but itself.
        """
        from agents.ops.logs import configure_logs  # noqa: PLC0415  (start-up)

        try:
            configure_logs(settings, process, least=logging.WARNING)
        except OSError as error:
            self.note(f"nothing of this is logged: {error}")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn our errors into one sentence and an exit code; everything else is a fault and shows its traceback."""
        from pydantic import ValidationError  # noqa: PLC0415  (start-up)

        from agents.domain.errors import TradingError  # noqa: PLC0415  (start-up)

        try:
            yield
        except (TradingError, ValidationError) as error:
            if self.debug:
                raise
            self._say(error)
            raise typer.Exit(ExitCode.FAILED) from error

    def _say(self, error: Exception) -> None:
        text = _in_words(error)
        if self.as_json:
            print(json.dumps({"error": {"kind": type(error).__name__, "message": text}}))
        else:
            typer.secho("error: ", fg=typer.colors.RED, bold=True, nl=False, err=True)
            self.note(text)


def _in_words(error: Exception) -> str:
    """Return an error as a sentence; wrong settings by the names that people set them with."""
    from pydantic import ValidationError  # noqa: PLC0415  (start-up)

    if not isinstance(error, ValidationError) or error.title != "Settings":
        return str(error)
    wrong = []
    for each in error.errors(include_url=False, include_input=False):  # a value may be a secret
        name = str(each["loc"][0])
        wrong.append(
            f"{name if name.isupper() else f'ZONEDESK_{name.upper()}'}: {each['msg'].removeprefix('Value error, ')}"
        )
    return "; ".join(wrong)


def settings_of(data_dir: Path | None, mode: ModeWord | None, *, default: ModeWord) -> "Settings":
    """Return the settings of a command: its options first, then the environment, then `default` for the mode."""
    from agents.settings import Settings  # noqa: PLC0415  (start-up)

    said: dict[str, Any] = {}  # Any: fields of Settings
    if data_dir is not None:
        said["data_dir"] = data_dir
    if mode is not None:
        said["mode"] = mode
    found = Settings(**said)
    return found if "mode" in found.model_fields_set else Settings(mode=default, **said)


def settings_for_reading(shell: Shell, data_dir: Path | None, mode: ModeWord | None) -> "Settings":
    """Return settings of the store that exists: the replay store, else the paper store, and say which on stderr."""
    found = settings_of(data_dir, mode, default="replay")
    if mode is None and found.mode == "replay" and not found.store_path.exists():
        paper = found.model_copy(update={"mode": "paper"})
        if paper.store_path.exists():
            shell.note(f"reading the paper store {paper.store_path}, because there is no replay store")
            return paper
    return found


def wall_now() -> datetime:
    """Return the machine's present in UTC: the stamp of what a command records."""
    return datetime.now(UTC)


def day(moment: datetime) -> date:
    """Return the date that a person typed."""
    return moment.date()
