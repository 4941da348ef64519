"""A failed run becomes an alert that says why."""

from pathlib import Path

import dagster as dg

from agents.data.ledger import Severity
from agents.domain.errors import JudgeUnavailableError, MissingDataError
from agents.settings import Settings
from pipelines.alerts import tell_of_failure
from pipelines.failures import as_failure, our_errors_as_failures
from pipelines.resources import Workbench


@dg.op
def fails() -> None:
    with our_errors_as_failures():
        raise MissingDataError("NIFTY has no candles; import some")


@dg.job
def failing() -> None:
    fails()


def test_a_failed_run_is_an_alert_with_our_own_words(tmp_path: Path) -> None:
    bench = Workbench(Settings(mode="replay", data_dir=tmp_path))
    bench.settings.home.mkdir(parents=True)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        result = failing.execute_in_process(instance=instance, raise_on_error=False)
        failure = result.get_run_failure_event()
        context = dg.build_run_status_sensor_context(
            "tell_of_failure", failure, instance, result.dagster_run
        ).for_run_failure()
        tell_of_failure(bench)(context)
    [message] = bench.ledger.outbox.recent(9)
    words = f"the run {result.run_id[:8]}, failing, failed: NIFTY has no candles; import some"
    assert (message.severity, message.text) == (Severity.WARN, words)


def test_only_what_can_help_may_be_retried() -> None:
    assert as_failure(JudgeUnavailableError("the model did not answer")).allow_retries
    assert not as_failure(MissingDataError("nothing is stored")).allow_retries
