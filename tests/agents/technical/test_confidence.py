import numpy as np
import pytest

from agents.domain.zones import confidence_after
from agents.technical.confidence import WEIGHTS, Context, Formation, formation_confidence, parts
from agents.technical.levels import rolling_levels
from agents.technical.profile import profile_candles
from tests.agents.technical.markets import SMALL, market

CANDLES = market(4, 1)
AT = 60


def context(atr: float = 100.0, trend: int = 1) -> Context:
    n = len(CANDLES)
    levels = rolling_levels(profile_candles(CANDLES), SMALL)
    return Context(CANDLES, np.full(n, atr), np.full(n, trend, dtype=np.int64), levels)


def zone(direction: int = 1, width: int = 50, families: int = 2, fresh: float = 1.0) -> Formation:
    low = int(CANDLES.high[AT - 3 : AT + 1].max()) - 150 - width
    return Formation(direction, low, low + width, AT, AT - 3, families, fresh)


def test_weights_add_up_to_one() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)


def test_parts_are_what_the_document_says() -> None:
    found = dict(zip(WEIGHTS, parts(zone(), context()), strict=True))
    assert found["families"] == 0.5
    assert found["departure"] == 0.5  # 150 ticks of 3 x 100
    assert found["freshness"] == 1.0
    assert found["width"] == 0.75  # 50 ticks of 2 x 100
    assert found["trend"] == 1.0
    assert 0.0 <= found["profile"] <= 1.0


def test_a_level_inside_the_zone_is_full_agreement() -> None:
    ctx = context()
    poc = int(ctx.levels.poc[AT])
    found = parts(Formation(1, poc - 5, poc + 5, AT, AT - 3, 2, 1.0), ctx)
    assert dict(zip(WEIGHTS, found, strict=True))["profile"] == 1.0


def test_three_families_with_the_trend_beat_two_against_it() -> None:
    strong = formation_confidence(parts(zone(families=3), context(trend=1)))
    weak = formation_confidence(parts(zone(families=2), context(trend=-1)))
    assert strong > weak


@pytest.mark.parametrize("atr", [float("nan"), 0.0])
def test_without_a_range_the_measured_parts_are_nothing(atr: float) -> None:
    found = dict(zip(WEIGHTS, parts(zone(), context(atr)), strict=True))
    assert (found["departure"], found["profile"], found["width"]) == (0.0, 0.0, 0.0)
    assert found["families"] == 0.5


def test_each_touch_keeps_four_fifths() -> None:
    assert confidence_after(0.75, 0) == 0.75
    assert confidence_after(0.75, 1) == 0.6
    assert confidence_after(0.75, 3) == 0.384


def test_the_best_of_everything_is_one_and_the_worst_is_nothing() -> None:
    assert formation_confidence([1.0] * 6) == 1.0
    assert formation_confidence([0.0] * 6) == 0.0
