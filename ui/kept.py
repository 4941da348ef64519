"""What a hub keeps showing while store or ledger cannot be read: the last that could be, and of when it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ui.format import day_time
from ui.snapshot import DeskView, Snapshot

UNSAID = timedelta(seconds=3)
"""A store that was read so lately is not called busy: somebody writes into it, as happens all day."""


class Kept:
    """Remembers the last market and the last desk that could be read.

    Parameters
    ----------
    wall : callable
        Returns this machine's present, aware.
    """

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._market: tuple[Snapshot, datetime] | None = None
        self._desk: tuple[DeskView, datetime] | None = None

    def market(self, found: Snapshot) -> Snapshot:
        """Return what was found; where nothing could be read, the last market at the present hour, and since when.

        Since when is left out while it is a matter of moments.
        """
        if not found.problem:
            self._market = found, self._wall()
        if not found.problem or self._market is None:
            return found
        known, at = self._market
        present: dict[str, Any] = {}  # Any: fields of Snapshot
        if found.is_simulated == known.is_simulated:  # otherwise it is the market's clock that cannot be read
            present = {"now": found.now, "is_open": found.is_open, "next_open": found.next_open}
        problem = "" if found.is_busy and self._wall() - at < UNSAID else self._told(found.problem, at)
        return replace(known, **present, problem=problem)

    def desk(self, found: DeskView) -> DeskView:
        """Return what was found; where the ledger could not be read, the last desk with its processes as they are.

        How old the guardian's last sign of life is cannot be told then, so that it is left out.
        """
        if not found.problem:
            self._desk = found, self._wall()
        if not found.problem or self._desk is None:
            return found
        known, at = self._desk
        told = self._told(found.problem, at)
        present = {"feed": found.feed, "services": found.services, "read_at": found.read_at}
        return replace(known, **present, guardian_age=None, problem=told)  # type: ignore[arg-type]  # fields of it

    def _told(self, problem: str, at: datetime) -> str:
        return f"{problem}. What is shown was read at {day_time(at)}."
