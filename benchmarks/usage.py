"""What the dashboard costs the machine, and what the others wait for: read from `/proc` and from the store's queue."""

import os
import statistics
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

LOOK_SECONDS = 0.001
_TICKS = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """A process's memory in megabytes: all that it has mapped in, and its share of it."""

    rss: float
    pss: float


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_of(pid: int) -> Memory:
    """Return what a process has in memory now."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.endswith("kB")}
    return Memory(found["Rss"], found["Pss"])


def slope(moments: Sequence[float], values: Sequence[float]) -> float:
    """Return by how much values grow in a minute, over moments in seconds (least squares)."""
    if len(moments) < 2:
        return 0.0
    return statistics.linear_regression(moments, values).slope * 60


class Waited(NamedTuple):
    """One visit to the store: whose, "r" or "w", seconds in the queue, and seconds inside."""

    pid: int
    kind: str
    wait: float
    inside: float


@dataclass
class _Ticket:
    """A ticket as it was first seen, and when those before it had gone."""

    number: int
    kind: str
    seen_at: float
    pid: int = 0
    turn_at: float | None = None


def watch_queue(folder: Path, seconds: float) -> list[Waited]:
    """Watch the tickets of the store's queue for so long, and return the visits that ended meanwhile.

    The queue is looked at a thousand times a second: shorter visits are missed, and times are right to two thousandths.
    Nothing is changed, so it is the desk's own processes that are measured.
    """
    known: dict[str, _Ticket] = {}
    found: list[Waited] = []
    until = time.perf_counter() + seconds
    while (now := time.perf_counter()) < until:
        there = {entry.name for entry in os.scandir(folder) if entry.name[-1] in "rw" and entry.name[:-1].isdigit()}
        for name in there - known.keys():
            known[name] = _Ticket(int(name[:-1]), name[-1], now)
        for name in known.keys() - there:
            ticket = known.pop(name)
            turn = now if ticket.turn_at is None else ticket.turn_at
            found.append(Waited(ticket.pid, ticket.kind, turn - ticket.seen_at, now - turn))
        for name, ticket in known.items():
            ticket.pid = ticket.pid or _owner(folder / name)
            if ticket.turn_at is None and not _must_wait(ticket, known.values()):
                ticket.turn_at = now
        time.sleep(LOOK_SECONDS)
    return found


def _must_wait(ticket: _Ticket, others: Iterable[_Ticket]) -> bool:
    return any(each.number < ticket.number and "w" in (each.kind, ticket.kind) for each in others)


def _owner(ticket: Path) -> int:
    """Return the process that holds a ticket, 0 while it has not written its name."""
    with suppress(OSError, ValueError, IndexError):
        return int(ticket.read_text().split()[1])
    return 0
