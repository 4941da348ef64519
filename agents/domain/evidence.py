"""What a judge may see: numbers we computed and ids we chose, nothing else.

Prices are distances in units of the 15-minute average true range, so that neither the level nor the date of a day can
be recognised; everything is rounded, so that noise does not defeat the cache.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from agents.domain.values import Frozen, OptionType, Probability, Side

Number = Annotated[float, Field(allow_inf_nan=False)]


class ZoneEvidence(Frozen):
    """One zone at the close of a candle."""

    zone_id: str
    side: Side
    width_atr: Number
    distance_atr: Number
    confidence: Probability
    parts: dict[str, Probability]
    components: dict[str, int]
    component_ids: tuple[str, ...]
    touches: int
    age_candles: int
    trend: int
    to_poc_atr: Number | None
    to_value_high_atr: Number | None
    to_value_low_atr: Number | None
    opposite_zone_atr: Number | None
    session_share: Probability


class SetupWord(StrEnum):
    """What a judge may say of a trade setup."""

    TAKE = "take"
    SKIP = "skip"
    INSUFFICIENT_DATA = "insufficient_data"


class SetupEvidence(Frozen):
    """One trade setup that was already built: the judge can refuse it and nothing else."""

    setup_id: str
    zone_id: str
    contract: str
    option_type: OptionType
    side: Side
    zone_confidence: Probability
    zone_probability: Probability
    touches: int
    trend: int
    stop_atr: Number
    target_atr: Number
    risk_reward: Number
    baseline_probability: Probability
    cost_share: Number
    spread_share: Number
    pcr_oi: Number | None
    max_pain_atr: Number | None
    atm_iv: Number | None
    minutes_to_expiry: int
    minutes_to_flat: int
    profile_edge_atr: Number | None


class SetupVerdict(Frozen):
    """A judge's word on one setup. `reason` is only ever shown, never parsed."""

    setup_id: str
    judge: str
    verdict: SetupWord
    probability: Probability
    p_low: Probability
    p_high: Probability
    main_for: str
    main_against: str
    reason: str
    outcome: str
    call_key: str
    prompt_sha: str
