"""Evidence, an analysis and a desk's odds and ends for the tests of the judge."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from agents.domain.evidence import SetupEvidence, ZoneEvidence
from agents.domain.values import OptionType, Side
from agents.domain.zones import ComponentKind, ConfidencePart, Zone, ZoneAnalysis, ZoneComponent
from agents.settings import Settings

AT = datetime(2024, 6, 5, 6, 0, tzinfo=UTC)
KEY = "sk-planted-0123456789abcdef"

ZONE = ZoneEvidence(
    zone_id="zone-1",
    side=Side.DEMAND,
    width_atr=0.8,
    distance_atr=0.5,
    confidence=0.72,
    parts={"overlap": 0.8},
    components={"fair_value_gap": 1, "order_block": 1},
    component_ids=("fvg-1", "ob-1"),
    touches=0,
    age_candles=12,
    trend=1,
    to_poc_atr=0.4,
    to_value_high_atr=1.1,
    to_value_low_atr=-0.3,
    opposite_zone_atr=2.5,
    session_share=0.4,
)
SETUP = SetupEvidence(
    setup_id="setup-1",
    zone_id="zone-1",
    contract="NIFTY-2024-06-06-22500-CE",
    option_type=OptionType.CE,
    side=Side.DEMAND,
    zone_confidence=0.72,
    zone_probability=0.65,
    touches=0,
    trend=1,
    stop_atr=0.9,
    target_atr=1.6,
    risk_reward=1.6,
    baseline_probability=0.37,
    cost_share=0.05,
    spread_share=0.01,
    pcr_oi=1.1,
    max_pain_atr=0.4,
    atm_iv=0.13,
    minutes_to_expiry=1800,
    minutes_to_flat=220,
    profile_edge_atr=0.3,
)


class Watch:
    """A clock that is set by hand: a port for the judge, and callable for the ledger."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        return self.at

    def __call__(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def settings(**changes: Any) -> Settings:
    told: dict[str, Any] = {"openai_api_key": SecretStr(KEY), "zone_model": "local-small", "setup_model": "local-large"}
    return Settings(_env_file=None, **(told | changes))


def zone(
    zone_id: str = "z1", side: Side = Side.DEMAND, low: str = "22400", high: str = "22440", **changes: Any
) -> Zone:
    told: dict[str, Any] = {"confidence": 0.7, "formation_confidence": 0.7}
    return Zone(
        id=zone_id,
        instrument="NIFTY",
        side=side,
        low=Decimal(low),
        high=Decimal(high),
        event_at=AT,
        known_at=AT,
        parts=(ConfidencePart(name="overlap", value=0.81234, weight=1.0),),
        components=(
            ZoneComponent(kind=ComponentKind.ORDER_BLOCK, id="b", low=Decimal(low), high=Decimal(high)),
            ZoneComponent(kind=ComponentKind.FAIR_VALUE_GAP, id="a", low=Decimal(low), high=Decimal(high)),
        ),
        **(told | changes),
    )


def analysis(*zones: Zone, **changes: Any) -> ZoneAnalysis:
    told: dict[str, Any] = {"atr": Decimal(40), "poc": Decimal(22500), "val": Decimal(22410), "vah": Decimal(22580)}
    return ZoneAnalysis(
        instrument="NIFTY",
        bar_at=AT,
        close=Decimal(22460),
        profile_source="own",
        trend=1,
        candle=100,
        session_share=0.404,
        zones=zones,
        **(told | changes),
    )
