"""Why a position was without a stop for so long: told from what happened meanwhile, so that each case can be judged."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

CAUSES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "exit leg refused by the exchange": re.compile(r"broker  rejects (STOP|TARGET)"),
        "stop jumped": re.compile(r"alert   warn stop_triggered_unfilled"),
        "exit leg gone": re.compile(r"alert   critical leg_lost"),
        "exit refused": re.compile(r"broker  refuses exit "),
        "change or cancellation refused": re.compile(r"broker  refuses (change|cancel) "),
        "request lost": re.compile(r"network (?!the reply).* is lost$"),
        "request late": re.compile(r"network .* is late by "),
        "reply lost": re.compile(r"network the reply to "),
        "journal failed": re.compile(r"alert   critical journal"),
        "guardian started": re.compile(r"agent   starts"),
        "another guardian took over": re.compile(r"rival   takes over"),
        "lease lost": re.compile(r"alert   critical lease"),
        "somebody else sold or bought": re.compile(r"broker  squares off "),
    }
)
"""What is looked for in the lines of the trace."""
STAMP = 6
"""Characters before the text of a line: the second."""


@dataclass(frozen=True)
class Naked:
    """Something was held without a stop from second `begin` to `end`, `able` of which the guardian could act."""

    begin: int
    end: int
    able: int
    cause: str

    def __str__(self) -> str:
        return f"no stop from second {self.begin} to {self.end}, {self.able} s able to act; {self.cause}"


def cause_of(lines: Iterable[str], idle: int) -> str:
    """Return what a stretch of the trace holds of the causes, each with its count.

    Parameters
    ----------
    lines : iterable of str
        The trace of the stretch.
    idle : int
        Seconds of the stretch in which the guardian was dead, frozen or cut off.
    """
    told = list(lines)
    counts = {name: sum(bool(pattern.match(line, STAMP)) for line in told) for name, pattern in CAUSES.items()}
    parts = [f"{name} {count}x" if count > 1 else name for name, count in counts.items() if count]
    if idle:
        parts.append(f"dead or cut off for {idle} s")
    return ", ".join(parts) or "no fault"
