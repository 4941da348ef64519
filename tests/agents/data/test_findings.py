from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from agents.data.findings import StoreAnalyses, keep_carried, merge_findings, store_certificates, zones_at
from agents.data.store import Store
from agents.domain.errors import MissingDataError
from agents.domain.zones import Outcome, ZoneVerdictWord
from agents.technical import Analysis, analyse, certificate_frame, certify, profile_candles
from tests.agents.technical.markets import PER_SESSION, SMALL, market, time_of

WHOLE = market(30, 7, volume=True)
TABLES = (
    "order_blocks", "fair_value_gaps", "explosive_zones", "zones", "zone_components", "zone_parts",
    "lifecycle_events", "analysis_candles", "volume_profile", "volume_profile_rows",
)  # fmt: skip


@dataclass
class Watch:
    """A clock that the test moves."""

    now: datetime = datetime(2024, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def store(tmp_path: Path, watch: Watch) -> Store:
    made = Store(tmp_path / "market.duckdb", "replay", now=watch)
    facts = {
        "instrument": ["NIFTY"], "kind": ["index"], "tick_size": [Decimal("0.05")],
        "underlying": [None], "expiry_on": [None], "strike": [None], "option_type": [None],
    }  # fmt: skip
    made.append("instruments", pd.DataFrame(facts))
    return made


def frames(analysis: Analysis) -> Mapping[str, pd.DataFrame]:
    return {table: getattr(analysis, table) for table in TABLES}


def sessions(first: int, last: int) -> list[date]:
    return [date(2024, 1, 1) + timedelta(days=day) for day in range(first, last)]


def keep(store: Store, first: int, last: int, *, carried: bool = True) -> Analysis:
    """Analyse and store the sessions `first` to ``last - 1``."""
    candles = WHOLE[: last * PER_SESSION]
    since = time_of(WHOLE, first * PER_SESSION - 1) if first else None
    found = analyse(candles, profile_candles(candles), SMALL, since=since)
    merge_findings(store, frames(found), scope={"instrument": "NIFTY", "session": sessions(first, last)})
    if since and carried:
        keep_carried(store, found.carried, "NIFTY", since)
    return found


def test_the_store_answers_what_the_analysis_says(store: Store) -> None:
    analysis = keep(store, 0, 30)
    analyses = StoreAnalyses(store)
    for at in [3, *range(100, len(WHOLE), 37), len(WHOLE) - 1]:
        now = time_of(WHOLE, at) + timedelta(minutes=4)
        assert analyses.latest("NIFTY", now) == analysis.analysis_at(now)


def test_sessions_kept_one_by_one_answer_the_same(store: Store) -> None:
    for session in range(26, 30):
        keep(store, session, session + 1)
    whole = analyse(WHOLE, profile_candles(WHOLE), SMALL)
    for at in range(26 * PER_SESSION, len(WHOLE), 11):
        now = time_of(WHOLE, at)
        assert StoreAnalyses(store).latest("NIFTY", now) == whole.analysis_at(now)


def test_zones_of_sessions_that_were_never_stored_are_missed_by_name(store: Store) -> None:
    analysis = keep(store, 28, 30, carried=False)
    now = time_of(WHOLE, 28 * PER_SESSION)
    assert len(analysis.analysis_at(now).zones) > 0
    found = zones_at(store, "NIFTY", now)
    assert found is not None
    assert not found.complete
    with pytest.raises(MissingDataError, match="materialise that session and those before it again"):
        StoreAnalyses(store).latest("NIFTY", now)


def test_before_the_first_analysis_there_is_none(store: Store) -> None:
    keep(store, 0, 2)
    analyses = StoreAnalyses(store)
    assert analyses.latest("NIFTY", time_of(WHOLE, 0) - timedelta(minutes=1)) is None
    assert analyses.latest("BANKNIFTY", time_of(WHOLE, 10)) is None


def test_storing_again_changes_nothing(store: Store, watch: Watch) -> None:
    keep(store, 25, 30)
    before = {table: store.rows(f"select * from {table} order by all") for table in TABLES}
    watch.now += timedelta(days=1)
    found = keep(store, 25, 30)
    counts = merge_findings(store, frames(found), scope={"instrument": "NIFTY", "session": sessions(25, 30)})
    assert all(count.inserted == count.removed == 0 for count in counts.values())
    assert {table: store.rows(f"select * from {table} order by all") for table in TABLES} == before


def test_carried_zones_are_the_rows_of_their_own_session(store: Store) -> None:
    keep(store, 28, 30)
    carried = set(store.rows("select id from zones where session < date '2024-01-29'"))
    assert carried
    keep(store, 20, 28)
    earlier = set(store.rows("select id from zones where session < date '2024-01-29'"))
    assert carried < earlier
    assert len(store.rows("select id from zones")) == len(store.rows("select distinct id from zones"))
    for table in ("zone_components", "zone_parts", "lifecycle_events"):
        columns = "* exclude (recorded_at)"
        everything = store.rows(f"select {columns} from {table}")
        assert len(everything) == len(store.rows(f"select distinct {columns} from {table}")), table


def test_nothing_to_carry_writes_nothing(store: Store) -> None:
    found = analyse(WHOLE[:5], profile_candles(WHOLE[:5]), SMALL)
    keep_carried(store, found.carried, "NIFTY", time_of(WHOLE, 0))
    assert store.rows("select count(*) from zones") == [(0,)]


def test_events_of_other_subjects_stay(store: Store) -> None:
    found = keep(store, 25, 30)
    events = found.lifecycle_events
    scope = {"instrument": "NIFTY", "session": sessions(25, 30), "subject": ["zones"]}
    kept = merge_findings(store, {"lifecycle_events": events[events["subject"] == "zones"]}, scope=scope)
    assert kept["lifecycle_events"].removed == 0
    own = store.rows("select count(*) from lifecycle_events where subject = 'order_blocks'")
    assert own == [(int((events["subject"] == "order_blocks").sum()),)]


def test_a_zone_carries_the_last_verdict_known_by_then(store: Store) -> None:
    analysis = keep(store, 0, 30)
    now = time_of(WHOLE, len(WHOLE) - 1)
    zone = analysis.analysis_at(now).zones[0]
    asked = [now - timedelta(minutes=30), now - timedelta(minutes=15), now + timedelta(minutes=15)]
    verdicts = pd.DataFrame(
        {
            "zone_id": zone.id, "instrument": "NIFTY", "session": date(2024, 1, 30), "known_at": asked,
            "judge": "rules", "verdict": ["unsure", "confirm", "reject"], "probability": [0.0, 0.7, 0.2],
            "reason": "because", "outcome": ["deadline", "ok", "ok"], "call_key": "c", "prompt_sha": "p",
        }
    )  # fmt: skip
    store.append("verdicts", verdicts)
    found = StoreAnalyses(store).latest("NIFTY", now)
    assert found is not None
    verdict = next(each for each in found.zones if each.id == zone.id).verdict
    assert verdict is not None
    assert (verdict.verdict, verdict.outcome) == (ZoneVerdictWord.CONFIRM, Outcome.OK)
    assert [each.verdict for each in found.zones].count(None) == len(found.zones) - 1
    early = StoreAnalyses(store).latest("NIFTY", asked[0])
    assert early is not None
    known = {each.id: each.verdict for each in early.zones}
    assert known.get(zone.id) is None or known[zone.id].outcome is Outcome.DEADLINE  # type: ignore[union-attr]  # checked by the first half


def test_certificates_are_kept_beside_earlier_ones(store: Store) -> None:
    candles = WHOLE[:60]
    rows = certificate_frame(certify(candles, profile_candles(candles), SMALL), datetime(2024, 3, 1, tzinfo=UTC))
    store_certificates(store, rows)
    store_certificates(store, rows)
    assert store.rows("select count(*), sum(rewritten) from certificates") == [(2 * len(rows), 0)]
