"""The job that records option chains and the clock that starts it, a minute before each trade slot."""

import dagster as dg
from dagster import DefaultSensorStatus, SensorDefinition

from agents.domain.values import IST
from pipelines.failures import our_errors_as_failures
from pipelines.resources import Workbench, market_is_simulated
from pipelines.timing import ChainFacts, Slot, chain_decision

CHAIN_JOB = "record_chain"
CHAIN_TAG = "zonedesk/chain"
EXCHANGE_FILE = "exchange.json"
IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def chain_clock(bench: Workbench) -> SensorDefinition:
    """Return the sensor that asks for a chain every three market minutes of a session.

    It looks often and compares slots, as the trade clock does. It only reads, so it runs in live mode from the start.
    """
    simulated = market_is_simulated(bench.settings)

    @dg.sensor(
        name="chain_clock",
        job_name=CHAIN_JOB,
        minimum_interval_seconds=5 if simulated else 15,
        default_status=DefaultSensorStatus.RUNNING,
        description="Asks for the option chains every three minutes of an open session.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if bench.settings.mode == "paper" and not (bench.settings.home / EXCHANGE_FILE).is_file():
            return dg.SkipReason("The paper exchange was never started here, so nobody can be asked for a chain.")
        with our_errors_as_failures():
            decision = chain_decision(_facts(context, bench))
        if isinstance(decision, str):
            return dg.SkipReason(decision)
        return dg.SensorResult(run_requests=[chain_request(decision)], cursor=decision.key)

    return tick


def chain_request(slot: Slot) -> dg.RunRequest:
    """Return the run that records the chains of `slot`."""
    return dg.RunRequest(run_key=slot.key, partition_key=slot.session.isoformat(), tags={CHAIN_TAG: slot.key})


def _facts(context: dg.SensorEvaluationContext, bench: Workbench) -> ChainFacts:
    now = bench.clock.now()
    return ChainFacts(
        now=now,
        session=bench.calendar.session(now.astimezone(IST).date()),
        last_slot=context.cursor,
        runs_in_flight=context.instance.get_runs_count(dg.RunsFilter(job_name=CHAIN_JOB, statuses=IN_FLIGHT)),
    )
