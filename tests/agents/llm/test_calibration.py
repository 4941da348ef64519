"""What a judge said against what came: tables, scores, corrections, and when they may decide."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.llm.calibration import Calibration, Judged, SetupResult, calibrate, cautious, known_by, walk_forward
from agents.llm.platt import fit_platt
from agents.llm.reliability import brier, reliability, wilson

FIRST = date(2026, 1, 5)


def outcomes(count: int, *, skilled: bool, seed: int = 3) -> list[Judged]:
    """Setups of a market whose true probabilities a skilled judge overstates and another knows nothing of."""
    rng = np.random.default_rng(seed)
    truth = 1 / (1 + np.exp(-rng.normal(-0.3, 1.0, count)))
    said = 1 / (1 + np.exp(-2 * np.log(truth / (1 - truth)))) if skilled else rng.uniform(0.05, 0.95, count)
    won = rng.uniform(size=count) < truth
    return [
        Judged(
            setup_id=f"s{number}",
            on=FIRST + timedelta(days=number // 4),
            judge="openai:m",
            prompt_sha="sha",
            probability=float(said[number]),
            baseline=0.42,
            taken=bool(said[number] >= 0.8),
            result=SetupResult.WIN if won[number] else SetupResult.LOSS,
            won=bool(won[number]),
        )
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def skilled() -> Calibration:
    return calibrate(outcomes(400, skilled=True), np.random.default_rng(1))


def test_bins_are_of_equal_size_and_in_order() -> None:
    said = np.array([0.9, 0.1, 0.2, 0.8])
    low, high = reliability(said, np.array([1.0, 0.0, 1.0, 1.0]), bins=2)
    assert low[:3] == pytest.approx((2, 0.15, 0.5))
    assert high[:3] == pytest.approx((2, 0.85, 1.0))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.integers(1, 12))
def test_no_setup_is_lost_or_counted_twice(rows: list[tuple[float, bool]], bins: int) -> None:
    said, won = np.array([p for p, _ in rows]), np.array([float(hit) for _, hit in rows])
    table = reliability(said, won, bins)
    assert sum(part.setups for part in table) == len(rows)
    assert sum(part.setups * part.won for part in table) == pytest.approx(won.sum())
    assert all(part.low <= part.won + 1e-9 and part.won <= part.high + 1e-9 for part in table)


@pytest.mark.parametrize(("wins", "count", "low", "high"), [(16, 20, 0.58, 0.92), (80, 100, 0.71, 0.87)])
def test_the_wilson_interval_is_the_published_one(wins: int, count: int, low: float, high: float) -> None:
    assert wilson(wins, count) == pytest.approx((low, high), abs=0.005)


def test_the_brier_score_is_the_mean_squared_error() -> None:
    assert brier(np.array([0.8, 0.3]), np.array([1.0, 0.0])) == pytest.approx((0.04 + 0.09) / 2)


@pytest.mark.parametrize(
    ("said", "won"), [([0.5], [0.5]), ([1.5], [1.0]), ([float("nan")], [1.0]), ([], []), ([0.5, 0.5], [1.0])]
)
def test_what_is_no_probability_and_no_outcome_is_refused(said: list[float], won: list[float]) -> None:
    with pytest.raises(ValueError, match="give"):
        brier(np.array(said), np.array(won))


def test_a_judge_that_overstates_is_drawn_back(skilled: Calibration) -> None:
    assert 0.3 < skilled.platt.slope < 0.8
    assert skilled.slope_low < skilled.platt.slope < skilled.slope_high
    assert skilled.brier_corrected is not None
    assert skilled.brier_corrected < skilled.brier


def test_a_judge_without_skill_is_drawn_to_the_baseline() -> None:
    found = calibrate(outcomes(400, skilled=False), np.random.default_rng(1))
    assert abs(found.platt.slope) < 0.15
    assert found.brier > max(found.brier_baseline, found.brier_base_rate)
    assert not found.may_gate(200)
    assert found.sentence(200).startswith("not shown to be better than no model")


def test_few_outcomes_decide_nothing_however_good(skilled: Calibration) -> None:
    assert skilled.may_gate(400)
    assert skilled.sentence(400).startswith("better than no model")
    assert not skilled.may_gate(401)
    assert skilled.sentence(401) == "400 outcomes of 401 that are needed: its probabilities decide nothing yet"


def test_extreme_answers_do_not_break_the_fit() -> None:
    won = np.array([1.0, 1.0, 0.0, 0.0] * 5)
    platt = fit_platt(won, np.full(20, 0.5), won)
    assert np.isfinite([platt.shift, platt.slope]).all()
    assert brier(platt.probability(won, np.full(20, 0.5)), won) < 0.01


def test_the_future_never_reaches_a_corrected_probability() -> None:
    judged = outcomes(200, skilled=True)
    known = walk_forward(judged)
    assert np.isnan(known[: 4 * 7]).all()
    assert not np.isnan(known[-1])
    turned = [each if each.on < date(2026, 2, 2) else replace(each, won=not each.won) for each in judged]
    early = [place for place, each in enumerate(judged) if each.on < date(2026, 2, 9)]
    np.testing.assert_array_equal(walk_forward(turned)[early], known[early])


def test_entries_that_were_never_filled_are_counted_and_left_out() -> None:
    judged = outcomes(60, skilled=True)
    unfilled = replace(judged[0], setup_id="x", result=SetupResult.NOT_FILLED, won=None)
    found = calibrate([*judged, unfilled], np.random.default_rng(1))
    assert (found.count, found.not_filled) == (60, 1)


def test_refused_setups_count_like_taken_ones(skilled: Calibration) -> None:
    assert skilled.won_taken is not None
    assert skilled.won_refused is not None
    assert skilled.won_taken > skilled.won > skilled.won_refused


def test_several_judges_are_not_thrown_together() -> None:
    judged = outcomes(4, skilled=True)
    with pytest.raises(ValueError, match="one judge and one prompt"):
        calibrate([*judged, replace(judged[0], prompt_sha="other")], np.random.default_rng(1))


def test_the_same_seed_gives_the_same_interval() -> None:
    judged = outcomes(60, skilled=True)
    first, second = (calibrate(judged, np.random.default_rng(9)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("skill", [True, False])
def test_a_cautious_probability_is_below_the_fitted_one_and_never_far_above_the_baseline(skill: bool) -> None:  # noqa: FBT001 - a parameter
    known = outcomes(300, skilled=skill)
    columns = [
        np.array(list(column), float)
        for column in zip(*((o.probability, o.baseline, o.won) for o in known), strict=True)
    ]
    fitted = fit_platt(*columns).probability(np.array([0.9]), np.array([0.42]))[0]
    found = cautious(known, 0.9, 0.42)
    assert found <= fitted
    assert found <= 0.42 + 0.15
    assert found == cautious(known, 0.9, 0.42)


def test_very_many_outcomes_lift_the_ceiling_of_what_is_plausible() -> None:
    found = cautious(outcomes(600, skilled=True), 0.95, 0.42)
    assert found > 0.42 + 0.15


def test_only_what_ended_five_days_before_the_week_corrects_it() -> None:
    known = outcomes(40, skilled=True)
    wednesday = date(2026, 1, 14)
    assert {each.on for each in known_by(known, wednesday)} == {date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)}
