from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from agents.domain.candles import Candles
from agents.settings import Settings
from agents.technical import analyse, explosive_zones, fair_value_gaps, order_blocks, profile_candles
from agents.technical.findings import Event
from agents.technical.zones import BREAK_TICKS, Components, ZoneRun, zone_runs
from tests.agents.technical.markets import SMALL, market, markets, time_of

Band = tuple[int, int, int, tuple[int, ...]]


def components_of(candles: Candles, chosen: Settings, first: int = 0) -> Components:
    families = (order_blocks(candles, chosen), fair_value_gaps(candles, chosen), explosive_zones(candles, chosen))
    return Components.of(families, first)


def bands_at(components: Components, t: int, least: int) -> set[Band]:
    """The zones at one candle by their definition: level by level."""
    bands: set[Band] = set()
    for direction in (1, -1):
        live = [
            i
            for i in range(components.known.shape[0])
            if components.direction[i] == direction and components.known[i] <= t < components.ends[i]
        ]
        if not live:
            continue
        lowest, highest = min(components.low[live]), max(components.high[live])
        agreed = [
            len({components.family[i] for i in live if components.low[i] <= level <= components.high[i]}) >= least
            for level in range(lowest, highest + 2)
        ]
        start = None
        for place, enough in enumerate(agreed):
            if enough and start is None:
                start = place
            if not enough and start is not None:
                low, high = int(lowest + start), int(lowest + place - 1)
                inside = tuple(i for i in live if components.low[i] <= high and components.high[i] >= low)
                if low < high:
                    bands.add((direction, low, high, inside))
                start = None
    return bands


def key(run: ZoneRun) -> Band:
    return run.direction, run.low, run.high, run.members


@settings(max_examples=60, deadline=None)
@given(markets(30, 160))
def test_zones_at_every_candle_are_the_levels_on_which_families_agree(candles: Candles) -> None:
    components = components_of(candles, SMALL)
    runs = zone_runs(components, candles, SMALL, 0)
    for t in range(len(candles)):
        assert {key(run) for run in runs if run.lives(t)} == bands_at(components, t, SMALL.min_families)


def test_a_zone_is_one_unbroken_run() -> None:
    candles = market(30, 4)
    runs = zone_runs(components_of(candles, SMALL), candles, SMALL, 0)
    assert len(runs) > 50
    spans: dict[Band, int] = {}
    for run in runs:
        assert run.ends == -1 or run.ends > run.known
        assert spans.get(key(run), -1) < run.known  # never reopened at the candle where it ended
        spans[key(run)] = run.ends if run.ends != -1 else len(candles)


def test_a_zone_ends_for_the_stated_reason() -> None:
    candles = market(60, 4)
    components = components_of(candles, SMALL)
    reasons = set()
    for run in zone_runs(components, candles, SMALL, 0):
        if run.how is None:
            continue
        close = int(candles.close[run.ends])
        beyond = (run.low - close if run.direction > 0 else close - run.high) > BREAK_TICKS
        assert (run.how is Event.BROKEN) == beyond
        reasons.add(run.how)
    assert reasons == {Event.BROKEN, Event.EXPIRED, Event.SUPERSEDED}


def test_no_zone_outlives_a_close_beyond_its_far_edge() -> None:
    candles = market(60, 9)
    for run in zone_runs(components_of(candles, SMALL), candles, SMALL, 0):
        stop = len(candles) if run.ends == -1 else run.ends
        closes = candles.close[run.known + 1 : stop]
        beyond = run.low - closes if run.direction > 0 else closes - run.high
        assert (beyond <= BREAK_TICKS).all()


def test_touches_are_visits_after_the_zone_became_known() -> None:
    candles = market(60, 9)
    visited = 0
    for run in zone_runs(components_of(candles, SMALL), candles, SMALL, 0):
        stop = len(candles) if run.ends == -1 else run.ends
        inside = [bool(candles.low[t] <= run.high and candles.high[t] >= run.low) for t in range(run.known, stop)]
        inside[0] = False  # the candle that made it known does not count
        visits = [run.known + t for t in range(1, len(inside)) if inside[t] and not inside[t - 1]]
        assert run.touches.tolist() == visits
        visited += len(visits)
    assert visited > 20


def mirrored(candles: Candles) -> Candles:
    about = 10**6
    return replace(
        candles, open=about - candles.open, high=about - candles.low, low=about - candles.high,
        close=about - candles.close,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(markets(30, 160))
def test_a_market_upside_down_has_supply_where_there_was_demand(candles: Candles) -> None:
    up = zone_runs(components_of(candles, SMALL), candles, SMALL, 0)
    flipped = mirrored(candles)
    down = zone_runs(components_of(flipped, SMALL), flipped, SMALL, 0)
    assert {(r.direction, r.low, r.high, r.known, r.ends, r.how, len(r.touches)) for r in up} == {
        (-r.direction, 10**6 - r.high, 10**6 - r.low, r.known, r.ends, r.how, len(r.touches)) for r in down
    }


def test_zones_do_not_depend_on_a_start_that_is_far_enough_back() -> None:
    candles = market(80, 21)
    for cut in (1, 137, 400):
        late = candles[cut:]
        # The true range forgets its start after some 500 candles; a zone lives no longer than the window.
        settled = time_of(late, SMALL.window + 700)
        whole = analyse(candles, profile_candles(candles), SMALL, since=settled)
        part = analyse(late, profile_candles(late), SMALL, since=settled)
        assert len(whole.zones) > 50
        assert whole.zones.drop(columns="candle").equals(part.zones.drop(columns="candle"))
        assert whole.zone_components.equals(part.zone_components)
        assert whole.lifecycle_events.equals(part.lifecycle_events)


def test_a_market_that_stands_still_has_no_zone() -> None:
    candles = market(4, 1)
    still = np.full(len(candles), 440_000)
    flat = replace(candles, open=still, high=still, low=still, close=still)
    assert zone_runs(components_of(flat, SMALL), flat, SMALL, 0) == []
