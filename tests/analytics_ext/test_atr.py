"""Wilder's average true range."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics_ext.zones import average_true_range
from tests.analytics_ext import reference_zones as reference
from tests.analytics_ext.strategies import Candles, any_candles, random_candles

lengths = st.integers(1, 30)


def ranges(candles: Candles, length: int) -> NDArray[np.float64]:
    return average_true_range(candles.high, candles.low, candles.close, length=length)


@given(any_candles(), lengths)
def test_agrees_with_plain_python_to_the_last_bit(candles: Candles, length: int) -> None:
    expected = reference.average_true_range(candles.high.tolist(), candles.low.tolist(), candles.close.tolist(), length)
    np.testing.assert_array_equal(ranges(candles, length), expected)


@given(any_candles(), lengths, st.data())
def test_later_candles_change_nothing(candles: Candles, length: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, candles.length))
    np.testing.assert_array_equal(ranges(candles, length)[:cut], ranges(candles.cut(0, cut), length))


@given(any_candles(), lengths, st.integers(-1000, 1000))
def test_price_level_and_direction_do_not_matter(candles: Candles, length: int, shift: int) -> None:
    np.testing.assert_array_equal(ranges(candles.shifted(shift), length), ranges(candles, length))
    np.testing.assert_array_equal(ranges(candles.mirrored(), length), ranges(candles, length))


def test_first_values_are_unknown() -> None:
    found = ranges(random_candles(20, 1), 14)
    assert all(math.isnan(value) for value in found[:14])
    assert not any(math.isnan(value) for value in found[14:])


def test_gap_counts_as_range() -> None:
    assert average_true_range([10, 31], [10, 29], [10, 30], length=1)[1] == 21.0


def test_refusals_name_the_input() -> None:
    with pytest.raises(ValueError, match="length: must be a whole number of at least 1"):
        average_true_range([1], [1], [1], length=0)
    with pytest.raises(ValueError, match=r"close\[0\]: lies outside"):
        average_true_range([1], [1], [2])
