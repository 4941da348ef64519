"""Swings: the definition, what may never change, and what is refused."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_ext import Swings, swings
from tests.analytics_ext import reference_structure as reference
from tests.analytics_ext.reference_structure import rows_of
from tests.analytics_ext.strategies import Candles, any_candles, random_candles

half_lengths = st.integers(1, 8)


def swings_of(candles: Candles, half_length: int) -> Swings:
    return swings(candles.high, candles.low, half_length=half_length)


@given(any_candles(), half_lengths)
def test_swings_equal_the_reference(candles: Candles, half_length: int) -> None:
    assert rows_of(swings_of(candles, half_length)) == reference.swings(candles, half_length)


@pytest.mark.parametrize("half_length", [1, 2, 3, 5, 10, 50, 150])
def test_swings_equal_the_reference_on_long_walks(half_length: int) -> None:
    candles = random_candles(900, half_length, step=1, wick=1)
    assert rows_of(swings_of(candles, half_length)) == reference.swings(candles, half_length)


@given(any_candles(min_size=2), half_lengths, st.data())
def test_the_past_is_never_rewritten(candles: Candles, half_length: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, candles.length))
    known = [row for row in rows_of(swings_of(candles, half_length)) if row[3] < cut]
    assert rows_of(swings_of(candles.cut(0, cut), half_length)) == known


@given(any_candles(), any_candles(), half_lengths)
def test_garbage_after_a_bar_leaves_what_was_known_at_it(candles: Candles, garbage: Candles, half_length: int) -> None:
    changed = rows_of(swings_of(candles.joined(garbage), half_length))
    assert [row for row in changed if row[3] < candles.length] == rows_of(swings_of(candles, half_length))


@given(any_candles(min_size=4), half_lengths, st.data())
def test_a_window_finds_the_swings_whose_neighbourhood_lies_in_it(
    candles: Candles, half_length: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, candles.length - 1))
    whole = [row for row in rows_of(swings_of(candles, half_length)) if row[1] - half_length >= start]
    window = swings_of(candles.cut(start, candles.length), half_length)
    moved = window._replace(index=window.index + start, confirmed=window.confirmed + start)
    assert rows_of(moved) == whole


@given(any_candles(min_size=6), half_lengths, st.integers(2, 30))
def test_chunks_that_overlap_by_a_neighbourhood_find_every_swing_once(
    candles: Candles, half_length: int, size: int
) -> None:
    chunked = []
    for start in range(0, candles.length, size):
        begin = max(start - 2 * half_length, 0)
        found = swings_of(candles.cut(begin, min(start + size, candles.length)), half_length)
        chunked += rows_of(found._replace(index=found.index + begin, confirmed=found.confirmed + begin))
    assert chunked == rows_of(swings_of(candles, half_length))


@given(any_candles(), half_lengths)
def test_a_swing_tops_its_neighbourhood_and_is_known_at_its_end(candles: Candles, half_length: int) -> None:
    rows = rows_of(swings_of(candles, half_length))
    for kind, index, level, confirmed in rows:
        assert confirmed == index + half_length
        around = slice(index - half_length, confirmed + 1)
        assert level == (candles.high[around].max() if kind > 0 else candles.low[around].min())
    assert rows == sorted(rows, key=lambda row: (row[3], row[1], -row[0]))


@given(any_candles(), half_lengths, st.integers(-1000, 1000), st.integers(1, 50))
def test_shifting_and_scaling_prices_moves_levels_and_no_bar(
    candles: Candles, half_length: int, ticks: int, factor: int
) -> None:
    plain = swings_of(candles, half_length)
    moved = swings_of(candles.scaled(factor).shifted(ticks), half_length)
    assert rows_of(moved) == rows_of(plain._replace(level=plain.level * factor + ticks))


@given(any_candles(), half_lengths)
def test_the_mirror_image_turns_highs_into_lows(candles: Candles, half_length: int) -> None:
    plain = swings_of(candles, half_length)
    mirror = swings_of(candles.mirrored(3), half_length)
    expected = rows_of(plain._replace(kind=-plain.kind, level=3 - plain.level))
    assert rows_of(mirror) == sorted(expected, key=lambda row: (row[3], row[1], -row[0]))


def test_the_first_of_equal_highs_wins() -> None:
    found = swings([1, 3, 3, 1, 1], [0, 1, 1, 0, 0], half_length=1)
    assert rows_of(found) == [(1, 1, 3, 2), (-1, 3, 0, 4)]


def test_one_bar_may_be_both_and_its_high_comes_first() -> None:
    found = swings([2, 9, 2], [1, 0, 1], half_length=1)
    assert rows_of(found) == [(1, 1, 9, 2), (-1, 1, 0, 2)]


@pytest.mark.parametrize("half_length", [2, 3, 10**9])
def test_too_few_candles_have_no_swing(half_length: int) -> None:
    assert swings([1, 5, 1, 1], [1, 1, 1, 1], half_length=half_length).index.size == 0


def test_columns_that_are_read_only_or_strided_give_the_same_and_stay_unchanged() -> None:
    candles = random_candles(400, 5)
    expected = rows_of(swings_of(candles, 3))
    assert rows_of(swings_of(Candles(*(np.repeat(column, 2)[::2] for column in candles)), 3)) == expected
    before = [column.tobytes() for column in candles]
    for column in candles:
        column.flags.writeable = False
    assert rows_of(swings_of(candles, 3)) == expected
    assert [column.tobytes() for column in candles] == before


def test_two_threads_on_the_same_candles_agree() -> None:
    candles = random_candles(50_000, 9)
    with ThreadPoolExecutor(2) as pool:
        left, right = pool.map(lambda half_length: rows_of(swings_of(candles, half_length)), [5, 5])
    assert left == right


@pytest.mark.parametrize("half_length", [0, -1, 1.5, True])
def test_a_half_length_that_is_no_count_is_refused(half_length: int) -> None:
    with pytest.raises(ValueError, match=r"^half_length: "):
        swings([1], [1], half_length=half_length)


@pytest.mark.parametrize(
    ("high", "low", "words"),
    [
        ([], [1], r"^high: is empty"),
        ([1], [], r"^low: is empty"),
        ([1, 2], [1], r"^low: has 1 candles"),
        ([1, np.nan], [1, 1], r"^high\[1\]: nan"),
        ([1, 2], [1, np.inf], r"^low\[1\]: inf"),
        ([1, 2], [1, 3], r"^high\[1\]: is below low"),
    ],
)
def test_a_bad_column_is_named(high: list[float], low: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        swings(high, low, half_length=1)
