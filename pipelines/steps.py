"""The work behind the assets: read a history, let the technical agent look at it, merge what it found.

Imported when a run starts and not when the definitions load, because it brings pandas and DuckDB.
"""

from agents.data.findings import keep_carried, merge_findings
from agents.domain.zones import ComponentKind
from agents.technical.analysis import Analysis, analyse
from agents.technical.findings import TABLES, Findings
from agents.technical.gaps import fair_value_gaps
from agents.technical.levels import SESSION, profile_frame, row_frame
from agents.technical.order_blocks import order_blocks
from pipelines.history import History, history_of
from pipelines.pictures import profile_picture, zones_picture
from pipelines.queries import ids_stored
from pipelines.resources import Workbench
from pipelines.task import Task
from pipelines.written import Written

_ZONE_SUBJECTS = ["zones", "explosive_zones"]


def write_volume_profile(bench: Workbench, task: Task) -> Written:
    """Compute the profile's levels at each candle, and what each candle added to which price row."""
    written = Written("volume_profile")
    for history in _histories(bench, task):
        candles, profile, settings, first = history.candles, history.profile, bench.settings, history.first
        levels = profile_frame(candles, profile, settings, first)
        rows = row_frame(candles, profile, settings, first)
        frames = {"volume_profile": levels, "volume_profile_rows": rows}
        written.merge(bench, task, frames, task.scope(history.instrument))
        for session in task.sessions:
            part = levels[(levels["session"] == session.on) & (levels["scope"] == SESSION)]
            if part.empty:
                continue
            last = part.iloc[-1]
            same = part.loc[part["source"] == last["source"], "known_at"]
            own = rows[(rows["session"] == session.on) & rows["known_at"].isin(same)]
            svg = profile_picture(candles, session, own, last, settings.row_ticks)
            written.picture(session.on, task.name("chart", history.instrument), svg)
            written.fact(session.on, source=last["source"], coverage=float(last["coverage"]))
    return written


def write_order_blocks(bench: Workbench, task: Task) -> Written:
    """Find order blocks and what became of them."""
    written = Written("order_blocks")
    for history in _histories(bench, task):
        _write_findings(bench, task, written, order_blocks(history.candles, bench.settings), history)
    return written


def write_fair_value_gaps(bench: Workbench, task: Task) -> Written:
    """Find fair value gaps and what became of them."""
    written = Written("fair_value_gaps")
    for history in _histories(bench, task):
        _write_findings(bench, task, written, fair_value_gaps(history.candles, bench.settings), history)
    return written


def write_zones(bench: Workbench, task: Task) -> Written:
    """Lay the findings over each other: zones, their evidence and confidence, and what became of them."""
    written = Written("zones")
    for history in _histories(bench, task):
        found = analyse(history.candles, history.profile, bench.settings, since=task.since)
        keep_carried(bench.store, found.carried, history.instrument, task.since)
        events = found.lifecycle_events
        frames = {
            "zones": found.zones,
            "zone_components": found.zone_components,
            "zone_parts": found.zone_parts,
            "explosive_zones": found.explosive_zones,
            "lifecycle_events": events[events["subject"].isin(_ZONE_SUBJECTS)],
            "analysis_candles": found.analysis_candles,
        }
        written.merge(bench, task, frames, {**task.scope(history.instrument), "subject": _ZONE_SUBJECTS})
        _keep_living(bench, task, found.findings[ComponentKind.EXPLOSIVE_ZONE], history)
        _draw_zones(task, written, history, found)
    return written


def _draw_zones(task: Task, written: Written, history: History, found: Analysis) -> None:
    for session in task.sessions:
        known = history.candles.after(session.open_at).until(task.known(session))
        if not len(known):
            continue
        analysis = found.analysis_at(task.known(session))
        svg = zones_picture(history.candles, analysis, session)
        written.picture(session.on, task.name("chart", history.instrument), svg)
        written.fact(session.on, live_zones=len(analysis.zones), candles=len(known))


def _write_findings(bench: Workbench, task: Task, written: Written, found: Findings, history: History) -> None:
    """Merge one family's findings and the events of their lives."""
    frames = {
        written.table: found.frame(history.first),
        "lifecycle_events": found.event_frame(history.first),
    }
    written.merge(bench, task, frames, {**task.scope(history.instrument), "subject": written.table})
    _keep_living(bench, task, found, history)


def _keep_living(bench: Workbench, task: Task, found: Findings, history: History) -> None:
    """Store the findings that lived when the task's sessions began, where the sessions before were never analysed.

    The zones of these sessions cite them. Rows that are stored already stay as they are.
    """
    living = found.live(history.first - 1)
    ids = found.ids(living)
    table = TABLES[found.kind]
    if not ids or ids_stored(bench.store, table, ids) == len(ids):
        return
    begin = int(found.known[living].min())
    rows, events = found.frame(begin), found.event_frame(begin)
    frames = {
        table: rows[rows["id"].isin(ids)],
        "lifecycle_events": events[events["id"].isin(ids) & (events["known_at"] <= task.since)],
    }
    scope = {"instrument": history.instrument, "id": ids, "subject": table}
    merge_findings(bench.store, frames, scope=scope, until=task.since)


def _histories(bench: Workbench, task: Task) -> list[History]:
    """Return the history of each instrument up to the task's moment."""
    return [history_of(bench, instrument, task) for instrument in task.instruments]
