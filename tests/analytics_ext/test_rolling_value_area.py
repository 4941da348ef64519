"""The sliding value area against counting each window afresh, bit for bit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_ext.profile import (
    AreaRule,
    RollingValueArea,
    SpreadRule,
    rolling_value_area,
    value_area,
    volume_profile,
)
from tests.analytics_ext.strategies import Candles, any_candles, random_candles

SPREADS: list[SpreadRule] = ["overlap", "touch"]
RULES: list[AreaRule] = ["two_row", "one_row"]
spreads = st.sampled_from(SPREADS)
rules = st.sampled_from(RULES)
windows = st.integers(1, 50)
heights = st.integers(1, 6)


def rolled(candles: Candles, window: int, row: int, spread: SpreadRule, rule: AreaRule) -> RollingValueArea:
    return rolling_value_area(
        candles.high, candles.low, candles.volume, window=window, row=row, spread=spread, rule=rule
    )


def window_at(candles: Candles, t: int, window: int) -> Candles:
    return candles.cut(max(0, t - window + 1), t + 1)


def counted_afresh(part: Candles, row: int, spread: SpreadRule, rule: AreaRule) -> list[int]:
    first, rows = volume_profile(part.high, part.low, part.volume, row=row, spread=spread)
    val, poc, vah = value_area(rows, rule=rule)
    return [first + poc, first + val, first + vah]


def same(one: RollingValueArea, other: RollingValueArea) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


@given(any_candles(), windows, heights, spreads, rules)
def test_each_entry_is_its_window_counted_afresh(
    candles: Candles, window: int, row: int, spread: SpreadRule, rule: AreaRule
) -> None:
    areas = np.stack(rolled(candles, window, row, spread, rule), axis=1).tolist()
    for t in range(candles.length):
        assert areas[t] == counted_afresh(window_at(candles, t, window), row, spread, rule)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("window", [1, 100, 750])
def test_long_run_does_not_drift(spread: SpreadRule, rule: AreaRule, window: int) -> None:
    candles = random_candles(20_000, window, step=9, wick=6, start=-100)
    areas = np.stack(rolled(candles, window, 4, spread, rule), axis=1).tolist()
    for t in [*range(0, 20_000, 977), 19_999]:
        assert areas[t] == counted_afresh(window_at(candles, t, window), 4, spread, rule)


@given(any_candles(), windows, heights, st.data())
def test_later_candles_change_nothing(candles: Candles, window: int, row: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, candles.length))
    whole = rolled(candles, window, row, "overlap", "two_row")
    start = rolled(candles.cut(0, cut), window, row, "overlap", "two_row")
    garbage = candles.cut(0, cut).joined(random_candles(5, cut, step=40))
    disturbed = rolled(garbage, window, row, "overlap", "two_row")
    assert same(start, RollingValueArea(*(column[:cut] for column in whole)))
    assert same(start, RollingValueArea(*(column[:cut] for column in disturbed)))


@given(any_candles(), windows, heights, spreads, rules)
def test_point_of_control_lies_in_the_area_and_the_area_in_the_window(
    candles: Candles, window: int, row: int, spread: SpreadRule, rule: AreaRule
) -> None:
    poc, val, vah = rolled(candles, window, row, spread, rule)
    assert (val <= poc).all()
    assert (poc <= vah).all()
    for t in range(candles.length):
        part = window_at(candles, t, window)
        assert part.low.min() // row <= val[t]
        assert vah[t] <= part.high.max() // row


@given(any_candles(), windows, heights, st.integers(-9, 9), st.integers(1, 1000))
def test_shift_by_rows_and_unit_of_volume_leave_the_rows(
    candles: Candles, window: int, row: int, rows_up: int, factor: int
) -> None:
    # Shares of a unit do not scale, so volumes are made to divide evenly over any candle here.
    whole = candles._replace(volume=candles.volume * 360_360)
    plain = rolled(whole, window, row, "touch", "two_row")
    moved = rolled(whole.shifted(rows_up * row), window, row, "touch", "two_row")
    larger = rolled(whole._replace(volume=whole.volume * factor), window, row, "touch", "two_row")
    assert same(RollingValueArea(*(column + rows_up for column in plain)), moved)
    if int(candles.high.max() - candles.low.min()) // row < 14:
        assert same(plain, larger)


def test_window_without_volume_is_the_row_of_its_lowest_low() -> None:
    areas = rolling_value_area([25, 35, 45], [21, 11, 41], [0, 0, 0], window=2, row=10)
    assert areas.poc.tolist() == areas.val.tolist() == areas.vah.tolist() == [2, 1, 1]


def test_volume_that_leaves_the_window_is_forgotten() -> None:
    areas = rolling_value_area([5, 95, 95], [0, 90, 90], [1000, 1, 0], window=2, row=10)
    assert areas.poc.tolist() == [0, 0, 9]


def test_long_window_develops_from_the_first_candle() -> None:
    candles = random_candles(200, 8)
    columns = (candles.high, candles.low, candles.volume)
    assert same(rolling_value_area(*columns, window=200, row=3), rolling_value_area(*columns, window=2**70, row=3))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"window": 0}, "window: must be a whole number of at least 1"),
        ({"row": 0}, "row: must be a whole number of at least 1"),
        ({"fraction": 0}, "fraction: must lie in"),
        ({"rule": "both"}, "rule: must be one of"),
        ({"spread": "ohlc"}, "spread: must be one of"),
        ({"volume": [1]}, "volume: has 1 candles"),
    ],
)
def test_refusals_name_the_input(changes: dict[str, object], words: str) -> None:
    arguments = {"high": [3, 4], "low": [1, 2], "volume": [5, 6], "row": 1, "window": 2, **changes}
    with pytest.raises(ValueError, match=words):
        rolling_value_area(**arguments)  # type: ignore[arg-type] # wrong on purpose


def test_threads_agree_and_inputs_stay_as_they_are() -> None:
    candles = random_candles(20_000, 9)
    before = [column.copy() for column in candles]
    for column in candles:
        column.flags.writeable = False

    def roll(_: int) -> bytes:
        return b"".join(column.tobytes() for column in rolled(candles, 100, 3, "overlap", "two_row"))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(roll, range(8)))) == 1
    assert all(np.array_equal(a, b) for a, b in zip(before, candles, strict=True))
