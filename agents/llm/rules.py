"""The judge without a model: the same arithmetic every time, and it says so wherever it speaks.

Its probability of a setup is a score, not a calibrated forecast: it starts from what somebody without skill would see
(`baseline_probability`) and adds a fixed amount for each number that helps or hurts. `LIFT` is set so that of the
setups that recorded sessions offer about a quarter reach the default threshold of 0.80; nothing is fitted to outcomes.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from agents.domain.evidence import SetupEvidence, SetupVerdict, SetupWord, ZoneEvidence
from agents.domain.values import content_hash
from agents.domain.zones import Outcome, ZoneVerdict, ZoneVerdictWord
from agents.llm.question import Facts, rounded
from agents.llm.replies import SetupFactor, ZoneFactor

VERSION = "rules-1"
"""Changes with every change of a number below: verdicts of different versions are different judges."""

CONFIRM, REJECT, TAKE = 0.55, 0.40, 0.50
LIFT = 0.90
MANY_TOUCHES = 3
SHORT_MINUTES, SOON_MINUTES, SAME_DAY_MINUTES = 30, 75, 400


class RulesJudge:
    """`ports.Judge` by arithmetic.

    Zones: ``probability = 0.15 + 0.55 * confidence`` plus the terms of `zone_terms`, kept within 0.05 and 0.95;
    `confirm` from 0.55 on, `reject` below 0.40, `unsure` between.

    Setups: ``logit(probability) = logit(baseline_probability) + 0.90`` plus the terms of `setup_terms`; `take` from
    0.50 on. The bounds are the same sum, lowered and raised by 0.25 and by 0.15 for each number that is not known.
    """

    @property
    def name(self) -> str:
        """Return "rules"."""
        return "rules"

    def judge_zones(self, evidence: Sequence[ZoneEvidence], known_at: datetime) -> Sequence[ZoneVerdict]:
        """Return one verdict for each zone, in order."""
        return tuple(_zone_verdict(one, known_at) for one in evidence)

    def judge_setup(self, evidence: SetupEvidence) -> SetupVerdict:
        """Return the verdict on a setup."""
        terms = setup_terms(evidence)
        score = _logit(evidence.baseline_probability) + LIFT + sum(terms.values())
        unknown = sum(known is None for known in (evidence.profile_edge_atr, evidence.atm_iv, evidence.pcr_oi))
        doubt = 0.25 + 0.15 * (unknown + (evidence.zone_probability == 0))
        probability = _probability(score)
        best, worst = _ends(terms, SetupFactor.NONE)
        return SetupVerdict(
            setup_id=evidence.setup_id,
            judge=self.name,
            verdict=SetupWord.TAKE if probability >= TAKE else SetupWord.SKIP,
            probability=probability,
            p_low=_probability(score - doubt),
            p_high=_probability(score + doubt),
            main_for=best,
            main_against=worst,
            reason=f"rules: from {evidence.baseline_probability:.2f} without skill; {_told(terms)}",
            outcome=Outcome.OK.value,
            call_key=_key(evidence),
            prompt_sha=VERSION,
        )


def zone_terms(evidence: ZoneEvidence) -> dict[ZoneFactor, float]:
    """Return what each number adds to the probability of a zone.

    Trend with the zone +0.08, against it -0.08. Touches -0.05 each, at most three. Room to the opposing zone under
    1 ATR -0.10, from 2 ATR or open +0.05. Point of control ahead +0.04. Higher than 1.5 ATR -0.05. Three kinds of
    components +0.04.
    """
    room, poc = evidence.opposite_zone_atr, evidence.to_poc_atr
    return {
        ZoneFactor.TREND: 0.08 * evidence.trend * evidence.side.sign,
        ZoneFactor.TOUCHES: -0.05 * min(evidence.touches, MANY_TOUCHES),
        ZoneFactor.ROOM: 0.05 if room is None or room >= 2 else -0.10 if room < 1 else 0.0,  # noqa: PLR2004 - above
        ZoneFactor.PROFILE: 0.04 if poc is not None and poc > 0 else 0.0,
        ZoneFactor.WIDTH: -0.05 if evidence.width_atr > 1.5 else 0.0,  # noqa: PLR2004 - as documented above
        ZoneFactor.COMPONENTS: 0.04 if len(evidence.components) >= 3 else 0.0,  # noqa: PLR2004 - as documented above
    }


def setup_terms(evidence: SetupEvidence) -> dict[SetupFactor, float]:
    """Return what each number adds to the logit of a setup's probability.

    Zone: 5 for each unit of confidence above 0.60. Zone verdict: 2 for each unit of probability above one half, 0 when
    nobody spoke. Trend: 0.6 with the trade, -0.6 against. Touches: 0.2 for none, else -0.25 each, at most three.
    Reward: the log of the reward over what the baseline's odds would pay, within 0.5. Costs: -6 for each unit of
    `cost_share` above 0.03 and -10 of `spread_share` above 0.005, between -1.0 and 0.2. Profile: up to 0.4 when price
    stands at the edge of the value area, nothing from 1 ATR on. Time: -0.8 with less than 30 minutes left, -0.3 with
    less than 75, and -0.3 when the option expires today.
    """
    spoken = evidence.zone_probability
    odds = evidence.risk_reward * math.exp(_logit(evidence.baseline_probability))
    costs = -6 * (evidence.cost_share - 0.03) - 10 * (evidence.spread_share - 0.005)
    left, edge = evidence.minutes_to_flat, evidence.profile_edge_atr
    time = -0.8 if left < SHORT_MINUTES else -0.3 if left < SOON_MINUTES else 0.0
    return {
        SetupFactor.ZONE: 5.0 * (evidence.zone_confidence - 0.60),
        SetupFactor.ZONE_VERDICT: 2.0 * (spoken - 0.50) if spoken > 0 else 0.0,
        SetupFactor.TREND: 0.6 * evidence.trend * evidence.side.sign,
        SetupFactor.TOUCHES: 0.2 if evidence.touches == 0 else -0.25 * min(evidence.touches, MANY_TOUCHES),
        SetupFactor.REWARD: _within(math.log(odds), -0.5, 0.5) if odds > 0 else -0.5,
        SetupFactor.COSTS: _within(costs, -1.0, 0.2),
        SetupFactor.PROFILE: 0.0 if edge is None else 0.4 * max(0.0, 1.0 - abs(edge)),
        SetupFactor.TIME: time - (0.3 if evidence.minutes_to_expiry < SAME_DAY_MINUTES else 0.0),
    }


def _zone_verdict(evidence: ZoneEvidence, known_at: datetime) -> ZoneVerdict:
    terms = zone_terms(evidence)
    probability = round(_within(0.15 + 0.55 * evidence.confidence + sum(terms.values()), 0.05, 0.95), 4)
    word = ZoneVerdictWord.UNSURE
    if probability >= CONFIRM:
        word = ZoneVerdictWord.CONFIRM
    elif probability < REJECT:
        word = ZoneVerdictWord.REJECT
    return ZoneVerdict(
        zone_id=evidence.zone_id,
        judge="rules",
        verdict=word,
        probability=probability,
        reason=f"rules: from confidence {evidence.confidence:.2f}; {_told(terms)}",
        outcome=Outcome.OK,
        call_key=_key(evidence),
        prompt_sha=VERSION,
        known_at=known_at,
    )


def _told(terms: Mapping[ZoneFactor, float] | Mapping[SetupFactor, float]) -> str:
    """Return the terms that decided, the largest first."""
    counted = sorted(
        ((value, name.value) for name, value in terms.items() if round(value, 2)), key=lambda t: -abs(t[0])
    )
    return ", ".join(f"{name.replace('_', ' ')} {value:+.2f}" for value, name in counted) or "nothing else speaks"


def _ends(terms: Mapping[SetupFactor, float], nothing: SetupFactor) -> tuple[str, str]:
    """Return the names of the terms that speak most for and most against."""
    best, worst = max(terms, key=lambda name: terms[name]), min(terms, key=lambda name: terms[name])
    return (best if terms[best] > 0 else nothing).value, (worst if terms[worst] < 0 else nothing).value


def _key(evidence: Facts) -> str:
    return content_hash({"facts": rounded(evidence), "judge": VERSION})


def _logit(probability: float) -> float:
    kept = _within(probability, 0.01, 0.99)
    return math.log(kept / (1 - kept))


def _probability(score: float) -> float:
    return round(1 / (1 + math.exp(-_within(score, -20, 20))), 4)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
