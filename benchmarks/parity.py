"""Before speed: our kernels and the peers say the same, as far as their definitions are the same."""

import contextlib
import io

import numpy as np

with contextlib.redirect_stdout(io.StringIO()):  # it greets on import
    import talib
    from scipy.signal import argrelextrema
    from smartmoneyconcepts.smc import smc
    from upticks.structure import profile as upticks_profile

import analytics_ext as ours
from benchmarks import peers
from benchmarks.measure import TICK, Market

UNITS_PER_CONTRACT = 2**16


def gaps_agree(market: Market) -> str:
    """Compare the gaps with a directional middle candle with those of smartmoneyconcepts."""
    columns = (market.high, market.low, market.close)
    found = ours.fair_value_gaps(*columns, open=market.open, directional_middle=True)
    table = smc.fvg(market.frame).to_numpy()
    middle = np.flatnonzero(~np.isnan(table[:, 0]))
    assert np.array_equal(middle, found.confirmed - 1)
    assert np.array_equal(table[middle, 0], found.direction)
    assert np.array_equal(np.rint(table[middle, 1] / TICK), found.top)
    assert np.array_equal(np.rint(table[middle, 2] / TICK), found.bottom)
    return f"{middle.size} gaps equal smartmoneyconcepts"


def swings_agree(market: Market) -> str:
    """Compare the swing highs with the loose extremes of scipy, of which ours are the first of equals."""
    half, high = peers.HALF_LENGTH, market.high
    loose = argrelextrema(market.rupees["high"], np.greater_equal, order=half)[0]
    first = [bar for bar in loose if half <= bar < market.length - half and high[bar] not in high[bar - half : bar]]
    found = ours.swings(market.high, market.low, half_length=half)
    assert found.index[found.kind > 0].tolist() == first
    return f"{len(first)} swing highs equal scipy"


def profile_agrees(market: Market, row: int = 50) -> str:
    """Compare the overlapping profile with that of upticks, down to the units in which ours is kept."""
    theirs = upticks_profile.volume_profile(peers.bars_of(market), bin_ticks=row, mode="uniform")["volume"].to_numpy()
    rows = ours.volume_profile(market.high, market.low, market.volume, row=row).rows / UNITS_PER_CONTRACT
    # Dividing prices in rupees, upticks may find the lowest low a row too low; that row stays empty.
    theirs = theirs[theirs.size - rows.size :]
    assert np.abs(theirs - rows).max() <= 1e-9 * rows.max() + market.length
    assert np.allclose(theirs, rows, rtol=1e-5, atol=market.length / UNITS_PER_CONTRACT * 50)
    return f"{rows.size} rows equal upticks"


def true_range_agrees(market: Market) -> str:
    """Compare the average true range with TA-Lib."""
    found = ours.average_true_range(market.high, market.low, market.close)
    high, low, close = (column.astype(np.float64) for column in (market.high, market.low, market.close))
    theirs = talib.ATR(high, low, close, 14)
    assert np.allclose(found, theirs, rtol=0, atol=1e-9 * np.nanmax(theirs), equal_nan=True)
    return f"{market.length} true ranges equal TA-Lib"


CHECKS = (gaps_agree, swings_agree, profile_agrees, true_range_agrees)
