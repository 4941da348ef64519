"""Every kernel, what it has to move, and what it is compared with."""

# ruff: noqa: D103 - each name says which kernel's work it prepares

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import analytics_ext as ours
from benchmarks import peers
from benchmarks.measure import Market, Work

WINDOW = 750


@dataclass(frozen=True)
class Peer:
    """A program to compare with: how to run it, up to how many candles, and how many times faster we mean to be."""

    name: str
    prepare: Callable[[Market], Work]
    largest: int = 100_000
    target: float | None = None


@dataclass(frozen=True)
class Case:
    """A kernel: how to run it, how many columns it reads, its target in ns per candle, and its peers."""

    name: str
    prepare: Callable[[Market], Work]
    columns: int
    peers: tuple[Peer, ...]
    target_ns: float | None = None
    target_share: float | None = None


def row_for(market: Market, rows: int) -> int:
    """Return the height of a row, in ticks, that divides the range of a window into about `rows` rows."""
    ends = range(WINDOW, market.length + 1, WINDOW) if market.length >= WINDOW else [market.length]
    spans = [
        np.ptp(np.r_[market.high[max(end - WINDOW, 0) : end], market.low[max(end - WINDOW, 0) : end]]) for end in ends
    ]
    return max(int(np.median(spans)) // rows, 1)


def gaps(market: Market) -> Work:
    return lambda: ours.fair_value_gaps(market.high, market.low, market.close)


def fill_fraction(market: Market) -> Work:
    found = gaps(market)()
    return lambda: ours.fill_fraction(found, market.high, market.low, market.length - 1)


def swings(market: Market, half_length: int = peers.HALF_LENGTH) -> Work:
    return lambda: ours.swings(market.high, market.low, half_length=half_length)


def structure_breaks(market: Market) -> Work:
    found = swings(market)()
    return lambda: ours.structure_breaks(market.close, found)


def order_blocks(market: Market) -> Work:
    columns = (market.open, market.high, market.low, market.close, market.volume)
    return lambda: ours.order_blocks(*columns, half_length=peers.HALF_LENGTH)


def profile(market: Market, spread: Any) -> Work:
    """Any: the kernel's own literal type."""
    row = max(int(np.ptp(market.close)) // 50, 1)
    return lambda: ours.volume_profile(market.high, market.low, market.volume, row=row, spread=spread)


def rolling(market: Market, rows: int) -> Work:
    row = row_for(market, rows)
    return lambda: ours.rolling_value_area(market.high, market.low, market.volume, window=WINDOW, row=row)


def true_range(market: Market) -> Work:
    return lambda: ours.average_true_range(market.high, market.low, market.close)


def explosive_zones(market: Market) -> Work:
    return lambda: ours.explosive_zones(market.open, market.high, market.low, market.close)


def lifecycle(market: Market) -> Work:
    zones = gaps(market)()
    return lambda: ours.zone_lifecycle(market.high, market.low, market.close, zones)


def value_area(market: Market) -> Work:
    return lambda: ours.value_area(market.volume)


def nodes(market: Market) -> Work:
    return lambda: ours.profile_nodes(market.volume)


def live(market: Market) -> Work:
    found = gaps(market)()
    return lambda: ours.live_at(found.confirmed, found.filled, found.origin, market.length // 2, WINDOW)


def confluence(market: Market) -> Work:
    families = {"gaps": gaps(market)(), "blocks": order_blocks(market)(), "zones": explosive_zones(market)()}
    return lambda: ours.confluence(families)


SMC, PYVSMC, UPTICKS = "smartmoneyconcepts", "pyvsmc", "upticks"

CASES = (
    Case(
        "fair_value_gaps",
        gaps,
        3,
        (
            Peer(SMC, peers.smc_gaps, target=1000),
            Peer(PYVSMC, peers.pyvsmc_gaps, 1_000_000, target=20),
            Peer(UPTICKS, peers.upticks_gaps, 1_000),
        ),
        target_ns=12,
        target_share=0.10,
    ),
    Case(
        "fill_fraction",
        fill_fraction,
        2,
        (Peer("NumPy", peers.numpy_fill, 1_000_000), Peer(UPTICKS, peers.upticks_fill, 10_000)),
    ),
    Case(
        "swings L=5",
        swings,
        2,
        (
            Peer(SMC, peers.smc_swings, 1_000_000, target=20),
            Peer(PYVSMC, peers.pyvsmc_swings, 1_000_000, target=50),
            Peer("scipy", peers.scipy_swings, 1_000_000, target=6),
            Peer("TA-Lib MAX+MIN", peers.talib_extremes, 1_000_000),
        ),
        target_ns=4,
        target_share=0.12,
    ),
    Case("swings L=50", partial(swings, half_length=50), 2, (), target_ns=4, target_share=0.12),
    Case(
        "structure_breaks",
        structure_breaks,
        1,
        (Peer(SMC, peers.smc_breaks, target=4600), Peer(PYVSMC, peers.pyvsmc_breaks, target=28)),
        target_ns=10,
    ),
    Case(
        "order_blocks",
        order_blocks,
        5,
        (
            Peer(SMC, peers.smc_order_blocks, target=700),
            Peer(PYVSMC, peers.pyvsmc_order_blocks, target=450),
            Peer(UPTICKS, peers.upticks_order_blocks, 1_000),
        ),
        target_ns=20,
    ),
    Case(
        "volume_profile touch",
        partial(profile, spread="touch"),
        3,
        (
            Peer("volprofile", peers.volprofile_touch, target=200),
            Peer("MarketProfile", peers.market_profile, target=250),
            Peer("wickra", peers.wickra_profile, target=5),
            Peer("numpy.histogram of closes", peers.numpy_profile, 1_000_000),
        ),
        target_ns=4,
        target_share=0.30,
    ),
    Case(
        "volume_profile overlap",
        partial(profile, spread="overlap"),
        3,
        (Peer(UPTICKS, partial(peers.upticks_profile, row=50), target=1000),),
        target_ns=8,
    ),
    Case(
        "rolling_value_area 50 rows",
        partial(rolling, rows=50),
        3,
        (Peer("wickra", partial(peers.wickra_area, rows=50, window=WINDOW), target=50),),
        target_ns=150,
    ),
    Case(
        "rolling_value_area 200 rows",
        partial(rolling, rows=200),
        3,
        (Peer("wickra", partial(peers.wickra_area, rows=200, window=WINDOW), target=30),),
        target_ns=350,
    ),
    Case(
        "zone_lifecycle of all gaps",
        lifecycle,
        3,
        (Peer(UPTICKS, peers.upticks_lifecycle, 10_000, target=330),),
        target_ns=60,
    ),
    Case("explosive_zones", explosive_zones, 4, (Peer(UPTICKS, peers.upticks_bases, 10_000),)),
    Case("average_true_range", true_range, 3, (Peer("TA-Lib", peers.talib_atr, 1_000_000),)),
    Case("value_area", value_area, 1, (Peer("Python", peers.python_value_area),)),
    Case("profile_nodes", nodes, 1, (Peer("scipy", peers.scipy_nodes, 1_000_000),)),
    Case("live_at", live, 1, (Peer("NumPy", peers.numpy_live, 1_000_000),)),
    Case("confluence", confluence, 4, (Peer("NumPy", peers.numpy_confluence),)),
)
