"""The fifteen-minute clock: after each candle's close, one run of the analysis.

A schedule ticks once a minute at most. Where a simulated market closes candles more often, a sensor looks instead.
"""

from datetime import datetime

import dagster as dg
from dagster import DefaultScheduleStatus, DefaultSensorStatus, ScheduleDefinition, SensorDefinition

from agents.domain.market import ANALYSIS_MINUTES
from agents.domain.values import IST
from agents.settings import Settings
from pipelines.failures import our_errors_as_failures
from pipelines.resources import Workbench, market_is_simulated
from pipelines.timing import CANDLE_CRONS, EVERY_MINUTE, DueCandle, due_candle

CANDLE_TAG = "zonedesk/candle"


def every_candle(bench: Workbench, job_name: str) -> ScheduleDefinition:
    """Return the schedule: 25 ticks a session on the machine's clock, every minute on the simulated market's.

    A candle is requested once. Whatever a missed tick left undone, the next run does: it merges its whole session.
    """
    simulated = market_is_simulated(bench.settings)

    @dg.schedule(
        name="every_candle",
        job_name=job_name,
        cron_schedule=EVERY_MINUTE if simulated else list(CANDLE_CRONS),
        execution_timezone=IST.key,
        default_status=DefaultScheduleStatus.RUNNING,
        description="Analyses each session after every 15-minute candle, as the exchange's calendar has them.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        with our_errors_as_failures():
            now = bench.clock.now() if simulated else context.scheduled_execution_time.astimezone(IST)
            due = due_candle(now, bench.calendar, after_hours=simulated)
        if isinstance(due, str):
            return dg.SkipReason(due)
        if _requested(context.instance, due):
            return dg.SkipReason(f"The {due.label} candle of {due.session} has its run already.")
        return candle_request(due)

    return tick


def outruns_schedules(settings: Settings) -> bool:
    """Return whether candles close more than once a minute of the machine's clock."""
    return market_is_simulated(settings) and settings.simulation_speed > ANALYSIS_MINUTES


def candle_clock(bench: Workbench, job_name: str) -> SensorDefinition:
    """Return the sensor that does the work of `every_candle` in a market that is too fast for a schedule."""

    @dg.sensor(
        name="candle_clock",
        job_name=job_name,
        minimum_interval_seconds=5,
        default_status=DefaultSensorStatus.RUNNING,
        description="Analyses the session after every 15-minute candle of a market that outruns schedules.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        with our_errors_as_failures():
            due = due_candle(bench.clock.now(), bench.calendar, after_hours=True)
        if isinstance(due, str):
            return dg.SkipReason(due)
        if _requested(context.instance, due):
            return dg.SkipReason(f"The {due.label} candle of {due.session} has its run already.")
        return candle_request(due)

    return tick


def candle_request(due: DueCandle) -> dg.RunRequest:
    """Return the run that analyses the session of `due` as known at its close."""
    return dg.RunRequest(
        run_key=due.key,
        partition_key=due.session.isoformat(),
        tags={CANDLE_TAG: due.key, "bar": due.label},
        run_config=scope_config(as_of=due.closed_at),
    )


def scope_config(*, as_of: datetime | None = None, instruments: list[str] | None = None) -> dict[str, object]:
    """Return run config that narrows a run to a moment or to some instruments."""
    chosen: dict[str, object] = {}
    if as_of is not None:
        chosen["as_of"] = as_of.astimezone(IST).isoformat()
    if instruments is not None:
        chosen["instruments"] = instruments
    return {"resources": {"scope": {"config": chosen}}}


def _requested(instance: dg.DagsterInstance, due: DueCandle) -> bool:
    """Return whether any run of this candle exists, whatever became of it."""
    return bool(instance.get_run_ids(dg.RunsFilter(tags={CANDLE_TAG: due.key}), limit=1))
