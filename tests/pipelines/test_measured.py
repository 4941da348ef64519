"""What is measured of the judge and of the trade cycle."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

from agents.domain.checks import Check, CheckWord
from agents.domain.cycle import CycleRecord, Decision, Reason
from agents.ports import Judge
from pipelines.measured import MeasuredJudge, measure_cycle, measure_trades

AT = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


class Kept:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float, dict[str, str]]] = []

    def record(self, name: str, value: float = 1.0, /, **labels: str) -> None:
        self.seen.append((name, value, labels))


class Told:
    """A judge that says what it was given."""

    name = "told"

    def judge_zones(self, evidence: Sequence[Any], _known_at: datetime) -> Sequence[Any]:  # Any: no evidence is needed
        return [SimpleNamespace(outcome=each) for each in evidence]

    def judge_setup(self, evidence: Any) -> Any:  # Any: as above
        return SimpleNamespace(outcome=evidence)


def test_answers_are_timed_counted_and_paid_for() -> None:
    kept, seconds, dollars = Kept(), count(0.0, 2.5), iter([Decimal(1), Decimal("1.25"), Decimal(2), Decimal(2)])
    judge = MeasuredJudge(cast("Judge", Told()), kept, lambda: next(seconds), lambda: next(dollars))
    assert judge.name == "told"
    assert len(judge.judge_zones(cast("Any", ["ok", "timeout"]), AT)) == 2
    assert kept.seen == [
        ("llm_seconds", 2.5, {}),
        ("cycle_seconds", 2.5, {"stage": "judge"}),
        ("llm_status_total", 1.0, {"status": "ok"}),
        ("llm_status_total", 1.0, {"status": "timeout"}),
        ("llm_cost", 0.25, {}),
    ]
    kept.seen.clear()
    assert judge.judge_setup(cast("Any", "ok")).outcome == "ok"
    assert "llm_cost" not in {name for name, _, _ in kept.seen}


def test_a_skipped_cycle_counts_its_reason() -> None:
    kept = Kept()
    record = CycleRecord(
        cycle_id="c", instrument="NIFTY", at=AT, decision=Decision.SKIP, reason=Reason.CHAIN_STALE, analysis_bar_at=AT
    )
    measure_cycle(kept, record, 0.5)
    assert kept.seen == [
        ("cycle_seconds", 0.5, {"stage": "all"}),
        ("cycle_skipped_total", 1.0, {"reason": "chain_stale"}),
        ("zone_age_seconds", 0.0, {}),
    ]
    measure_trades(kept, [])
    assert kept.seen[-1] == ("pnl_realised", 0.0, {})


def test_what_a_session_has_used_of_its_limits_is_kept() -> None:
    kept = Kept()
    found = (("R5.loss", 7_500.0), ("R6.trades", 2.0), ("R8.spread", 1.0), ("R6.drawdown", -10.0))
    checks = tuple(
        Check(rule=rule, word=CheckWord.PASS, limit=limit, value=value, text="")
        for (rule, value), limit in zip(found, (30_000.0, 5.0, 2.0, 100.0), strict=True)
    )
    record = CycleRecord(
        cycle_id="c", instrument="NIFTY", at=AT, decision=Decision.SKIP, reason=Reason.CHAIN_STALE, checks=checks
    )
    measure_cycle(kept, record, 1.0)
    shares = {labels["limit"]: value for name, value, labels in kept.seen if name == "risk_limit_utilisation"}
    assert shares == {"R5.loss": 0.25, "R6.trades": 0.4, "R6.drawdown": 0.0}
