"""The file HALT, which stops a desk when everything else is dead; whoever shows the desk reads it too."""

from pathlib import Path

HALT_FILE = "HALT"


def halt_reason(home: Path) -> str:
    """Return why the file HALT in a mode's folder stops the desk, "" when it does not; an unreadable one does."""
    path = home / HALT_FILE
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"the file {path} cannot be read, which halts the desk: {error.strerror}"
    return f"the file {path} halts the desk: {text.partition(chr(10))[0] or 'no reason given'}"
