"""Which zone the price has come to."""

from collections.abc import Collection, Sequence
from decimal import Decimal

from agents.domain.cycle import PassedZone, ZoneView
from agents.domain.values import Side
from agents.domain.zones import Outcome, Zone, ZoneVerdictWord, confidence_after
from agents.technical import LiveZone

ZONES_SHOWN = 12
ENTERED = "traded in this session already; {other} is in reach too"


def distance(zone: Zone, price: Decimal) -> Decimal:
    """Return how far price is from a zone in rupees: 0 inside, negative beyond the far edge."""
    if zone.low <= price <= zone.high:
        return Decimal(0)
    return price - zone.high if zone.side is Side.DEMAND else zone.low - price


def confirmed(zone: Zone) -> bool:
    """Whether a judge's answer confirms the zone; a failed call does not."""
    verdict = zone.verdict
    return verdict is not None and verdict.outcome is Outcome.OK and verdict.verdict is ZoneVerdictWord.CONFIRM


def as_traded(seen: LiveZone, price: Decimal) -> Zone:
    """Return a zone with the touches and the confidence that a trade at `price` goes by.

    Those after the last closed minute, except that a visit in progress is not yet held against the zone: the trade is
    made on that visit.
    """
    visiting = seen.zone.low <= price <= seen.zone.high
    touches = max(0, seen.touches - 1) if visiting else seen.touches
    confidence = confidence_after(seen.zone.formation_confidence, touches)
    return seen.zone.model_copy(update={"touches": touches, "confidence": confidence})


def worthy(zones: Sequence[LiveZone], price: Decimal, least_confidence: float) -> list[Zone]:
    """Return the zones that still stand, are confirmed, and are confident enough to be traded at `price`."""
    standing = [as_traded(seen, price) for seen in zones if seen.live and confirmed(seen.zone)]
    return [zone for zone in standing if zone.confidence >= least_confidence]


def ahead(zones: Sequence[Zone], price: Decimal) -> list[Zone]:
    """Return the zones that price has not passed, nearest first; ties go to the more confident, then the smaller id."""
    left = [zone for zone in zones if distance(zone, price) >= 0]
    return sorted(left, key=lambda zone: (distance(zone, price), -zone.confidence, zone.id))


def prefer(reached: Sequence[Zone], entered: Collection[str]) -> tuple[Zone, tuple[PassedZone, ...]]:
    """Return the zone to trade out of those that price has come to, and those that were passed over for it.

    Parameters
    ----------
    reached : sequence of Zone
        At least one, the most wanted first.
    entered : collection of str
        Ids of the zones that this session entered; a zone is traded once a session. Where all of them were, the first
        stands: the rules of risk say what is wrong with it.
    """
    chosen = next((zone for zone in reached if zone.id not in entered), reached[0])
    before = reached[: reached.index(chosen)]
    reason = ENTERED.format(other=chosen.id)
    return chosen, tuple(PassedZone(zone_id=zone.id, reason=reason) for zone in before)


def near_edges(
    zones: Sequence[LiveZone], side: Side, price: Decimal, least_confidence: float
) -> tuple[tuple[Decimal, ...], tuple[Decimal, ...]]:
    """Return where standing zones of the other side begin: the strong ones, then those below `least_confidence`."""
    others = [as_traded(seen, price) for seen in zones if seen.live and seen.zone.side is not side]
    strong: list[Decimal] = []
    weak: list[Decimal] = []
    for zone in others:
        edges = strong if zone.confidence >= least_confidence else weak
        edges.append(zone.low if zone.side is Side.SUPPLY else zone.high)
    return tuple(strong), tuple(weak)


def views(zones: Sequence[LiveZone], price: Decimal) -> tuple[ZoneView, ...]:
    """Return the zones around the price for a cycle's record, nearest first, broken ones among them."""

    def gap(seen: LiveZone) -> tuple[Decimal, str]:
        zone = seen.zone
        return max(zone.low - price, price - zone.high, Decimal(0)), zone.id

    return tuple(
        ZoneView(
            zone_id=seen.zone.id,
            low=seen.zone.low,
            high=seen.zone.high,
            distance=distance(seen.zone, price),
            confidence=as_traded(seen, price).confidence,
            confirmed=confirmed(seen.zone),
            state=seen.state.value,
        )
        for seen in sorted(zones, key=gap)[:ZONES_SHOWN]
    )
