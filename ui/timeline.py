"""Which three minutes of a session had a decision, and how each ended."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from agents.domain.market import TRADE_MINUTES
from agents.domain.values import IST
from ui.cards import STYLE
from ui.format import day_time
from ui.markup import heading, span
from ui.snapshot import CycleRow

_DECISIONS = {"trade": ("▲", "zd-up"), "skip": ("●", "zd-quiet"), "fault": ("▼", "zd-down")}
_SLOTS = 60 // TRADE_MINUTES
_LEGEND = "▲ trade, ● no trade, ▼ fault, · no decision in these three minutes"


def timeline(cycles: Sequence[CycleRow]) -> str:
    """Return the decisions as marks by the hour, a gap where three minutes had none."""
    latest = cycles[0].at.astimezone(IST)
    hours: dict[int, dict[int, CycleRow]] = {}
    for each in cycles:
        local = each.at.astimezone(IST)
        if local.date() == latest.date():
            hours.setdefault(local.hour, {})[local.minute // TRADE_MINUTES] = each
    first, last = min(each.at for each in cycles if each.at.astimezone(IST).date() == latest.date()), cycles[0].at
    rows = []
    for hour in sorted(hours):
        marks = [
            _slot(
                hours[hour].get(slot),
                latest.replace(hour=hour, minute=slot * TRADE_MINUTES, second=0, microsecond=0),
                first,
                last,
            )
            for slot in range(_SLOTS)
        ]
        rows.append(f"<dt>{hour:02d}</dt><dd>{''.join(marks)}</dd>")
    head = heading(f"Cycles of {latest:%d %b}, every three minutes") + span(_LEGEND, "zd-quiet")
    return f'{STYLE}{head}<dl class="zd-hours">{"".join(rows)}</dl>'


def _slot(cycle: CycleRow | None, at: datetime, first: datetime, last: datetime) -> str:
    """Return the mark of three minutes: a space before the first and after the last decision that is shown."""
    if cycle is None:
        missed = first < at < last
        return span("·" if missed else "\u2007", "zd-warn" if missed else "")
    mark, kind = _DECISIONS.get(cycle.decision, ("●", ""))
    told = f"{day_time(cycle.at)[:5]} {cycle.decision}: {cycle.reason}"
    return f'<span class="{kind}" title="{escape(told)}" role="img" aria-label="{escape(told)}">{mark}</span>'
