from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.domain.candles import Candles
from agents.technical.levels import (
    levels_of,
    profile_frame,
    rolling_levels,
    row_frame,
    run_starts,
    session_levels,
)
from agents.technical.profile import ProfileCandles, profile_candles
from analytics_ext.profile import UNITS_PER_CONTRACT, value_area
from tests.agents.technical.markets import SMALL, market, markets


def mixed(index: Candles, draw: np.random.Generator) -> ProfileCandles:
    """A profile whose source changes now and then."""
    switched = np.cumsum(draw.random(len(index)) < 0.1) % 2 == 1
    return profile_candles(replace(index, volume=np.where(switched, draw.integers(1, 99, len(index)), 0)))


@settings(max_examples=60, deadline=None)
@given(markets(20, 120), st.integers(0, 2**32 - 1))
def test_sliding_levels_equal_those_of_each_window_counted_alone(index: Candles, seed: int) -> None:
    profile = mixed(index, np.random.default_rng(seed))
    rolling, session = rolling_levels(profile, SMALL), session_levels(profile, SMALL)
    starts = run_starts(profile.session)
    for t in range(len(profile)):
        window = profile[max(0, t - SMALL.window + 1) : t + 1]
        assert (rolling.poc[t], rolling.val[t], rolling.vah[t]) == levels_of(window, SMALL)
        own = window.source == window.source[-1]
        assert rolling.total[t] == window.volume[own].sum()
        assert rolling.coverage[t] == own.mean()
        assert (session.poc[t], session.val[t], session.vah[t]) == levels_of(profile[starts[t] : t + 1], SMALL)


def test_levels_from_a_later_candle_are_those_of_the_whole() -> None:
    profile = mixed(market(6, 3), np.random.default_rng(3))
    whole, late = rolling_levels(profile, SMALL), rolling_levels(profile, SMALL, 70)
    for all_of, some in zip(whole[1:], late[1:], strict=True):
        assert np.array_equal(np.asarray(all_of)[70:], some)


def test_the_point_of_control_lies_inside_the_value_area() -> None:
    levels = rolling_levels(profile_candles(market(6, 3)), SMALL)
    assert (levels.val < levels.poc).all()
    assert (levels.poc < levels.vah).all()


def test_rows_of_a_session_add_up_to_its_profile() -> None:
    index = market(4, 5, volume=True)
    profile = profile_candles(index)
    rows, levels = row_frame(index, profile, SMALL), profile_frame(index, profile, SMALL)
    for at in (30, 49, 60):
        now = levels["known_at"].unique()[at]
        day = levels.loc[levels["known_at"] == now, "session"].iloc[0]
        part = rows[(rows["session"] == day) & (rows["known_at"] <= now)].groupby("price_row")["volume_fixed"].sum()
        said = levels[(levels["known_at"] == now) & (levels["scope"] == "session")].iloc[0]
        assert part.sum() == said["total_volume"] * UNITS_PER_CONTRACT
        dense = part.reindex(range(part.index.min(), part.index.max() + 1), fill_value=0)
        area = value_area(dense.to_numpy(), fraction=SMALL.value_fraction)
        assert said["poc"] == (dense.index[area.poc]) * SMALL.row_ticks + SMALL.row_ticks // 2
        assert said["val"] == dense.index[area.val] * SMALL.row_ticks
        assert said["vah"] == (dense.index[area.vah] + 1) * SMALL.row_ticks


def test_only_a_future_has_a_basis() -> None:
    index = market(2, 1)
    future = replace(index, close=index.high, instrument="NIFTY-I", volume=index.volume + 1)[5:6]
    frame = profile_frame(index, profile_candles(index, future), SMALL)
    assert frame["basis"].notna().sum() == 2  # one candle, two scopes
    assert frame.loc[frame["basis"].notna(), "source"].unique().tolist() == ["future:NIFTY-I"]


def test_no_new_candles_make_no_rows() -> None:
    index = market(2, 1)
    profile = profile_candles(index)
    assert row_frame(index, profile, SMALL, len(index)).empty
    assert profile_frame(index, profile, SMALL, len(index)).empty
