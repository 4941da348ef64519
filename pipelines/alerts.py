"""Failures of runs become alerts in the ledger's outbox, within seconds; the guardian's process sends them."""

import dagster as dg
from dagster import DefaultSensorStatus, SensorDefinition

from pipelines.failures import first_failure, our_errors_as_failures
from pipelines.resources import Workbench

_SECONDS = 10
_LONGEST_KEY = 128


def tell_of_failure(bench: Workbench) -> SensorDefinition:
    """Return the sensor that writes an alert for each failed run, also where the run's process died."""

    @dg.run_failure_sensor(
        name="tell_of_failure",
        minimum_interval_seconds=_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description="Writes an alert into the ledger for each run that failed.",
    )
    def tell(context: dg.RunFailureSensorContext) -> None:
        from agents.data.ledger import Severity  # noqa: PLC0415  (SQLAlchemy, which loading the definitions does not need)

        run = context.dagster_run
        why = first_failure(context.get_step_failure_events()) or context.failure_event.message or ""
        about = f" of {partition}" if (partition := run.tags.get("dagster/partition")) else ""
        text = f"the run {run.run_id[:8]}, {run.job_name}{about}, failed: {why}"
        context.log.error(text)
        with our_errors_as_failures():
            bench.ledger.outbox.put(Severity.WARN, f"run:{run.job_name}:{why}"[:_LONGEST_KEY], text)

    return tell
