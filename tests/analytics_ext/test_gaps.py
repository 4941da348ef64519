"""Fair value gaps: the definition, what may never change, and what is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_ext import FairValueGaps, fair_value_gaps, fill_fraction
from tests.analytics_ext import reference_structure as reference
from tests.analytics_ext.reference_structure import as_known, rows_of
from tests.analytics_ext.strategies import Candles, any_candles, candle_runs, random_candles, walks

CONFIRMED = FairValueGaps._fields.index("confirmed")
EVENTS = tuple(FairValueGaps._fields.index(name) for name in ("touched", "half_filled", "filled", "inverted"))


def gaps_of(candles: Candles, *, directional_middle: bool = False) -> FairValueGaps:
    return fair_value_gaps(
        candles.high, candles.low, candles.close, open=candles.open, directional_middle=directional_middle
    )


def candles_from(*rows: tuple[int, int, int, int]) -> Candles:
    """Candles of open, high, low, close; their volume is 1."""
    open_, high, low, close = np.array(rows, dtype=np.int64).T.copy()
    return Candles(open_, high, low, close, np.ones(len(rows), dtype=np.int64))


@given(candles=any_candles(), directional_middle=st.booleans())
def test_gaps_equal_the_reference(candles: Candles, *, directional_middle: bool) -> None:
    found = gaps_of(candles, directional_middle=directional_middle)
    assert rows_of(found) == reference.fair_value_gaps(candles, directional_middle=directional_middle)


@pytest.mark.parametrize("seed", range(6))
def test_gaps_equal_the_reference_where_searches_leave_the_near_candles(seed: int) -> None:
    candles = random_candles(1500, seed, step=1 + seed, wick=seed % 3)
    assert rows_of(gaps_of(candles)) == reference.fair_value_gaps(candles)


@given(any_candles(), st.data())
def test_fill_fraction_equals_the_reference(candles: Candles, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, candles.length - 1))
    gaps = gaps_of(candles)
    expected = [reference.fill_fraction(row, candles, at) for row in rows_of(gaps)]
    assert fill_fraction(gaps, candles.high, candles.low, at).tolist() == expected


@given(any_candles(min_size=2), st.data())
def test_the_past_is_never_rewritten(candles: Candles, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, candles.length))
    known = as_known(rows_of(gaps_of(candles)), EVENTS, CONFIRMED, cut - 1)
    assert rows_of(gaps_of(candles.cut(0, cut))) == known


@given(any_candles(), any_candles())
def test_garbage_after_a_bar_leaves_what_was_known_at_it(candles: Candles, garbage: Candles) -> None:
    last = candles.length - 1
    changed = rows_of(gaps_of(candles.joined(garbage)))
    assert as_known(changed, EVENTS, CONFIRMED, last) == rows_of(gaps_of(candles))


@given(any_candles(min_size=4), st.data())
def test_a_window_finds_the_gaps_of_the_whole_history_that_start_in_it(candles: Candles, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, candles.length - 1))
    whole = [row for row in rows_of(gaps_of(candles)) if row[3] >= start]
    rows = rows_of(gaps_of(candles.cut(start, candles.length)))
    moved = [(*row[:3], *(bar if bar < 0 else bar + start for bar in row[3:])) for row in rows]
    assert moved == whole


@given(any_candles(min_size=6), st.integers(3, 20))
def test_chunks_that_overlap_by_two_candles_find_every_gap_once(candles: Candles, size: int) -> None:
    chunked = []
    for start in range(0, candles.length, size):
        begin = max(start - 2, 0)
        rows = rows_of(gaps_of(candles.cut(begin, min(start + size, candles.length))))
        chunked += [(*row[:3], row[3] + begin, row[4] + begin) for row in rows]
    assert chunked == [row[:5] for row in rows_of(gaps_of(candles))]


@given(any_candles(min_size=3))
def test_events_come_in_order_and_gaps_have_height(candles: Candles) -> None:
    for _, bottom, top, origin, confirmed, *events in rows_of(gaps_of(candles)):
        assert bottom < top
        assert origin == confirmed - 2
        come = [bar for bar in events if bar >= 0]
        assert events == come + [-1] * (len(events) - len(come))
        assert all(left <= right for left, right in pairwise([confirmed + 1, *come]))


@given(walks(min_size=10))
def test_untouched_bullish_tops_never_decrease_with_confirmation(candles: Candles) -> None:
    rows = rows_of(gaps_of(candles))
    for at in range(candles.length):
        waiting = [row[2] for row in as_known(rows, EVENTS, CONFIRMED, at) if row[0] > 0 and row[5] < 0]
        assert waiting == sorted(waiting)


@given(any_candles(min_size=3))
def test_fill_fraction_rises_to_one_exactly_at_the_fill(candles: Candles) -> None:
    gaps = gaps_of(candles)
    before = np.zeros(gaps.top.shape)
    for at in range(candles.length):
        filled = fill_fraction(gaps, candles.high, candles.low, at)
        assert np.all((before <= filled) & (filled <= 1))
        assert np.array_equal(filled == 1, (gaps.filled >= 0) & (gaps.filled <= at))
        assert np.array_equal(filled > 0, (gaps.touched >= 0) & (gaps.touched <= at))
        before = filled


@given(any_candles(), st.integers(-1000, 1000), st.integers(1, 50))
def test_shifting_and_scaling_prices_moves_levels_and_no_bar(candles: Candles, ticks: int, factor: int) -> None:
    plain = gaps_of(candles)
    moved = gaps_of(candles.scaled(factor).shifted(ticks))
    assert np.array_equal(moved.bottom, plain.bottom * factor + ticks)
    assert np.array_equal(moved.top, plain.top * factor + ticks)
    for name in ("direction", "origin", "confirmed", "touched", "half_filled", "filled", "inverted"):
        assert np.array_equal(getattr(moved, name), getattr(plain, name)), name


@given(candles=any_candles(), directional_middle=st.booleans())
def test_the_mirror_image_turns_bullish_into_bearish(candles: Candles, *, directional_middle: bool) -> None:
    plain = gaps_of(candles, directional_middle=directional_middle)
    mirror = gaps_of(candles.mirrored(7), directional_middle=directional_middle)
    assert np.array_equal(mirror.direction, -plain.direction)
    assert np.array_equal(mirror.bottom, 7 - plain.top)
    assert np.array_equal(mirror.top, 7 - plain.bottom)
    assert all(np.array_equal(left, right) for left, right in zip(mirror[3:], plain[3:], strict=True))


@given(any_candles(min_size=4), st.data())
def test_a_candle_without_range_at_the_last_close_fills_nothing(candles: Candles, data: st.DataObject) -> None:
    gaps = gaps_of(candles)
    at = data.draw(st.integers(3, candles.length - 1))
    price = candles.close[at : at + 1]
    still = Candles(price, price, price, price, np.zeros(1, dtype=np.int64))
    longer = candles.cut(0, at + 1).joined(still)
    old = fill_fraction(gaps, candles.high, candles.low, at)
    known = gaps.confirmed <= at - 1
    assert np.array_equal(fill_fraction(gaps, longer.high, longer.low, at + 1)[known], old[known])


def test_touch_is_strict_and_fill_is_not() -> None:
    # The gap is 10..20; lows of 20, 19, 15, 10, and closes of 10 and 9 follow.
    candles = candles_from(
        (5, 10, 5, 10), (10, 30, 10, 28), (28, 30, 20, 25), (25, 26, 20, 22), (22, 22, 19, 21), (21, 21, 15, 16),
        (16, 16, 10, 10), (10, 12, 8, 9),
    )  # fmt: skip
    (row,) = [row for row in rows_of(gaps_of(candles)) if row[4] == 2]
    assert row == (1, 10, 20, 0, 2, 4, 5, 6, 7)


def test_equal_prices_leave_no_gap() -> None:
    candles = candles_from((5, 10, 5, 10), (10, 12, 9, 11), (11, 15, 10, 12))
    assert gaps_of(candles).top.size == 0


def test_a_middle_candle_that_closes_at_its_open_has_no_direction() -> None:
    candles = candles_from((5, 10, 5, 10), (11, 12, 10, 11), (11, 15, 11, 12))
    assert gaps_of(candles).top.tolist() == [11]
    assert gaps_of(candles, directional_middle=True).top.size == 0


def test_fewer_than_three_candles_have_no_gap() -> None:
    assert all(column.size == 0 for column in gaps_of(random_candles(2, 0)))


def test_columns_that_are_read_only_strided_or_float_give_the_same_and_stay_unchanged() -> None:
    candles = random_candles(400, 5)
    expected = rows_of(gaps_of(candles))
    wide = Candles(*(np.repeat(column, 2)[::2] for column in candles))
    whole_floats = [column.astype(np.float64) for column in candles]
    frozen = candles.cut(0, candles.length)
    for column in frozen:
        column.flags.writeable = False
    before = [column.tobytes() for column in frozen]
    assert rows_of(gaps_of(wide)) == expected
    assert rows_of(fair_value_gaps(*whole_floats[1:4])) == expected
    assert rows_of(gaps_of(frozen)) == expected
    assert [column.tobytes() for column in frozen] == before


def test_two_threads_on_the_same_candles_agree() -> None:
    candles = random_candles(50_000, 9)
    with ThreadPoolExecutor(2) as pool:
        left, right = pool.map(gaps_of, [candles, candles])
    assert rows_of(left) == rows_of(right)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Least CPU time of five runs."""
    times = []
    for _ in range(5):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times)


@pytest.mark.parametrize("sign", [1, -1])
def test_time_grows_with_the_candles_when_no_gap_is_ever_touched(sign: int) -> None:
    def staircase(n: int) -> Candles:
        price = 3 * np.arange(n, dtype=np.int64)
        rising = Candles(price, price + 1, price, price + 1, np.ones(n, dtype=np.int64))
        return rising if sign > 0 else rising.mirrored()

    small, large = staircase(20_000), staircase(160_000)
    assert np.all(gaps_of(small).touched == -1)
    # Eight times the candles: 64 times the work for an algorithm that looks at every candle after every gap.
    assert cpu_seconds(lambda: gaps_of(large)) < 24 * cpu_seconds(lambda: gaps_of(small))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_crash_after_a_long_rise_is_found_from_every_gap(sign: int) -> None:
    n = 70_000
    price = np.append(3 * np.arange(n, dtype=np.int64), -5)
    high = price + 1
    high[n] = high[n - 1]
    rise = Candles(price, high, price, price, np.ones(n + 1, dtype=np.int64))
    gaps = gaps_of(rise if sign > 0 else rise.mirrored())
    assert gaps.top.size == n - 2
    for name in ("touched", "half_filled", "filled", "inverted"):
        assert np.all(getattr(gaps, name) == n), name


COLUMNS = ("high", "low", "close", "open")


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda column: column[:-1], "has 4 candles|has 5 candles"),
        (lambda column: np.where(np.arange(5) == 2, np.nan, column), "not a whole number"),
        (lambda column: column + 0.5, "not a whole number"),
        (lambda column: column.reshape(1, 5), "one dimension"),
        (lambda column: column[:0], "is empty"),
        (lambda column: column.astype(str), "expected whole numbers"),
    ],
)
def test_a_bad_column_is_named(name: str, spoil: Callable[[np.ndarray], np.ndarray], words: str) -> None:
    candles = random_candles(5, 3)
    columns = {column: getattr(candles, column) for column in COLUMNS}
    columns[name] = spoil(columns[name])
    # A column of another length is named by comparison with the first, so a short `high` blames `low`.
    blamed = "low" if name == "high" and "candles" in words else name
    with pytest.raises(ValueError, match=rf"^{blamed}(\[\d\])?: .*({words})"):
        fair_value_gaps(columns["high"], columns["low"], columns["close"], open=columns["open"])


def test_low_above_high_names_the_candle() -> None:
    with pytest.raises(ValueError, match=r"^high\[1\]: is below low"):
        fair_value_gaps([5, 5, 5], [4, 6, 4], [5, 5, 5])


@pytest.mark.parametrize("close", [[5, 7, 5], [5, 3, 5]])
def test_close_outside_the_candle_names_it(close: list[int]) -> None:
    with pytest.raises(ValueError, match=r"^close\[1\]: lies outside"):
        fair_value_gaps([6, 6, 6], [4, 4, 4], close)


@pytest.mark.parametrize(("high", "name"), [(2**40 + 1, "high"), (2**62, "high")])
def test_prices_beyond_the_limit_are_refused(high: int, name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}\[0\]: is beyond"):
        fair_value_gaps([high, 6, 6], [4, 4, 4], [5, 5, 5])
    with pytest.raises(ValueError, match=r"^low\[0\]: is beyond"):
        fair_value_gaps([0, 6, 6], [-high, 4, 4], [0, 5, 5])


def test_the_middle_filter_needs_the_open() -> None:
    with pytest.raises(ValueError, match=r"^open: is needed"):
        fair_value_gaps([5], [5], [5], directional_middle=True)


@pytest.mark.parametrize("at", [-1, 3, 1.5])
def test_fill_fraction_refuses_a_bar_that_is_not_there(at: int) -> None:
    gaps = fair_value_gaps([5, 5, 5], [5, 5, 5], [5, 5, 5])
    with pytest.raises(ValueError, match=r"^at: "):
        fill_fraction(gaps, [5, 5, 5], [5, 5, 5], at)


def test_fill_fraction_names_a_bad_column_of_the_gaps() -> None:
    candles = random_candles(60, 1)
    gaps = gaps_of(candles)
    for bad, name in [
        (gaps._replace(direction=gaps.direction * 0), r"direction\[0\]"),
        (gaps._replace(bottom=gaps.top), r"top\[0\]"),
        (gaps._replace(top=gaps.top[:-1]), "top"),
        (gaps._replace(confirmed=gaps.confirmed - 99), r"confirmed\[0\]"),
        (gaps._replace(confirmed=gaps.confirmed[::-1]), r"confirmed\[1\]"),
    ]:
        with pytest.raises(ValueError, match=rf"^gaps\.{name}: "):
            fill_fraction(bad, candles.high, candles.low, 59)


@given(candle_runs(min_size=3, max_size=30))
def test_gaps_never_overlap_the_candles_that_frame_them(candles: Candles) -> None:
    for direction, bottom, top, origin, confirmed, *_ in rows_of(gaps_of(candles)):
        first, last = (origin, confirmed) if direction > 0 else (confirmed, origin)
        assert candles.high[first] == bottom
        assert candles.low[last] == top
