"""What one three-minute pass saw, thought and did."""

from enum import StrEnum

from pydantic import AwareDatetime

from agents.domain.checks import Check
from agents.domain.evidence import SetupVerdict
from agents.domain.orders import SuperOrder, TradeSetup
from agents.domain.values import Frozen, Rupees


class DeskState(StrEnum):
    """What the desk may do: trade, only close, or nothing new at all."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class Decision(StrEnum):
    """How a cycle ended."""

    TRADE = "trade"
    SKIP = "skip"
    FAULT = "fault"


class Reason(StrEnum):
    """Why a cycle ended as it did: a closed set, each with one sentence in `REASON_TEXT`."""

    ORDER_PLACED = "order_placed"
    SESSION_CLOSED = "session_closed"
    DESK_HALTED = "desk_halted"
    DESK_REDUCING = "desk_reducing"
    INTENT_UNRESOLVED = "intent_unresolved"
    PRICE_MISSING = "price_missing"
    PRICE_STALE = "price_stale"
    ZONES_MISSING = "zones_missing"
    ZONES_STALE = "zones_stale"
    NO_LIVE_ZONE = "no_live_zone"
    NO_CONFIRMED_ZONE = "no_confirmed_zone"
    PRICE_AWAY = "price_away"
    CHAIN_MISSING = "chain_missing"
    CHAIN_STALE = "chain_stale"
    NO_CONTRACT = "no_contract"
    REWARD_TOO_SMALL = "reward_too_small"
    JUDGE_FAILED = "judge_failed"
    VERDICT_SKIP = "verdict_skip"
    PROBABILITY_LOW = "probability_low"
    EXPECTANCY_LOW = "expectancy_low"
    VETOED = "vetoed"
    SIZE_ZERO = "size_zero"
    ORDER_REJECTED = "order_rejected"
    ORDER_UNKNOWN = "order_unknown"
    FAULT = "fault"


REASON_TEXT: dict[Reason, str] = {
    Reason.ORDER_PLACED: "a bracket order was placed",
    Reason.SESSION_CLOSED: "the market is closed",
    Reason.DESK_HALTED: "the desk is halted",
    Reason.DESK_REDUCING: "the desk only closes positions",
    Reason.INTENT_UNRESOLVED: "an earlier order has no answer yet",
    Reason.PRICE_MISSING: "there is no price for the index",
    Reason.PRICE_STALE: "the last price is too old",
    Reason.ZONES_MISSING: "no zone analysis exists yet",
    Reason.ZONES_STALE: "the last zone analysis is 15 minutes old or older",
    Reason.NO_LIVE_ZONE: "no zone is live after the last closed minute",
    Reason.NO_CONFIRMED_ZONE: "no live zone is confirmed with enough confidence",
    Reason.PRICE_AWAY: "price is not near a high-confidence zone",
    Reason.CHAIN_MISSING: "there is no option chain",
    Reason.CHAIN_STALE: "the option chain is too old",
    Reason.NO_CONTRACT: "no contract passes the liquidity and price rules",
    Reason.REWARD_TOO_SMALL: "the reward does not pay for the risk after costs",
    Reason.JUDGE_FAILED: "the judge gave no usable answer",
    Reason.VERDICT_SKIP: "the judge advises against the setup",
    Reason.PROBABILITY_LOW: "the judge's probability is below the threshold",
    Reason.EXPECTANCY_LOW: "the calibrated expectancy is too low",
    Reason.VETOED: "a risk rule forbids the trade",
    Reason.SIZE_ZERO: "the risk budget does not pay for one lot",
    Reason.ORDER_REJECTED: "the broker refused the order",
    Reason.ORDER_UNKNOWN: "the broker's answer was lost; entries are frozen",
    Reason.FAULT: "the cycle failed",
}


class Veto(Frozen):
    """One risk rule that says no, with the numbers it saw."""

    rule: str
    limit: float
    value: float
    text: str


class Approval(Frozen):
    """What stands behind an order: the setup, the verdict on it, the cycle that decided, and the equity of its size.

    `zones_at` is up to when the zones behind it knew the market, None where nobody says.
    """

    setup: TradeSetup
    verdict: SetupVerdict
    cycle_id: str
    equity: Rupees
    zones_at: AwareDatetime | None = None


class ZoneView(Frozen):
    """One zone as the cycle saw it after the last closed minute."""

    zone_id: str
    low: Rupees
    high: Rupees
    distance: Rupees
    confidence: float
    confirmed: bool
    state: str


class PassedZone(Frozen):
    """A zone that price had come to and another was preferred to, and why."""

    zone_id: str
    reason: str


class Candidate(Frozen):
    """One contract that was looked at, with why it was refused (empty when it was eligible).

    `rejected` is the first reason and `refusals` are all of them. Of a contract with an honest volatility, in rupees of
    premium for one unit: what it is repriced at the stop and at the target, the expected value of the trade, the risk,
    and what the usual holding time costs (`decay`); `theta` is a day's cost with the forward standing still.
    `score_parts` add up to `score`: expected value, spread and decay, each over the risk. `spread` is the whole of it,
    `spread_modelled` if nobody bids or asks in the source.
    """

    contract: str
    strike: Rupees
    premium: Rupees
    delta: float | None
    score: float | None
    rejected: str
    refusals: tuple[str, ...] = ()
    middle: float | None = None
    spread: Rupees | None = None
    spread_modelled: bool = False
    open_interest: int | None = None
    volume: int | None = None
    iv: float | None = None
    theta: float | None = None
    at_stop: float | None = None
    at_target: float | None = None
    expected_value: float | None = None
    risk: float | None = None
    decay: float | None = None
    score_parts: tuple[float, float, float] | None = None


class ChainSummary(Frozen):
    """What the option chain said. `forward_source` tells how the forward was found: by parity, or spot carried.

    The ratios are of all strikes; `straddle` is what call and put nearest the forward cost together; `risk_reversal`
    and `butterfly` are of the options with a quarter of delta, decimals a year.
    """

    at: AwareDatetime
    expiry_at: AwareDatetime
    forward: float | None
    forward_source: str
    pcr_oi: float | None
    pcr_volume: float | None
    max_pain: float | None
    atm_iv: float | None
    expected_move: float | None
    pcr_oi_change: float | None = None
    straddle: float | None = None
    risk_reversal: float | None = None
    butterfly: float | None = None
    strikes: int | None = None


class CycleRecord(Frozen):
    """Everything one cycle saw, thought, vetoed and sent; enough to see why and to compare two runs.

    Three fields tell what it could see, so that the day can be repeated: `known_by` is when the newest candle was
    stored, in the machine's time; `judged_at` is the candle of the newest verdict on a zone, None where no zone had
    one; `chain_at` is the moment of the option chain, also of one that was too old. They are None where nobody noted
    them.
    """

    cycle_id: str
    instrument: str
    at: AwareDatetime
    decision: Decision
    reason: Reason
    detail: str = ""
    known_by: AwareDatetime | None = None
    price: Rupees | None = None
    price_at: AwareDatetime | None = None
    analysis_bar_at: AwareDatetime | None = None
    judged_at: AwareDatetime | None = None
    chain_at: AwareDatetime | None = None
    zones: tuple[ZoneView, ...] = ()
    developing_poc: Rupees | None = None
    developing_val: Rupees | None = None
    developing_vah: Rupees | None = None
    zone_id: str | None = None
    passed_over: tuple[PassedZone, ...] = ()
    chain: ChainSummary | None = None
    candidates: tuple[Candidate, ...] = ()
    setup: TradeSetup | None = None
    verdict: SetupVerdict | None = None
    checks: tuple[Check, ...] = ()
    vetoes: tuple[Veto, ...] = ()
    order: SuperOrder | None = None
