"""Zones, grounds and setups for tests."""

from datetime import timedelta
from decimal import Decimal

from agents.domain.orders import TradeSetup
from agents.domain.values import Side
from agents.domain.zones import ComponentKind, Outcome, Zone, ZoneComponent, ZoneVerdict, ZoneVerdictWord
from agents.execution.plan import Ground, Money, propose
from agents.options import ContractRules, market_of
from tests.agents.options.chains import NOW, RATE, chain_of

MONEY = Money(budget=Decimal(10_000), brokerage=Decimal(20), min_risk_reward=1.2)
ATR = Decimal(40)


def verdict_of(zone_id: str, probability: float = 0.8, word: ZoneVerdictWord = ZoneVerdictWord.CONFIRM) -> ZoneVerdict:
    return ZoneVerdict(
        zone_id=zone_id,
        judge="rules",
        verdict=word,
        probability=probability,
        reason="rules: a test",
        outcome=Outcome.OK,
        call_key="key",
        prompt_sha="sha",
        known_at=NOW,
    )


def zone_of(low: float, high: float, side: Side = Side.DEMAND, *, name: str = "zone", confidence: float = 0.75) -> Zone:
    return Zone(
        id=name,
        instrument="NIFTY",
        side=side,
        low=Decimal(str(low)),
        high=Decimal(str(high)),
        event_at=NOW - timedelta(hours=2),
        known_at=NOW - timedelta(hours=1),
        confidence=confidence,
        formation_confidence=confidence,
        parts=(),
        components=(
            ZoneComponent(
                kind=ComponentKind.ORDER_BLOCK, id=f"{name}-ob", low=Decimal(str(low)), high=Decimal(str(high))
            ),
        ),
        verdict=verdict_of(name),
    )


def ground_of(
    side: Side = Side.DEMAND,
    *,
    zone: Zone | None = None,
    price: float = 22_636.0,
    marks: tuple[Decimal, ...] = (),
    opposite: tuple[Decimal, ...] = (),
) -> Ground:
    around = (22_615, 22_632) if side is Side.DEMAND else (22_640, 22_657)
    return Ground(
        zone=zone or zone_of(*around, side),
        price=Decimal(str(price)),
        atr=ATR,
        bar_at=NOW - timedelta(minutes=3),
        marks=marks,
        opposite=opposite,
    )


def setup_of(side: Side = Side.DEMAND, **update: object) -> TradeSetup:
    chain = chain_of()
    found = propose(ground_of(side), chain, market_of(chain, NOW, RATE), MONEY, now=NOW, rules=ContractRules()).setup
    assert found is not None
    return found.model_copy(update=update)
