"""Measurements of the trade cycle: how long it took, how it ended, how old what it used was, how the judge answered."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from agents.domain.cycle import CycleRecord, Decision
from agents.domain.evidence import SetupEvidence, SetupVerdict, ZoneEvidence
from agents.domain.orders import Trade
from agents.domain.zones import ZoneVerdict
from agents.ports import Judge, Metrics

USED_UP = frozenset({"R5.loss", "R6.trades", "R6.drawdown"})
"""Rules whose limit is used up in the course of a session."""

Timer = Callable[[], float]


class MeasuredJudge:
    """A judge whose answers are timed and counted; it says what `judge` says.

    Parameters
    ----------
    judge : Judge
        Who speaks.
    metrics : Metrics
        Where measurements go.
    timer : callable
        Returns seconds that only grow.
    spent : callable
        Returns the US dollars that calls have cost since midnight.
    """

    def __init__(self, judge: Judge, metrics: Metrics, timer: Timer, spent: Callable[[], Decimal]) -> None:
        self._judge = judge
        self._metrics = metrics
        self._timer = timer
        self._spent = spent

    @property
    def name(self) -> str:
        """Who speaks."""
        return self._judge.name

    def judge_zones(self, evidence: Sequence[ZoneEvidence], known_at: datetime) -> Sequence[ZoneVerdict]:
        """Return one verdict for each zone, in order."""
        with self._measured() as outcomes:
            verdicts = self._judge.judge_zones(evidence, known_at)
            outcomes += [str(each.outcome) for each in verdicts]
        return verdicts

    def judge_setup(self, evidence: SetupEvidence) -> SetupVerdict:
        """Return the verdict on a setup."""
        with self._measured() as outcomes:
            verdict = self._judge.judge_setup(evidence)
            outcomes.append(str(verdict.outcome))
        return verdict

    @contextmanager
    def _measured(self) -> Iterator[list[str]]:
        """Time the block, and count the outcomes that it puts into the list."""
        outcomes: list[str] = []
        before, started = self._spent(), self._timer()
        yield outcomes
        seconds = self._timer() - started
        self._metrics.record("llm_seconds", seconds)
        self._metrics.record("cycle_seconds", seconds, stage="judge")
        for outcome in outcomes:
            self._metrics.record("llm_status_total", status=outcome)
        if (cost := self._spent() - before) > 0:
            self._metrics.record("llm_cost", float(cost))


def measure_cycle(metrics: Metrics, record: CycleRecord, seconds: float) -> None:
    """Keep what a cycle took, why it ended, and how old its zones and its chain were."""
    metrics.record("cycle_seconds", seconds, stage="all")
    if record.decision is not Decision.TRADE:
        metrics.record("cycle_skipped_total", reason=record.reason.value)
    if record.analysis_bar_at is not None:
        metrics.record("zone_age_seconds", (record.at - record.analysis_bar_at).total_seconds())
    if record.chain is not None:
        metrics.record("chain_age_seconds", (record.at - record.chain.at).total_seconds())
    for check in record.checks:
        if check.rule in USED_UP and check.value is not None and check.limit:
            metrics.record("risk_limit_utilisation", max(0.0, check.value / check.limit), limit=check.rule)


def measure_trades(metrics: Metrics, trades: Sequence[Trade]) -> None:
    """Keep the session's realised result."""
    metrics.record("pnl_realised", float(sum(trade.net for trade in trades)))
