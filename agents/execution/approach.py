"""Which zone the price has come to."""

from collections.abc import Sequence
from decimal import Decimal

from agents.domain.cycle import ZoneView
from agents.domain.values import Side
from agents.domain.zones import Outcome, Zone, ZoneVerdictWord
from agents.technical import LiveZone

ZONES_SHOWN = 12


def distance(zone: Zone, price: Decimal) -> Decimal:
    """Return how far price is from a zone in rupees: 0 inside, negative beyond the far edge."""
    if zone.low <= price <= zone.high:
        return Decimal(0)
    return price - zone.high if zone.side is Side.DEMAND else zone.low - price


def confirmed(zone: Zone) -> bool:
    """Whether a judge's answer confirms the zone; a failed call does not."""
    verdict = zone.verdict
    return verdict is not None and verdict.outcome is Outcome.OK and verdict.verdict is ZoneVerdictWord.CONFIRM


def worthy(zones: Sequence[LiveZone], least_confidence: float) -> list[LiveZone]:
    """Return the zones that still stand, are confirmed, and are confident enough after their touches."""
    return [seen for seen in zones if seen.live and confirmed(seen.zone) and seen.confidence >= least_confidence]


def nearest(zones: Sequence[LiveZone], price: Decimal) -> Zone | None:
    """Return the nearest zone that price has not passed; ties go to the more confident, then to the smaller id.

    Its touches and confidence are those after the last closed minute. None when price is beyond every zone.
    """
    ahead = [seen for seen in zones if distance(seen.zone, price) >= 0]
    best = min(ahead, key=lambda s: (distance(s.zone, price), -s.confidence, s.zone.id), default=None)
    if best is None:
        return None
    return best.zone.model_copy(update={"touches": best.touches, "confidence": best.confidence})


def near_edges(zones: Sequence[LiveZone], side: Side) -> tuple[Decimal, ...]:
    """Return the edges at which standing zones of the other side begin."""
    others = [seen.zone for seen in zones if seen.live and seen.zone.side is not side]
    return tuple(zone.low if zone.side is Side.SUPPLY else zone.high for zone in others)


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
            confidence=seen.confidence,
            confirmed=confirmed(seen.zone),
            state=seen.state.value,
        )
        for seen in sorted(zones, key=gap)[:ZONES_SHOWN]
    )
