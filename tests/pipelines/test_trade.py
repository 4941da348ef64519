"""The trade clock and its job, on the simulated market."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from agents.data.metrics import MetricReader
from agents.domain.checks import Check, CheckWord
from agents.domain.cycle import CycleRecord, Decision, Reason
from agents.domain.values import IST
from agents.execution.guardian.ports import AnswerKind, TradeAnswer
from pipelines.cycles import Evaluated
from pipelines.definitions import build
from pipelines.resources import Workbench
from pipelines.trade import BACKFILL_TAG, TRADE_JOB, _cycle_event, _output, trade_clock
from tests.agents.execution.setups import setup_of
from tests.pipelines.conftest import Analyse
from tests.pipelines.markets import LAST, at

NOW = datetime(2025, 6, 20, 11, 18, 20, tzinfo=IST)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def look(bench: Workbench, instance: dg.DagsterInstance, cursor: str | None = None) -> dg.RunRequest | str:
    sensor = trade_clock(bench)
    data = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=cursor))
    if data.run_requests:
        assert data.cursor == data.run_requests[0].run_key
        return data.run_requests[0]
    return str(data.skip_message)


def trade(
    bench: Workbench,
    instance: dg.DagsterInstance,
    slot_at: datetime,
    *,
    tags: dict[str, str] | None = None,
    as_of: str = "",
) -> dg.ExecuteInProcessResult:
    return (
        build(bench.settings, bench)
        .resolve_job_def(TRADE_JOB)
        .execute_in_process(
            run_config={
                "ops": {"evaluate": {"config": {"slot_at": slot_at.isoformat()}}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                "resources": {"scope": {"config": {"as_of": as_of}}},
            },
            tags=tags,
            instance=instance,
            raise_on_error=False,
        )
    )


def test_the_sensor_asks_for_the_slot_and_remembers_it(bench: Workbench, instance: dg.DagsterInstance) -> None:
    request = look(at(bench, NOW), instance)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "2025-06-20T1118"
    assert request.run_config["ops"]["evaluate"]["config"]["slot_at"] == "2025-06-20T11:18:00+05:30"
    assert "is done" in str(look(at(bench, NOW), instance, cursor="2025-06-20T1118"))


def test_a_run_in_flight_holds_the_next_slot(bench: Workbench, instance: dg.DagsterInstance) -> None:
    instance.add_run(dg.DagsterRun(job_name=TRADE_JOB, status=dg.DagsterRunStatus.STARTED))
    assert "still in progress" in str(look(at(bench, NOW), instance))


def test_the_sensor_waits_for_the_zones_of_the_candle_that_closed(
    bench: Workbench, analyse: Analyse, instance: dg.DagsterInstance
) -> None:
    just_closed = at(bench, datetime(2025, 6, 20, 11, 15, 5, tzinfo=IST))
    assert look(just_closed, instance) == "Waiting for the zones of the 11:15 candle."
    assert analyse(just_closed, LAST, as_of=f"{LAST}T11:15+05:30", instance=instance).success
    assert isinstance(look(just_closed, instance), dg.RunRequest)


def test_a_cycle_is_recorded_in_the_ledger_and_mirrored_into_the_store(
    bench: Workbench, analyse: Analyse, instance: dg.DagsterInstance
) -> None:
    live = at(bench, NOW)
    assert analyse(live, LAST, as_of=f"{LAST}T11:15+05:30").success
    result = trade(live, instance, NOW - timedelta(seconds=20))
    assert result.success
    stored = bench.store.rows("select cycle_id, decision, reason, decided_at from cycles")
    assert len(stored) == 1
    assert stored[0][3] == NOW
    events = live.ledger.events("cycle")
    assert len(events) == 1
    logged = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    assert [(each.asset_key.to_user_string(), each.partition) for each in logged] == [("cycles", "2025-06-20")]


def test_a_cycle_with_the_reason_of_the_one_before_is_no_event(
    bench: Workbench, analyse: Analyse, instance: dg.DagsterInstance
) -> None:
    analyse(at(bench, NOW), LAST, as_of=f"{LAST}T11:15+05:30")
    first = trade(at(bench, NOW), instance, NOW)
    later = NOW + timedelta(seconds=30)
    second = trade(at(bench, later), instance, later)
    reasons = [row[0] for row in bench.store.rows("select reason from cycles order by decided_at")]
    assert len(reasons) == 2
    assert len(first.get_asset_materialization_events()) == 1
    assert len(second.get_asset_materialization_events()) == (0 if reasons[0] == reasons[1] else 1)


def test_an_old_slot_is_not_traded_and_says_so(bench: Workbench, instance: dg.DagsterInstance) -> None:
    result = trade(at(bench, NOW), instance, NOW - timedelta(minutes=3))
    assert result.success
    logged = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert any("180 s old" in text for text in logged)
    assert not bench.store.rows("select 1 from cycles")


def test_a_backfill_never_trades(bench: Workbench, instance: dg.DagsterInstance) -> None:
    result = trade(at(bench, NOW), instance, NOW, tags={BACKFILL_TAG: "abcdef"})
    assert result.success
    assert any("A backfill never trades" in entry.user_message for entry in instance.all_logs(result.run_id))
    assert not bench.store.rows("select 1 from cycles")


def test_a_run_for_another_moment_never_trades(bench: Workbench, instance: dg.DagsterInstance) -> None:
    result = trade(at(bench, NOW), instance, NOW, as_of="2025-06-19T11:30+05:30")
    assert result.success
    assert any("never trades" in entry.user_message for entry in instance.all_logs(result.run_id))
    assert not bench.ledger.events("cycle")


def test_nothing_that_can_be_materialised_trades(bench: Workbench) -> None:
    definitions = build(bench.settings, bench)
    graph = definitions.resolve_asset_graph()
    for name in ("cycles", "trades"):
        assert not graph.get(dg.AssetKey(name)).is_executable
    job = definitions.resolve_job_def(TRADE_JOB)
    assert job.partitions_def is None
    assert not job.asset_layer.executable_asset_keys
    executable = {key for key in graph.get_all_asset_keys() if graph.get(key).is_executable}
    ops = {graph.get(key).assets_def.op.name for key in executable}
    assert "evaluate" not in ops


def test_the_trade_job_is_never_tried_again(bench: Workbench) -> None:
    job = build(bench.settings, bench).resolve_job_def(TRADE_JOB)
    assert job.tags["dagster/max_retries"] == "0"
    assert all(node.definition.tags["dagster/max_retries"] == "0" for node in job.nodes)


def test_the_guardians_answer_is_shown_with_the_run(bench: Workbench) -> None:
    setup = setup_of()
    record = CycleRecord(
        cycle_id="cycle-1",
        instrument="NIFTY",
        at=NOW,
        decision=Decision.TRADE,
        reason=Reason.ORDER_PLACED,
        setup=setup,
        checks=(Check(rule="R1.risk", word=CheckWord.PASS, limit=10_000, value=8_000, text=""),),
    )
    answer = TradeAnswer(setup_id=setup.setup_id, outcome=AnswerKind.PLACED, order_id="42", at=NOW)
    done = Evaluated((record,), (record,), (), {setup.setup_id: answer})
    assert _output(done)["NIFTY_answer"].value["order_id"] == "42"
    event = _cycle_event(record, answer)
    assert event.metadata["order_id"].value == "42"
    assert "| R1.risk | pass | 8,000.00 | 10,000.00 |" in str(event.metadata["checks"].value)
    assert bench.settings.mode == "replay"


def test_a_cycle_is_measured(bench: Workbench, analyse: Analyse, instance: dg.DagsterInstance) -> None:
    live = at(bench, NOW)
    assert analyse(live, LAST, as_of=f"{LAST}T11:15+05:30").success
    assert trade(live, instance, NOW - timedelta(seconds=20)).success
    series = {
        (each.name, dict(each.labels).get("stage", "")): each for each in MetricReader(live.metrics.path).series()
    }
    assert series["cycle_seconds", "all"].count == 1
    assert series["zone_age_seconds", ""].last == 200.0
    [(reason,)] = bench.store.rows("select reason from cycles")
    skipped = [each.labels for each in MetricReader(live.metrics.path).series() if each.name == "cycle_skipped_total"]
    assert skipped == ([(("reason", reason),)] if reason != "order_placed" else [])
