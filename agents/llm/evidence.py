"""What the judge may see of a zone, which zones it is asked about, and where its verdicts go."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

from agents.domain.errors import MissingDataError
from agents.domain.evidence import ZoneEvidence
from agents.domain.values import Rupees, Side
from agents.domain.zones import Outcome, Zone, ZoneAnalysis, ZoneVerdict
from agents.ports import Judge
from agents.settings import Settings

DISTANCE_DECIMALS = 2
SHARE_DECIMALS = 2
CONFIDENCE_DECIMALS = 3


def zone_evidence(analysis: ZoneAnalysis, zone: Zone) -> ZoneEvidence:
    """Return the numbers about a zone at the candle of the analysis, rounded.

    Distances are in average true ranges. `distance_atr` runs from the close to the near edge of the zone and is
    negative inside it or beyond; all others run from the near edge and are positive in the direction in which the zone
    pushes price (up for demand). `opposite_zone_atr` ends at the near edge of the closest live zone of the other side.

    Raises
    ------
    MissingDataError
        If the analysis has no average true range yet.
    """
    if not analysis.atr:
        raise MissingDataError(
            f"no average true range for {analysis.instrument} at {analysis.bar_at.isoformat()}; import earlier candles"
        )
    atr, sign, edge = analysis.atr, zone.side.sign, _near_edge(zone)

    def ahead(level: Rupees | None) -> float | None:
        return None if level is None else _distance((level - edge) * sign, atr)

    return ZoneEvidence(
        zone_id=zone.id,
        side=zone.side,
        width_atr=_distance(zone.high - zone.low, atr),
        distance_atr=_distance((analysis.close - edge) * sign, atr),
        confidence=round(zone.confidence, CONFIDENCE_DECIMALS),
        parts={part.name: round(part.value, CONFIDENCE_DECIMALS) for part in zone.parts},
        components=dict(sorted(Counter(component.kind.value for component in zone.components).items())),
        component_ids=tuple(sorted(component.id for component in zone.components)),
        touches=zone.touches,
        age_candles=zone.age_candles,
        trend=analysis.trend,
        to_poc_atr=ahead(analysis.poc),
        to_value_high_atr=ahead(analysis.vah),
        to_value_low_atr=ahead(analysis.val),
        opposite_zone_atr=ahead(_opposite_edge(analysis, zone)),
        session_share=round(analysis.session_share, SHARE_DECIMALS),
    )


def zones_to_judge(analysis: ZoneAnalysis, settings: Settings) -> list[Zone]:
    """Return the zones to ask about at this candle, nearest first.

    Those without a usable verdict, with enough confidence, within reach of the close; none before there is an average
    true range. Ties go to the higher confidence, then to the smaller id.
    """
    if not analysis.atr:
        return []
    reach = analysis.atr * Decimal(str(settings.judge_reach_atr))
    asked = [
        zone
        for zone in analysis.zones
        if (zone.verdict is None or zone.verdict.outcome is not Outcome.OK)
        and zone.confidence >= settings.zone_confidence
        and _gap(zone, analysis.close) <= reach
    ]
    asked.sort(key=lambda zone: (_gap(zone, analysis.close), -zone.confidence, zone.id))
    return asked[: settings.judge_max_zones]


def judge_analysis(
    analysis: ZoneAnalysis, judge: Judge, settings: Settings, *, tried: Collection[str] = ()
) -> tuple[ZoneVerdict, ...]:
    """Ask the judge about the zones whose turn it is; the verdicts belong to this candle.

    Those `tried` have been asked about at this very candle. They are not asked about again, and neither is another in
    their stead: the analysis is the same, so the questions are those of the first time.
    """
    turn = [zone for zone in zones_to_judge(analysis, settings) if zone.id not in tried]
    asked = [zone_evidence(analysis, zone) for zone in turn]
    return tuple(judge.judge_zones(asked, analysis.bar_at)) if asked else ()


def with_verdicts(analysis: ZoneAnalysis, verdicts: Iterable[ZoneVerdict]) -> ZoneAnalysis:
    """Return the analysis with each verdict at its zone; zones without a new one keep what they have."""
    spoken = {verdict.zone_id: verdict for verdict in verdicts}
    zones: Sequence[Zone] = [
        zone.model_copy(update={"verdict": spoken[zone.id]}) if zone.id in spoken else zone for zone in analysis.zones
    ]
    return analysis.model_copy(update={"zones": tuple(zones)})


def _near_edge(zone: Zone) -> Rupees:
    return zone.high if zone.side is Side.DEMAND else zone.low


def _opposite_edge(analysis: ZoneAnalysis, zone: Zone) -> Rupees | None:
    edge, sign = _near_edge(zone), zone.side.sign
    ahead = [_near_edge(other) for other in analysis.zones if other.side is not zone.side]
    return min(
        (other for other in ahead if (other - edge) * sign > 0), key=lambda other: abs(other - edge), default=None
    )


def _gap(zone: Zone, price: Rupees) -> Rupees:
    """Return how far price is from the zone in rupees, 0 inside it."""
    return max(zone.low - price, price - zone.high, Decimal(0))


def _distance(rupees: Rupees, atr: Rupees) -> float:
    return round(float(rupees / atr), DISTANCE_DECIMALS) + 0.0
