"""What every detector returns: findings that never change, and the events of their lives.

A finding is known at the close of one candle and is the same from then on. What happens to it later (price comes back,
it is filled, broken, too old) is an event of its own, known at its own candle. So the rows known by any moment are the
same whether the detector saw later candles or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import pandas as pd

from agents.domain.candles import Candles, Int64s
from agents.domain.values import Side, content_id
from agents.domain.zones import ComponentKind
from agents.technical.frames import Int8s, Positions, rows_known_at, sides, stamps

NEVER = -1

TABLES: Mapping[ComponentKind, str] = {
    ComponentKind.ORDER_BLOCK: "order_blocks",
    ComponentKind.FAIR_VALUE_GAP: "fair_value_gaps",
    ComponentKind.EXPLOSIVE_ZONE: "explosive_zones",
}


class Event(StrEnum):
    """What can become of a finding or a zone, in the order in which one candle can bring them."""

    TOUCHED = "touched"
    HALF_FILLED = "half_filled"
    MITIGATED = "mitigated"
    FILLED = "filled"
    INVERTED = "inverted"
    BROKEN = "broken"
    RETESTED = "retested"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


EVENT_ORDER = {event: place for place, event in enumerate(Event)}


class Found(Protocol):
    """What a kernel says of each of its finds: +1 for demand or -1, edges in ticks, candles by their position."""

    @property
    def direction(self) -> Int8s:
        """+1 for demand, -1 for supply."""
        ...

    @property
    def bottom(self) -> Int64s:
        """The lower edge in ticks."""
        ...

    @property
    def top(self) -> Int64s:
        """The upper edge in ticks."""
        ...

    @property
    def origin(self) -> Int64s:
        """The candle it happened at."""
        ...

    @property
    def confirmed(self) -> Int64s:
        """The candle at whose close it could first be used."""
        ...


@dataclass(frozen=True, eq=False)
class Findings:
    """The findings of one family over a history, ordered by the candle at which they became known.

    Attributes
    ----------
    kind : ComponentKind
        The family.
    candles : Candles
        The history they were found in; all positions count its candles.
    direction : ndarray of int8
        +1 for demand, -1 for supply.
    low, high : ndarray of int64
        Edges in ticks.
    origin, known : ndarray of int64
        The candle it happened at and the candle at whose close it could first be used.
    ends : ndarray of int64
        The first candle at which it counts no more (death or age); may lie beyond the last candle.
    touched : ndarray of int64
        First later candle that traded in it, -1 for none.
    events : mapping of Event to ndarray of int64
        The candle of each event, -1 where it has not happened.
    extra : mapping of str to array
        Columns of this family's table beyond the common ones.
    moments : mapping of str to ndarray of int64
        As `extra`, for times: the candles at whose close they are.
    """

    kind: ComponentKind
    candles: Candles
    direction: Int8s
    low: Int64s
    high: Int64s
    origin: Int64s
    known: Int64s
    ends: Int64s
    touched: Int64s
    events: Mapping[Event, Int64s]
    extra: Mapping[str, Any] = field(default_factory=dict)  # Any: whatever a column can be made of
    moments: Mapping[str, Int64s] = field(default_factory=dict)
    _ids: dict[int, str] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return the number of findings."""
        return int(self.known.shape[0])

    def id_of(self, position: int) -> str:
        """Return the content id of one finding, computed once."""
        found = self._ids.get(position)
        if found is None:
            found = content_id(
                self.kind.value,
                {
                    "instrument": self.candles.instrument,
                    "side": Side.of(int(self.direction[position])).value,
                    "low": int(self.low[position]),
                    "high": int(self.high[position]),
                    "event_at": int(self.candles.closed_at[self.origin[position]]),
                    "known_at": int(self.candles.closed_at[self.known[position]]),
                },
            )
            self._ids[position] = found
        return found

    def ids(self, positions: Positions) -> list[str]:
        """Return the content ids of the findings at `positions`."""
        return [self.id_of(int(position)) for position in positions]

    def live(self, at: int) -> Positions:
        """Return the positions of the findings that count at the close of candle `at`."""
        return np.flatnonzero((self.known <= at) & (at < self.ends))

    def frame(self, first: int = 0) -> pd.DataFrame:
        """Return the table rows of the findings that became known at candle `first` or later."""
        part = np.flatnonzero(self.known >= first)
        return rows_known_at(
            self.candles,
            self.known[part],
            {
                "id": self.ids(part),
                "side": sides(self.direction[part]),
                "low": self.low[part],
                "high": self.high[part],
                "event_at": stamps(self.candles.closed_at[self.origin[part]]),
                **{name: values[part] for name, values in self.extra.items()},
                **{name: stamps(self.candles.closed_at[at[part]]) for name, at in self.moments.items()},
            },
        )

    def event_frame(self, first: int = 0) -> pd.DataFrame:
        """Return the rows of `lifecycle_events` that became known at candle `first` or later."""
        at, code, who = self._events_from(first)
        seen = (self.touched[who] != NEVER) & (self.touched[who] <= at)
        return event_rows(
            self.candles, TABLES[self.kind], at, ids=self.ids(who), code=code, touches=seen.astype(np.int64)
        )

    def _events_from(self, first: int) -> tuple[Int64s, Int64s, Positions]:
        """Return candle, event and finding of each event since candle `first`, in the order of rows."""
        at, code, who = [], [], []
        for event, candle in self.events.items():
            part = np.flatnonzero((candle >= first) & (candle != NEVER))
            at.append(candle[part])
            who.append(part)
            code.append(np.full(part.shape[0], EVENT_ORDER[event], dtype=np.int64))
        candle, codes, findings = (np.concatenate(column) for column in (at, code, who))
        order = np.lexsort((findings, codes, candle))
        return candle[order], codes[order], findings[order]


def findings_of(
    kind: ComponentKind,
    candles: Candles,
    found: Found,
    ends: Int64s,
    events: Mapping[Event, Int64s],
    *,
    extra: Mapping[str, Any] | None = None,  # Any: whatever a column can be made of
    moments: Mapping[str, Int64s] | None = None,
) -> Findings:
    """Return what a kernel found in `candles`, with what became of it; see the attributes of `Findings`."""
    return Findings(
        kind=kind,
        candles=candles,
        direction=found.direction,
        low=found.bottom,
        high=found.top,
        origin=found.origin,
        known=found.confirmed,
        ends=ends,
        touched=events[Event.TOUCHED],
        events=events,
        extra=extra or {},
        moments=moments or {},
    )


def event_rows(
    candles: Candles, subject: str, at: Int64s, *, ids: list[str], code: Int64s, touches: Int64s
) -> pd.DataFrame:
    """Return rows of `lifecycle_events`; `code` counts the members of `Event`."""
    names = np.array([event.value for event in Event], dtype=object)
    own = {"subject": np.full(at.shape[0], subject, dtype=object), "id": ids, "event": names[code], "touches": touches}
    return rows_known_at(candles, at, own)


def expiry(origin: Int64s, known: Int64s, window: int) -> Int64s:
    """Return the candle at which findings are too old: `window` candles after their origin, never before known."""
    return np.maximum(origin + window, known)


def before(candle: Int64s, limit: Int64s) -> Int64s:
    """Return the candles of events, -1 where they come later than the finding counts."""
    return np.where(candle <= limit, candle, NEVER)


def expired(limit: Int64s, death: Int64s, n_candles: int) -> Int64s:
    """Return the candle at which age ended a finding, -1 where something else did or it has not come yet."""
    return np.where((limit < death) & (limit < n_candles), limit, NEVER)


def first_of(*candles: Int64s) -> Int64s:
    """Return the earliest of some events of each finding; a candle beyond any history where none has happened."""
    beyond = np.iinfo(np.int64).max
    earliest: Int64s = np.minimum.reduce([np.where(column == NEVER, beyond, column) for column in candles])
    return earliest
