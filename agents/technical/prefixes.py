"""Prefix replay: whether a detector that is shown more candles takes back what it said.

A detector is asked what it found on the first n candles, for many n. What it found on all of them, cut to what it
claims to have known by candle n - 1, must be the same, row for row. A finding that vanished, changed, or appeared with
a date at which it had not been reported was rewritten.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.domain.candles import Int64s

Column = NDArray[Any]  # Any: the dtype of whatever a detector reports
Progress = Callable[[int], None]


class Rows(NamedTuple):
    """What a detector reports on the candles it was shown; one entry per row in each column.

    `known` is the candle at which it says that the row could first be used; columns of `key` tell one finding from
    another, those of `fields` are everything else that is said of it, floats as their bits. The order of rows must not
    depend on later candles. Rows known before candle `first` are not reported.
    """

    known: Int64s
    key: Sequence[Column]
    fields: Sequence[Column]
    first: int = 0


Detector = Callable[[int], Rows]


@dataclass(frozen=True)
class Replay:
    """How a detector did: prefixes tried, findings in all, and how many different ones were rewritten."""

    prefixes: int
    findings: int
    rewritten: int


def replay_prefixes(
    detector: Detector, n_candles: int, prefixes: Iterable[int], *, on_progress: Progress | None = None
) -> Replay:
    """Compare what a detector says on each prefix with what it says on everything.

    Parameters
    ----------
    detector : callable
        Takes a number of candles and returns its `Rows` on that many.
    n_candles : int
        All candles there are.
    prefixes : iterable of int
        Lengths to try, each between 1 and `n_candles`.
    on_progress : callable, optional
        Called with the number of prefixes done, after each.

    Returns
    -------
    Replay
    """
    whole = detector(n_candles)
    rewritten: set[tuple[object, ...]] = set()
    done = 0
    for length in prefixes:
        seen = detector(length)
        said = (whole.known >= seen.first) & (whole.known < length)
        if not _same(whole, said, seen):
            rewritten |= _different(whole, said, seen)
        done += 1
        if on_progress is not None:
            on_progress(done)
    return Replay(done, len(set(_tuples(whole.key, slice(None)))), len(rewritten))


def _columns(rows: Rows) -> tuple[Column, ...]:
    return (rows.known, *rows.key, *rows.fields)


def _same(whole: Rows, said: NDArray[np.bool_], seen: Rows) -> bool:
    return all(np.array_equal(all_of[said], some) for all_of, some in zip(_columns(whole), _columns(seen), strict=True))


def _different(whole: Rows, said: NDArray[np.bool_], seen: Rows) -> set[tuple[object, ...]]:
    """Return the keys of the findings whose rows are not the same in both."""
    width = len(whole.key)
    ours = set(_tuples((*whole.key, whole.known, *whole.fields), said))
    theirs = set(_tuples((*seen.key, seen.known, *seen.fields), slice(None)))
    return {row[:width] for row in ours ^ theirs}


def _tuples(columns: Sequence[Column], part: NDArray[np.bool_] | slice) -> list[tuple[object, ...]]:
    return list(zip(*(column[part].tolist() for column in columns), strict=True))
