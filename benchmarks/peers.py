"""What a user would pick instead of each kernel, ready to run on the same candles.

A peer takes a market and returns the work to be measured: conversions that the peer's own interface does not ask for
happen outside of it.
"""

# ruff: noqa: D103 - each name says whose work it prepares

import contextlib
import dataclasses
import io
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

with contextlib.redirect_stdout(io.StringIO()):  # two of them greet on import
    import talib
    import upticks
    import volprofile
    import wickra
    from market_profile import MarketProfile
    from pyvsmc.fvg import detect_fvg
    from pyvsmc.order_blocks import detect_order_blocks
    from pyvsmc.structure import detect_structure
    from pyvsmc.swings import detect_swings
    from scipy.signal import argrelextrema
    from smartmoneyconcepts.smc import smc
    from upticks.core.bars import Bars
    from upticks.structure import blocks, imbalances, profile, supply_demand, zones

import analytics_ext
from benchmarks.measure import TICK, Market, Work

HALF_LENGTH = 5


def smc_gaps(market: Market) -> Work:
    return lambda: smc.fvg(market.frame)


def smc_swings(market: Market) -> Work:
    return lambda: smc.swing_highs_lows(market.frame, HALF_LENGTH)


def smc_breaks(market: Market) -> Work:
    found = smc.swing_highs_lows(market.frame, HALF_LENGTH)
    return lambda: smc.bos_choch(market.frame, found)


def smc_order_blocks(market: Market) -> Work:
    found = smc.swing_highs_lows(market.frame, HALF_LENGTH)
    return lambda: smc.ob(market.frame, found)


def pyvsmc_gaps(market: Market) -> Work:
    columns = market.rupees
    return lambda: detect_fvg(columns["high"], columns["low"], compute_mitigation=True)


def pyvsmc_swings(market: Market) -> Work:
    columns = market.rupees
    return lambda: detect_swings(columns["high"], columns["low"], HALF_LENGTH)


def pyvsmc_breaks(market: Market) -> Work:
    columns = market.rupees
    return lambda: detect_structure(columns["high"], columns["low"], columns["close"], HALF_LENGTH)


def pyvsmc_order_blocks(market: Market) -> Work:
    prices = [market.rupees[name] for name in ("open", "high", "low", "close")]
    return lambda: detect_order_blocks(*prices, window_size=HALF_LENGTH, compute_mitigation=True)


def scipy_swings(market: Market) -> Work:
    high, low = market.rupees["high"], market.rupees["low"]
    return lambda: (
        argrelextrema(high, np.greater_equal, order=HALF_LENGTH),
        argrelextrema(low, np.less_equal, order=HALF_LENGTH),
    )


def talib_extremes(market: Market) -> Work:
    high, low, width = market.rupees["high"], market.rupees["low"], 2 * HALF_LENGTH + 1
    return lambda: (talib.MAX(high, width), talib.MIN(low, width))


def talib_atr(market: Market) -> Work:
    columns = market.rupees
    return lambda: talib.ATR(columns["high"], columns["low"], columns["close"], 14)


def volprofile_touch(market: Market) -> Work:
    return lambda: volprofile.getVPWithOHLC(market.frame, 50)


def market_profile(market: Market) -> Work:
    frame = market.frame.rename(columns=str.capitalize)
    row = float(np.ptp(market.rupees["close"])) / 50
    return lambda: MarketProfile(frame, row_size=row)[0 : market.length]


def numpy_profile(market: Market) -> Work:
    columns = market.rupees
    return lambda: np.histogram(columns["close"], bins=50, weights=columns["volume"])


def wickra_profile(market: Market) -> Work:
    # Its types know only memoryview[int], which would be another copy; it takes float arrays as they are.
    columns: list[Any] = [market.rupees[name] for name in ("high", "low", "volume")]
    return lambda: wickra.VolumeProfile(market.length, 50).batch(*columns)


def wickra_area(market: Market, rows: int, window: int) -> Work:
    # Its types know only memoryview[int], which would be another copy; it takes float arrays as they are.
    columns: list[Any] = [market.rupees[name] for name in ("high", "low", "volume")]
    return lambda: wickra.ValueArea(window, rows, 0.70).batch(*columns)


@lru_cache(maxsize=2)
def bars_of(market: Market) -> Bars:
    """Return the candles as upticks wants them."""
    frame = market.frame.reset_index()
    frame["datetime"] = frame["datetime"].dt.tz_localize(None)
    bars = upticks.load(frame, tz="Asia/Kolkata", tick_size=TICK, hygiene=False)
    # Its event frames ask for the identity of a file, which random candles do not have.
    meta = dataclasses.replace(bars.meta, source_fingerprint="0" * 64)
    return Bars(bars.df, meta, sessions=bars.sessions, capabilities=bars.capabilities, tick=bars.tick)


def upticks_gap_events(market: Market) -> Any:
    """Return both sides' gaps in one frame. Any: a peer's own kind of frame."""
    bars = bars_of(market)
    return pd.concat([imbalances.bullish_fvg(bars), imbalances.bearish_fvg(bars)])


def upticks_fill(market: Market) -> Work:
    bars, events = bars_of(market), upticks_gap_events(market)
    return lambda: imbalances.fvg_fill(bars, events, horizon=market.length)


def upticks_gaps(market: Market) -> Work:
    bars_of(market)
    return lambda: imbalances.fvg_fill(bars_of(market), upticks_gap_events(market), horizon=market.length)


def upticks_order_blocks(market: Market) -> Work:
    bars = bars_of(market)
    return lambda: (blocks.bullish_order_block(bars), blocks.bearish_order_block(bars))


def upticks_profile(market: Market, row: int) -> Work:
    bars = bars_of(market)
    return lambda: profile.volume_profile(bars, bin_ticks=row, mode="uniform")


def upticks_bases(market: Market) -> Work:
    bars = bars_of(market)
    demand = (supply_demand.rally_base_rally, supply_demand.drop_base_rally)
    supply = (supply_demand.drop_base_drop, supply_demand.rally_base_drop)
    return lambda: [kind(bars) for kind in (*demand, *supply)]


def upticks_lifecycle(market: Market) -> Work:
    bars = bars_of(market)
    frame = zones.zone_frame(upticks_gap_events(market), bars=bars)
    return lambda: zones.zone_timeline(bars, frame, max_age_bars=750)


def numpy_fill(market: Market) -> Work:
    gaps = analytics_ext.fair_value_gaps(market.high, market.low, market.close)

    def fill() -> Any:
        lowest = np.minimum.accumulate(market.low[::-1])[::-1]
        highest = np.maximum.accumulate(market.high[::-1])[::-1]
        after = np.minimum(gaps.confirmed + 1, market.length - 1)
        reach = np.where(gaps.direction > 0, gaps.top - lowest[after], highest[after] - gaps.bottom)
        return np.clip(reach / (gaps.top - gaps.bottom), 0, 1)

    return fill


def numpy_live(market: Market) -> Work:
    gaps = analytics_ext.fair_value_gaps(market.high, market.low, market.close)
    at, window = market.length // 2, 750

    def live() -> Any:
        alive = (gaps.filled < 0) | (gaps.filled > at)
        return (gaps.confirmed <= at) & alive & (gaps.origin > at - window)

    return live


def scipy_nodes(market: Market) -> Work:
    volume = market.rupees["volume"]

    def nodes() -> Any:
        high, low = np.quantile(volume, [0.8, 0.2])
        peaks, dips = argrelextrema(volume, np.greater)[0], argrelextrema(volume, np.less)[0]
        return peaks[volume[peaks] >= high], dips[volume[dips] <= low]

    return nodes


def python_value_area(market: Market) -> Work:
    rows = market.volume.tolist()

    def area() -> tuple[int, int, int]:
        poc = rows.index(max(rows))
        low = high = poc
        held, target = rows[poc], 0.7 * sum(rows)
        while held < target:
            above, below = sum(rows[high + 1 : high + 3]), sum(rows[max(low - 2, 0) : low])
            if high + 1 < len(rows) and (above >= below or low == 0):
                high = min(high + 2, len(rows) - 1)
                held += above
            else:
                low = max(low - 2, 0)
                held += below
        return low, poc, high

    return area


def numpy_confluence(market: Market) -> Work:
    columns = (market.open, market.high, market.low, market.close)
    blocks_found = analytics_ext.order_blocks(*columns, market.volume, half_length=HALF_LENGTH)
    families = (analytics_ext.fair_value_gaps(*columns[1:]), blocks_found, analytics_ext.explosive_zones(*columns))
    floor, ceiling = int(market.low.min()), int(market.high.max())

    def count() -> Any:
        """For each side and each tick, how many families hold it: a difference array for each."""
        held = np.zeros((2, ceiling - floor + 2), dtype=np.int64)
        for zones_found in families:
            for side, direction in enumerate((1, -1)):
                chosen = zones_found.direction == direction
                steps = np.zeros(ceiling - floor + 2, dtype=np.int64)
                np.add.at(steps, zones_found.bottom[chosen] - floor, 1)
                np.add.at(steps, zones_found.top[chosen] - floor + 1, -1)
                held[side] += np.cumsum(steps) > 0
        return held >= 2

    return count
