"""Log files of child processes: bounded in size, and readable from the end."""

import shutil
from pathlib import Path

MAX_BYTES = 4_000_000
TAIL_BYTES = 4_096


def bound(log: Path, max_bytes: int = MAX_BYTES) -> None:
    """Move the content of a full log to ``<name>.log.1`` and empty it.

    The writer has the file open for appending, so it goes on at the new end; a line written between the copy and the
    emptying is lost.
    """
    if not log.exists() or log.stat().st_size <= max_bytes:
        return
    shutil.copyfile(log, log.with_name(log.name + ".1"))
    with log.open("r+b") as file:
        file.truncate(0)


def last_line(log: Path) -> str:
    """Return the last line with text in it, "nothing" when there is none."""
    if not log.exists():
        return "nothing"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "nothing")
