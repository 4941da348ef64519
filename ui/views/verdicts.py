"""What the judge said of each zone, what it was asked, what it cost, and what became of the zone."""

from collections.abc import Sequence

import streamlit as st

from ui.chart import SIDE_MARKS
from ui.format import plain, rupees, short_time
from ui.links import replay_address, verdict_run_address
from ui.markup import Cell, number, table
from ui.seen import picture
from ui.snapshot import VerdictRow
from ui.views.cockpit import dagster_address

REFRESH_SECONDS = 5
BINS = 5
# What ends a zone says how it went: one that was replaced by another says nothing.
ENDED = {"broken": False, "touched": True}
_SINCE = {"": "not reached yet", "touched": "reached, holds", "broken": "broken", "superseded": "replaced by another"}
_MARKS = {"confirm": "▲", "reject": "▼", "unsure": "●"}


def page() -> None:
    """Draw the list, and the one that is chosen."""
    _list()


@st.fragment(run_every=REFRESH_SECONDS)
def _list() -> None:
    shown = picture().market
    if shown.problem:
        return
    if not shown.verdicts:
        st.info("No verdict yet. Zones are judged when a 15-minute candle of an open session closes.")
        return
    _numbers(shown.verdicts)
    rows = [_row(verdict) for verdict in shown.verdicts]
    picked = st.dataframe(
        rows,
        hide_index=True,
        key="verdicts",
        on_select="rerun",
        selection_mode="single-row",
        column_config={"reason": st.column_config.TextColumn("reason", width="large")},
        height=420,
    )
    chosen = picked.selection.rows if hasattr(picked, "selection") else []
    if chosen and chosen[0] < len(shown.verdicts):
        _one(shown.verdicts[chosen[0]])
    else:
        st.caption("Select a row to see what was asked and answered.")
    st.html(reliability(shown.verdicts))


def _numbers(verdicts: Sequence[VerdictRow]) -> None:
    asked = [verdict.call for verdict in verdicts if verdict.call]
    latencies = sorted(float(call["latency"]) for call in asked)
    said = {word: sum(verdict.verdict == word for verdict in verdicts) for word in ("confirm", "reject", "unsure")}
    cells = (
        ("Verdicts shown", str(len(verdicts))),
        ("Confirmed", str(said["confirm"])),
        ("Rejected", str(said["reject"])),
        ("Unsure", str(said["unsure"])),
        ("Answer takes, median", f"{latencies[len(latencies) // 2]:.1f} s" if latencies else "no model asked"),
        ("Cost", f"${sum(float(call['cost']) for call in asked):.4f}"),
    )
    for column, (label, value) in zip(st.columns(len(cells)), cells, strict=True):
        column.metric(label, value)


def _row(verdict: VerdictRow) -> dict[str, str | float]:
    return {
        "time": short_time(verdict.at),
        "zone": f"{SIDE_MARKS.get(verdict.side, '')} {rupees(verdict.low)} to {rupees(verdict.high)}",
        "verdict": f"{_MARKS.get(verdict.verdict, '●')} {verdict.verdict}",
        "probability": round(verdict.probability, 2),
        "judge": verdict.judge,
        "answered": verdict.outcome,
        "since then": _SINCE.get(verdict.since, verdict.since),
        "reason": verdict.reason,
    }


def _one(verdict: VerdictRow) -> None:
    """Show everything about a verdict; a model's words as text only."""
    with st.container(border=True):
        st.markdown(f"**Zone {plain(verdict.zone_id)}** · {plain(verdict.verdict)} {verdict.probability:.2f}")
        st.text(verdict.reason)
        leads = st.container(horizontal=True)
        leads.link_button("Chart then", replay_address(verdict.at), type="tertiary")
        leads.link_button("Dagster", verdict_run_address(dagster_address(), verdict.at), type="tertiary")
        call = verdict.call
        if not call:
            st.caption(f"Judged by {plain(verdict.judge)}; no model was asked.")
            return
        st.caption(
            plain(
                f"{call['model']}, prompt {call['prompt']} version {call['version']}, {call['attempts']} attempts, "
                f"{float(call['latency']):.2f} s, ${float(call['cost']):.5f}, ended {call['status']}"
            )
        )
        st.text("Asked")
        st.code(str(call["facts"]), language="json", wrap_lines=True)
        st.text("Answered")
        st.code(str(call["body"]), language="json", wrap_lines=True)


def reliability(verdicts: Sequence[VerdictRow]) -> str:
    """Return how often zones held that were given each probability, with counts; only zones that price has reached."""
    rows: list[list[str | Cell]] = []
    for step in range(BINS):
        low, high = step / BINS, (step + 1) / BINS
        inside = [v for v in verdicts if low <= v.probability < high or (step == BINS - 1 and v.probability == 1.0)]
        ended = [ENDED[verdict.since] for verdict in inside if verdict.since in ENDED]
        said = f"{sum(v.probability for v in inside) / len(inside):.2f}" if inside else "—"
        held = f"{sum(ended) / len(ended):.2f}" if ended else "—"
        counts = number(str(len(inside))), number(str(len(ended)))
        rows.append([f"{low:.1f} to {high:.1f}", *counts, number(said), number(held)])
    headers = ("Probability", number("Verdicts"), number("Reached"), number("Mean said"), number("Share that holds"))
    return table("Said and seen: of the zones that price has reached, how many hold so far", headers, rows)
