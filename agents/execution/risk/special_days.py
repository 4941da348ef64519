"""Days whose news moves everything: the Budget, the RBI's policy, results of elections.

The list comes with the desk and ends somewhere; whoever runs the desk adds to it in ``special_days.csv`` of the data
folder, whose lines count beside these. A day that no list reaches is treated as special: nobody looked.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from agents.domain.errors import ConfigError

FILE = "special_days.csv"
HEADER = ("date", "kind", "name", "source")
FACTORS: Mapping[str, float] = MappingProxyType({"budget": 0.0, "election": 0.0, "rbi": 0.5, "none": 1.0})
"""The share of the usual size by kind of day; "none" only says how far a list reaches."""


@dataclass(frozen=True)
class SpecialDay:
    """A day, what happens, and where that was read."""

    on: date
    kind: str
    name: str
    source: str


class SpecialDays:
    """The days that are known to be special.

    Parameters
    ----------
    days : iterable of SpecialDay
        In any order.
    beyond : float
        Share of the usual size on days after the last one.
    """

    def __init__(self, days: Iterable[SpecialDay], *, beyond: float) -> None:
        self._days: dict[date, list[SpecialDay]] = {}
        for day in days:
            self._days.setdefault(day.on, []).append(day)
        self._beyond = beyond
        self.until = max(self._days, default=date.min)

    def look(self, on: date) -> tuple[str, float]:
        """Return what makes a date special, "" for nothing, and the share of the usual size."""
        found = self._days.get(on, [])
        if found:
            worst = min(found, key=lambda day: FACTORS[day.kind])
            return (worst.name if worst.kind != "none" else "", FACTORS[worst.kind])
        if on > self.until:
            return (f"the list of special days ends on {self.until}", self._beyond)
        return "", 1.0


def load_special_days(folder: Path | None, *, beyond: float) -> SpecialDays:
    """Return the desk's list with what ``special_days.csv`` in `folder` adds.

    Raises
    ------
    ConfigError
        If that file cannot be read, naming the line.
    """
    own = files("agents.execution.risk").joinpath(FILE).read_text(encoding="utf-8")
    days = read_days(own.splitlines(), FILE)
    added = folder / FILE if folder is not None else None
    if added is not None and added.exists():
        try:
            lines = added.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{added} cannot be read: {error}; make it readable or remove it") from error
        days = [*days, *read_days(lines, str(added))]
    return SpecialDays(days, beyond=beyond)


def read_days(lines: Sequence[str], name: str) -> list[SpecialDay]:
    """Return the days of a list.

    Raises
    ------
    ConfigError
        If a line is not ``date,kind,name,source``, its kind is not known, or it names no source.
    """
    rows = list(csv.reader(lines))
    if not rows or tuple(rows[0]) != HEADER:
        raise ConfigError(f"{name} must begin with the line {','.join(HEADER)}")
    days = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            on, kind, what, source = row
            day = SpecialDay(date.fromisoformat(on), kind, what, source)
        except ValueError as error:
            raise ConfigError(f"{name}, line {number}: write {','.join(HEADER)}; {error}") from error
        if kind not in FACTORS or not source:
            known = ", ".join(FACTORS)
            raise ConfigError(f"{name}, line {number}: give a kind out of {known} and a source")
        days.append(day)
    return days
