"""The analysis over a range of sessions, run in this process and recorded where Dagster's pages show it."""

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import dagster as dg

from agents.domain.errors import ConfigError, DataError, MissingDataError
from agents.domain.values import IST
from agents.settings import Settings
from pipelines.definitions import ANALYSIS_JOB, build
from pipelines.failures import first_failure
from pipelines.home import open_instance, prepare_home
from pipelines.partitions import FIRST_PARTITION
from pipelines.resources import Workbench
from pipelines.schedule import scope_config
from pipelines.timing import chunks

SESSIONS_A_RUN = 50
Report = dict[str, Any]  # Any: JSON
_COUNTS = ("rows_inserted", "rows_removed", "rows_unchanged")


def materialize_range(
    settings: Settings,
    instruments: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Materialise the analysis assets of every session from `first` to `last`, as Dagster runs them.

    Parameters
    ----------
    settings : Settings
        Mode and data folder; the runs are recorded in that mode's Dagster home.
    instruments : sequence of str
        What is analysed; all configured ones if empty.
    first, last : date
        The span, both included. Days without a session are left out, and so are sessions that have not begun.
    as_of : datetime, optional
        The moment up to which a session that is going on is analysed, by every step alike; each step's own present if
        left out.
    on_progress : callable, optional
        Called with sessions done and sessions in all, first with 0 done.

    Returns
    -------
    dict
        ``sessions``, ``first``, ``last``, ``instruments``, ``runs`` (ids), ``rows`` (counts by asset and run),
        ``failed_checks`` (texts) and ``seconds``; all of it JSON.

    Raises
    ------
    ConfigError
        If `first` lies before the partitions.
    MissingDataError
        If the span holds no session that has begun.
    DataError
        If a run failed; the message is the run's own.
    """
    started = time.monotonic()
    bench = Workbench(settings)
    days = _sessions(bench, first, last)
    names = list(instruments) or list(settings.instruments)
    job = build(settings).resolve_job_def(ANALYSIS_JOB)
    report: Report = {
        "instruments": names,
        "first": days[0],
        "last": days[-1],
        "sessions": len(days),
        "runs": [],
        "rows": {},
        "failed_checks": [],
    }
    done = 0
    with open_instance(prepare_home(settings).folder) as instance:
        for part in chunks(days, SESSIONS_A_RUN):
            _tell(on_progress, done, len(days))
            result = job.execute_in_process(
                instance=instance,
                run_config={**scope_config(as_of=as_of, instruments=names), **_QUIET},
                tags=_range_tags(part),
                raise_on_error=False,
            )
            _add(report, result)
            done += len(part)
    _tell(on_progress, done, len(days))
    report["seconds"] = round(time.monotonic() - started, 3)
    return report


_QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # Any: Dagster's run config


def _sessions(bench: Workbench, first: date, last: date) -> list[str]:
    """Return the sessions of a span that have begun."""
    now = bench.clock.now()
    today = now.astimezone(IST).date()
    if first < FIRST_PARTITION:
        raise ConfigError(f"Dagster's partitions begin on {FIRST_PARTITION}; name a later date than {first}")
    days = [
        session.on.isoformat() for session in bench.calendar.sessions(first, min(last, today)) if session.open_at < now
    ]
    if not days:
        raise MissingDataError(f"no session from {first} to {last} has begun by {now:%Y-%m-%d %H:%M}; name other dates")
    return days


def _range_tags(part: Sequence[str]) -> dict[str, str]:
    """Return the tags that make a run cover the sessions of `part`."""
    if len(part) == 1:
        return {"dagster/partition": part[0]}
    return {"dagster/asset_partition_range_start": part[0], "dagster/asset_partition_range_end": part[-1]}


def _add(report: Report, result: dg.ExecuteInProcessResult) -> None:
    """Add what a run did to the report, or raise what made it fail."""
    report["runs"].append(result.run_id)
    if not result.success:
        raise DataError(f"the run {result.run_id} failed: {_why(result)}")
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        counts = {name: materialization.metadata[name].value for name in _COUNTS}
        report["rows"].setdefault(materialization.asset_key.to_user_string(), {})[result.run_id] = counts
    for check in result.get_asset_check_evaluations():
        if not check.passed:
            report["failed_checks"].append(f"{check.check_name}: {check.description}")


def _why(result: dg.ExecuteInProcessResult) -> str:
    """Return the failure of a run in its own words: a step's description, or a check's that stopped it."""
    if text := first_failure(result.get_step_failure_events()):
        return text
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed and check.blocking]
    return "; ".join(f"{check.check_name}: {check.description}" for check in failed) or "see its page in Dagster"


def _tell(on_progress: Callable[[int, int], None] | None, done: int, total: int) -> None:
    if on_progress is not None:
        on_progress(done, total)
