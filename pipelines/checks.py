"""Asset checks: what must hold before anything is built on the data, and what a person should know.

None is partitioned: in a run over a range, Dagster leaves partitioned checks without a result. Each names its sessions
in its metadata instead. A blocking check stops what comes after it in the same run; the trade cycle, which is another
run, asks the store for itself.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import dagster as dg

from agents.domain.market import ANALYSIS_MINUTES
from agents.domain.values import IST
from pipelines.failures import our_errors_as_failures
from pipelines.partitions import SESSIONS
from pipelines.resources import RunScope, Workbench
from pipelines.schedule import CANDLE_TAG
from pipelines.task import Task, plan
from pipelines.timing import analysis_closes

Body: TypeAlias = Callable[[Workbench, Task], list[str]]
_RANGE_START, _RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_SHOWN = 10
_LATE = timedelta(minutes=5)
_MOST_MISSING = 0.25


def session_check(
    asset: str,
    *,
    good: str,
    bad: str,
    description: str,
    blocking: bool = False,
    grave: Callable[[Task, list[str]], bool] = lambda _task, _faults: True,
) -> Callable[[Body], dg.AssetChecksDefinition]:
    """Make a check of a run's sessions out of a function that returns what is wrong.

    Parameters
    ----------
    asset : str
        What is checked.
    good, bad : str
        The result in words, where nothing and where something is wrong.
    description : str
        What must hold.
    blocking : bool
        Whether a fault stops the assets that come after. One that does not block is a warning.
    grave : callable
        Whether faults of a blocking check are more than a warning; they all are if left out.
    """

    def decorate(body: Body) -> dg.AssetChecksDefinition:
        def run(
            context: dg.AssetCheckExecutionContext, bench: dg.ResourceParam[Workbench], scope: RunScope
        ) -> dg.AssetCheckResult:
            with our_errors_as_failures():
                task = _task(context, bench, scope)
                faults = body(bench, task)
            stops = blocking and grave(task, faults)
            severity = dg.AssetCheckSeverity.ERROR if stops else dg.AssetCheckSeverity.WARN
            text = f"{len(faults)} {bad}, first {faults[0]}" if faults else good
            metadata: dict[str, dg.MetadataValue] = {
                "sessions": dg.MetadataValue.text(_span(task)),
                "faults": dg.MetadataValue.int(len(faults)),
            }
            if faults:
                metadata["first_faults"] = dg.MetadataValue.md("\n".join(f"- {fault}" for fault in faults[:_SHOWN]))
            return dg.AssetCheckResult(
                passed=not faults, severity=severity, description=f"{_span(task)}: {text}", metadata=metadata
            )

        return dg.asset_check(asset=asset, name=body.__name__, description=description, blocking=blocking)(run)

    return decorate


@session_check(
    "candles",
    blocking=True,
    description="High and low enclose open and close, prices are positive, each candle is there once, in its session.",
    good="every candle is sound",
    bad="candles break a rule",
)
def candles_are_sound(bench: Workbench, task: Task) -> list[str]:
    """Return the candles that break a rule."""
    from pipelines.queries import unsound_candles  # noqa: PLC0415  (DuckDB loads when a run starts)

    found = unsound_candles(bench.store, task.instruments, task.days)
    return [f"{candle.instrument} {_stamp(candle.closed_at)}: {candle.fault}" for candle in found]


@session_check(
    "candles",
    blocking=True,
    description="In an open session, each instrument's newest candle is the last that closed, or the one before it.",
    good="no instrument is late",
    bad="instruments are late; is the feed running?",
)
def candles_are_fresh(bench: Workbench, task: Task) -> list[str]:
    """Return the instruments that lack more than the last candle; none where the session is over.

    The last one may close while the run is at work: it belongs to the next run. Whether a run has the candle that it
    was asked for, `scheduled_run_adds_candles` tells.
    """
    from pipelines.queries import stored_closes  # noqa: PLC0415  (DuckDB loads when a run starts)

    due = _due(task)
    if not task.is_live or not due or task.until < due[0] + _LATE:
        return []
    stored = stored_closes(bench.store, task.instruments, task.days[-1:])
    late = []
    for name in task.instruments:
        newest = max((closed_at for instrument, closed_at in stored if instrument == name), default=None)
        if newest is None or due[-1] - newest > timedelta(minutes=ANALYSIS_MINUTES):
            late.append(f"{name}: newest candle {_stamp(newest)}, due {_stamp(due[-1])}")
    return late


@session_check(
    "candles",
    blocking=True,
    description="A run that the schedule asked for finds the candle it was asked for.",
    good="the run's candle is there",
    bad="candles did not come; is the feed running?",
)
def scheduled_run_adds_candles(bench: Workbench, task: Task) -> list[str]:
    """Return the instruments without the candle that the schedule asked for; none in a run started by hand.

    The schedule asks once for each candle, so a run that adds none means that no data arrives.
    """
    from pipelines.queries import stored_closes  # noqa: PLC0415  (DuckDB loads when a run starts)

    if not task.scheduled:
        return []
    stored = stored_closes(bench.store, task.instruments, task.days[-1:])
    return [f"{name} {_stamp(at)}" for at in _due(task)[-1:] for name in task.instruments if (name, at) not in stored]


def _too_few_to_trade(task: Task, missing: list[str]) -> bool:
    """Return whether an open session lacks so many candles that nothing should be built on the rest."""
    return task.is_live and len(missing) > _MOST_MISSING * len(_due(task)) * len(task.instruments)


@session_check(
    "candles",
    blocking=True,
    grave=_too_few_to_trade,
    description="Each instrument has a candle for each quarter of an hour of the session, as far as it has gone. Stops "
    "an open session that lacks more than a quarter; elsewhere a warning, because recorded holes cannot be filled.",
    good="every candle is there",
    bad="candles are missing",
)
def session_is_complete(bench: Workbench, task: Task) -> list[str]:
    """Return the candles that are not there."""
    from pipelines.queries import stored_closes  # noqa: PLC0415  (DuckDB loads when a run starts)

    stored = stored_closes(bench.store, task.instruments, task.days)
    return [
        f"{name} {_stamp(at)}"
        for session in task.sessions
        for at in analysis_closes(session)
        for name in task.instruments
        if at <= task.known(session) and (name, at) not in stored
    ]


@session_check(
    "zones",
    blocking=True,
    description="Computing again on candles that end earlier gives the stored rows known by then, and no others.",
    good="the past stays as it was known",
    bad="rows differ from what was known then",
)
def zones_do_not_look_ahead(bench: Workbench, task: Task) -> list[str]:
    """Return the stored findings and zones that an analysis without the future does not have, and those it lacks."""
    from pipelines.causality import differing_rows  # noqa: PLC0415  (pandas and the kernels)
    from pipelines.queries import findings_from_the_future  # noqa: PLC0415  (DuckDB loads when a run starts)

    early = findings_from_the_future(bench.store, task.instruments, task.days)
    return [f"{table} {row} is known before it happened" for table, row in early] + differing_rows(bench, task)


@session_check(
    "zones",
    blocking=True,
    description="The order blocks, gaps and explosive zones that a zone is made of are in their own tables.",
    good="all evidence is stored",
    bad="components are not stored",
)
def zones_cite_stored_findings(bench: Workbench, task: Task) -> list[str]:
    """Return the components of zones whose finding is not stored."""
    from pipelines.queries import unknown_evidence  # noqa: PLC0415  (DuckDB loads when a run starts)

    found = unknown_evidence(bench.store, task.instruments, task.days)
    return [f"zone {cited.zone_id}: {cited.kind} {cited.id}" for cited in found]


@session_check(
    "llm_validation",
    description="Every question to the judge was answered. A failed call leaves its zone unconfirmed and so untraded.",
    good="every question was answered",
    bad="kinds of failed calls",
)
def llm_answered(bench: Workbench, task: Task) -> list[str]:
    """Return the outcomes other than an answer, each with its count."""
    from pipelines.queries import verdict_outcomes  # noqa: PLC0415  (DuckDB loads when a run starts)

    outcomes = verdict_outcomes(bench.store, task.instruments, task.days)
    return [f"{outcome}: {count}" for outcome, count in outcomes.items() if outcome != "ok"]


ALL_CHECKS = (
    candles_are_sound,
    candles_are_fresh,
    scheduled_run_adds_candles,
    session_is_complete,
    zones_do_not_look_ahead,
    zones_cite_stored_findings,
    llm_answered,
)


def _task(context: dg.AssetCheckExecutionContext, bench: Workbench, scope: RunScope) -> Task:
    """Return the task of the run that this check is part of; the last session where it runs alone."""
    tags = context.run.tags
    if "dagster/partition" in tags:
        keys: Sequence[str] = [tags["dagster/partition"]]
    elif _RANGE_START in tags:
        keys = SESSIONS.get_partition_keys_in_range(dg.PartitionKeyRange(tags[_RANGE_START], tags[_RANGE_END]))
    else:
        moment = scope.moment() or bench.clock.now()
        today = moment.astimezone(IST).date()
        session = bench.calendar.session(today)
        begun = session is not None and session.open_at < moment
        keys = [(today if begun else bench.calendar.previous(today).on).isoformat()]
    return plan(bench, scope, keys, scheduled=CANDLE_TAG in tags)


def _due(task: Task) -> list[datetime]:
    """Return the closes of the last session's candles that are due."""
    return [closes for closes in analysis_closes(task.sessions[-1]) if closes <= task.until]


def _span(task: Task) -> str:
    first, last = task.days[0], task.days[-1]
    return f"{first}" if first == last else f"{first} to {last} ({len(task.days)} sessions)"


def _stamp(moment: datetime | None) -> str:
    return "none" if moment is None else f"{moment.astimezone(IST):%Y-%m-%d %H:%M}"
