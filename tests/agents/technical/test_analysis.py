from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.domain.candles import Candles
from agents.domain.errors import MissingDataError
from agents.domain.values import Side
from agents.technical import Analysis, TechnicalAnalysisAgent, analyse, profile_candles
from tests.agents.technical.markets import SMALL, market, markets, time_of

TABLES = (
    "order_blocks", "fair_value_gaps", "explosive_zones", "zones", "zone_components", "zone_parts",
    "lifecycle_events", "analysis_candles", "volume_profile", "volume_profile_rows",
)  # fmt: skip
WHOLE = market(40, 5, volume=True)


def whole_of(candles: Candles) -> Analysis:
    return analyse(candles, profile_candles(candles), SMALL)


def rows(frame: pd.DataFrame) -> set[str]:
    """Rows of a frame in words, in which a missing number equals itself."""
    return {repr(row) for row in frame.itertuples(index=False, name=None)}


@settings(max_examples=40, deadline=None)
@given(markets(20, 140), st.data())
def test_the_past_is_never_rewritten(candles: Candles, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(candles)))
    now = time_of(candles, cut - 1)
    whole, part = whole_of(candles), whole_of(candles[:cut])
    for table in TABLES:
        later = getattr(whole, table)
        assert rows(getattr(part, table)) == rows(later[later["known_at"] <= now]), table
    assert part.analysis_at(now) == whole.analysis_at(now)


def test_candle_by_candle_gives_the_rows_of_one_pass() -> None:
    since, last = 20 * 25, 23 * 25
    whole = analyse(WHOLE[:last], profile_candles(WHOLE[:last]), SMALL, since=time_of(WHOLE, since - 1))
    steps = [
        analyse(WHOLE[:n], profile_candles(WHOLE[:n]), SMALL, since=time_of(WHOLE, n - 2))
        for n in range(since + 1, last + 1)
    ]
    for table in TABLES:
        live = pd.concat([getattr(step, table) for step in steps], ignore_index=True)
        assert len(live) == len(getattr(whole, table)), table
        assert rows(live) == rows(getattr(whole, table)), table


def test_rows_since_a_moment_are_those_of_the_whole() -> None:
    since = time_of(WHOLE, 600)
    whole, late = whole_of(WHOLE), analyse(WHOLE, profile_candles(WHOLE), SMALL, since=since)
    for table in TABLES:
        everything = getattr(whole, table)
        assert rows(getattr(late, table)) == rows(everything[everything["known_at"] > since]), table
    for at in (601, 700, len(WHOLE) - 1):
        assert late.analysis_at(time_of(WHOLE, at)) == whole.analysis_at(time_of(WHOLE, at))


def test_two_runs_give_the_same_bytes() -> None:
    first, second = whole_of(WHOLE), whole_of(WHOLE)
    for table in TABLES:
        assert getattr(first, table).to_csv() == getattr(second, table).to_csv()


def test_carried_rows_are_the_past_of_the_zones_that_live_at_the_start() -> None:
    since = time_of(WHOLE, 600)
    whole, late = whole_of(WHOLE), analyse(WHOLE, profile_candles(WHOLE), SMALL, since=since)
    carried = late.carried
    living = {zone.id for zone in whole.analysis_at(since).zones}
    assert set(carried["zones"]["id"]) == living
    assert living
    for table, frame in carried.items():
        name = "zone_id" if "zone_id" in frame else "id"
        everything = getattr(whole, table)
        past = everything[(everything["known_at"] <= since) & everything[name].isin(living)]
        assert rows(frame) == rows(past), table


def test_a_live_zone_is_told_as_it_was_then() -> None:
    analysis = whole_of(WHOLE)
    seen = 0
    for at in range(300, len(WHOLE), 50):
        now = time_of(WHOLE, at)
        found = analysis.analysis_at(now + timedelta(minutes=7))
        assert (found.bar_at, found.candle) == (now, at)
        counted = analysis.analysis_candles.set_index("candle").loc[at, "live_zones"]
        assert len(found.zones) == counted
        for zone in found.zones:
            assert zone.known_at <= now
            assert zone.confidence <= zone.formation_confidence
            assert len({c.kind for c in zone.components}) >= SMALL.min_families
            assert zone.side in Side
            seen += 1
    assert seen > 20


def test_events_of_a_zone_are_about_zones_that_are_stored() -> None:
    analysis = whole_of(WHOLE)
    events = analysis.lifecycle_events
    assert set(events["subject"]) == {"order_blocks", "fair_value_gaps", "explosive_zones", "zones"}
    for subject, part in events.groupby("subject"):
        assert set(part["id"]) <= set(getattr(analysis, str(subject))["id"])


def test_asking_before_the_first_candle_names_the_instrument() -> None:
    with pytest.raises(MissingDataError, match="NIFTY: the analysis begins after"):
        whole_of(WHOLE).analysis_at(time_of(WHOLE, 0) - timedelta(minutes=1))


def test_no_candles_are_missing_data() -> None:
    empty = WHOLE[:0]
    with pytest.raises(MissingDataError, match="no candles to analyse"):
        analyse(empty, profile_candles(empty), SMALL)
    with pytest.raises(MissingDataError, match="no candles to analyse"):
        TechnicalAnalysisAgent(SMALL).identify_supply_demand_zones(empty)


def test_a_profile_of_other_candles_is_refused() -> None:
    with pytest.raises(ValueError, match="profile: belongs to other candles"):
        analyse(WHOLE[:50], profile_candles(WHOLE[1:51]), SMALL)


def test_the_agent_says_what_its_modules_say() -> None:
    agent, analysis = TechnicalAnalysisAgent(SMALL), whole_of(WHOLE)
    assert agent.identify_order_blocks(WHOLE).equals(analysis.order_blocks)
    assert agent.identify_fair_value_gaps(WHOLE).equals(analysis.fair_value_gaps)
    assert agent.calculate_volume_profile(WHOLE).equals(analysis.volume_profile)
    zones = agent.identify_supply_demand_zones(WHOLE)
    assert zones == analysis.analysis_at(time_of(WHOLE, len(WHOLE) - 1)).zones


def test_the_first_candles_have_no_range_yet() -> None:
    frame = whole_of(WHOLE).analysis_candles
    assert frame["atr"].isna().sum() == 14
    assert whole_of(WHOLE).analysis_at(time_of(WHOLE, 3)).atr is None
    assert frame["session_share"].iloc[:25].tolist() == [(t + 1) / 25 for t in range(25)]


def test_another_instrument_has_other_ids() -> None:
    other = replace(WHOLE, instrument="BANKNIFTY")
    assert not set(whole_of(WHOLE).zones["id"]) & set(whole_of(other).zones["id"])
