"""The zones of a history with their ids, evidence and confidence: as rows of the store and as values."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from agents.domain.candles import Int64s, moment
from agents.domain.values import Side, to_rupees
from agents.domain.zones import (
    ComponentKind,
    ConfidencePart,
    Zone,
    ZoneComponent,
    confidence_after,
    in_order_of_price,
    in_order_of_weight,
)
from agents.technical.confidence import WEIGHTS, Context, Formation, formation_confidence, parts
from agents.technical.findings import NEVER, event_rows
from agents.technical.frames import rows_known_at, sides, stamps
from agents.technical.zones import Components, ZoneRun, zone_events, zone_id

SUBJECT = "zones"


@dataclass(frozen=True, eq=False)
class ZoneBook:
    """Zones in the order in which they became known. Ids and parts are computed once, when they are asked for."""

    runs: Sequence[ZoneRun]
    components: Components
    context: Context
    _ids: dict[int, str] = field(default_factory=dict, repr=False)
    _parts: dict[int, tuple[float, ...]] = field(default_factory=dict, repr=False)
    _formed: dict[int, Zone] = field(default_factory=dict, repr=False)

    def id_of(self, number: int) -> str:
        """Return the content id of a zone."""
        if number not in self._ids:
            self._ids[number] = zone_id(self.runs[number], self.components, self.context.candles)
        return self._ids[number]

    def parts_of(self, number: int) -> tuple[float, ...]:
        """Return the parts of a zone's confidence when it became known, in the order of `WEIGHTS`."""
        if number not in self._parts:
            run, members = self.runs[number], list(self.runs[number].members)
            touched = self.components.touched[members]
            fresh = float(np.mean((touched == NEVER) | (touched > run.known)))
            zone = Formation(run.direction, run.low, run.high, run.known, run.origin, run.families, fresh)
            self._parts[number] = parts(zone, self.context)
        return self._parts[number]

    def living(self, at: int) -> list[int]:
        """Return the zones that count at the close of candle `at`, from the lowest price up."""
        found = [number for number, run in enumerate(self.runs) if run.lives(at)]
        return sorted(found, key=lambda n: (self.runs[n].low, self.runs[n].high, self.id_of(n)))

    def zone(self, number: int, at: int) -> Zone:
        """Return a zone as it stood at the close of candle `at`."""
        if number not in self._formed:
            self._formed[number] = self._zone_as_formed(number)
        formed, run = self._formed[number], self.runs[number]
        touches = run.touched(at)
        since = {"touches": touches, "confidence": confidence_after(formed.formation_confidence, touches)}
        return formed.model_copy(update={**since, "age_candles": at - run.known})

    def _zone_as_formed(self, number: int) -> Zone:
        """Return a zone as it was when it became known."""
        run, candles, values = self.runs[number], self.context.candles, self.parts_of(number)
        formed = formation_confidence(values)
        return Zone(
            id=self.id_of(number),
            instrument=candles.instrument,
            side=Side.of(run.direction),
            low=to_rupees(run.low, candles.tick_size),
            high=to_rupees(run.high, candles.tick_size),
            event_at=moment(int(candles.closed_at[run.origin])),
            known_at=moment(int(candles.closed_at[run.known])),
            confidence=formed,
            formation_confidence=formed,
            parts=in_order_of_weight(
                ConfidencePart(name=name, value=value, weight=weight)
                for (name, weight), value in zip(WEIGHTS.items(), values, strict=True)
            ),
            components=in_order_of_price(self._component(member) for member in run.members),
        )

    def known_since(self, first: int) -> list[int]:
        """Return the zones that became known at candle `first` or later."""
        return [number for number, run in enumerate(self.runs) if run.known >= first]

    def zone_frame(self, numbers: Sequence[int]) -> pd.DataFrame:
        """Return the rows of `zones` of the zones `numbers`."""
        runs, candles, known = [self.runs[n] for n in numbers], self.context.candles, self._known(numbers)
        own = {
            "id": [self.id_of(n) for n in numbers],
            "side": sides(np.array([run.direction for run in runs], dtype=np.int8)),
            "low": np.array([run.low for run in runs], dtype=np.int64),
            "high": np.array([run.high for run in runs], dtype=np.int64),
            "event_at": stamps(candles.closed_at[np.array([run.origin for run in runs], dtype=np.int64)]),
            "candle": known,
            "formation_confidence": np.array([formation_confidence(self.parts_of(n)) for n in numbers], dtype=float),
            "families": np.array([run.families for run in runs], dtype=np.int64),
        }
        return rows_known_at(candles, known, own)

    def component_frame(self, numbers: Sequence[int]) -> pd.DataFrame:
        """Return the rows of `zone_components` of the zones `numbers`."""
        members = [member for n in numbers for member in self.runs[n].members]
        counts = [len(self.runs[n].members) for n in numbers]
        own = {
            "zone_id": [self.id_of(n) for n in numbers for _ in self.runs[n].members],
            "kind": [self.components.kind_of(member) for member in members],
            "id": [self.components.id_of(member) for member in members],
            "low": self.components.low[members],
            "high": self.components.high[members],
        }
        return rows_known_at(self.context.candles, np.repeat(self._known(numbers), counts), own)

    def part_frame(self, numbers: Sequence[int]) -> pd.DataFrame:
        """Return the rows of `zone_parts` of the zones `numbers`."""
        own = {
            "zone_id": [self.id_of(n) for n in numbers for _ in WEIGHTS],
            "name": list(WEIGHTS) * len(numbers),
            "value": np.array([value for n in numbers for value in self.parts_of(n)], dtype=np.float64),
            "weight": np.array(list(WEIGHTS.values()) * len(numbers), dtype=np.float64),
        }
        return rows_known_at(self.context.candles, np.repeat(self._known(numbers), len(WEIGHTS)), own)

    def event_frame(self, numbers: Sequence[int], first: int, stop: int) -> pd.DataFrame:
        """Return the rows of `lifecycle_events` of the zones `numbers` known at candles `first` to ``stop - 1``."""
        at, code, who, touches = zone_events([self.runs[n] for n in numbers], first, stop)
        ids = [self.id_of(numbers[int(place)]) for place in who]
        return event_rows(self.context.candles, SUBJECT, at, ids=ids, code=code, touches=touches)

    def counts(self, first: int) -> Int64s:
        """Return how many zones live at candle `first` and each later one."""
        n = len(self.context.candles)
        steps = np.zeros(n + 1, dtype=np.int64)
        for run in self.runs:
            steps[run.known] += 1
            steps[n if run.ends == NEVER else run.ends] -= 1
        return np.cumsum(steps)[first:n]

    def _known(self, numbers: Sequence[int]) -> Int64s:
        """Return the candle at which each zone became known."""
        return np.array([self.runs[n].known for n in numbers], dtype=np.int64)

    def _component(self, member: int) -> ZoneComponent:
        tick = self.context.candles.tick_size
        return ZoneComponent(
            kind=ComponentKind(self.components.kind_of(member)),
            id=self.components.id_of(member),
            low=to_rupees(int(self.components.low[member]), tick),
            high=to_rupees(int(self.components.high[member]), tick),
        )
