"""The schedule: which ticks become runs."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator  # what the daemon itself uses

from agents.data import clock
from agents.data.calendar import NseCalendar
from agents.domain.values import IST
from agents.settings import Settings
from pipelines import resources
from pipelines.definitions import build
from pipelines.resources import Workbench
from pipelines.schedule import CANDLE_TAG, every_candle
from pipelines.timing import CANDLE_CRONS, EVERY_MINUTE, analysis_closes
from tests.pipelines.markets import LAST, at


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def tick(bench: Workbench, now: datetime, instance: dg.DagsterInstance) -> dg.RunRequest | str:
    repository = build(bench.settings, bench).get_repository_def()
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=now, repository_def=repository)
    data = repository.get_schedule_def("every_candle").evaluate_tick(context)
    return data.run_requests[0] if data.run_requests else str(data.skip_message)


def test_the_cron_ticks_of_a_day_are_the_closes_of_its_candles() -> None:
    session = NseCalendar().session(LAST)
    assert session is not None
    midnight = datetime.combine(LAST, datetime.min.time(), tzinfo=IST)
    ticks = schedule_execution_time_iterator(midnight.timestamp(), list(CANDLE_CRONS), IST.key)
    assert list(islice(ticks, 25)) == analysis_closes(session)
    assert next(ticks).date() > LAST


def test_a_tick_asks_for_the_candle_that_closed(bench: Workbench, instance: dg.DagsterInstance) -> None:
    request = tick(bench, datetime(2025, 6, 20, 10, 15, tzinfo=IST), instance)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "2025-06-20T1015"
    assert request.partition_key == "2025-06-20"
    assert request.tags["bar"] == "10:15"
    assert request.run_config["resources"]["scope"]["config"] == {"as_of": "2025-06-20T10:15:00+05:30"}


def test_a_candle_is_asked_for_once(bench: Workbench, instance: dg.DagsterInstance) -> None:
    instance.add_run(dg.DagsterRun(job_name="analysis", tags={CANDLE_TAG: "2025-06-20T1015"}))
    reason = tick(bench, datetime(2025, 6, 20, 10, 15, tzinfo=IST), instance)
    assert reason == "The 10:15 candle of 2025-06-20 has its run already."


def test_a_holiday_is_skipped_with_its_name(bench: Workbench, instance: dg.DagsterInstance) -> None:
    assert "is not a trading day" in str(tick(bench, datetime(2025, 8, 15, 10, 15, tzinfo=IST), instance))


def test_the_simulated_market_is_looked_at_every_minute(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path)
    settings.home.mkdir(parents=True)
    (settings.home / resources.CLOCK_FILE).write_text("{}")
    bench = at(Workbench(settings), datetime(2025, 6, 20, 10, 16, tzinfo=IST))
    assert every_candle(bench, "analysis").cron_schedule == EVERY_MINUTE
    request = tick(bench, datetime(2026, 1, 1, 3, 7, tzinfo=IST), instance)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "2025-06-20T1015"


def test_a_market_that_outruns_schedules_is_looked_at_by_a_sensor(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path, simulation_speed=20)
    settings.home.mkdir(parents=True)
    (settings.home / resources.CLOCK_FILE).write_text("{}")
    bench = at(Workbench(settings), datetime(2025, 6, 20, 10, 16, tzinfo=IST))
    repository = build(settings, bench).get_repository_def()
    assert "every_candle" not in {schedule.name for schedule in repository.schedule_defs}
    context = dg.build_sensor_context(instance=instance, repository_def=repository)
    sensor = repository.get_sensor_def("candle_clock")
    assert [request.run_key for request in sensor.evaluate_tick(context).run_requests or []] == ["2025-06-20T1015"]
    instance.add_run(dg.DagsterRun(job_name="analysis", tags={CANDLE_TAG: "2025-06-20T1015"}))
    skipped = sensor.evaluate_tick(context)
    assert not skipped.run_requests
    assert skipped.skip_message == "The 10:15 candle of 2025-06-20 has its run already."


def test_the_market_clock_has_the_file_that_the_pipelines_look_for() -> None:
    assert resources.CLOCK_FILE == clock.CLOCK_FILE
