from hypothesis import given
from hypothesis import strategies as st

from agents.technical.turning import StructureBreak, Swing, turning_points

UP_AND_DOWN = [10, 11, 12, 13, 12, 11, 10, 11, 12, 14, 15, 12, 9, 8]
prices = st.lists(st.integers(1, 30), min_size=0, max_size=60)


def test_a_swing_is_known_when_its_neighbours_are_and_a_close_breaks_it() -> None:
    found = turning_points(UP_AND_DOWN, UP_AND_DOWN, UP_AND_DOWN, half_length=2)
    assert found.swings[0] == Swing(at=3, is_high=True, level=13, known=5)
    assert found.swings[1] == Swing(at=6, is_high=False, level=10, known=8)
    assert found.breaks == (
        StructureBreak(at=9, is_up=True, level=13, swing_at=3, turns=False),
        StructureBreak(at=12, is_up=False, level=10, swing_at=6, turns=True),
    )


def test_no_candles_have_no_turning_points() -> None:
    assert turning_points([], [], [], half_length=5) == ((), ())


@given(prices, st.data())
def test_more_candles_only_add(closes: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(closes)))
    before = turning_points(closes[:cut], closes[:cut], closes[:cut], half_length=2)
    whole = turning_points(closes, closes, closes, half_length=2)
    assert before.swings == tuple(swing for swing in whole.swings if swing.known < cut)
    assert before.breaks == tuple(each for each in whole.breaks if each.at < cut)
