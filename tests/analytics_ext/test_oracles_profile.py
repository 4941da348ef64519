"""Profiles, value areas and nodes against outputs and published tables of other people."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from analytics_ext._inputs import Int64s, ticks
from analytics_ext.profile import UNITS_PER_CONTRACT, AreaRule, profile_nodes, value_area, volume_profile
from tests.analytics_ext import reference_profile as reference
from tests.analytics_ext.strategies import Candles

pytestmark = pytest.mark.oracle

TICK = 0.05
SPANS = [(0, 3000), (0, 750), (1000, 1750)]


@pytest.fixture(scope="module")
def oracle(shared: Path) -> Path:
    return shared / "oracle" / "kernels"


@pytest.fixture(scope="module")
def candles(oracle: Path) -> Candles:
    table = np.loadtxt(oracle / "nse_synth_15m.csv", delimiter=",", skiprows=1, usecols=(1, 2, 3, 4, 5))
    opened, high, low, closed = (ticks(table[:, i], TICK) for i in range(4))
    return Candles(opened, high, low, closed, table[:, 4].astype(np.int64))


def exact_rows(candles: Candles, row: int, first: int, n_rows: int) -> list[Fraction]:
    """Contracts per row, without any rounding."""
    rows = [Fraction(0)] * n_rows
    columns = (candles.high.tolist(), candles.low.tolist(), candles.volume.tolist())
    for candle in zip(*columns, strict=True):
        for r, part in reference.shares(*candle, row, "overlap").items():
            rows[r - first] += part
    return rows


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("row", [2, 5])
def test_profile_is_that_of_upticks(oracle: Path, candles: Candles, span: tuple[int, int], row: int) -> None:
    with np.load(oracle / "upticks" / "nse15" / "volume_profile.npz") as archive:
        theirs = archive[f"uniform|{row}|{span[0]}|{span[1]}"]
    part = candles.cut(*span)
    first, rows = volume_profile(part.high, part.low, part.volume, row=row)
    # Dividing prices in rupees, the oracle may find the lowest low a row too low; that row stays empty.
    extra = int(first - theirs[0, 0])
    assert (extra, theirs[:extra, 4].tolist()) in [(0, []), (1, [0.0])]
    assert rows.size == theirs.shape[0] - extra
    # The definition agrees to float64's precision; the kernel rounds each share down to a unit.
    exact = np.array([float(contracts) for contracts in exact_rows(part, row, first, rows.size)])
    assert np.abs(exact - theirs[extra:, 4]).max() <= 3e-13 * exact.max()
    touched = np.array([((part.low // row <= r) & (r <= part.high // row)).sum() for r in first + np.arange(rows.size)])
    # A candle's lowest row takes what all its other rows lost.
    lost = np.zeros(rows.size)
    np.add.at(lost, part.low // row - first, part.high // row - part.low // row)
    assert (rows / UNITS_PER_CONTRACT - exact >= -(touched / UNITS_PER_CONTRACT) - 1e-9).all()
    assert (rows / UNITS_PER_CONTRACT - exact <= lost / UNITS_PER_CONTRACT + 1e-9).all()


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("row", [2, 5])
def test_two_row_area_is_that_of_upticks(oracle: Path, candles: Candles, span: tuple[int, int], row: int) -> None:
    with np.load(oracle / "upticks" / "nse15" / "volume_profile.npz") as archive:
        poc, val, vah, held = archive[f"uniform|{row}|{span[0]}|{span[1]}|poc_val_vah_cov"]
    part = candles.cut(*span)
    first, rows = volume_profile(part.high, part.low, part.volume, row=row)
    area = value_area(rows, rule="two_row")
    middles = (first + np.array([area.poc, area.val, area.vah]) + 0.5) * row * TICK
    np.testing.assert_allclose(middles, [poc, val, vah], rtol=1e-12)
    assert rows[area.val : area.vah + 1].sum() / rows.sum() == pytest.approx(held, rel=1e-7)


@pytest.mark.parametrize("quantile", [0.5, 0.8])
@pytest.mark.parametrize("span", SPANS)
def test_nodes_are_those_of_upticks(oracle: Path, span: tuple[int, int], quantile: float) -> None:
    with np.load(oracle / "upticks" / "nse15" / "nodes.npz") as archive:
        rows = archive[f"{span[0]}|{span[1]}|volume"]
        high = archive[f"{span[0]}|{span[1]}|{quantile}|hvn"]
        low = archive[f"{span[0]}|{span[1]}|{quantile}|lvn"]
    found = profile_nodes(rows, quantile=quantile)
    np.testing.assert_array_equal(found.high_nodes, high)
    np.testing.assert_array_equal(found.low_nodes, low)


def wickra_rows(bars: np.ndarray, n_rows: int) -> tuple[float, float, Int64s]:
    """Count equal parts over all rows touched, on `n_rows` rows over the whole range; every number here is exact."""
    high, low, volume = bars.T
    floor, height = low.min(), (high.max() - low.min()) / n_rows
    rows = np.zeros(n_rows, dtype=np.int64)
    for top, bottom, contracts in zip(high, low, volume, strict=True):
        first = min(int((bottom - floor) // height), n_rows - 1)
        last = min(int((top - floor) // height), n_rows - 1)
        # 840 contracts divide evenly over up to eight rows.
        rows[first : last + 1] += int(contracts) // (last - first + 1)
    return floor, height, rows


def test_one_row_area_is_that_of_wickra_where_ties_are_frequent(oracle: Path) -> None:
    with np.load(oracle / "wickra_ties.npz") as archive:
        cases = [(archive[f"{i}|in"], int(archive[f"{i}|nb"]), archive[f"{i}|out"]) for i in range(400)]
    for bars, n_rows, theirs in cases:
        floor, height, rows = wickra_rows(bars, n_rows)
        area = value_area(rows, rule="one_row")
        ours = [floor + (area.poc + 0.5) * height, floor + (area.vah + 1) * height, floor + area.val * height]
        assert ours == theirs.tolist()


@pytest.mark.parametrize("rule", ["one_row", "two_row"])
def test_table_of_the_exchange_separates_the_rules(oracle: Path, rule: AreaRule) -> None:
    table = json.loads((oracle / "published_value_area.json").read_text())["cbot_table"]
    expected = table[rule]
    val, poc, vah = value_area(table["volume"], fraction=table["target_pct"], rule=rule)
    prices = table["price"]
    assert (prices[val], prices[poc], prices[vah]) == (expected["val"], expected["poc"], expected["vah"])
    assert sum(table["volume"][val : vah + 1]) == expected["held"]
