"""The judge without a model: always the same, always within bounds, and plain about itself."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.evidence import SetupEvidence, SetupWord
from agents.domain.values import Side
from agents.domain.zones import Outcome, ZoneVerdictWord
from agents.llm import RulesJudge
from tests.agents.llm.samples import AT, SETUP, ZONE

JUDGE = RulesJudge()


def setup(**changes: object) -> SetupEvidence:
    return SETUP.model_copy(update=changes)


def score(**changes: object) -> float:
    return JUDGE.judge_setup(setup(**changes)).probability


def test_it_says_who_it_is() -> None:
    verdict = JUDGE.judge_setup(SETUP)
    (zone,) = JUDGE.judge_zones([ZONE], AT)
    assert JUDGE.name == verdict.judge == zone.judge == "rules"
    assert verdict.reason.startswith("rules: from 0.37 without skill; ")
    assert zone.reason.startswith("rules: ")
    assert (verdict.outcome, zone.outcome) == ("ok", Outcome.OK)


def test_a_really_good_setup_reaches_the_threshold() -> None:
    good = setup(zone_confidence=0.88, zone_probability=0.76, risk_reward=1.4, baseline_probability=0.41)
    assert JUDGE.judge_setup(good).probability >= 0.80
    assert JUDGE.judge_setup(good).verdict is SetupWord.TAKE


def test_a_poor_setup_is_refused() -> None:
    poor = setup(zone_confidence=0.6, trend=-1, touches=3, cost_share=0.2, minutes_to_flat=20)
    assert JUDGE.judge_setup(poor).probability < 0.2
    assert JUDGE.judge_setup(poor).verdict is SetupWord.SKIP


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"zone_confidence": 0.8}, {"zone_confidence": 0.65}),
        ({"zone_probability": 0.7}, {"zone_probability": 0.5}),
        ({"trend": 1}, {"trend": -1}),
        ({"touches": 0}, {"touches": 2}),
        ({"cost_share": 0.03}, {"cost_share": 0.10}),
        ({"spread_share": 0.005}, {"spread_share": 0.03}),
        ({"profile_edge_atr": 0.0}, {"profile_edge_atr": 2.0}),
        ({"minutes_to_flat": 200}, {"minutes_to_flat": 25}),
        ({"minutes_to_expiry": 2000}, {"minutes_to_expiry": 100}),
        ({"baseline_probability": 0.45}, {"baseline_probability": 0.3}),
        ({"risk_reward": 1.7}, {"risk_reward": 1.3}),
    ],
)
def test_what_is_better_scores_higher(better: dict[str, object], worse: dict[str, object]) -> None:
    assert score(**better) > score(**worse)


def test_demand_and_supply_are_mirror_images() -> None:
    assert score(side=Side.SUPPLY, trend=-1) == score(side=Side.DEMAND, trend=1)


def test_good_setups_with_the_trend_pass_and_hardly_any_against_it() -> None:
    dice = random.Random(11)
    plausible = [_plausible(dice) for _ in range(3000)]
    passed = sum(score(**numbers) >= 0.80 for numbers in plausible)
    against = sum(score(**(numbers | {"trend": -1})) >= 0.80 for numbers in plausible)
    assert 0.40 < passed / 3000 < 0.60
    assert against / 3000 < 0.10


@given(
    st.fixed_dictionaries(
        {
            "zone_confidence": st.floats(0, 1),
            "zone_probability": st.floats(0, 1),
            "baseline_probability": st.floats(0, 1),
            "risk_reward": st.floats(0, 50),
            "cost_share": st.floats(-5, 5),
            "trend": st.integers(-1, 1),
        }
    )
)
def test_bounds_hold_for_any_evidence(changes: dict[str, object]) -> None:
    verdict = JUDGE.judge_setup(setup(**changes))
    assert 0 <= verdict.p_low <= verdict.probability <= verdict.p_high <= 1


def test_what_is_not_known_widens_the_bounds() -> None:
    known, unknown = JUDGE.judge_setup(SETUP), JUDGE.judge_setup(setup(atm_iv=None, pcr_oi=None))
    assert unknown.probability == known.probability
    assert unknown.p_high - unknown.p_low > known.p_high - known.p_low


def test_a_strong_zone_with_the_trend_is_confirmed_and_a_weak_one_is_not() -> None:
    (strong,) = JUDGE.judge_zones([ZONE], AT)
    weak = ZONE.model_copy(update={"confidence": 0.35, "trend": -1, "touches": 3, "opposite_zone_atr": 0.5})
    (worn,) = JUDGE.judge_zones([weak], AT)
    assert strong.verdict is ZoneVerdictWord.CONFIRM
    assert worn.verdict is ZoneVerdictWord.REJECT


def test_the_same_evidence_always_gets_the_same_verdict() -> None:
    assert JUDGE.judge_setup(SETUP) == RulesJudge().judge_setup(SETUP)
    assert JUDGE.judge_setup(SETUP).call_key != JUDGE.judge_setup(setup(touches=1)).call_key


def _plausible(dice: random.Random) -> dict[str, object]:
    confidence, reward = dice.uniform(0.6, 0.9), dice.uniform(1.3, 2.5)
    touches = dice.choices([0, 1, 2, 3], [0.5, 0.3, 0.15, 0.05])[0]
    return {
        "zone_confidence": confidence,
        "zone_probability": 0.15 + 0.55 * confidence + 0.13 - 0.05 * touches,
        "touches": touches,
        "risk_reward": reward,
        "baseline_probability": 0.98 / (1 + reward * 1.05),
        "cost_share": dice.uniform(0.02, 0.09),
        "spread_share": dice.uniform(0.002, 0.02),
        "minutes_to_expiry": dice.choice([300, 1500, 3000, 5000]),
        "minutes_to_flat": dice.randrange(20, 360),
        "profile_edge_atr": dice.choice([None, dice.uniform(-1, 2)]),
    }
