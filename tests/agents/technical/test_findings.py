from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

from agents.domain.candles import Candles
from agents.domain.zones import ComponentKind
from agents.settings import Settings
from agents.technical import explosive_zones, fair_value_gaps, order_blocks
from agents.technical.findings import Event, Findings
from tests.agents.technical.markets import SMALL, from_columns, ints, market, markets
from tests.analytics_ext.strategies import Candles as Columns

FAMILIES = (order_blocks, fair_value_gaps, explosive_zones)
WHOLE = market(30, 11)


def candles_of(*rows: tuple[int, int, int, int]) -> Candles:
    """Return candles of (open, high, low, close)."""
    opened, high, low, close = np.array(rows, dtype=np.int64).T
    return from_columns(Columns(opened, high, low, close, np.zeros(len(rows), dtype=np.int64)))


def test_a_gap_is_known_at_its_third_candle_and_followed_until_it_is_filled() -> None:
    candles = candles_of(
        (100, 110, 95, 108), (108, 130, 107, 129), (129, 140, 120, 138),  # a gap from 110 to 120
        (138, 139, 121, 122), (122, 130, 118, 119), (119, 125, 114, 116), (116, 122, 109, 115),
    )  # fmt: skip
    found = fair_value_gaps(candles, SMALL)
    assert (found.low.tolist(), found.high.tolist(), found.known.tolist()) == ([110], [120], [2])
    at = {event.value: int(candle[0]) for event, candle in found.events.items()}
    assert at == {"touched": 4, "half_filled": 5, "filled": 6, "inverted": -1, "expired": -1}
    assert found.ends.tolist() == [6]
    assert found.event_frame()["event"].tolist() == ["touched", "half_filled", "filled"]
    assert found.event_frame()["touches"].tolist() == [1, 1, 1]


def test_a_gap_that_nobody_visits_expires_with_the_window() -> None:
    quiet = [(138 + t, 139 + t, 137 + t, 138 + t) for t in range(SMALL.window + 5)]
    candles = candles_of((100, 110, 95, 108), (108, 130, 107, 129), (129, 140, 120, 138), *quiet)
    found = fair_value_gaps(candles, SMALL)
    assert int(found.events[Event.EXPIRED][0]) == SMALL.window
    assert 0 in found.live(SMALL.window - 1)
    assert 0 not in found.live(SMALL.window)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_occurs_and_every_event_follows_its_finding(
    family: Callable[[Candles, Settings], Findings],
) -> None:
    found = family(WHOLE, SMALL)
    assert len(found) > 20
    assert (found.origin < found.known).all()
    assert (found.ends >= found.known).all()
    for candle in found.events.values():
        happened = candle != -1
        assert (candle[happened] >= found.known[happened]).all()
        assert (candle[happened] <= np.maximum(found.origin + SMALL.window, found.known)[happened]).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_since_a_candle_are_the_last_rows_of_all(family: Callable[[Candles, Settings], Findings]) -> None:
    found = family(WHOLE, SMALL)
    for frame in (found.frame, found.event_frame):
        rows, late = frame(), frame(400)
        assert 0 < len(late) < len(rows)
        assert rows.tail(len(late)).reset_index(drop=True).equals(late)


def test_ids_tell_findings_apart_and_do_not_depend_on_the_history_before() -> None:
    ids = [id_ for family in FAMILIES for id_ in family(WHOLE, SMALL).frame()["id"]]
    assert len(set(ids)) == len(ids)
    gaps = fair_value_gaps(WHOLE, SMALL)
    late = fair_value_gaps(WHOLE[100:], SMALL)
    assert late.ids(np.arange(len(late))) == gaps.frame().loc[gaps.origin >= 100, "id"].tolist()


def test_an_explosive_zone_ends_at_its_fourth_visit() -> None:
    found = explosive_zones(WHOLE, SMALL)
    spent = (found.events[Event.EXPIRED] != -1) & (found.events[Event.EXPIRED] < found.origin + SMALL.window)
    assert spent.any()
    assert np.array_equal(found.ends[spent], found.events[Event.EXPIRED][spent])
    assert set(found.extra["pattern"]) <= {"RBR", "DBR", "DBD", "RBD"}


@settings(max_examples=60, deadline=None)
@given(markets(20, 160))
def test_what_counts_at_a_candle_does_not_depend_on_later_candles(candles: Candles) -> None:
    for family in FAMILIES:
        whole = family(candles, SMALL)
        for n in range(1, len(candles), 7):
            part = family(candles[:n], SMALL)
            live = part.live(n - 1)
            assert live.tolist() == whole.live(n - 1).tolist()
            assert part.ids(live) == whole.ids(live)


def test_findings_name_their_family() -> None:
    kinds = [family(WHOLE, SMALL).kind for family in FAMILIES]
    assert kinds == [ComponentKind.ORDER_BLOCK, ComponentKind.FAIR_VALUE_GAP, ComponentKind.EXPLOSIVE_ZONE]
    assert ints(1).dtype == WHOLE.close.dtype
