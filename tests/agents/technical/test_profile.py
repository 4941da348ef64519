from dataclasses import replace
from decimal import Decimal

import numpy as np

from agents.technical.profile import profile_candles
from tests.agents.technical.markets import ints, market


def test_an_index_alone_counts_its_minutes() -> None:
    index = market(2, 1)
    profile = profile_candles(index)
    assert set(profile.source_names()) == {"time_at_price"}
    assert profile.volume.tolist() == [15] * len(index)
    assert np.array_equal(profile.high, index.high)


def test_own_volume_comes_before_time() -> None:
    index = market(2, 1, volume=True)
    index = replace(index, volume=np.where(np.arange(len(index)) == 3, 0, index.volume))
    profile = profile_candles(index)
    assert profile.source_names()[2:5] == ["own", "time_at_price", "own"]
    assert profile.volume[3] == 15


def test_the_future_is_moved_to_the_index_by_the_basis_of_its_close() -> None:
    index = market(2, 1)
    moved = {name: getattr(index, name) + 700 for name in ("open", "high", "low", "close")}
    future = replace(index, **moved, volume=np.full(len(index), 5), instrument="NIFTY-I")[10:20]
    profile = profile_candles(index, future)
    assert profile.source_names()[9:11] == ["time_at_price", "future:NIFTY-I"]
    assert profile.basis[9:21].tolist() == [0, *[700] * 10, 0]
    assert np.array_equal(profile.high, index.high)
    assert profile.volume[10] == 5
    assert profile.mapped().sum() == 10


def test_a_future_with_finer_ticks_is_rounded_to_those_of_the_index() -> None:
    index = market(1, 1)
    fine = {name: getattr(index, name) * 5 + 2 for name in ("open", "high", "low", "close")}
    future = replace(index, **fine, volume=np.full(len(index), 5), tick_size=Decimal("0.01"))
    profile = profile_candles(index, future)
    assert np.array_equal(profile.high, index.high)
    assert set(profile.basis.tolist()) == {0}


def test_a_future_without_volume_falls_back_to_the_basket() -> None:
    index = market(1, 1)
    quiet = replace(index, instrument="NIFTY-I")
    zero = np.zeros(len(index), dtype=np.int64)
    basket = replace(
        index, instrument="NIFTY-CONSTITUENTS", open=zero, high=zero, low=zero, close=zero, volume=zero + 900
    )
    profile = profile_candles(index, quiet, basket)
    assert set(profile.source_names()) == {"constituents:NIFTY-CONSTITUENTS"}
    assert np.array_equal(profile.low, index.low)
    assert profile.volume[0] == 900


def test_joining_profiles_keeps_each_source() -> None:
    index = market(2, 1)
    traded = replace(index, volume=index.volume + 7)
    joined = profile_candles(index[:5]).then(profile_candles(traded[5:8]))
    assert joined.source_names() == ["time_at_price"] * 5 + ["own"] * 3
    assert len(joined[2:6]) == 4


def test_a_profile_candle_depends_on_its_own_candle_only() -> None:
    index = market(3, 2)
    future = replace(index, instrument="NIFTY-I", volume=index.volume + 3)[20:50]
    whole = profile_candles(index, future)
    part = profile_candles(index[:30], future[:10])
    assert np.array_equal(whole.source[:30], part.source)
    assert np.array_equal(whole.volume[:30], part.volume)
    assert ints(*whole.basis[:30].tolist()).tolist() == part.basis.tolist()
