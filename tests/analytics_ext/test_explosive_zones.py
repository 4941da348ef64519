"""Bases before explosive moves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_ext.zones import BaseKind, SupplyDemand, average_true_range, explosive_zones
from tests.analytics_ext import reference_zones as reference
from tests.analytics_ext.strategies import Candles, any_candles, random_candles

sizes = st.sampled_from([0.25, 0.5, 0.75, 1.0])
lengths = st.integers(1, 8)


def zones_of(candles: Candles, body_atr: float = 0.75, atr_length: int = 4) -> SupplyDemand:
    return explosive_zones(
        candles.open, candles.high, candles.low, candles.close, body_atr=body_atr, atr_length=atr_length
    )


def same(one: SupplyDemand, other: SupplyDemand) -> bool:
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(one, other, strict=True))


@given(any_candles(), sizes, lengths)
def test_agrees_with_plain_python(candles: Candles, body_atr: float, length: int) -> None:
    rows = list(zip(*(column.tolist() for column in candles[:4]), strict=True))
    ranges = reference.average_true_range(candles.high.tolist(), candles.low.tolist(), candles.close.tolist(), length)
    found = zones_of(candles, body_atr, length)
    ours = [reference.Base(*row) for row in zip(*(column.tolist() for column in found[:6]), strict=True)]
    assert ours == reference.explosive_zones(rows, ranges, body_atr)


@given(any_candles(), sizes, st.data())
def test_later_candles_change_nothing(candles: Candles, body_atr: float, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, candles.length))
    whole = zones_of(candles, body_atr)
    known = whole.confirmed < cut
    assert same(zones_of(candles.cut(0, cut), body_atr), SupplyDemand._make(column[known] for column in whole))


@given(any_candles(), sizes, st.integers(-50, 50))
def test_shift_moves_only_the_levels(candles: Candles, body_atr: float, shift: int) -> None:
    plain = zones_of(candles, body_atr)
    moved = plain._replace(bottom=plain.bottom + shift, top=plain.top + shift)
    assert same(zones_of(candles.shifted(shift), body_atr), moved)


@given(any_candles(), sizes)
def test_mirror_turns_demand_into_supply(candles: Candles, body_atr: float) -> None:
    plain, mirrored = zones_of(candles, body_atr), zones_of(candles.mirrored(), body_atr)
    turned = plain._replace(direction=-plain.direction, kind=(plain.kind + 2) % 4, bottom=-plain.top, top=-plain.bottom)
    assert same(mirrored, turned)


@given(any_candles())
def test_strength_is_the_body_in_average_ranges(candles: Candles) -> None:
    found = zones_of(candles)
    ranges = average_true_range(candles.high, candles.low, candles.close, length=4)
    body = np.abs(candles.close - candles.open)[found.confirmed]
    np.testing.assert_array_equal(found.strength, body / ranges[found.confirmed])
    assert (found.strength >= 0.75).all()


def test_zone_is_known_with_the_first_candle_of_the_move_out() -> None:
    # A rally, two pauses, and a rally of three candles.
    opened = [100, 100, 110, 112, 111, 121, 131]
    closed = [100, 110, 112, 111, 121, 131, 141]
    high = [101, 111, 113, 114, 122, 132, 142]
    low = [99, 99, 108, 109, 110, 120, 130]
    found = explosive_zones(opened, high, low, closed, atr_length=1)
    assert found.kind.tolist() == [BaseKind.RBR]
    assert (found.origin.tolist(), found.confirmed.tolist()) == ([2], [4])
    assert (found.bottom.tolist(), found.top.tolist()) == ([108], [112])


def test_candles_without_body_are_pauses_even_in_a_still_market() -> None:
    flat = [5] * 40
    assert explosive_zones(flat, flat, flat, flat).confirmed.size == 0


def test_opposite_explosive_candles_without_a_pause_leave_no_base() -> None:
    found = explosive_zones([0, 0, 9, 0], [0, 9, 9, 9], [0, 0, 0, 0], [0, 9, 0, 9], atr_length=1)
    assert found.confirmed.size == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"body_atr": 0.0}, "body_atr: must be a positive number"),
        ({"body_atr": float("nan")}, "body_atr: must be a positive number"),
        ({"atr_length": 0}, "atr_length: must be a whole number"),
        ({"open": [9, 2]}, r"open\[0\]: lies outside"),
    ],
)
def test_refusals_name_the_input(changes: dict[str, object], words: str) -> None:
    arguments = {"open": [1, 2], "high": [3, 4], "low": [1, 2], "close": [2, 3], **changes}
    with pytest.raises(ValueError, match=words):
        explosive_zones(**arguments)  # type: ignore[arg-type] # wrong on purpose


def test_inputs_stay_as_they_are() -> None:
    candles = random_candles(500, 2)
    before = [column.copy() for column in candles]
    for column in candles:
        column.flags.writeable = False
    zones_of(candles)
    assert all(np.array_equal(a, b) for a, b in zip(before, candles, strict=True))
