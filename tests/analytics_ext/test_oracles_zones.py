"""Zones, their lives and the true range against outputs of other people's programs."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics_ext._inputs import ticks
from analytics_ext.lifecycle import Reason, Zones, zone_lifecycle
from analytics_ext.zones import BaseKind, average_true_range, explosive_zones
from tests.analytics_ext.strategies import Candles

pytestmark = pytest.mark.oracle

TICK = 0.05
FAMILIES = [
    "bullish_fvg",
    "bearish_fvg",
    "bullish_order_block",
    "bearish_order_block",
    "rally_base_rally",
    "drop_base_rally",
    "drop_base_drop",
    "rally_base_drop",
]
KINDS = {
    BaseKind.RBR: "rally_base_rally",
    BaseKind.DBR: "drop_base_rally",
    BaseKind.DBD: "drop_base_drop",
    BaseKind.RBD: "rally_base_drop",
}
REASONS = {Reason.CLOSE_THROUGH: "close_through", Reason.TOUCH_LIMIT: "touch_limit", Reason.AGE: "age"}


@pytest.fixture(scope="module")
def upticks(shared: Path) -> Path:
    return shared / "oracle" / "kernels" / "upticks" / "nse15"


@pytest.fixture(scope="module")
def candles(shared: Path) -> Candles:
    path = shared / "oracle" / "kernels" / "nse_synth_15m.csv"
    table = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(1, 2, 3, 4, 5))
    opened, high, low, closed = (ticks(table[:, i], TICK) for i in range(4))
    return Candles(opened, high, low, closed, table[:, 4].astype(np.int64))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def in_ticks(table: list[dict[str, str]], name: str) -> NDArray[np.int64]:
    return ticks([float(row[name]) for row in table], TICK)


def as_floats_see_it(candles: Candles, sign: int, distal: float) -> Candles:
    """Move closes that lie exactly one tick beyond the far edge one tick further where a float comparison says so.

    The oracle compares prices in rupees: 1269.55 < 1269.60 - 0.05 is true or false by accident of the last bit.
    """
    far = ticks([distal], TICK)[0]
    close = candles.close * TICK
    beyond = np.round(close, 2) < distal - TICK if sign > 0 else np.round(close, 2) > distal + TICK
    accident = beyond & (sign * (far - candles.close) == 1)
    moved = candles.close - sign * accident
    return candles._replace(close=moved, high=np.maximum(candles.high, moved), low=np.minimum(candles.low, moved))


@pytest.mark.parametrize("family", FAMILIES)
def test_lives_are_those_of_upticks(upticks: Path, candles: Candles, family: str) -> None:
    found = rows(upticks / f"{family}.csv")
    zones = Zones(
        np.array([int(row["direction"]) for row in found], dtype=np.int8),
        in_ticks(found, "bottom"),
        in_ticks(found, "top"),
        np.array([int(row["confirmed"]) for row in found]),
    )
    expected: dict[str, dict[str, tuple[int, str, int]]] = defaultdict(dict)
    for row in rows(upticks / f"{family}_timeline.csv"):
        expected[row["event_id"]][row["state"]] = (int(row["at_bar"]), row["reason"], int(row["touches"]))
    never = (-1, "", 0)
    for i, row in enumerate(found):
        events = expected[row["event_id"]]
        seen = as_floats_see_it(candles, int(row["direction"]), float(row["distal"]))
        here = slice(i, i + 1)
        one = Zones(zones.direction[here], zones.bottom[here], zones.top[here], zones.confirmed[here])
        life = zone_lifecycle(seen.high, seen.low, seen.close, one, max_age=500)
        assert life.touched[0] == events.get("TOUCHED", never)[0]
        assert life.mitigated[0] == events.get("MITIGATED", never)[0]
        assert life.breaker[0] == events.get("BREAKER", never)[0]
        at, reason, touches = events.get("INVALIDATED", never)
        assert (int(life.invalidated[0]), REASONS.get(Reason(life.reason[0]), "")) == (at, reason)
        if at >= 0:
            assert life.touches[0] == touches


def test_bases_are_those_of_upticks_which_waits_for_the_end_of_the_move(upticks: Path, candles: Candles) -> None:
    zones = explosive_zones(candles.open, candles.high, candles.low, candles.close)
    explosive = np.array([row["base_class"] == "explosive" for row in rows(upticks / "base_bars.csv")])
    rising = candles.close >= candles.open
    ours: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for kind, sign, bottom, top, origin, confirmed in zip(
        zones.kind, zones.direction, zones.bottom, zones.top, zones.origin, zones.confirmed, strict=True
    ):
        last = int(confirmed)
        while last + 1 < candles.length and explosive[last + 1] and rising[last + 1] == rising[confirmed]:
            last += 1
        ours[KINDS[BaseKind(kind)]].append((int(sign), int(origin), last, int(bottom), int(top)))
    for family in KINDS.values():
        found = rows(upticks / f"{family}.csv")
        bottom, top = in_ticks(found, "bottom"), in_ticks(found, "top")
        theirs = [
            (int(row["direction"]), int(row["origin"]), int(row["confirmed"]), int(bottom[i]), int(top[i]))
            for i, row in enumerate(found)
        ]
        assert ours[family] == theirs


def test_true_range_is_that_of_upticks(upticks: Path, candles: Candles) -> None:
    theirs = np.load(upticks / "atr14.npy")
    ours = average_true_range(candles.high, candles.low, candles.close) * TICK
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=0)


@pytest.mark.parametrize("length", [2, 14, 50])
def test_true_range_is_that_of_talib(candles: Candles, length: int) -> None:
    talib = pytest.importorskip("talib", reason="TA-Lib comes with the bench extra")
    theirs = talib.ATR(*(column.astype(np.float64) for column in candles[1:4]), timeperiod=length)
    ours = average_true_range(candles.high, candles.low, candles.close, length=length)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=0)
