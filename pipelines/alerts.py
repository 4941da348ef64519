"""Failures of runs become alerts: a line in the log and an event in the ledger, within seconds."""

import dagster as dg
from dagster import DefaultSensorStatus, SensorDefinition

from pipelines.failures import our_errors_as_failures
from pipelines.resources import Workbench

_SECONDS = 10


def tell_of_failure(bench: Workbench) -> SensorDefinition:
    """Return the sensor that writes an alert for each failed run, also where the run's process died."""

    @dg.run_failure_sensor(
        name="tell_of_failure",
        minimum_interval_seconds=_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description="Writes an alert into the ledger for each run that failed.",
    )
    def tell(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        alert = {
            "source": "dagster",
            "job": run.job_name,
            "run_id": run.run_id,
            "partition": run.tags.get("dagster/partition", ""),
            "text": context.failure_event.message or "the run failed without a message",
        }
        context.log.error("%s failed: %s", run.job_name, alert["text"])
        with our_errors_as_failures():
            bench.ledger.append("alert", alert)

    return tell
