"""What a judge may see of a trade setup: numbers and ids that were computed here, rounded, and nothing else."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agents.domain.cycle import ChainSummary
from agents.domain.errors import InvariantViolationError
from agents.domain.evidence import SetupEvidence
from agents.domain.orders import SuperOrder, TradeSetup
from agents.domain.values import Side
from agents.domain.zones import Zone

ATR_DIGITS = 2
SHARE_DIGITS = 3


@dataclass(frozen=True)
class Surroundings:
    """What the judge learns beside the setup: structure, profile, chain, and how much time is left.

    `trend` is that of the analysis (+1, -1, 0); `val` and `vah` bound the developing value area in rupees of the index,
    None where there is none; `atr` is in rupees.
    """

    atr: Decimal
    trend: int
    val: Decimal | None
    vah: Decimal | None
    chain: ChainSummary
    flat_at: datetime


def setup_evidence(setup: TradeSetup, zone: Zone, around: Surroundings, now: datetime) -> SetupEvidence:
    """Return the evidence of one setup.

    Distances are in average true ranges of 15 minutes. `max_pain_atr` is positive where max pain lies in the trade's
    direction. `profile_edge_atr` is how far price stands inside the value area from the edge behind the trade (VAL
    under a demand zone, VAH over a supply zone): 0 at the edge, negative outside. `cost_share` is costs over what the
    stop risks, `spread_share` the whole spread over the premium.

    Raises
    ------
    ValueError
        If the average true range is not positive.
    """
    if around.atr <= 0:
        raise ValueError(f"the average true range is {around.atr}; distances need a positive one")
    sign, atr = setup.side.sign, float(around.atr)
    edge = around.val if setup.side is Side.DEMAND else around.vah
    risk = setup.premium_entry - setup.premium_stop

    def ranges(points: Decimal | float) -> float:
        return round(float(points) / atr, ATR_DIGITS)

    pain = around.chain.max_pain
    iv = around.chain.atm_iv
    pcr = around.chain.pcr_oi
    return SetupEvidence(
        setup_id=setup.setup_id,
        zone_id=zone.id,
        contract=setup.contract,
        option_type=setup.option_type,
        side=setup.side,
        zone_confidence=round(zone.confidence, SHARE_DIGITS),
        zone_probability=round(zone.verdict.probability if zone.verdict else 0.0, SHARE_DIGITS),
        touches=zone.touches,
        trend=around.trend,
        stop_atr=ranges(abs(setup.spot - setup.spot_stop)),
        target_atr=ranges(abs(setup.spot_target - setup.spot)),
        risk_reward=round(setup.risk_reward, 2),
        baseline_probability=round(setup.baseline_probability, SHARE_DIGITS),
        cost_share=round(float(setup.costs_per_unit / risk), SHARE_DIGITS) if risk > 0 else 1.0,
        spread_share=round(float(2 * setup.half_spread / setup.premium_entry), 4),
        pcr_oi=None if pcr is None else round(pcr, 2),
        max_pain_atr=None if pain is None else ranges((pain - float(setup.spot)) * sign),
        atm_iv=None if iv is None else round(iv, SHARE_DIGITS),
        minutes_to_expiry=_minutes(setup.expiry_at, now),
        minutes_to_flat=_minutes(around.flat_at, now),
        profile_edge_atr=None if edge is None else ranges((setup.spot - edge) * sign),
    )


def same_trade(evidence: SetupEvidence, order: SuperOrder) -> None:
    """Make sure that the order buys what the judge was asked about.

    Raises
    ------
    InvariantViolationError
        If setup, zone, contract or option type of the order are not those of the evidence.
    """
    for name in ("setup_id", "zone_id", "contract", "option_type"):
        asked, sent = getattr(evidence, name), getattr(order, name)
        if asked != sent:
            raise InvariantViolationError(
                f"the judge was asked about {name} {asked} and order {order.correlation_id} has {sent}; it was not sent"
            )


def _minutes(until: datetime, now: datetime) -> int:
    return max(0, int((until - now).total_seconds() // 60))
