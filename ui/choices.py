"""What the people of this desk chose for its pages: kept in a file of the data folder, so that it outlives a reload."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from agents.domain.errors import ConfigError
from agents.settings import Settings
from ui.palette import COLOUR_BLIND, STANDARD

FILE = "dashboard.json"


@dataclass(frozen=True)
class Choices:
    """Colours of rising and falling, and whether alerts make a sound."""

    palette: str = STANDARD
    sound: bool = False


def choices(settings: Settings) -> Choices:
    """Return what was chosen; the usual where nothing was, or where the file cannot be understood."""
    try:
        found = json.loads(_path(settings).read_bytes())
    except (OSError, ValueError):
        return Choices()
    kind = found.get("palette") if isinstance(found, dict) else None
    sound = isinstance(found, dict) and found.get("sound") is True
    return Choices(kind if kind in {STANDARD, COLOUR_BLIND} else STANDARD, sound)


def choose(settings: Settings, **changes: Any) -> Choices:  # Any: the fields of Choices
    """Change what was chosen, and return it.

    Raises
    ------
    ConfigError
        If the file cannot be written.
    """
    chosen = replace(choices(settings), **changes)
    path = _path(settings)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(asdict(chosen)), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; make its folder writable") from error
    return chosen


def _path(settings: Settings) -> Path:
    return settings.data_dir.resolve() / FILE
