"""The value area: its walk, its ties and its edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_ext.profile import AreaRule, value_area
from tests.analytics_ext import reference_profile as reference

RULES: list[AreaRule] = ["two_row", "one_row"]
rules = st.sampled_from(RULES)
# Few volumes, so that equal rows, equal pairs and empty stretches are frequent.
row_lists = st.lists(st.sampled_from([0, 0, 1, 2, 3, 5, 10]), min_size=1, max_size=40)
percents = st.integers(1, 100).map(lambda p: p / 100)
fractions = st.one_of(percents, st.floats(1e-9, 1.0))


@given(row_lists, fractions, rules)
def test_agrees_with_plain_python(rows: list[int], fraction: float, rule: AreaRule) -> None:
    assert value_area(rows, fraction=fraction, rule=rule) == reference.value_area(rows, fraction, rule)


@given(row_lists.filter(any), percents, rules)
def test_holds_the_fraction_and_did_not_without_its_last_step(rows: list[int], fraction: float, rule: AreaRule) -> None:
    val, poc, vah = value_area(rows, fraction=fraction, rule=rule)
    assert val <= poc <= vah
    hundredth = round(fraction * 100)
    assert sum(rows[val : vah + 1]) * 100 >= hundredth * sum(rows)
    steps = reference.value_area_steps(rows, fraction, rule)
    if len(steps) > 1:
        held = sum(rows[r] for step in steps[:-1] for r in step)
        assert held * 100 < hundredth * sum(rows)


@given(row_lists, percents, percents, rules)
def test_larger_fraction_contains_the_smaller(rows: list[int], one: float, other: float, rule: AreaRule) -> None:
    small = value_area(rows, fraction=min(one, other), rule=rule)
    large = value_area(rows, fraction=max(one, other), rule=rule)
    assert large.val <= small.val
    assert small.vah <= large.vah
    assert small.poc == large.poc


@given(row_lists.filter(any), rules)
def test_whole_fraction_takes_every_row_with_volume(rows: list[int], rule: AreaRule) -> None:
    val, _, vah = value_area(rows, fraction=1.0, rule=rule)
    assert not any(rows[:val])
    assert not any(rows[vah + 1 :])


@given(row_lists, percents, rules, st.integers(1, 10**12))
def test_unit_of_volume_does_not_matter(rows: list[int], fraction: float, rule: AreaRule, factor: int) -> None:
    scaled = [r * factor for r in rows]
    assert value_area(scaled, fraction=fraction, rule=rule) == value_area(rows, fraction=fraction, rule=rule)


@given(st.lists(st.integers(0, 2**54), min_size=1, max_size=60), percents, rules)
def test_volumes_beyond_float_precision_are_compared_exactly(rows: list[int], fraction: float, rule: AreaRule) -> None:
    assert value_area(rows, fraction=fraction, rule=rule) == reference.value_area(rows, fraction, rule)


@pytest.mark.parametrize("rule", RULES)
def test_fullest_of_equal_rows_is_the_lowest(rule: AreaRule) -> None:
    assert value_area([1, 9, 2, 9, 9], fraction=0.1, rule=rule).poc == 1


def test_equal_neighbours_go_up() -> None:
    assert value_area([5, 10, 5], fraction=0.7, rule="one_row") == (1, 1, 2)
    assert value_area([2, 3, 10, 3, 2], fraction=0.7, rule="two_row") == (2, 2, 4)


def test_seven_of_ten_are_seventy_percent() -> None:
    assert value_area([1, 7, 2], fraction=0.7) == (1, 1, 1)


def test_one_of_ten_is_ten_percent_although_the_float_is_above_it() -> None:
    assert value_area([1] * 10, fraction=0.1) == (0, 0, 0)


def test_pair_with_one_row_left_counts_the_missing_one_as_empty() -> None:
    assert value_area([4, 4, 10, 7], fraction=0.6, rule="two_row") == (0, 2, 2)


def test_empty_rows_are_walked_over_and_not_skipped() -> None:
    assert value_area([10, 0, 0, 0, 9], fraction=1.0, rule="two_row") == (0, 0, 4)
    assert value_area([9, 0, 0, 0, 10], fraction=1.0, rule="two_row") == (0, 4, 4)


@pytest.mark.parametrize("rule", RULES)
def test_profile_without_volume_is_its_lowest_row(rule: AreaRule) -> None:
    assert value_area([0, 0, 0], rule=rule) == (0, 0, 0)


def test_single_row_is_everything() -> None:
    assert value_area([3]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("rows", "arguments", "words"),
    [
        ([], {}, "rows: is empty"),
        ([1, -2], {}, r"rows\[1\]: is negative"),
        ([1.5], {}, r"rows\[0\]: 1.5 is not a whole number"),
        ([2**61, 2**61], {}, "rows: sum to 2\\*\\*62 or more"),
        ([1], {"fraction": 0.0}, r"fraction: must lie in \(0, 1\]"),
        ([1], {"fraction": 1.01}, r"fraction: must lie in \(0, 1\]"),
        ([1], {"rule": "three_row"}, "rule: must be one of two_row, one_row"),
    ],
)
def test_refusals_name_the_input(rows: list[float], arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        value_area(rows, **arguments)  # type: ignore[arg-type] # wrong on purpose
