"""Supply and demand zones: where different kinds of evidence for the same side lie on top of each other.

At each candle the findings that still count are laid over each other; a zone is a price band in which at least
`min_families` kinds agree. It is one zone for as long as its side, its edges and its evidence stay the same: known at
the first of those candles, ended at the first candle without it. More evidence makes a new zone and supersedes the old.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.domain.candles import Candles, Int64s
from agents.domain.values import Side, content_id
from agents.settings import Settings
from agents.technical.findings import EVENT_ORDER, NEVER, Event, Findings
from agents.technical.frames import Int8s, Positions
from analytics_ext import ConfluenceZones, Zones, confluence, zone_lifecycle

# How far beyond the far edge a close must lie to break a zone, in ticks.
BREAK_TICKS = 1
# How many candles one call of the kernel serves, and the ticks that it has room for.
_MOMENTS_AT_ONCE = 1024
_ROOM_FOR_TICKS = 2**39


@dataclass(frozen=True, eq=False)
class Components:
    """The findings of all families in one list, so that a zone can name its evidence by position."""

    families: tuple[Findings, ...]
    family: Int64s
    position: Int64s
    direction: Int8s
    low: Int64s
    high: Int64s
    origin: Int64s
    known: Int64s
    ends: Int64s
    touched: Int64s
    aged: Int64s

    @classmethod
    def of(cls, families: Sequence[Findings], first: int) -> "Components":
        """Return the findings that count at candle `first` or later, family after family, oldest first in each."""
        parts = [np.flatnonzero(found.ends > first) for found in families]
        joined = {
            name: np.concatenate([getattr(f, name)[part] for f, part in zip(families, parts, strict=True)])
            for name in ("direction", "low", "high", "origin", "known", "ends", "touched")
        }
        aged = [f.events[Event.EXPIRED][part] for f, part in zip(families, parts, strict=True)]
        family = [np.full(part.shape[0], number, dtype=np.int64) for number, part in enumerate(parts)]
        return cls(
            families=tuple(families),
            family=np.concatenate(family),
            position=np.concatenate(parts).astype(np.int64),
            aged=np.concatenate(aged),
            **joined,
        )

    def id_of(self, member: int) -> str:
        """Return the content id of one component."""
        return self.families[int(self.family[member])].id_of(int(self.position[member]))

    def kind_of(self, member: int) -> str:
        """Return the family of one component in words."""
        return self.families[int(self.family[member])].kind.value

    def moments(self, first: int, n_candles: int) -> Int64s:
        """Return the candles from `first` on at which something begins or ceases to count, with `first` itself."""
        found = np.concatenate((np.array([first], dtype=np.int64), self.known, self.ends))
        return np.unique(found[(found >= first) & (found < n_candles)])


@dataclass(slots=True)
class ZoneRun:
    """One zone: edges in ticks, the candles it lived, and its evidence as positions in `Components`.

    `ends` is the first candle without it and `how` says why; -1 and None while it lives. `touches` are the candles at
    which price came back to it.
    """

    direction: int
    low: int
    high: int
    members: tuple[int, ...]
    families: int
    known: int
    origin: int = 0
    ends: int = NEVER
    how: Event | None = None
    touches: Int64s = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def lives(self, at: int) -> bool:
        """Whether the zone counts at the close of candle `at`."""
        return self.known <= at and (self.ends == NEVER or at < self.ends)

    def touched(self, at: int) -> int:
        """Return how often price had come back by the close of candle `at`."""
        return int(np.searchsorted(self.touches, at, side="right"))


_Key = tuple[int, int, int, tuple[int, ...]]


def zone_runs(components: Components, candles: Candles, settings: Settings, first: int) -> list[ZoneRun]:
    """Return every zone that lives at candle `first` or later, ordered by the candle at which it became known.

    Zones that live at `first` are dated to it unless `first` is 0: start `settings.window` + 1 candles before the
    first that matters, no zone lives longer than that.
    """
    runs: list[ZoneRun] = []
    living: dict[_Key, ZoneRun] = {}
    moments = components.moments(first, len(candles))
    for t, seen in zip(moments.tolist(), _zones_at(components, moments, settings.min_families), strict=True):
        for key in [key for key in living if key not in seen]:
            run = living.pop(key)
            run.ends, run.how = t, _ending(run, t, components, candles)
        for key, families in seen.items():
            if key not in living:
                living[key] = ZoneRun(*key, families=families, known=t)
                runs.append(living[key])
    for run in runs:
        run.origin = int(components.origin[list(run.members)].max())
    _mark_touches(runs, candles, settings)
    return runs


def zone_id(run: ZoneRun, components: Components, candles: Candles) -> str:
    """Return the content id of a zone: its band, its times and its evidence."""
    return content_id(
        "zone",
        {
            "instrument": candles.instrument,
            "side": Side.of(run.direction).value,
            "low": run.low,
            "high": run.high,
            "event_at": int(candles.closed_at[run.origin]),
            "known_at": int(candles.closed_at[run.known]),
            "components": [components.id_of(member) for member in run.members],
        },
    )


def zone_events(runs: Sequence[ZoneRun], first: int, stop: int) -> tuple[Int64s, Int64s, Positions, Int64s]:
    """Return candle, event, run and touches so far of each event at candles `first` to ``stop - 1``, as rows go."""
    rows: list[tuple[int, int, int, int]] = []
    for number, run in enumerate(runs):
        touched = run.touches.tolist()
        rows += [
            (t, EVENT_ORDER[Event.TOUCHED], number, n) for n, t in enumerate(touched, start=1) if first <= t < stop
        ]
        if run.how is not None and first <= run.ends < stop:
            rows.append((run.ends, EVENT_ORDER[run.how], number, len(touched)))
    table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2].astype(np.intp), table[:, 3]


def _zones_at(components: Components, moments: Int64s, min_families: int) -> list[dict[_Key, int]]:
    """Return the zones at the close of each candle of `moments`, each with how many kinds of evidence it has.

    The kernel is called once for many candles: what counts at each of them is laid on a stretch of prices of its own,
    far enough from the next that no band reaches over.
    """
    found: list[dict[_Key, int]] = [{} for _ in moments]
    if components.known.shape[0] == 0:
        return found
    base, span = int(components.low.min()), int(components.high.max() - components.low.min()) + 2
    step = max(1, min(_MOMENTS_AT_ONCE, _ROOM_FOR_TICKS // span))
    for begin in range(0, moments.shape[0], step):
        part = moments[begin : begin + step]
        member, place = _counting(components, part)
        shift = place * span - base
        cuts = np.searchsorted(components.family[member], np.arange(len(components.families) + 1)).tolist()
        columns = (components.direction[member], components.low[member] + shift, components.high[member] + shift)
        families = [tuple(column[first:last] for column in columns) for first, last in itertools.pairwise(cuts)]
        bands = confluence(families, min_families=min_families)
        evidence = member[np.array(cuts[:-1], dtype=np.int64)[bands.member_family] + bands.member_zone]
        for where, key, kinds in _keys(bands, evidence.tolist(), base, span):
            found[begin + where][key] = kinds
    return found


def _counting(components: Components, moments: Int64s) -> tuple[Int64s, Int64s]:
    """Return each component that counts at some of `moments`, once for each, and the place of that moment."""
    first = np.searchsorted(moments, components.known, side="left")
    count = np.maximum(np.searchsorted(moments, components.ends, side="left") - first, 0)
    member = np.repeat(np.arange(count.shape[0], dtype=np.int64), count)
    place = np.arange(member.shape[0]) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return member, place.astype(np.int64)


def _keys(bands: ConfluenceZones, evidence: list[int], base: int, span: int) -> Iterator[tuple[int, _Key, int]]:
    """Yield the moment, the zone and its kinds of evidence of each band, moved back to its prices."""
    where = (bands.bottom // span).tolist()
    lows, highs = (bands.bottom % span + base).tolist(), (bands.top % span + base).tolist()
    rows = zip(where, bands.direction.tolist(), lows, highs, bands.families.tolist(), strict=True)
    offsets = bands.member_offsets.tolist()
    for (moment, direction, low, high, kinds), first, last in zip(rows, offsets[:-1], offsets[1:], strict=True):
        if low < high:  # evidence that only meets at one price does not agree on a band
            yield moment, (direction, low, high, tuple(sorted(evidence[first:last]))), kinds


def _ending(run: ZoneRun, t: int, components: Components, candles: Candles) -> Event:
    """Return why a zone that is gone at candle `t` is gone."""
    close = int(candles.close[t])
    beyond = run.low - close if run.direction > 0 else close - run.high
    if beyond > BREAK_TICKS:
        return Event.BROKEN
    if any(components.aged[member] == t for member in run.members):
        return Event.EXPIRED
    return Event.SUPERSEDED


def _mark_touches(runs: Sequence[ZoneRun], candles: Candles, settings: Settings) -> None:
    """Give each zone the candles at which price came back to it while it lived."""
    bands = Zones(
        np.array([run.direction for run in runs], dtype=np.int8),
        np.array([run.low for run in runs], dtype=np.int64),
        np.array([run.high for run in runs], dtype=np.int64),
        np.array([run.known for run in runs], dtype=np.int64),
    )
    # Visits do not end a zone, they only lower its confidence; and no zone lives longer than the window.
    life = zone_lifecycle(
        candles.high,
        candles.low,
        candles.close,
        bands,
        max_touches=len(candles),
        max_age=settings.window + 1,
        break_ticks=BREAK_TICKS,
    )
    for number, run in enumerate(runs):
        bars = life.touch_bars[life.touch_offsets[number] : life.touch_offsets[number + 1]]
        run.touches = bars if run.ends == NEVER else bars[: np.searchsorted(bars, run.ends)]
