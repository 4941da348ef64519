"""The log of what cleaning found and did: one row of `data_issues` for each decision."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from agents.data.grid import ist_day
from agents.domain.candles import Int64s

if TYPE_CHECKING:
    import pyarrow as pa

DROPPED, REPAIRED, KEPT, REPORTED = "dropped", "repaired", "kept", "reported"


class IssueLog:
    """Collects issues of one import. `names` and `minutes` give the instrument and interval of each code."""

    def __init__(self, names: Sequence[str], minutes: Int64s) -> None:
        self._names = names
        self._minutes = minutes
        self._code: list[Int64s] = []
        self._seen: list[Int64s] = []
        self._words: list[tuple[str, str, str]] = []

    def note(self, rule: str, action: str, code: Int64s, seen: Int64s, detail: Sequence[str]) -> None:
        """Add one issue for each entry: `code` says of whom, `seen` when (seconds since 1970 UTC)."""
        self._code.append(np.asarray(code, dtype=np.int64))
        self._seen.append(np.asarray(seen, dtype=np.int64))
        self._words.extend((rule, action, text) for text in detail)

    def counts(self) -> dict[str, int]:
        """Return how many issues each rule has, by name of the rule."""
        return dict(sorted(Counter(rule for rule, _, _ in self._words).items()))

    def actions(self) -> dict[str, int]:
        """Return how many issues each action has."""
        return dict(Counter(action for _, action, _ in self._words))

    def __len__(self) -> int:
        """Return the number of issues."""
        return len(self._words)

    def arrow(self, source: str) -> "pa.Table":
        """Return the issues as rows of `data_issues`, without their stamp."""
        import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

        empty = np.zeros(0, dtype=np.int64)
        code = np.concatenate(self._code) if self._code else empty
        seen = np.concatenate(self._seen) if self._seen else empty
        rules, actions, details = zip(*self._words, strict=True) if self._words else ((), (), ())
        return pa.table(
            {
                "instrument": pa.array([self._names[each] for each in code], pa.string()),
                "minutes": pa.array(self._minutes[code], pa.int32()),
                "session": pa.array(ist_day(seen).astype(np.int32), pa.int32()).cast(pa.date32()),
                "seen_at": pa.array(seen * 1_000_000, pa.timestamp("us", tz="UTC")),
                "rule": pa.array(rules, pa.string()),
                "action": pa.array(actions, pa.string()),
                "detail": pa.array(details, pa.string()),
                "source": pa.array([source] * len(code), pa.string()),
            }
        )
