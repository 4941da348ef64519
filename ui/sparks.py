"""The course of a number through a day as a small line, cut out of a box by CSS, in the palette's own colour.

Streamlit lets no SVG through.
"""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from ui.format import day_time

_FEWEST = 2
STYLE = """<style>
.zd-spark{height:46px;margin-top:.35rem;padding-bottom:2px;color:var(--zd-accent)}
.zd-spark i{display:block;height:100%;background:currentColor}
.zd-ends{display:flex;justify-content:space-between;font-size:.72rem;color:var(--zd-quiet)}
</style>"""


def spark(points: Sequence[tuple[datetime, float | None]], told: str, digits: int) -> str:
    """Return a line with its lowest and highest value and its first and last time; "" for fewer than two values.

    Parameters
    ----------
    points : sequence of tuple
        Moments, rising, with values; None leaves a gap that the line crosses.
    told : str
        What the number is.
    digits : int
        Decimals of the values beside the line.
    """
    known = [(at, value) for at, value in points if value is not None]
    if len(known) < _FEWEST:
        return ""
    values = [value for _, value in known]
    low, high = min(values), max(values)
    began, ended = known[0][0], known[-1][0]
    across = max((ended - began).total_seconds(), 1.0)
    places = [((at - began).total_seconds() / across * 100, _from_above(value, low, high) * 100) for at, value in known]
    there = [f"{x:.1f}% {y:.1f}%" for x, y in places]
    back = [f"{x:.1f}% calc({y:.1f}% + 2px)" for x, y in reversed(places)]
    first, last = day_time(began)[:5], day_time(ended)[:5]
    said = f"{told} from {first} to {last}: lowest {low:,.{digits}f}, highest {high:,.{digits}f}"
    cut = f"clip-path:polygon({','.join([*there, *back])})"
    line = f'<div class="zd-spark" role="img" aria-label="{escape(said)}"><i style="{cut}"></i></div>'
    ends = f"<span>{first}</span><span>{low:,.{digits}f} to {high:,.{digits}f}</span><span>{last}</span>"
    return f'{line}<div class="zd-ends" aria-hidden="true">{ends}</div>'


def _from_above(value: float, low: float, high: float) -> float:
    """Return how far below the upper edge a value is drawn; one that never changes runs through the middle."""
    return (high - value) / (high - low) if high > low else 0.5
