"""Whether the stored past is what was known then: the analysis repeated on candles that end earlier."""

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from agents.technical import analyse
from pipelines.history import History, history_of
from pipelines.queries import rows_known
from pipelines.resources import Workbench
from pipelines.task import Task
from pipelines.timing import analysis_closes

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES = ("order_blocks", "fair_value_gaps", "explosive_zones", "zones", "zone_components", "zone_parts")


def sample_moments(task: Task) -> list[datetime]:
    """Return up to three closes of the task's last session: an early one, one in the middle, the last.

    Which early and which middle one depends on the date, so that over many sessions every candle is sampled.
    """
    session = task.sessions[-1]
    closes = [closes for closes in analysis_closes(session) if closes <= task.known(session)]
    if not closes:
        return []
    turn, third = session.on.toordinal(), max(len(closes) // 3, 1)
    early, middle = turn % third, third + turn % third
    return [closes[place] for place in sorted({early, min(middle, len(closes) - 1), len(closes) - 1})]


def differing_rows(bench: Workbench, task: Task) -> list[str]:
    """Return the rows of the last session that differ between the store and an analysis cut off at a sampled moment."""
    found = []
    for instrument in task.instruments:
        history = history_of(bench, instrument, task)
        for moment in sample_moments(task):
            found += _differences(bench, task, history, moment)
    return list(dict.fromkeys(found))


def _differences(bench: Workbench, task: Task, history: History, moment: datetime) -> list[str]:
    """Compare the rows known by `moment` of one instrument with those that candles up to then give."""
    day = task.days[-1:]
    cut = history.until(moment)
    if not len(cut.candles.after(task.sessions[-1].open_at)):
        return []
    fresh = analyse(cut.candles, cut.profile, bench.settings, since=task.sessions[-1].open_at)
    found = []
    for table in TABLES:
        stored = rows_known(bench.store, table, history.instrument, day, moment)
        computed: pd.DataFrame = getattr(fresh, table)
        ours, theirs = _facts(stored), _facts(computed.reindex(columns=stored.columns))
        found += [f"{table}: {row} is stored and was not known at {moment:%H:%M}" for row in _names(ours, theirs)]
        found += [f"{table}: {row} was known at {moment:%H:%M} and is not stored" for row in _names(theirs, ours)]
    return found


def _facts(frame: pd.DataFrame) -> "dict[tuple[object, ...], str]":
    """Return each row as comparable values, with the id it is named by."""
    name = "id" if "id" in frame.columns else "zone_id"
    rows = frame.astype(object).mask(frame.isna(), "").itertuples(index=False, name=None)
    return {tuple(row): str(key) for row, key in zip(rows, frame[name], strict=True)}


def _names(these: "dict[tuple[object, ...], str]", those: "dict[tuple[object, ...], str]") -> "Sequence[str]":
    return [name for row, name in these.items() if row not in those]
