"""SIGKILL at a named moment: one process is told beforehand, and dies when it comes to it.

Moments are ``WHO before NAME`` and ``WHO after NAME``. WHO is the process that comes to the moment, ``guardian`` or
``run``. Another one may be the victim: then that one is killed while WHO is at the moment and goes on.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents.execution.guardian.ports import TradeRequest

FILE, WISH = "doom.txt", "wish.json"


def arm(folder: Path, moment: str, victim: int | None = None) -> None:
    """Say what is to be killed and when; without a victim it is the process that comes to the moment."""
    draft = folder / f"{FILE}.draft"
    draft.write_text(f"{moment}\n{victim or ''}")
    draft.replace(folder / FILE)


def is_armed(folder: Path) -> bool:
    return (folder / FILE).exists()


def disarm(folder: Path) -> None:
    (folder / FILE).unlink(missing_ok=True)


def wish(folder: Path, request: TradeRequest | None) -> None:
    """Say what every cycle of a run trades from now on; None lets them decide by themselves."""
    draft = folder / f"{WISH}.draft"
    draft.write_text("" if request is None else request.model_dump_json())
    draft.replace(folder / WISH)


def wished(folder: Path) -> TradeRequest | None:
    path = folder / WISH
    text = path.read_text() if path.exists() else ""
    return TradeRequest.model_validate_json(text) if text else None


class Doom:
    """Kills at the moment that was armed, once."""

    def __init__(self, folder: Path, who: str) -> None:
        self._path = folder / FILE
        self._who = who

    def at(self, moment: str) -> None:
        try:
            armed, victim = self._path.read_text().split("\n")
        except FileNotFoundError:
            return
        if armed == f"{self._who} {moment}":
            self._path.unlink()
            os.kill(int(victim) if victim else os.getpid(), signal.SIGKILL)

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def doomed(*args: Any, **named: Any) -> Any:
            self.at(f"before {name}")
            done = call(*args, **named)
            self.at(f"after {name}")
            return done

        return doomed
