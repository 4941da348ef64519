"""The analysis as Dagster runs it: one date, a range, tick by tick, with and without faults."""

from datetime import date, timedelta

import dagster as dg
import pandas as pd

from agents.domain.values import IST
from pipelines.definitions import ANALYSIS_JOB, build
from pipelines.resources import Workbench
from pipelines.schedule import CANDLE_TAG
from pipelines.timing import analysis_closes
from tests.pipelines.conftest import Analyse
from tests.pipelines.markets import LAST, at, rows_of

FIRST = date(2025, 6, 16)


def failed(result: dg.ExecuteInProcessResult) -> set[str]:
    return {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    events = result.get_asset_materialization_events()
    return {event.step_materialization_data.materialization.asset_key.to_user_string() for event in events}


def counts(result: dg.ExecuteInProcessResult, name: str) -> int:
    events = result.get_asset_materialization_events()
    return sum(int(str(event.step_materialization_data.materialization.metadata[name].value)) for event in events)


def test_one_date_materialises_everything_and_every_check_passes(bench: Workbench, analyse: Analyse) -> None:
    result = analyse(bench, LAST)
    assert result.success
    assert materialized(result) == {
        "candles",
        "volume_profile",
        "order_blocks",
        "fair_value_gaps",
        "zones",
        "llm_validation",
    }
    assert failed(result) == set()
    rows = rows_of(bench, LAST)
    assert len(rows["session_candles"]) == 2 * 25  # the index and its future
    assert len(rows["analysis_candles"]) == 25
    assert rows["zones"]
    assert rows["verdicts"]


def test_a_second_run_of_a_date_changes_no_row(bench: Workbench, analyse: Analyse) -> None:
    analyse(bench, FIRST, LAST)
    stored = bench.store.rows("select * from zones order by all")
    again = analyse(bench, LAST)
    assert counts(again, "rows_inserted") == 0
    assert counts(again, "rows_removed") == 0
    assert bench.store.rows("select * from zones order by all") == stored


def test_a_date_alone_has_the_rows_it_has_in_a_range(bench: Workbench, analyse: Analyse) -> None:
    analyse(bench, LAST)
    alone = rows_of(bench, LAST)
    with bench.store.write() as connection:
        for table in alone:
            connection.execute(f"delete from {table}")
    analyse(bench, FIRST, LAST)
    assert rows_of(bench, LAST) == alone


def test_live_ticks_leave_the_rows_of_a_rematerialisation(bench: Workbench, analyse: Analyse) -> None:
    session = bench.calendar.session(LAST)
    assert session is not None
    closes = analysis_closes(session)
    for close in [*closes[:2], closes[4], closes[10], closes[-1]]:  # missed ticks are repaired by the next
        moment = close.astimezone(IST)
        live = at(bench, moment + timedelta(seconds=5))
        tags = {CANDLE_TAG: f"{LAST}T{moment:%H%M}"}
        assert analyse(live, LAST, as_of=moment.isoformat(), tags=tags).success
    ticked = rows_of(bench, LAST)
    again = analyse(bench, LAST)
    assert rows_of(bench, LAST) == ticked
    assert counts(again, "rows_removed") == 0
    assert counts(again, "rows_inserted") == 0


def test_as_of_leaves_what_became_known_later_alone(bench: Workbench, analyse: Analyse) -> None:
    analyse(bench, LAST)
    stored = rows_of(bench, LAST)
    assert analyse(bench, LAST, as_of=f"{LAST}T11:30+05:30").success
    assert rows_of(bench, LAST) == stored


def test_nothing_known_after_as_of_is_written(bench: Workbench, analyse: Analyse) -> None:
    analyse(bench, LAST, as_of=f"{LAST}T11:30+05:30")
    newest = pd.Timestamp(f"{LAST}T11:30+05:30")
    for table in ("zones", "order_blocks", "fair_value_gaps", "verdicts", "analysis_candles", "volume_profile"):
        found = bench.store.rows(f"select max(known_at) from {table}")[0][0]
        assert found is None or found <= newest, table


def test_a_session_that_has_not_begun_is_refused_with_its_opening_time(bench: Workbench, analyse: Analyse) -> None:
    before = at(bench, pd.Timestamp(f"{LAST}T08:00+05:30").to_pydatetime())
    result = analyse(before, LAST)
    text = " ".join(str(event.message) for event in result.get_step_failure_events())
    data = result.get_step_failure_events()[0].step_failure_data.user_failure_data
    assert data is not None
    assert "it opens at 09:15" in str(data.description), text


def test_an_unsound_candle_stops_everything_after_it(bench: Workbench, analyse: Analyse) -> None:
    with bench.store.write() as connection:
        connection.execute(
            "update candles set high = low - 5 where instrument = 'NIFTY' and session = ? and "
            "opened_at = (select max(opened_at) from candles where instrument = 'NIFTY' and session = ?)",
            [LAST, LAST],
        )
        connection.execute("update candles set low = -3 where instrument = 'NIFTY' and session = ?", [LAST])
    result = analyse(bench, LAST)
    assert not result.success
    assert "candles_are_sound" in failed(result)
    assert materialized(result) == {"candles"}


def test_a_missing_candle_in_a_past_session_is_a_warning(bench: Workbench, analyse: Analyse) -> None:
    with bench.store.write() as connection:
        gone = "opened_at >= ? and opened_at < ? and session = ?"
        bounds = [pd.Timestamp(f"{LAST}T11:00+05:30"), pd.Timestamp(f"{LAST}T11:15+05:30"), LAST]
        connection.execute(f"delete from candles where {gone}", bounds)
    result = analyse(bench, LAST)
    assert result.success
    assert failed(result) == {"session_is_complete"}
    issues = bench.store.rows("select rule from data_issues where session = ? and rule = 'empty_window'", [LAST])
    assert len(issues) == 2  # index and future


def test_a_scheduled_run_without_its_candle_stops(bench: Workbench, analyse: Analyse) -> None:
    moment = pd.Timestamp(f"{LAST}T11:15+05:30").to_pydatetime()
    with bench.store.write() as connection:
        connection.execute(
            "delete from candles where session = ? and opened_at >= ?", [LAST, moment - timedelta(minutes=15)]
        )
    live = at(bench, moment + timedelta(seconds=5))
    result = analyse(live, LAST, as_of=moment.isoformat(), tags={CANDLE_TAG: f"{LAST}T1115"})
    assert "scheduled_run_adds_candles" in failed(result)
    assert "candles_are_fresh" not in failed(result)  # a run by hand may meet the moment at which a candle closes
    assert materialized(result) == {"candles"}


def test_a_run_that_lacks_two_candles_stops(bench: Workbench, analyse: Analyse) -> None:
    moment = pd.Timestamp(f"{LAST}T11:15+05:30").to_pydatetime()
    with bench.store.write() as connection:
        connection.execute(
            "delete from candles where session = ? and opened_at >= ?", [LAST, moment - timedelta(minutes=30)]
        )
    result = analyse(at(bench, moment + timedelta(seconds=5)), LAST)
    assert "candles_are_fresh" in failed(result)
    assert materialized(result) == {"candles"}


def test_a_zone_from_the_future_fails_the_look_ahead_check_and_stops_the_judge(
    bench: Workbench, analyse: Analyse
) -> None:
    analyse(bench, LAST)
    with bench.store.write() as connection:
        connection.execute(
            "insert into order_blocks select 'planted', instrument, session, side, low, high, event_at, "
            "known_at, * exclude (id, instrument, session, side, low, high, event_at, known_at) "
            "from order_blocks where session = ? limit 1",
            [LAST],
        )
    job = build(bench.settings, bench).resolve_job_def(ANALYSIS_JOB)
    result = job.execute_in_process(
        asset_selection=[dg.AssetKey("zones"), dg.AssetKey("llm_validation")],
        tags={"dagster/partition": LAST.isoformat()},
        raise_on_error=False,
    )
    assert "zones_do_not_look_ahead" in failed(result)
    assert materialized(result) == {"zones"}


def test_every_picture_is_small_and_every_partition_tells_its_rows(bench: Workbench, analyse: Analyse) -> None:
    result = analyse(bench, FIRST, LAST)
    seen = set()
    for event in result.get_asset_materialization_events():
        what = event.step_materialization_data.materialization
        seen.add((what.asset_key.to_user_string(), what.partition))
        assert "dagster/row_count" in what.metadata
        assert "as_of" in what.metadata
        if what.asset_key.to_user_string() in {"candles", "zones", "volume_profile"}:
            picture = str(what.metadata["chart"].value)
            assert picture.startswith("![")
            assert len(picture) < 16_000
    assert len(seen) == 6 * 5
