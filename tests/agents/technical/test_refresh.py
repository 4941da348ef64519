from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from agents.domain.candles import Candles, epoch
from agents.domain.values import Side, to_ticks
from agents.domain.zones import Zone, ZoneAnalysis
from agents.technical import LiveState, ProfileCandles, analyse, profile_candles, refresh
from agents.technical.levels import levels_of
from tests.agents.technical.markets import SMALL, TICK, market, time_of

WHOLE = market(40, 7)
AT = len(WHOLE) - 10


def analysis() -> ZoneAnalysis:
    return analyse(WHOLE, profile_candles(WHOLE), SMALL).analysis_at(time_of(WHOLE, AT))


def minutes(*closes: int, reach: int = 0, start: int = 0) -> Candles:
    """Candles of one minute after the analysis candle, each from its close to `reach` ticks below and above."""
    close = np.array(closes, dtype=np.int64)
    opened = epoch(analysis().bar_at) + 60 * (np.arange(len(closes)) + start)
    return replace(
        WHOLE[: len(closes)], minutes=1, opened_at=opened, closed_at=opened + 60,
        open=close, high=close + reach, low=close - reach, close=close,
    )  # fmt: skip


def away(zone: Zone) -> int:
    """A price outside the zone, on the side from which it is visited."""
    near = zone.high if zone.side is Side.DEMAND else zone.low
    return to_ticks(near, TICK) + zone.side.sign * 40


def far_edge(zone: Zone) -> int:
    return to_ticks(zone.low if zone.side is Side.DEMAND else zone.high, TICK)


def demand() -> Zone:
    return next(zone for zone in analysis().zones if zone.side is Side.DEMAND and zone.touches == 0)


def test_without_minutes_nothing_changes() -> None:
    found = refresh(analysis(), WHOLE[:0], None, SMALL)
    assert found.as_of == analysis().bar_at
    assert [live.zone for live in found.zones] == list(analysis().zones)
    assert all(live.confidence == live.zone.confidence for live in found.zones)
    assert (found.poc, found.profile_source) == (None, None)


def test_a_zone_that_a_minute_closed_through_is_gone() -> None:
    zone = demand()
    broken = refresh(analysis(), minutes(away(zone), far_edge(zone) - 2, away(zone)), None, SMALL)
    live = next(each for each in broken.zones if each.zone.id == zone.id)
    assert live.state is LiveState.BROKEN
    assert live.broken_at == analysis().bar_at + timedelta(minutes=2)
    assert live not in broken.live_zones


def test_a_close_one_tick_beyond_does_not_break() -> None:
    zone = demand()
    found = refresh(analysis(), minutes(away(zone), far_edge(zone) - 1), None, SMALL)
    assert next(each for each in found.zones if each.zone.id == zone.id).live


def test_each_visit_counts_once_and_lowers_the_confidence() -> None:
    zone = demand()
    inside, outside = to_ticks(zone.high, TICK), away(zone)
    found = refresh(analysis(), minutes(outside, inside, inside, outside, inside, outside), None, SMALL)
    live = next(each for each in found.zones if each.zone.id == zone.id)
    assert (live.state, live.touches) == (LiveState.TOUCHED, 2)
    assert live.confidence == round(zone.formation_confidence * 0.8 * 0.8, 6)


def test_minutes_that_the_analysis_has_seen_are_ignored() -> None:
    zone = demand()
    seen = minutes(far_edge(zone) - 500, start=-5)
    assert refresh(analysis(), seen, None, SMALL) == refresh(analysis(), WHOLE[:0], None, SMALL)


def test_minute_by_minute_breaks_what_all_at_once_breaks() -> None:
    draw = np.random.default_rng(8)
    start = to_ticks(analysis().close, TICK)
    later = minutes(*(start + np.cumsum(draw.integers(-80, 80, 14))).tolist(), reach=20)
    at_once = refresh(analysis(), later, None, SMALL)
    broken = {live.zone.id: live.broken_at for live in at_once.zones if not live.live}
    for n in range(1, 15):
        found = refresh(analysis(), later[:n], None, SMALL)
        for live in found.zones:
            expected = broken.get(live.zone.id)
            assert live.live == (expected is None or expected > found.as_of)


def test_the_developing_profile_counts_the_last_minute() -> None:
    session = WHOLE[AT - AT % 25 : AT + 1]
    later = minutes(*[to_ticks(analysis().close, TICK) + 400] * 9)
    profile = profile_candles(session).then(profile_candles(later))
    found = refresh(analysis(), later, profile, SMALL)
    marks = levels_of(profile, SMALL)
    assert [found.poc, found.val, found.vah] == [Decimal(mark) * TICK for mark in marks]
    assert found.profile_source == "time_at_price"
    before = refresh(analysis(), later, profile_candles(session), SMALL)
    assert before.vah is not None
    assert found.vah is not None
    assert found.vah >= before.vah


def test_an_empty_profile_has_no_levels() -> None:
    empty: ProfileCandles = profile_candles(WHOLE[:0])
    assert refresh(analysis(), WHOLE[:0], empty, SMALL).poc is None


def test_minutes_of_another_instrument_are_refused() -> None:
    with pytest.raises(ValueError, match="BANKNIFTY"):
        refresh(analysis(), replace(WHOLE[:0], instrument="BANKNIFTY"), None, SMALL)
