"""The volume profile: exact sums, row by row, against plain Python and against its own laws."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_ext.profile import LARGEST_ROWS, UNITS_PER_CONTRACT, SpreadRule, profile_nodes, volume_profile
from tests.analytics_ext import reference_profile as reference
from tests.analytics_ext.strategies import Candles, any_candles, random_candles

SPREADS: list[SpreadRule] = ["overlap", "touch"]
spreads = st.sampled_from(SPREADS)
heights = st.integers(1, 9)


def profile(candles: Candles, row: int, spread: SpreadRule) -> tuple[int, list[int]]:
    first, rows = volume_profile(candles.high, candles.low, candles.volume, row=row, spread=spread)
    return first, rows.tolist()


def listed(candles: Candles) -> tuple[list[int], list[int], list[int]]:
    return candles.high.tolist(), candles.low.tolist(), candles.volume.tolist()


@given(any_candles(), heights, spreads, st.integers(-30, 30))
def test_agrees_with_plain_python_also_below_zero(candles: Candles, row: int, spread: SpreadRule, shift: int) -> None:
    moved = candles.shifted(shift)
    assert profile(moved, row, spread) == reference.volume_profile(*listed(moved), row, spread)


@given(any_candles(), heights, spreads)
def test_sum_is_exact_and_no_row_is_negative(candles: Candles, row: int, spread: SpreadRule) -> None:
    _, rows = profile(candles, row, spread)
    assert sum(rows) == UNITS_PER_CONTRACT * int(candles.volume.sum())
    assert min(rows) >= 0


@given(any_candles(), heights, spreads)
def test_rows_end_at_the_lowest_low_and_the_highest_high(candles: Candles, row: int, spread: SpreadRule) -> None:
    first, rows = profile(candles, row, spread)
    assert first == int(candles.low.min()) // row
    assert first + len(rows) - 1 == int(candles.high.max()) // row


@given(any_candles(2), heights, spreads, st.data())
def test_profiles_of_two_parts_add_up_to_the_whole(
    candles: Candles, row: int, spread: SpreadRule, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, candles.length - 1))
    whole_first, whole = profile(candles, row, spread)
    total = [0] * len(whole)
    for part in (candles.cut(0, cut), candles.cut(cut, candles.length)):
        first, rows = profile(part, row, spread)
        for i, units in enumerate(rows):
            total[first - whole_first + i] += units
    assert total == whole


@given(any_candles(), heights, spreads, st.randoms())
def test_order_of_candles_does_not_matter(candles: Candles, row: int, spread: SpreadRule, random: object) -> None:
    order = list(range(candles.length))
    random.shuffle(order)  # type: ignore[attr-defined] # Hypothesis types its generator as object
    shuffled = Candles(*(column[order] for column in candles))
    assert profile(shuffled, row, spread) == profile(candles, row, spread)


@given(any_candles(), heights, spreads, st.integers(-5, 5))
def test_shift_by_whole_rows_shifts_the_rows(candles: Candles, row: int, spread: SpreadRule, rows_up: int) -> None:
    first, rows = profile(candles, row, spread)
    assert profile(candles.shifted(rows_up * row), row, spread) == (first + rows_up, rows)


@given(any_candles(), heights, spreads, st.integers(1, 7))
def test_scaled_prices_and_rows_give_the_same_counts(
    candles: Candles, row: int, spread: SpreadRule, factor: int
) -> None:
    assert profile(candles.scaled(factor), row * factor, spread) == profile(candles, row, spread)


@pytest.mark.parametrize("spread", SPREADS)
def test_prices_and_volumes_at_their_limits_stay_exact(spread: SpreadRule) -> None:
    high = [2**40, 2**40, 2**40 - 7, -(2**40) + 5]
    low = [-(2**40), 2**40 - 1, -3, -(2**40)]
    volume = [2**42, 2**42 - 1, 2**41 + 3, 2**42]
    row = 2**39 - 11
    first, rows = volume_profile(high, low, volume, row=row, spread=spread)
    assert (first, rows.tolist()) == reference.volume_profile(high, low, volume, row, spread)


def test_high_on_an_edge_opens_its_row_but_overlaps_nothing() -> None:
    overlap = volume_profile([20], [10], [100], row=10, spread="overlap")
    touch = volume_profile([20], [10], [100], row=10, spread="touch")
    assert (overlap.first_row, overlap.rows.tolist()) == (1, [100 * UNITS_PER_CONTRACT, 0])
    assert touch.rows.tolist() == [50 * UNITS_PER_CONTRACT] * 2


def test_rest_of_an_uneven_share_goes_to_the_lowest_row() -> None:
    third = UNITS_PER_CONTRACT // 3
    rows = volume_profile([5], [0], [1], row=2, spread="touch").rows.tolist()
    assert rows == [UNITS_PER_CONTRACT - 2 * third, third, third]


def test_candle_of_one_price_gives_its_row_everything() -> None:
    assert volume_profile([-1], [-1], [3], row=20).rows.tolist() == [3 * UNITS_PER_CONTRACT]
    assert volume_profile([-1], [-1], [3], row=20).first_row == -1


def test_default_spread_is_overlap() -> None:
    candles = random_candles(50, 3, wick=9)
    assert (
        volume_profile(candles.high, candles.low, candles.volume, row=4).rows.tolist()
        == profile(candles, 4, "overlap")[1]
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"row": 0}, "row: must be a whole number of at least 1"),
        ({"row": 2**41}, "row: must be at most"),
        ({"spread": "close"}, "spread: must be one of overlap, touch"),
        ({"volume": [1, -1]}, r"volume\[1\]: is negative"),
        ({"volume": [2**41] * 40, "high": [3] * 40, "low": [1] * 40}, r"volume: sums to \d+ contracts"),
        ({"high": [LARGEST_ROWS + 1, 4]}, f"row: 1 ticks give {LARGEST_ROWS + 1} rows"),
        ({"high": [0, 4]}, r"high\[0\]: is below low"),
        ({"low": [1]}, "low: has 1 candles"),
        ({"high": [], "low": [], "volume": []}, "high: is empty"),
    ],
)
def test_refusals_name_the_input(changes: dict[str, object], words: str) -> None:
    arguments = {"high": [3, 4], "low": [1, 2], "volume": [5, 6], "row": 1, **changes}
    with pytest.raises(ValueError, match=words):
        volume_profile(**arguments)  # type: ignore[arg-type] # wrong on purpose


def test_read_only_and_strided_columns_give_the_same_and_stay_as_they_are() -> None:
    candles = random_candles(300, 5)
    table = np.stack([candles.high, candles.low, candles.volume], axis=1)
    before = table.copy()
    table.flags.writeable = False
    strided = volume_profile(table[:, 0], table[:, 1], table[:, 2], row=3)
    plain = volume_profile(candles.high, candles.low, candles.volume, row=3)
    assert strided.rows.tobytes() == plain.rows.tobytes()
    assert np.array_equal(table, before)


def test_threads_agree() -> None:
    candles = random_candles(20_000, 6)

    def count(_: int) -> bytes:
        return volume_profile(candles.high, candles.low, candles.volume, row=3).rows.tobytes()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(count, range(8)))) == 1


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.sampled_from([0.2, 0.5, 0.8, 1.0]))
def test_nodes_agree_with_plain_python(rows: list[int], quantile: float) -> None:
    occupied = [r for r in rows if r > 0] or [0]
    most, least = np.quantile(occupied, quantile), np.quantile(occupied, 1.0 - quantile)
    high, low = profile_nodes(rows, quantile=quantile)
    expected = reference.nodes(rows, float(most), float(least)) if any(rows) else ([], [])
    assert (high.tolist(), low.tolist()) == expected


def test_plateau_is_a_node_at_its_lowest_row() -> None:
    assert profile_nodes([1, 5, 5, 1, 3, 3, 4]).high_nodes.tolist() == [1]


@pytest.mark.parametrize(
    ("rows", "quantile", "words"),
    [
        ([], 0.8, "rows: is empty"),
        ([1, -2], 0.8, r"rows\[1\]: is negative"),
        ([1, float("nan")], 0.8, r"rows\[1\]: nan is not finite"),
        ([1], 0.0, r"quantile: must lie in \(0, 1\]"),
    ],
)
def test_node_refusals_name_the_input(rows: list[float], quantile: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        profile_nodes(rows, quantile=quantile)
