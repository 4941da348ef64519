"""The life of zones, against a walk of plain Python and against its own laws."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_ext.blocks import order_blocks
from analytics_ext.gaps import fair_value_gaps
from analytics_ext.lifecycle import Lifecycle, Progress, Reason, Zones, live_at, zone_lifecycle
from analytics_ext.zones import explosive_zones
from tests.analytics_ext import reference_zones as reference
from tests.analytics_ext.strategies import Candles, any_candles, random_candles

limits = st.builds(reference.Limits, st.integers(0, 4), st.integers(1, 30), st.integers(0, 2))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Candles, Zones]:
    """Candles, and zones near their prices: some known before the first candle, some after the last."""
    candles = draw(any_candles(1, 80))
    level = st.integers(int(candles.low.min()) - 2, int(candles.high.max()) + 2)
    zone = st.tuples(st.sampled_from([1, -1]), level, st.integers(0, 4), st.integers(-8, candles.length + 1))
    table = np.array(draw(st.lists(zone, max_size=12)), dtype=np.int64).reshape(-1, 4)
    return candles, Zones(
        table[:, 0].astype(np.int8), table[:, 1].copy(), table[:, 1] + table[:, 2], table[:, 3].copy()
    )


def walk(candles: Candles, zones: Zones, rules: reference.Limits, before: Progress | None = None) -> Lifecycle:
    return zone_lifecycle(
        candles.high,
        candles.low,
        candles.close,
        zones,
        max_touches=rules.max_touches,
        max_age=rules.max_age,
        break_ticks=rules.break_ticks,
        before=before,
    )


def touch_bars(life: Lifecycle, zone: int) -> list[int]:
    return [int(t) for t in life.touch_bars[life.touch_offsets[zone] : life.touch_offsets[zone + 1]]]


def as_reference(life: Lifecycle, zone: int) -> reference.Life:
    return reference.Life(
        int(life.touched[zone]),
        int(life.mitigated[zone]),
        int(life.invalidated[zone]),
        int(life.reason[zone]),
        int(life.breaker[zone]),
        bool(life.inside[zone]),
        touch_bars(life, zone),
    )


@given(scenes(), limits)
def test_agrees_with_plain_python(scene: tuple[Candles, Zones], rules: reference.Limits) -> None:
    candles, zones = scene
    life = walk(candles, zones, rules)
    rows = list(zip(candles.high.tolist(), candles.low.tolist(), candles.close.tolist(), strict=True))
    for i, zone in enumerate(zip(*(column.tolist() for column in zones), strict=True)):
        expected = reference.zone_life(rows, zone, rules)
        assert as_reference(life, i) == expected
        assert life.touches[i] == len(expected.touch_bars)


@given(scenes(), limits, st.data())
def test_later_candles_only_add_events(
    scene: tuple[Candles, Zones], rules: reference.Limits, data: st.DataObject
) -> None:
    candles, zones = scene
    cut = data.draw(st.integers(1, candles.length))
    whole, start = walk(candles, zones, rules), walk(candles.cut(0, cut), zones, rules)
    for ours, all_of_it in zip(
        (start.touched, start.mitigated, start.invalidated, start.breaker),
        (whole.touched, whole.mitigated, whole.invalidated, whole.breaker),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, np.where(all_of_it < cut, all_of_it, -1))
    for i in range(zones.direction.size):
        assert touch_bars(start, i) == [t for t in touch_bars(whole, i) if t < cut]


@given(scenes(), limits, st.data())
def test_walk_in_two_parts_is_the_whole_walk(
    scene: tuple[Candles, Zones], rules: reference.Limits, data: st.DataObject
) -> None:
    candles, zones = scene
    cut = data.draw(st.integers(1, candles.length))
    whole, start = walk(candles, zones, rules), walk(candles.cut(0, cut), zones, rules)
    if cut == candles.length:
        return
    later = zones._replace(confirmed=zones.confirmed - cut)
    rest = walk(candles.cut(cut, candles.length), later, rules, start.progress())
    for name in ("touched", "mitigated", "invalidated", "breaker"):
        first, second = getattr(start, name), getattr(rest, name)
        assert not ((first >= 0) & (second >= 0)).any()
        np.testing.assert_array_equal(np.where(second >= 0, second + cut, first), getattr(whole, name))
    np.testing.assert_array_equal(rest.reason, whole.reason)
    np.testing.assert_array_equal(rest.touches, whole.touches)
    for i in range(zones.direction.size):
        assert touch_bars(start, i) + [t + cut for t in touch_bars(rest, i)] == touch_bars(whole, i)
    for ours, expected in zip(rest.progress(start.progress()), whole.progress(), strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(expected))


@given(scenes(), limits)
def test_states_only_climb(scene: tuple[Candles, Zones], rules: reference.Limits) -> None:
    candles, zones = scene
    life = walk(candles, zones, rules)
    for i in range(zones.direction.size):
        one = as_reference(life, i)
        bars = one.touch_bars
        assert bars == sorted(set(bars))
        assert all(t > zones.confirmed[i] for t in bars)
        assert one.touched == (bars[0] if bars else -1)
        assert len(bars) <= rules.max_touches + 1
        assert one.mitigated < 0 or one.mitigated >= one.touched >= 0
        assert (one.invalidated >= 0) == (one.reason != Reason.NONE)
        assert one.invalidated < 0 or all(t <= one.invalidated for t in bars)
        assert one.breaker < 0 or (one.breaker > one.invalidated and one.reason == Reason.CLOSE_THROUGH)


@given(scenes(), limits)
def test_mirror_gives_the_same_lives(scene: tuple[Candles, Zones], rules: reference.Limits) -> None:
    candles, zones = scene
    turned = Zones(-zones.direction, -zones.top, -zones.bottom, zones.confirmed)
    plain, mirrored = walk(candles, zones, rules), walk(candles.mirrored(), turned, rules)
    for ours, expected in zip(mirrored[:9], plain[:9], strict=True):
        assert np.array_equal(np.asarray(ours), np.asarray(expected))


@given(scenes(), limits, st.integers(-100, 100), st.integers(1, 5))
def test_shift_and_scale_change_no_event(
    scene: tuple[Candles, Zones], rules: reference.Limits, shift: int, factor: int
) -> None:
    candles, zones = scene
    moved = zones._replace(bottom=zones.bottom * factor + shift, top=zones.top * factor + shift)
    scaled = reference.Limits(rules.max_touches, rules.max_age, rules.break_ticks * factor)
    for ours, expected in zip(
        walk(candles.scaled(factor).shifted(shift), moved, scaled), walk(candles, zones, rules), strict=True
    ):
        assert np.array_equal(np.asarray(ours), np.asarray(expected))


def flat_walk(closes: list[int], zone: tuple[int, int, int, int], **rules: int) -> Lifecycle:
    direction, bottom, top, confirmed = zone
    zones = Zones(np.array([direction], dtype=np.int8), np.array([bottom]), np.array([top]), np.array([confirmed]))
    return zone_lifecycle(closes, closes, closes, zones, **rules)  # type: ignore[arg-type] # all rules are numbers


def test_close_exactly_one_tick_beyond_does_not_break() -> None:
    assert flat_walk([20, 9], (1, 10, 12, 0)).reason[0] == Reason.NONE
    life = flat_walk([20, 8], (1, 10, 12, 0))
    assert (life.invalidated[0], life.reason[0]) == (1, Reason.CLOSE_THROUGH)


def test_candle_that_breaks_does_not_touch() -> None:
    life = zone_lifecycle([20, 12], [20, 5], [20, 5], Zones._make(np.array([v]) for v in (1, 10, 12, 0)))
    assert (life.touched[0], life.mitigated[0], life.invalidated[0]) == (-1, -1, 1)


def test_price_that_stays_touches_once() -> None:
    life = flat_walk([20, 11, 11, 20, 11, 20], (1, 10, 12, 0))
    assert life.touches[0] == 2
    assert touch_bars(life, 0) == [1, 4]


def test_many_touches_are_all_logged() -> None:
    life = flat_walk([20, 11] * 30, (1, 10, 12, 0), max_touches=100)
    assert life.touches[0] == 30
    assert touch_bars(life, 0) == list(range(1, 60, 2))


def test_one_touch_too_many_ends_a_zone_without_a_breaker() -> None:
    life = flat_walk([20, 11, 20, 11, 5, 11], (1, 10, 12, 0), max_touches=1)
    assert (life.invalidated[0], life.reason[0], life.breaker[0]) == (3, Reason.TOUCH_LIMIT, -1)


def test_zone_ages_on_its_last_candle_after_that_candle_was_looked_at() -> None:
    life = flat_walk([20, 20, 20, 11], (1, 10, 12, 0), max_age=3)
    assert (life.touched[0], life.invalidated[0], life.reason[0]) == (3, 3, Reason.AGE)


def test_broken_zone_is_not_followed_beyond_its_age() -> None:
    assert flat_walk([20, 5, 5, 11], (1, 10, 12, 0), max_age=3).breaker[0] == 3
    assert flat_walk([20, 5, 5, 11], (1, 10, 12, 0), max_age=2).breaker[0] == -1


def test_zone_known_earlier_is_followed_from_the_first_candle_at_its_age() -> None:
    assert flat_walk([11], (1, 10, 12, -1)).touched[0] == 0
    assert flat_walk([20, 20], (1, 10, 12, -5), max_age=6).invalidated[0] == 1
    assert flat_walk([20, 20], (1, 10, 12, -50), max_age=6).invalidated[0] == 0


def test_zone_confirmed_on_the_last_candle_has_no_life_yet() -> None:
    life = flat_walk([11, 11], (1, 10, 12, 1))
    assert (life.touched[0], life.reason[0], life.touches[0]) == (-1, Reason.NONE, 0)


def test_no_zones_have_no_lives() -> None:
    life = zone_lifecycle([1], [1], [1], Zones._make(np.zeros(0, dtype=np.int64) for _ in range(4)))
    assert life.touched.size == 0
    assert life.touch_offsets.tolist() == [0]


@pytest.mark.parametrize(
    ("zone", "rules", "words"),
    [
        ((0, 1, 2, 0), {}, r"direction\[0\]: must be \+1 or -1"),
        ((1, 3, 2, 0), {}, r"bottom\[0\]: lies above top"),
        ((1, 1, 2**41, 0), {}, "top: has a value beyond"),
        ((1, 1, 2, 0), {"max_touches": -1}, "max_touches: must be a whole number of at least 0"),
        ((1, 1, 2, 0), {"max_age": 0}, "max_age: must be a whole number of at least 1"),
        ((1, 1, 2, 0), {"break_ticks": -1}, "break_ticks: must be a whole number of at least 0"),
    ],
)
def test_refusals_name_the_input(zone: tuple[int, int, int, int], rules: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        flat_walk([5], zone, **rules)


def test_progress_of_other_zones_is_refused() -> None:
    zones = Zones._make(np.array([v, v]) for v in (1, 1, 2, 0))
    one = flat_walk([5], (1, 1, 2, 0)).progress()
    with pytest.raises(ValueError, match="before: must have 2 entries"):
        zone_lifecycle([5], [5], [5], zones, before=one)


def test_threads_agree_and_inputs_stay_as_they_are() -> None:
    candles = random_candles(5000, 4)
    confirmed = np.arange(0, 5000, 7)
    zones = Zones(
        np.where(confirmed % 2, 1, -1).astype(np.int8), candles.low[confirmed], candles.high[confirmed], confirmed
    )
    columns = [np.asarray(column) for column in (*candles, *zones)]
    before = [column.tobytes() for column in columns]
    for column in columns:
        column.flags.writeable = False

    def follow(_: int) -> bytes:
        life = zone_lifecycle(candles.high, candles.low, candles.close, zones)
        return b"".join(np.asarray(column).tobytes() for column in life)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(follow, range(8)))) == 1
    assert [column.tobytes() for column in columns] == before


@given(
    st.lists(st.tuples(st.integers(-2, 9), st.integers(-1, 9), st.integers(-3, 9))),
    st.integers(0, 9),
    st.integers(1, 9),
)
def test_live_zones_are_known_not_dead_and_in_the_window(
    zones: list[tuple[int, int, int]], at: int, window: int
) -> None:
    confirmed_at, death_at, origin_at = np.array(zones, dtype=np.int64).reshape(-1, 3).T
    expected = [
        confirmed <= at < min(death if death >= 0 else at + 1, origin + window) for confirmed, death, origin in zones
    ]
    assert live_at(confirmed_at, death_at, origin_at, at, window).tolist() == expected


def test_live_at_refuses_columns_of_unequal_length() -> None:
    with pytest.raises(ValueError, match="origin: has 1"):
        live_at([1, 2], [3, 4], [5], 1, 1)


def test_gaps_blocks_and_bases_are_followed_as_they_are() -> None:
    candles = random_candles(2000, 11, step=9, wick=3)
    gaps = fair_value_gaps(candles.high, candles.low, candles.close)
    blocks = order_blocks(*candles, half_length=3)
    bases = explosive_zones(candles.open, candles.high, candles.low, candles.close, body_atr=0.5)
    for zones in (gaps, blocks, bases):
        plain = Zones(zones.direction, zones.bottom, zones.top, zones.confirmed)
        life = zone_lifecycle(candles.high, candles.low, candles.close, zones)
        expected = zone_lifecycle(candles.high, candles.low, candles.close, plain)
        assert life.touched.size > 0
        assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(life, expected, strict=True))
