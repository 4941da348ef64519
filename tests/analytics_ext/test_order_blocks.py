"""Order blocks: the definition, what may never change, and what is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_ext import OrderBlocks, order_blocks, structure_breaks, swings
from tests.analytics_ext import reference_structure as reference
from tests.analytics_ext.reference_structure import as_known, rows_of
from tests.analytics_ext.strategies import Candles, any_candles, random_candles

Boundary = Literal["wick", "split"]

half_lengths = st.integers(1, 6)
boundaries: st.SearchStrategy[Boundary] = st.sampled_from(["wick", "split"])

CONFIRMED = OrderBlocks._fields.index("confirmed")
EVENTS = tuple(OrderBlocks._fields.index(name) for name in ("touched", "broken", "breaker"))


def blocks_of(candles: Candles, half_length: int, boundary: Boundary = "wick") -> OrderBlocks:
    return order_blocks(*candles, half_length=half_length, boundary=boundary)


@given(any_candles(), half_lengths, boundaries)
def test_order_blocks_equal_the_reference(candles: Candles, half_length: int, boundary: Boundary) -> None:
    assert rows_of(blocks_of(candles, half_length, boundary)) == reference.order_blocks(candles, half_length, boundary)


@pytest.mark.parametrize("seed", range(6))
def test_order_blocks_equal_the_reference_where_searches_leave_the_near_candles(seed: int) -> None:
    candles = random_candles(1500, seed, step=1 + seed, wick=seed % 3)
    assert rows_of(blocks_of(candles, 3)) == reference.order_blocks(candles, 3)


@given(any_candles(min_size=2), half_lengths, st.data())
def test_the_past_is_never_rewritten(candles: Candles, half_length: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, candles.length))
    known = as_known(rows_of(blocks_of(candles, half_length)), EVENTS, CONFIRMED, cut - 1)
    assert rows_of(blocks_of(candles.cut(0, cut), half_length)) == known


@given(any_candles(), any_candles(), half_lengths)
def test_garbage_after_a_bar_leaves_what_was_known_at_it(candles: Candles, garbage: Candles, half_length: int) -> None:
    changed = rows_of(blocks_of(candles.joined(garbage), half_length))
    known = as_known(changed, EVENTS, CONFIRMED, candles.length - 1)
    assert known == rows_of(blocks_of(candles, half_length))


@given(any_candles(), half_lengths)
def test_a_block_starts_at_the_last_extreme_between_its_swing_and_the_break(candles: Candles, half_length: int) -> None:
    found = swings(candles.high, candles.low, half_length=half_length)
    broken = structure_breaks(candles.close, found)
    blocks = blocks_of(candles, half_length)
    assert np.array_equal(blocks.confirmed, broken.at)
    assert np.array_equal(blocks.swing, found.index[broken.swing])
    for direction, bottom, top, swing, origin, confirmed, volume, *_ in rows_of(blocks):
        assert swing < origin < confirmed
        between, after = slice(swing + 1, confirmed), slice(origin + 1, confirmed)
        if direction > 0:
            assert bottom == candles.low[between].min()
            assert np.all(candles.low[after] > bottom)
        else:
            assert top == candles.high[between].max()
            assert np.all(candles.high[after] < top)
        assert volume == candles.volume[origin : confirmed + 1].sum()


@given(any_candles(), half_lengths, boundaries)
def test_events_come_in_order(candles: Candles, half_length: int, boundary: Boundary) -> None:
    blocks = blocks_of(candles, half_length, boundary)
    touched, broken, breaker = blocks.touched >= 0, blocks.broken >= 0, blocks.breaker >= 0
    assert np.all(blocks.bottom <= blocks.top)
    assert np.all(blocks.touched[touched] > blocks.confirmed[touched])
    assert np.all(blocks.broken[broken] > blocks.confirmed[broken])
    assert np.all(blocks.broken[touched & broken] > blocks.touched[touched & broken])
    assert np.all(broken[breaker])
    assert np.all(blocks.breaker[breaker] > blocks.broken[breaker])


@given(any_candles(), half_lengths)
def test_split_keeps_the_distal_edge_and_lies_inside_the_candle(candles: Candles, half_length: int) -> None:
    wick, split = blocks_of(candles, half_length), blocks_of(candles, half_length, "split")
    assert np.array_equal(wick.origin, split.origin)
    assert np.array_equal(wick.broken, split.broken)
    rising = wick.direction > 0
    assert np.array_equal(np.where(rising, wick.bottom, wick.top), np.where(rising, split.bottom, split.top))
    body_top = np.maximum(candles.open, candles.close)[wick.origin]
    body_bottom = np.minimum(candles.open, candles.close)[wick.origin]
    assert np.array_equal(np.where(rising, split.top, split.bottom), np.where(rising, body_top, body_bottom))


@given(any_candles(), half_lengths, boundaries, st.integers(-1000, 1000))
def test_shifting_prices_moves_edges_and_no_bar(
    candles: Candles, half_length: int, boundary: Boundary, ticks: int
) -> None:
    plain = blocks_of(candles, half_length, boundary)
    moved = blocks_of(candles.shifted(ticks), half_length, boundary)
    assert rows_of(moved) == rows_of(plain._replace(bottom=plain.bottom + ticks, top=plain.top + ticks))


@given(any_candles(), half_lengths, boundaries)
def test_the_mirror_image_turns_bullish_into_bearish(candles: Candles, half_length: int, boundary: Boundary) -> None:
    plain = blocks_of(candles, half_length, boundary)
    mirror = blocks_of(candles.mirrored(5), half_length, boundary)
    expected = plain._replace(direction=-plain.direction, bottom=5 - plain.top, top=5 - plain.bottom)
    assert rows_of(mirror) == rows_of(expected)


def candles_with(*after: tuple[int, int, int, int]) -> Candles:
    """A bullish block 8..12 from bar 3, known at bar 4, then candles of open, high, low, close."""
    rows = [(10, 12, 9, 11), (11, 20, 11, 15), (15, 16, 12, 13), (12, 12, 8, 11), (12, 30, 11, 25), *after]
    open_, high, low, close = np.array(rows, dtype=np.int64).T.copy()
    return Candles(open_, high, low, close, np.arange(1, len(rows) + 1))


def test_a_block_is_known_at_the_break_of_its_swing() -> None:
    assert rows_of(blocks_of(candles_with(), 1)) == [(1, 8, 12, 1, 3, 4, 4 + 5, -1, -1, -1)]


def test_touching_the_edge_is_a_touch_and_a_close_one_tick_beyond_holds() -> None:
    (row, *_) = rows_of(blocks_of(candles_with((25, 25, 13, 14), (14, 14, 12, 13), (13, 13, 5, 7), (7, 7, 5, 6)), 1))
    assert row[7:] == (6, 8, -1)


def test_the_bar_that_breaks_an_untouched_block_does_not_touch_it() -> None:
    (row, *_) = rows_of(blocks_of(candles_with((25, 25, 5, 6), (6, 8, 6, 7)), 1))
    assert row[7:] == (-1, 5, 6)


def test_a_block_that_price_jumps_over_is_not_touched() -> None:
    # Below the block without breaking it (a flat candle one tick under), above it again, then into it.
    (row, *_) = rows_of(blocks_of(candles_with((7, 7, 7, 7), (20, 22, 20, 21), (7, 7, 7, 7), (9, 10, 9, 9)), 1))
    assert row[7:] == (8, -1, -1)


def test_columns_that_are_read_only_or_strided_give_the_same_and_stay_unchanged() -> None:
    candles = random_candles(400, 5)
    expected = rows_of(blocks_of(candles, 3))
    assert rows_of(blocks_of(Candles(*(np.repeat(column, 2)[::2] for column in candles)), 3)) == expected
    before = [column.tobytes() for column in candles]
    for column in candles:
        column.flags.writeable = False
    assert rows_of(blocks_of(candles, 3)) == expected
    assert [column.tobytes() for column in candles] == before


def test_two_threads_on_the_same_candles_agree() -> None:
    candles = random_candles(50_000, 9)
    with ThreadPoolExecutor(2) as pool:
        left, right = pool.map(lambda half_length: rows_of(blocks_of(candles, half_length)), [5, 5])
    assert left == right


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("open", lambda column: column - 99, "lies outside"),
        ("close", lambda column: column + 99, "lies outside"),
        ("volume", lambda column: column - 10_000, "is negative"),
        ("volume", lambda column: column[1:], "has 9 candles"),
        ("volume", lambda column: np.where(column == column[4], np.nan, column), "nan is not a whole number"),
        ("high", lambda column: column[:0], "is empty"),
        ("high", lambda column: column - 99, "is below low"),
    ],
)
def test_a_bad_column_is_named(name: str, spoil: Callable[[np.ndarray], np.ndarray], words: str) -> None:
    candles = random_candles(10, 3)
    bad = candles._replace(**{name: spoil(getattr(candles, name))})
    with pytest.raises(ValueError, match=rf"^{name}(\[\d\])?: .*{words}"):
        blocks_of(bad, 1)


def test_a_bad_parameter_is_named() -> None:
    candles = random_candles(10, 3)
    with pytest.raises(ValueError, match=r"^half_length: "):
        order_blocks(*candles, half_length=0)
    with pytest.raises(ValueError, match=r"^boundary: must be one of wick, split"):
        order_blocks(*candles, half_length=1, boundary="body")  # type: ignore[arg-type]  # the point of the test
