"""Verdicts: which candles of a run the judge speaks at, and which of its words are kept."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from time import perf_counter

import pandas as pd

from agents.bootstrap import make_judge
from agents.domain.candles import moment
from agents.domain.values import IST
from agents.domain.zones import Outcome, ZoneVerdict
from agents.llm import judge_analysis, with_verdicts
from agents.ports import Judge
from agents.technical import analyse
from pipelines.history import History, history_of
from pipelines.measured import MeasuredJudge
from pipelines.queries import verdicts_of
from pipelines.resources import JudgeChoice, Workbench
from pipelines.task import Task
from pipelines.written import Written

RULES = "rules"
_COLUMNS = (
    "zone_id", "instrument", "session", "known_at", "judge", "verdict", "probability", "reason", "outcome", "call_key",
    "prompt_sha",
)  # fmt: skip


def write_verdicts(bench: Workbench, task: Task) -> Written:
    """Ask the judge about the zones whose turn it is, candle by candle, and keep what was said before.

    A zone is judged in each session anew, so that a session's verdicts do not depend on which sessions were analysed
    before. The rules give the same answer whenever they are asked, so their verdicts are computed again for every
    candle of the run. A model is asked once: at the close of the candle that a live run is for, and never about the
    past unless the run says so, because it may know how the day ended. What a model said stays, whoever judges now.
    """
    written = Written("verdicts")
    judge = judge_of(bench, task)
    for instrument in task.instruments:
        kept = [
            verdict
            for verdict in verdicts_of(bench.store, instrument, task.days, task.until)
            if judge is None or judge.name != RULES or verdict.judge != RULES
        ]
        rows = list(kept)
        if judge is not None:
            history = history_of(bench, instrument, task)
            rows += _asked(bench, task, history, judge, kept)
        written.merge(bench, task, {"verdicts": verdict_frame(instrument, rows)}, task.scope(instrument))
        _tell(task, written, rows, judge)
    bench.metrics.flush()
    return written


def judge_of(bench: Workbench, task: Task) -> Judge | None:
    """Return who is asked about zones without a verdict, None for nobody.

    Raises
    ------
    ConfigError
        If the run names the model and there is no key.
    """
    if task.judge is JudgeChoice.NOBODY:
        return None
    settings = bench.settings
    if task.judge is not JudgeChoice.AUTO:
        settings = settings.model_copy(update={"judge": task.judge.value})
        return _measured(bench, task, make_judge(settings, bench.ledger, bench.clock))
    judge = make_judge(settings, bench.ledger, bench.clock)
    return _measured(bench, task, judge) if task.is_live or judge.name == RULES else None


def _measured(bench: Workbench, task: Task, judge: Judge) -> Judge:
    """Return the judge, its answers timed where the session is going on."""
    return MeasuredJudge(judge, bench.metrics, perf_counter, bench.ledger.calls.spent_today) if task.is_live else judge


def verdict_frame(instrument: str, verdicts: Sequence[ZoneVerdict]) -> pd.DataFrame:
    """Return verdicts as rows of the table `verdicts`."""
    rows = [
        {
            **verdict.model_dump(include=set(_COLUMNS)),
            "verdict": verdict.verdict.value,
            "outcome": verdict.outcome.value,
            "instrument": instrument,
            "session": verdict.known_at.astimezone(IST).date(),
        }
        for verdict in verdicts
    ]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    frame["known_at"] = pd.to_datetime(frame["known_at"], utc=True)
    frame["probability"] = frame["probability"].astype("float64")
    return frame


def _asked(
    bench: Workbench, task: Task, history: History, judge: Judge, kept: Sequence[ZoneVerdict]
) -> Iterator[ZoneVerdict]:
    """Yield the new verdicts, oldest first. A verdict given at one candle is known at the session's next ones."""
    found = analyse(history.candles, history.profile, bench.settings, since=task.since)
    turns = _turns(task, history, judge)
    for session in task.sessions:
        known: dict[str, ZoneVerdict] = {}
        for closed_at in (turn for turn in turns if session.open_at < turn <= session.close_at):
            known |= _usable(verdict for verdict in kept if session.open_at < verdict.known_at < closed_at)
            now = [verdict for verdict in kept if verdict.known_at == closed_at]
            analysis = with_verdicts(found.analysis_at(closed_at), known.values())
            fresh = judge_analysis(analysis, judge, bench.settings, tried={verdict.zone_id for verdict in now})
            known |= _usable((*now, *fresh))
            yield from fresh


def _turns(task: Task, history: History, judge: Judge) -> list[datetime]:
    """Return the closes at which the judge speaks: all of the run's, or only the last where a model judges live."""
    closes = [moment(seconds) for seconds in history.candles.closed_at[history.first :].tolist()]
    live_model = task.judge is JudgeChoice.AUTO and judge.name != RULES
    return closes[-1:] if live_model else closes


def _usable(verdicts: Iterable[ZoneVerdict]) -> dict[str, ZoneVerdict]:
    """Return the verdicts that a judge really gave, by zone; a failed call is asked again."""
    return {verdict.zone_id: verdict for verdict in verdicts if verdict.outcome is Outcome.OK}


def _tell(task: Task, written: Written, rows: Sequence[ZoneVerdict], judge: Judge | None) -> None:
    """Add to each session who judged and what was said."""
    for session in task.sessions:
        own = [row for row in rows if session.open_at < row.known_at <= session.close_at]
        said = {word: sum(row.verdict.value == word for row in own) for word in ("confirm", "reject", "unsure")}
        names = sorted({row.judge for row in own})
        written.fact(session.on, judge=", ".join(names) or (judge.name if judge else "nobody"), **said)
