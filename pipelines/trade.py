"""The three-minute clock and the job it starts: one evaluation of the trade cycle for each instrument."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster import DefaultSensorStatus, SensorDefinition

from agents.domain.checks import Check
from agents.domain.cycle import REASON_TEXT, CycleRecord, Decision
from agents.domain.orders import Trade
from agents.domain.values import IST, grouped
from agents.ops.about import about
from pipelines.failures import our_errors_as_failures
from pipelines.recording import CHAIN_JOB, IN_FLIGHT
from pipelines.resources import RunScope, Workbench, market_is_simulated
from pipelines.timing import Slot, TradeFacts, too_old, trade_decision

if TYPE_CHECKING:
    from agents.execution.guardian.ports import TradeAnswer
    from pipelines.cycles import Evaluated

TRADE_JOB = "trade_cycle"
BACKFILL_TAG = "dagster/backfill"
SLOT_TAG = "zonedesk/slot"
_ZONES_READY = dg.AssetKey("llm_validation")
_WAIT = timedelta(seconds=60)
_GOOD_FOR = timedelta(seconds=90)
# In a market that runs faster than the clock, seconds of waiting are minutes of the market: as many as a slot allows,
# or as pass while a run starts. A late run decides on the present all the same.
_LONGEST_WAIT = timedelta(seconds=90)
_LONGEST_GOOD_FOR = timedelta(seconds=170)
_START_TAKES = timedelta(seconds=15)


class SlotConfig(dg.Config):
    """Which slot a run is for."""

    slot_at: str = ""


@dg.op(pool="trade", tags={"dagster/max_retries": "0"})
def evaluate(
    context: dg.OpExecutionContext, config: SlotConfig, bench: dg.ResourceParam[Workbench], scope: RunScope
) -> None:
    """Run one trade cycle for each instrument and record what it decided."""
    with our_errors_as_failures(), about(run_id=context.run.run_id):
        now = bench.clock.now().replace(microsecond=0)
        if refused := _not_now(context.run.tags, scope) or _too_late(config, bench, now):
            context.log.warning(refused)
            context.add_output_metadata({"refused": refused})
            return
        from pipelines.cycles import evaluate_instruments  # noqa: PLC0415  (pandas, DuckDB and the model's client)

        done = evaluate_instruments(bench, now, scope.chosen(bench.settings.instruments))
    for record in done.records:
        context.log.info("%s %s: %s", record.instrument, record.decision, _sentence(record))
    for record in done.news:
        answer = done.answers.get(record.setup.setup_id) if record.setup else None
        context.log_event(_cycle_event(record, answer))
    for trade in done.closed:
        context.log_event(_trade_event(trade))
    context.add_output_metadata(_output(done))
    if faults := [_sentence(record) for record in done.records if record.decision is Decision.FAULT]:
        raise dg.Failure(f"the cycle failed: {'; '.join(faults)}", allow_retries=False)


@dg.job(
    name=TRADE_JOB,
    executor_def=dg.in_process_executor,
    tags={"dagster/max_retries": "0", "dagster/max_runtime": "150", "dagster/priority": "10"},
    description="Decides whether to trade at a zone: one evaluation for each instrument, recorded with its reason.",
)
def trade_cycle() -> None:
    """Evaluate the trade cycle once."""
    evaluate()


def trade_clock(bench: Workbench) -> SensorDefinition:
    """Return the sensor that asks for a trade cycle every three market minutes.

    A bare interval of 180 s would start anywhere and drift; so it looks often and compares slots. In live it starts
    stopped: arming a desk that trades money is a person's deliberate act.
    """
    simulated = market_is_simulated(bench.settings)

    @dg.sensor(
        name="trade_clock",
        job=trade_cycle,
        minimum_interval_seconds=5 if simulated else 15,
        default_status=DefaultSensorStatus.STOPPED if bench.settings.mode == "live" else DefaultSensorStatus.RUNNING,
        description="Asks for a trade cycle every three minutes of an open session.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        with our_errors_as_failures():
            decision = trade_decision(_facts(context, bench))
        if isinstance(decision, str):
            return dg.SkipReason(decision)
        return dg.SensorResult(run_requests=[slot_request(decision)], cursor=decision.key)

    return tick


def slot_request(slot: Slot) -> dg.RunRequest:
    """Return the run that evaluates `slot`."""
    return dg.RunRequest(
        run_key=slot.key,
        tags={SLOT_TAG: slot.key},
        run_config={"ops": {"evaluate": {"config": {"slot_at": slot.at.astimezone(IST).isoformat()}}}},
    )


def _facts(context: dg.SensorEvaluationContext, bench: Workbench) -> TradeFacts:
    now = bench.clock.now()
    speed = bench.speed
    return TradeFacts(
        now=now,
        session=bench.calendar.session(now.astimezone(IST).date()),
        last_slot=context.cursor,
        runs_in_flight=context.instance.get_runs_count(dg.RunsFilter(job_name=TRADE_JOB, statuses=IN_FLIGHT)),
        zones_known_at=_zones_known_at(context.instance),
        patience=min(_WAIT * speed, _LONGEST_WAIT),
        chain_runs=context.instance.get_runs_count(dg.RunsFilter(job_name=CHAIN_JOB, statuses=IN_FLIGHT)),
    )


def _zones_known_at(instance: dg.DagsterInstance) -> datetime | None:
    """Return the candle of the analysis that finished last, None before the first."""
    event = instance.get_latest_materialization_event(_ZONES_READY)
    materialization = event.asset_materialization if event else None
    as_of = materialization.metadata.get("as_of") if materialization else None
    if not isinstance(as_of, dg.TimestampMetadataValue):
        return None
    return datetime.fromtimestamp(as_of.value, tz=IST)


def _too_late(config: SlotConfig, bench: Workbench, now: datetime) -> str | None:
    """Return why the slot may not be traded any more; None if it may, and for a run that names no slot."""
    if not config.slot_at:
        return None
    limit = _GOOD_FOR if bench.speed == 1 else max(_LONGEST_GOOD_FOR, _START_TAKES * bench.speed)
    reason = too_old(datetime.fromisoformat(config.slot_at), now, limit)
    return f"{reason} Nothing was decided; the next slot will be." if reason else None


def _not_now(tags: Mapping[str, str], scope: RunScope) -> str | None:
    """Return why a run may not trade whatever the market does: it is made for another moment than the present."""
    if BACKFILL_TAG in tags:
        return "A backfill never trades: the trade cycle decides on the present market only. Nothing was decided."
    if scope.as_of:
        return f"A run as of {scope.as_of} never trades: leave as_of out of the trade cycle. Nothing was decided."
    return None


def _output(done: "Evaluated") -> dict[str, Any]:  # Any: whatever Dagster can show
    """Return what a run shows: a sentence for each instrument, and the guardian's answer where it was asked."""
    shown: dict[str, Any] = {}  # Any: as above
    for record in done.records:
        shown[record.instrument] = _sentence(record)
        answer = done.answers.get(record.setup.setup_id) if record.setup else None
        if answer is not None:
            shown[f"{record.instrument}_answer"] = dg.MetadataValue.json(answer.model_dump(mode="json"))
    return shown


def _cycle_event(record: CycleRecord, answer: "TradeAnswer | None") -> dg.AssetMaterialization:
    metadata: dict[str, Any] = {  # Any: whatever Dagster can show
        "decision": record.decision.value,
        "reason": _sentence(record),
        "at": dg.MetadataValue.timestamp(record.at),
        "cycle_id": record.cycle_id,
        "zone_id": record.zone_id or "none",
    }
    if record.order is not None:
        order = record.order
        metadata |= {"contract": order.contract, "lots": order.lots, "entry_limit": float(order.entry_limit)}
        metadata |= {"correlation_id": order.correlation_id, "setup_id": order.setup_id}
    if answer is not None:
        metadata |= {"guardian": answer.outcome.value, "order_id": answer.order_id or "none"}
    if record.checks:
        metadata["checks"] = dg.MetadataValue.md(_table(record.checks))
    return dg.AssetMaterialization(
        "cycles", partition=_day(record.at), metadata=metadata, description=_sentence(record)
    )


def _table(checks: Sequence[Check]) -> str:
    """Return the risk rules and what each found as a table."""

    def shown(number: float | None) -> str:
        return "" if number is None else f"{number:,.2f}"

    rows = [f"| {c.rule} | {c.word.value} | {shown(c.value)} | {shown(c.limit)} | {c.text} |" for c in checks]
    return "\n".join(["| rule | says | value | limit | because |", "|---|---|---|---|---|", *rows])


def _trade_event(trade: Trade) -> dg.AssetMaterialization:
    metadata: dict[str, Any] = {  # Any: as above
        "contract": trade.contract,
        "lots": trade.lots,
        "entry": float(trade.entry),
        "exit": float(trade.exit),
        "exit_reason": trade.exit_reason.value,
        "net": float(trade.net),
        "setup_id": trade.setup_id,
    }
    text = f"{trade.contract}: {trade.exit_reason.value}, net {grouped(trade.net)} rupees"
    return dg.AssetMaterialization("trades", partition=_day(trade.exit_at), metadata=metadata, description=text)


def _day(moment: datetime) -> str:
    return moment.astimezone(IST).date().isoformat()


def _sentence(record: CycleRecord) -> str:
    """Return the decision's reason in words, with its detail."""
    text = REASON_TEXT[record.reason]
    return f"{text}: {record.detail}" if record.detail else text
