"""Structure breaks: the definition, what may never change, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_ext import Break, StructureBreaks, Swings, structure_breaks, swings
from tests.analytics_ext import reference_structure as reference
from tests.analytics_ext.reference_structure import rows_of
from tests.analytics_ext.strategies import Candles, any_candles, random_candles

half_lengths = st.integers(1, 6)


def breaks_of(candles: Candles, half_length: int) -> StructureBreaks:
    return structure_breaks(candles.close, swings(candles.high, candles.low, half_length=half_length))


def swings_from(*rows: tuple[int, int, int, int]) -> Swings:
    """Swings of kind, index, level, confirmed."""
    kind, index, level, confirmed = np.array(rows, dtype=np.int64).reshape(-1, 4).T.copy()
    return Swings(kind.astype(np.int8), index, level, confirmed)


@given(any_candles(), half_lengths)
def test_breaks_equal_the_reference(candles: Candles, half_length: int) -> None:
    expected = reference.structure_breaks(candles.close.tolist(), reference.swings(candles, half_length))
    assert rows_of(breaks_of(candles, half_length)) == expected


@given(any_candles(), any_candles(), half_lengths)
def test_breaks_equal_the_reference_with_the_swings_of_other_candles(
    candles: Candles, others: Candles, half_length: int
) -> None:
    found = swings(others.high, others.low, half_length=half_length)
    expected = reference.structure_breaks(candles.close.tolist(), rows_of(found))
    assert rows_of(structure_breaks(candles.close, found)) == expected


@given(any_candles(min_size=2), half_lengths, st.data())
def test_the_past_is_never_rewritten(candles: Candles, half_length: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, candles.length))
    known = [row for row in rows_of(breaks_of(candles, half_length)) if row[4] < cut]
    assert rows_of(breaks_of(candles.cut(0, cut), half_length)) == known


@given(any_candles(), any_candles(), half_lengths)
def test_garbage_after_a_bar_leaves_what_was_known_at_it(candles: Candles, garbage: Candles, half_length: int) -> None:
    changed = rows_of(breaks_of(candles.joined(garbage), half_length))
    assert [row for row in changed if row[4] < candles.length] == rows_of(breaks_of(candles, half_length))


@given(any_candles(), half_lengths)
def test_each_swing_is_broken_once_at_most_and_after_it_is_known(candles: Candles, half_length: int) -> None:
    found = swings(candles.high, candles.low, half_length=half_length)
    broken = structure_breaks(candles.close, found)
    assert len(set(broken.swing.tolist())) == broken.swing.size
    assert np.all(broken.at > found.confirmed[broken.swing])
    assert np.array_equal(broken.direction, found.kind[broken.swing])
    assert np.array_equal(broken.level, found.level[broken.swing])
    assert np.all((candles.close[broken.at] - broken.level) * broken.direction > 0)
    # Swings of the same candles never break on both sides of one bar.
    assert np.all(np.diff(broken.at) > 0)


@given(any_candles(), half_lengths)
def test_a_break_is_a_change_of_character_when_it_turns_the_last_one(candles: Candles, half_length: int) -> None:
    broken = breaks_of(candles, half_length)
    turns = broken.direction[1:] != broken.direction[:-1]
    assert np.array_equal(broken.kind[1:] == Break.CHOCH, turns)
    assert np.all(broken.kind[:1] == Break.BOS)


@given(any_candles(), half_lengths, st.integers(-1000, 1000), st.integers(1, 50))
def test_shifting_and_scaling_prices_moves_levels_and_no_bar(
    candles: Candles, half_length: int, ticks: int, factor: int
) -> None:
    plain = breaks_of(candles, half_length)
    moved = breaks_of(candles.scaled(factor).shifted(ticks), half_length)
    assert rows_of(moved) == rows_of(plain._replace(level=plain.level * factor + ticks))


@given(any_candles(), half_lengths)
def test_the_mirror_image_breaks_the_other_way(candles: Candles, half_length: int) -> None:
    plain = breaks_of(candles, half_length)
    mirror = breaks_of(candles.mirrored(3), half_length)
    assert np.array_equal(mirror.direction, -plain.direction)
    assert np.array_equal(mirror.level, 3 - plain.level)
    assert np.array_equal(mirror.kind, plain.kind)
    assert np.array_equal(mirror.at, plain.at)


def test_a_close_on_the_level_does_not_break_it() -> None:
    found = swings_from((1, 0, 10, 1))
    assert structure_breaks([9, 9, 10, 11, 12], found).at.tolist() == [3]


def test_a_swing_cannot_be_broken_on_the_bar_that_confirms_it() -> None:
    found = swings_from((1, 0, 10, 1))
    assert structure_breaks([9, 11, 9], found).at.size == 0
    assert structure_breaks([9, 11, 11], found).at.tolist() == [2]


def test_a_new_swing_replaces_an_unbroken_one() -> None:
    found = swings_from((1, 0, 10, 1), (1, 2, 20, 3))
    assert rows_of(structure_breaks([9, 9, 9, 9, 15, 21], found)) == [(1, Break.BOS, 20, 1, 5)]


def test_the_bar_that_admits_a_swing_still_breaks_its_predecessor() -> None:
    found = swings_from((1, 0, 10, 1), (1, 2, 20, 3))
    assert rows_of(structure_breaks([9, 9, 9, 11, 21], found)) == [(1, 0, 10, 0, 3), (1, 0, 20, 1, 4)]


def test_of_two_breaks_on_one_bar_the_high_comes_first() -> None:
    found = swings_from((1, 0, 10, 1), (-1, 0, 20, 1))
    assert rows_of(structure_breaks([15, 15, 15], found)) == [(1, 0, 10, 0, 2), (-1, 1, 20, 1, 2)]


def test_no_swings_and_swings_beyond_the_last_candle_break_nothing() -> None:
    assert structure_breaks([1, 2], swings_from()).at.size == 0
    assert structure_breaks([1, 20], swings_from((1, 8, 10, 9))).at.size == 0


def test_columns_that_are_read_only_or_strided_give_the_same_and_stay_unchanged() -> None:
    candles = random_candles(400, 5)
    found = swings(candles.high, candles.low, half_length=2)
    expected = rows_of(structure_breaks(candles.close, found))
    strided = found._replace(kind=np.repeat(found.kind, 3)[::3], level=np.repeat(found.level, 3)[::3])
    assert rows_of(structure_breaks(np.repeat(candles.close, 2)[::2], strided)) == expected
    for column in (candles.close, *found):
        column.flags.writeable = False
    assert rows_of(structure_breaks(candles.close, found)) == expected


@pytest.mark.parametrize(
    ("close", "found", "words"),
    [
        ([], swings_from(), r"^close: is empty"),
        ([1, np.nan], swings_from(), r"^close\[1\]: nan"),
        ([1], swings_from((2, 0, 5, 1)), r"^swings.kind\[0\]: must be \+1 or -1"),
        ([1], swings_from((1, 0, 5, 2), (1, 0, 5, 1)), r"^swings.confirmed\[1\]: is before"),
        ([1], swings_from((1, 0, 5, 2))._replace(level=np.zeros(2, dtype=np.int64)), r"^swings.level: has 2"),
    ],
)
def test_a_bad_column_is_named(close: list[float], found: Swings, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        structure_breaks(close, found)
