"""Zones, what they are made of, and what the judge said of them."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, model_validator

from agents.domain.values import Frozen, Probability, Rupees, Side

# What is left of a zone's confidence after each visit of the price.
KEPT_PER_TOUCH = 0.8


class ComponentKind(StrEnum):
    """The families of evidence that a zone can be made of."""

    ORDER_BLOCK = "order_block"
    FAIR_VALUE_GAP = "fair_value_gap"
    EXPLOSIVE_ZONE = "explosive_zone"


class ZoneComponent(Frozen):
    """One finding inside a zone, by its content id."""

    kind: ComponentKind
    id: str
    low: Rupees
    high: Rupees


class ConfidencePart(Frozen):
    """One term of a zone's confidence: its value in [0, 1] and the weight it counts with."""

    name: str
    value: Probability
    weight: float


class ZoneVerdictWord(StrEnum):
    """What a judge may say of a zone. Only `confirm` lets it be traded."""

    CONFIRM = "confirm"
    REJECT = "reject"
    UNSURE = "unsure"


class Outcome(StrEnum):
    """How a call to a judge ended: a closed set. Anything but `ok` means no new trade."""

    OK = "ok"
    REFUSAL = "refusal"
    FILTERED = "filtered"
    TRUNCATED = "truncated"
    INVALID = "invalid"
    PERMANENT = "permanent"
    QUOTA = "quota"
    EXHAUSTED = "exhausted"
    DEADLINE = "deadline"
    TOO_LARGE = "too_large"
    BREAKER_OPEN = "breaker_open"
    BUDGET_EXCEEDED = "budget_exceeded"


class ZoneVerdict(Frozen):
    """A judge's word on one zone. `judge` names who spoke ("rules", "openai:<model>", "recorded:<model>")."""

    zone_id: str
    judge: str
    verdict: ZoneVerdictWord
    probability: Probability
    reason: str
    outcome: Outcome
    call_key: str
    prompt_sha: str
    known_at: AwareDatetime


class Zone(Frozen):
    """A price band worth trading from, as known at `known_at` and not before.

    `confidence` is the one at the asked moment: the formation confidence (weighted mean of `parts`) lowered by each
    touch since. `touches` counts visits up to that moment.
    """

    id: str
    instrument: str
    side: Side
    low: Rupees
    high: Rupees
    event_at: AwareDatetime
    known_at: AwareDatetime
    confidence: Probability
    formation_confidence: Probability
    parts: tuple[ConfidencePart, ...]
    components: tuple[ZoneComponent, ...]
    touches: int = 0
    age_candles: int = 0
    verdict: ZoneVerdict | None = None

    @model_validator(mode="after")
    def _low_below_high(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"zone is empty: {self.low} to {self.high}")
        return self


class ZoneAnalysis(Frozen):
    """What the last analysis left for the trade cycle: the live zones as of the candle that closed at `bar_at`.

    `atr` is the Wilder range of 15-minute candles in rupees; `poc`, `val`, `vah` belong to the rolling profile named
    by `profile_source`, and are None before there is one. `trend` is the direction of the last structure break (+1, -1,
    0 before the first). `candle` counts this candle within its history and `session_share` is the part of the session
    that has passed.
    """

    instrument: str
    bar_at: AwareDatetime
    close: Rupees
    atr: Rupees | None
    poc: Rupees | None
    val: Rupees | None
    vah: Rupees | None
    profile_source: str | None
    trend: int
    candle: int
    session_share: Probability
    zones: tuple[Zone, ...]


def confidence_after(formation: float, touches: int) -> float:
    """Return the confidence that a zone formed with has left after `touches` visits, to six decimals."""
    left = formation
    for _ in range(touches):
        left *= KEPT_PER_TOUCH
    return round(left, 6)


def range_in_rupees(ticks: float | None, tick_size: Decimal) -> Decimal | None:
    """Return an average true range, kept in ticks with a fraction, in rupees; None where there is none yet."""
    return None if ticks is None else Decimal(str(round(ticks, 4))) * tick_size


def in_order_of_weight(parts: Iterable[ConfidencePart]) -> tuple[ConfidencePart, ...]:
    """Return the parts of a confidence, the heaviest first."""
    return tuple(sorted(parts, key=lambda part: (-part.weight, part.name)))


def in_order_of_price(components: Iterable[ZoneComponent]) -> tuple[ZoneComponent, ...]:
    """Return the components of a zone, family by family, from the lowest up."""
    return tuple(sorted(components, key=lambda c: (c.kind.value, c.low, c.high, c.id)))
