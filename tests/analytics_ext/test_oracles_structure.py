"""The structure kernels against what other people's programs say of the same candles."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from analytics_ext import (
    FairValueGaps,
    Zones,
    fair_value_gaps,
    fill_fraction,
    order_blocks,
    swings,
    ticks,
    zone_lifecycle,
)
from tests.analytics_ext.strategies import Candles, random_candles

TICK = 0.05
# upticks follows a gap for this many bars after its confirmation; we follow it to the last candle.
HORIZON = 500

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def kernels(shared: Path) -> Path:
    return shared / "oracle" / "kernels"


@pytest.fixture(scope="module")
def frame(kernels: Path) -> pd.DataFrame:
    return pd.read_csv(kernels / "nse_synth_15m.csv")


@pytest.fixture(scope="module")
def candles(frame: pd.DataFrame) -> Candles:
    open_, high, low, close = (ticks(frame[name].to_numpy(), TICK) for name in ("open", "high", "low", "close"))
    return Candles(open_, high, low, close, frame["volume"].to_numpy().astype(np.int64))


def rows_in(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def within_horizon(gaps: FairValueGaps, events: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the events, -1 where they came after upticks had stopped to look."""
    return np.where(events - gaps.confirmed <= HORIZON, events, -1)


def column(rows: list[dict[str, str]], name: str) -> NDArray[np.float64]:
    return np.array([float(row[name]) for row in rows])


@pytest.mark.parametrize("half_length", [1, 2, 3, 5, 10, 50])
@pytest.mark.parametrize(("side", "kind"), [("high", 1), ("low", -1)])
def test_swings_lie_between_the_strict_and_the_loose_extremes_of_scipy(
    kernels: Path, candles: Candles, half_length: int, side: str, kind: int
) -> None:
    with np.load(kernels / "swings_scipy" / "nse15.npz") as oracle:
        strict = set(oracle[f"L{half_length}_strict_{side}"].tolist())
        loose = oracle[f"L{half_length}_nonstrict_{side}"].tolist()
    found = swings(candles.high, candles.low, half_length=half_length)
    ours = found.index[found.kind == kind].tolist()
    assert strict <= set(ours) <= set(loose)
    # Of the loose ones we keep those with no equal among the bars before them: the first of equals.
    prices = candles.high if kind > 0 else candles.low
    assert ours == [bar for bar in loose if prices[bar] not in prices[bar - half_length : bar]]


@pytest.mark.parametrize(("side", "direction"), [("bullish", 1), ("bearish", -1)])
def test_gaps_and_their_fills_equal_upticks(kernels: Path, candles: Candles, side: str, direction: int) -> None:
    folder = kernels / "upticks" / "nse15"
    gaps, fills = rows_in(folder / f"{side}_fvg.csv"), rows_in(folder / f"{side}_fvg_fill.csv")
    assert [row["event_id"] for row in gaps] == [row["event_id"] for row in fills]
    found = fair_value_gaps(candles.high, candles.low, candles.close)
    ours = FairValueGaps(*(values[found.direction == direction] for values in found))
    assert ours.origin.tolist() == column(gaps, "origin").tolist()
    assert ours.confirmed.tolist() == column(gaps, "confirmed").tolist()
    assert ours.bottom.tolist() == ticks(column(gaps, "bottom"), TICK).tolist()
    assert ours.top.tolist() == ticks(column(gaps, "top"), TICK).tolist()
    for name in ("touched", "filled"):
        assert within_horizon(ours, getattr(ours, name)).tolist() == column(fills, name).tolist()
    ends = np.minimum(ours.confirmed + HORIZON, candles.length - 1)
    filled = [fill_fraction(ours, candles.high, candles.low, end)[gap] for gap, end in enumerate(ends)]
    # upticks divides differences of float prices; ours are whole ticks.
    assert np.allclose(filled, column(fills, "fill_fraction"), rtol=0, atol=1e-9)


def test_inverted_gaps_equal_upticks(kernels: Path, candles: Candles) -> None:
    rows = [row for row in rows_in(kernels / "upticks" / "nse15" / "ifvg.csv") if row["pattern"] == "ifvg"]
    found = fair_value_gaps(candles.high, candles.low, candles.close)
    # upticks confirms an inversion at the close beyond the far edge, and turns the direction round.
    ours = {
        (-int(direction), int(origin), int(inverted))
        for direction, origin, inverted in zip(
            found.direction, found.origin, within_horizon(found, found.inverted), strict=True
        )
        if inverted >= 0
    }
    theirs = {(int(row["direction"]), int(row["origin"]), int(row["confirmed"])) for row in rows}
    assert ours == theirs


def smc_gaps(high: NDArray[np.int64], frame: pd.DataFrame) -> list[tuple[int, int, int, int, int]]:
    """Direction, bottom, top, middle bar and first bar that reaches the near edge, from smartmoneyconcepts."""
    from smartmoneyconcepts.smc import smc  # noqa: PLC0415 - it greets on import, so only where it is used

    table = smc.fvg(frame).to_numpy()
    where = np.flatnonzero(~np.isnan(table[:, 0]))
    assert high.shape[0] == table.shape[0]
    return [
        (int(row[0]), round(row[2] / TICK), round(row[1] / TICK), int(bar), int(row[3]) or -1)
        for bar, row in zip(where, table[where], strict=True)
    ]


def test_gap_geometry_equals_smartmoneyconcepts(frame: pd.DataFrame, candles: Candles) -> None:
    found = fair_value_gaps(candles.high, candles.low, candles.close, open=candles.open, directional_middle=True)
    ours = []
    for direction, bottom, top, confirmed in zip(
        found.direction, found.bottom, found.top, found.confirmed, strict=True
    ):
        # smartmoneyconcepts stamps the middle bar, a bar before the gap exists, and counts reaching the edge.
        later = range(int(confirmed) + 1, candles.length)
        reached = (j for j in later if (candles.low[j] <= top if direction > 0 else candles.high[j] >= bottom))
        ours.append((int(direction), int(bottom), int(top), int(confirmed) - 1, next(reached, -1)))
    assert ours == smc_gaps(candles.high, frame)


@pytest.mark.parametrize("seed", range(3))
def test_order_block_events_equal_the_general_zone_walk(seed: int) -> None:
    candles = random_candles(2000, seed)
    blocks = order_blocks(*candles, half_length=3)
    zones = Zones(blocks.direction, blocks.bottom, blocks.top, blocks.confirmed)
    walked = zone_lifecycle(
        candles.high, candles.low, candles.close, zones, max_touches=candles.length, max_age=candles.length
    )
    assert np.array_equal(walked.touched, blocks.touched)
    assert np.array_equal(walked.invalidated, blocks.broken)
    assert np.array_equal(walked.breaker, blocks.breaker)
