"""Confluence against asking every tick level."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_ext.confluence import ConfluenceZones, confluence
from analytics_ext.lifecycle import Zones
from analytics_ext.zones import explosive_zones
from tests.analytics_ext import reference_zones as reference
from tests.analytics_ext.strategies import random_candles

zone = st.builds(
    lambda direction, bottom, height, weight: (direction, bottom, bottom + height, weight),
    st.sampled_from([1, -1]),
    st.integers(-10, 20),
    st.integers(0, 6),
    st.sampled_from([0.0, 0.3, 0.7, 1.0, 2.5]),
)
families = st.dictionaries(st.sampled_from("abcdef"), st.lists(zone, max_size=8), max_size=6)
Columns = tuple[list[int], list[int], list[int], list[float]]


def columns(zones: list[reference.Zone]) -> Columns:
    return [z[0] for z in zones], [z[1] for z in zones], [z[2] for z in zones], [z[3] for z in zones]


def stacks(found: ConfluenceZones) -> list[reference.Stack]:
    out = []
    for i in range(found.direction.size):
        members = slice(found.member_offsets[i], found.member_offsets[i + 1])
        pairs = zip(found.member_family[members].tolist(), found.member_zone[members].tolist(), strict=True)
        levels = int(found.direction[i]), int(found.bottom[i]), int(found.top[i])
        out.append(reference.Stack(*levels, float(found.score[i]), int(found.families[i]), tuple(pairs)))
    return out


@given(families, st.integers(1, 7))
def test_agrees_with_asking_every_level(zones: dict[str, list[reference.Zone]], min_families: int) -> None:
    found = confluence({name: columns(family) for name, family in zones.items()}, min_families=min_families)
    assert stacks(found) == reference.confluence(zones, min_families)


@given(families, st.integers(-1000, 1000))
def test_shift_moves_only_the_levels(zones: dict[str, list[reference.Zone]], shift: int) -> None:
    moved = {name: [(d, b + shift, t + shift, w) for d, b, t, w in family] for name, family in zones.items()}
    plain = confluence({name: columns(family) for name, family in zones.items()})
    shifted = confluence({name: columns(family) for name, family in moved.items()})
    expected = plain._replace(bottom=plain.bottom + shift, top=plain.top + shift)
    assert stacks(shifted) == stacks(expected)


@given(families)
def test_mirror_turns_demand_into_supply(zones: dict[str, list[reference.Zone]]) -> None:
    turned = {name: [(-d, -t, -b, w) for d, b, t, w in family] for name, family in zones.items()}
    plain = confluence({name: columns(family) for name, family in zones.items()})
    mirrored = confluence({name: columns(family) for name, family in turned.items()})
    ours = {(s.direction, s.bottom, s.top, s.score, s.families, s.members) for s in stacks(mirrored)}
    assert ours == {(-s.direction, -s.top, -s.bottom, s.score, s.families, s.members) for s in stacks(plain)}


@given(families, st.integers(1, 5))
def test_more_families_wanted_give_smaller_intervals(zones: dict[str, list[reference.Zone]], few: int) -> None:
    given_zones = {name: columns(family) for name, family in zones.items()}
    loose, strict = (stacks(confluence(given_zones, min_families=m)) for m in (few, few + 1))
    for one in strict:
        assert any(s.direction == one.direction and s.bottom <= one.bottom and one.top <= s.top for s in loose)


def test_zones_that_share_one_tick_agree_there() -> None:
    found = confluence({"gap": ([1], [10], [15]), "block": ([1], [15], [20])})
    assert (found.bottom.tolist(), found.top.tolist()) == ([15], [15])
    assert (found.score.tolist(), found.families.tolist()) == ([2.0], [2])


def test_zones_on_neighbouring_ticks_do_not_agree() -> None:
    assert confluence({"gap": ([1], [10], [14]), "block": ([1], [15], [20])}).bottom.size == 0


def test_demand_and_supply_do_not_agree() -> None:
    assert confluence({"gap": ([1], [10], [20]), "block": ([-1], [10], [20])}).bottom.size == 0


def test_stacked_zones_of_one_family_count_once() -> None:
    found = confluence({"gap": ([1, 1, 1], [10, 10, 11], [20, 20, 19]), "block": ([1], [12], [30])})
    assert found.score.tolist() == [2.0]
    assert found.member_offsets.tolist() == [0, 4]


def test_weights_of_families_multiply_those_of_zones() -> None:
    zones = {"gap": ([1, 1], [10, 10], [20, 20], [0.5, 0.25]), "block": ([1], [12], [30])}
    assert confluence(zones, weights={"gap": 4.0}).score.tolist() == [3.0]


def test_families_may_be_objects_and_need_no_names() -> None:
    one = np.ones(1, dtype=np.int64)
    zones = Zones(one.astype(np.int8), 5 * one, 9 * one, one)
    candles = random_candles(300, 2, step=9, wick=1)
    supply_demand = explosive_zones(candles.open, candles.high, candles.low, candles.close)
    by_position = confluence([zones, supply_demand], min_families=1)
    by_name = confluence({"mine": zones, "bases": supply_demand}, min_families=1)
    assert stacks(by_position) == stacks(by_name)
    assert set(by_position.member_family.tolist()) == {0, 1}


def test_nothing_gives_nothing() -> None:
    assert stacks(confluence({})) == []
    assert confluence({"gap": ([], [], [])}, min_families=1).member_offsets.tolist() == [0]


def test_many_zones_agree_with_plain_python() -> None:
    generator = np.random.default_rng(5)
    bottom = generator.integers(0, 400, (5, 60))
    height = generator.integers(0, 40, (5, 60))
    weight = generator.integers(0, 9, (5, 60)) / 8
    zones = {
        str(f): [(1, int(b), int(b + h), float(w)) for b, h, w in zip(bottom[f], height[f], weight[f], strict=True)]
        for f in range(5)
    }
    for least in (1, 3, 5):
        found = confluence({name: columns(family) for name, family in zones.items()}, min_families=least)
        assert stacks(found) == reference.confluence(zones, least)


@pytest.mark.parametrize(
    ("zones", "arguments", "words"),
    [
        ({"gap": ([0], [1], [2])}, {}, r"gap: direction\[0\]: must be \+1 or -1"),
        ({"gap": ([1], [3], [2])}, {}, r"gap: bottom\[0\]: lies above top"),
        ({"gap": ([1], [1, 2], [2])}, {}, "gap: columns have unequal lengths"),
        ({"gap": ([1], [1], [2], [-1.0])}, {}, r"gap: weight\[0\]: is negative"),
        ({"gap": ([1], [1], [2**41])}, {}, "gap: has a level beyond"),
        ({"gap": ([1], [1], [2])}, {"min_families": 0}, "min_families: must be a whole number of at least 1"),
        ({"gap": ([1], [1], [2])}, {"weights": {"gap": -1.0}}, "weights.'gap'.: must be a number of at least 0"),
        ({"gap": ([1], [1], [2])}, {"weights": {"gaps": 1.0}}, "weights.'gaps'.: is no family; families are 'gap'"),
    ],
)
def test_refusals_name_the_input(zones: dict[str, object], arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        confluence(zones, **arguments)  # type: ignore[arg-type] # wrong on purpose


def test_threads_agree() -> None:
    generator = np.random.default_rng(6)
    bottom = generator.integers(0, 1000, (3, 500))
    zones = [(np.ones(500, dtype=np.int8), row, row + 9) for row in bottom]

    def find(_: int) -> bytes:
        return b"".join(np.asarray(column).tobytes() for column in confluence(zones))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(find, range(8)))) == 1
