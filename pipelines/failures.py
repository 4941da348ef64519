"""Our errors in Dagster's words: one sentence with the cure, and whether trying again can help."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import dagster as dg

from agents.domain.errors import TradingError


def as_failure(error: TradingError) -> dg.Failure:
    """Return `error` as the failure of a step: its message is what the run's page shows first.

    Dagster's daemon retries whole runs without looking at `allow_retries`; jobs that must never be retried carry the
    tag ``dagster/max_retries: 0`` as well.
    """
    return dg.Failure(
        description=str(error),
        metadata={"error": type(error).__name__, "retryable": error.retryable},
        allow_retries=error.retryable,
    )


def first_failure(events: Iterable[dg.DagsterEvent]) -> str:
    """Return why the first failed step of a run failed: our own sentence where it is one of our errors, "" for none."""
    for event in events:
        failure = event.step_failure_data
        if failure.user_failure_data is not None and failure.user_failure_data.description:
            return failure.user_failure_data.description
        if failure.error is not None:
            root = failure.error
            while root.cause is not None:  # Dagster wraps what a step raised
                root = root.cause
            return root.message.strip()
    return ""


@contextmanager
def our_errors_as_failures() -> Iterator[None]:
    """Turn every `TradingError` inside the block into a `dagster.Failure`; anything else is a defect and stays one."""
    try:
        yield
    except TradingError as error:
        raise as_failure(error) from error
