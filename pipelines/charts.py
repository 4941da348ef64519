"""Candles, zones and profiles as small SVG pictures for Dagster's metadata: one string, no fonts, no scripts.

Every picture is a few kilobytes, because each materialisation keeps its own in Dagster's event log: candles of one
colour share one path, and numbers carry no more digits than a screen shows.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from math import ceil

import dagster as dg

from pipelines.svg import (
    AMBER,
    BACKGROUND,
    BLUE,
    BOTTOM,
    DOWN,
    GRID,
    HEIGHT,
    LEFT,
    LINE,
    MUTED,
    RIGHT,
    TEXT,
    TOP,
    UP,
    WIDTH,
    Level,
    Scale,
    frame,
    level_lines,
    price_grid,
    price_scale,
    price_tag,
    sheet,
)

_NAME_ROOM = 44
_MOST_BARS = 96


@dataclass(frozen=True)
class Band:
    """A zone on a candle chart: rupees, first candle, whether demand, and confidence in [0, 1]."""

    low: float
    high: float
    start: float
    demand: bool
    confidence: float
    end: float | None = None
    label: str = ""


@dataclass(frozen=True)
class CandleChart:
    """What a candle chart shows. Prices in rupees, one entry a candle, oldest first."""

    title: str
    note: str
    closed_at: Sequence[datetime]
    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]
    bands: Sequence[Band] = ()
    levels: Sequence[Level] = ()


@dataclass(frozen=True)
class ProfileChart:
    """What a profile chart shows: the volume of each price row, with its point of control and value area.

    `prices` are the middles of rows that are `row` rupees high, in order; `path` is the session's closes.
    """

    title: str
    note: str
    prices: Sequence[float]
    volumes: Sequence[float]
    row: float
    poc: float
    val: float
    vah: float
    close: float | None = None
    path: Sequence[float] = field(default=())


def as_markdown(svg: str, caption: str) -> dg.MarkdownMetadataValue:
    """Return `svg` as metadata that Dagster's pages show as a picture."""
    data = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(f"![{caption}](data:image/svg+xml;base64,{data})")


def draw_candles(chart: CandleChart) -> str:
    """Return the candles with their zones behind them and their levels across, as SVG."""
    scale = price_scale(_shown_prices(chart))
    count = len(chart.closed_at)
    step = (WIDTH - LEFT - RIGHT) / max(count, 1)
    parts = [
        *frame(chart.title, chart.note),
        *price_grid(scale),
        *_day_marks(chart.closed_at, step),
        *(_band(band, scale, step, count) for band in chart.bands),
        *_candle_paths(chart, scale, step),
        *level_lines(chart.levels, scale),
        *_band_labels(chart.bands, scale),
    ]
    if count:
        parts.append(
            price_tag(scale(chart.close[-1]), chart.close[-1], UP if chart.close[-1] >= chart.open[-1] else DOWN)
        )
    return sheet(parts)


def draw_profile(chart: ProfileChart) -> str:
    """Return the volume at price as bars, the value area lit, with POC, VAH, VAL and the session's path, as SVG."""
    if not chart.prices:
        return sheet(frame(chart.title, chart.note or "no volume yet"))
    scale = price_scale([*chart.prices, *chart.path])
    rows, spacing = _grouped(chart)
    widest = max((volume for _, volume in rows), default=1.0)
    reach = (WIDTH - LEFT - RIGHT) * 0.62
    height = max(1.0, abs(scale(0.0) - scale(spacing)) - 0.6)
    levels = [
        Level("VAH", chart.vah, BLUE, dashed=True),
        Level("POC", chart.poc, AMBER),
        Level("VAL", chart.val, BLUE, dashed=True),
    ]
    parts = [
        *frame(chart.title, chart.note),
        *price_grid(scale),
        *_value_area(chart, scale),
        *_bars(rows, scale, reach / widest, height, chart),
        *_path(chart.path, scale),
        *level_lines(levels, scale),
    ]
    if chart.close is not None:
        parts.append(price_tag(scale(chart.close), chart.close, MUTED))
    return sheet(parts)


def _shown_prices(chart: CandleChart) -> list[float]:
    """Return the prices that must be inside the picture: candles, and zones no farther off than half their range."""
    if not chart.closed_at:
        return []
    low, high = min(chart.low), max(chart.high)
    reach = (high - low) * 0.5
    edges = [edge for band in chart.bands for edge in (band.low, band.high)]
    edges += [level.price for level in chart.levels]
    return [low, high, *(edge for edge in edges if low - reach <= edge <= high + reach)]


def _day_marks(closed_at: Sequence[datetime], step: float) -> list[str]:
    """Return a line and a name where each session begins, and the hours of the last one."""
    parts, lines = [], ""
    shown = -1e9
    for index, moment in enumerate(closed_at):
        x = LEFT + index * step
        begins = index == 0 or moment.date() != closed_at[index - 1].date()
        on_the_hour = moment.minute == 0 and moment.date() == closed_at[-1].date()
        if begins and index:
            lines += f"M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"
        if begins or on_the_hour:
            if x - shown < _NAME_ROOM or x > WIDTH - RIGHT - _NAME_ROOM:
                continue
            text = f"{moment:%d %b}" if begins else f"{moment:%H:%M}"
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 8}" fill="{TEXT if begins else MUTED}">{text}</text>')
            shown = x
    return [f'<path d="{lines}" stroke="{GRID}" stroke-dasharray="3 3"/>', *parts]


def _band(band: Band, scale: Scale, step: float, count: int) -> str:
    colour = UP if band.demand else DOWN
    left = LEFT + max(band.start, 0.0) * step
    right = WIDTH - RIGHT if band.end is None else LEFT + min(band.end, float(count)) * step
    top = scale(band.high)
    height = max(scale(band.low) - top, 2.0)
    light = 0.10 + 0.32 * band.confidence
    return (
        f'<rect clip-path="url(#c)" x="{left:.1f}" y="{top}" width="{max(right - left, 2):.1f}" height="{height:.1f}" '
        f'fill="{colour}" fill-opacity="{light:.2f}" stroke="{colour}" stroke-opacity="{min(light * 2, 1):.2f}"/>'
    )


def _band_labels(bands: Sequence[Band], scale: Scale) -> list[str]:
    """Return the labels of the bands, right-aligned, those that would cover an earlier one left out."""
    parts: list[str] = []
    taken: list[float] = []
    for band in sorted(bands, key=lambda b: -b.confidence):
        y = (scale(band.low) + scale(band.high)) / 2 + 4
        inside = TOP + 8 < y < HEIGHT - BOTTOM
        if not band.label or not inside or any(abs(y - other) < LINE for other in taken):
            continue
        taken.append(y)
        colour = UP if band.demand else DOWN
        parts.append(
            f'<text x="{WIDTH - RIGHT - 6}" y="{y:.1f}" text-anchor="end" fill="{TEXT}" stroke="{BACKGROUND}" '
            f'stroke-width="3" paint-order="stroke"><tspan fill="{colour}">{"▲" if band.demand else "▼"}</tspan> '
            f"{escape(band.label)}</text>"
        )
    return parts


def _candle_paths(chart: CandleChart, scale: Scale, step: float) -> list[str]:
    """Return two paths a colour: the wicks and the bodies."""
    wicks, bodies = {UP: "", DOWN: ""}, {UP: "", DOWN: ""}
    rows = zip(chart.open, chart.high, chart.low, chart.close, strict=True)
    for index, (opened, high, low, close) in enumerate(rows):
        colour = UP if close >= opened else DOWN
        x = f"{LEFT + (index + 0.5) * step:.1f}"
        top, bottom = scale(max(opened, close)), scale(min(opened, close))
        wicks[colour] += f"M{x} {scale(high):g}V{scale(low):g}"
        bodies[colour] += f"M{x} {top:g}V{max(bottom, top + 1):g}"
    width = max(1.0, round(step * 0.66, 1))
    return [
        f'<path d="{paths[colour]}" stroke="{colour}" stroke-width="{thick}"/>'
        for paths, thick in ((wicks, 1), (bodies, width))
        for colour in (UP, DOWN)
        if paths[colour]
    ]


def _value_area(chart: ProfileChart, scale: Scale) -> list[str]:
    top, bottom = scale(chart.vah), scale(chart.val)
    height = max(bottom - top, 1.0)
    return [f'<rect y="{top}" width="{WIDTH - RIGHT}" height="{height:.1f}" fill="{BLUE}" fill-opacity=".07"/>']


def _grouped(chart: ProfileChart) -> tuple[list[tuple[float, float]], float]:
    """Return (middle price, volume) of at most `_MOST_BARS` bars and the rupees between them.

    Rows finer than a bar can be drawn are added up, several neighbours to each bar.
    """
    bottom = min(chart.prices) - chart.row / 2
    rows_a_bar = ceil((max(chart.prices) - bottom) / chart.row / _MOST_BARS)
    spacing = chart.row * rows_a_bar
    bars: dict[int, float] = {}
    for price, volume in zip(chart.prices, chart.volumes, strict=True):
        place = int((price - bottom) // spacing)
        bars[place] = bars.get(place, 0.0) + volume
    return [(bottom + (place + 0.5) * spacing, volume) for place, volume in sorted(bars.items())], spacing


def _bars(
    rows: Sequence[tuple[float, float]], scale: Scale, pixels: float, height: float, chart: ProfileChart
) -> list[str]:
    """Return one path for the bars outside the value area, one for those inside, one for the point of control."""
    paths = {MUTED: "", BLUE: "", AMBER: ""}
    control = min(rows, key=lambda row: abs(row[0] - chart.poc))[0]
    for price, volume in rows:
        inside = chart.val <= price <= chart.vah
        colour = AMBER if price == control else BLUE if inside else MUTED
        paths[colour] += f"M0 {scale(price):g}h{volume * pixels:.0f}"
    opacity = {MUTED: 0.35, BLUE: 0.6, AMBER: 0.9}
    return [
        f'<path d="{path}" stroke="{colour}" stroke-width="{height:.1f}" stroke-opacity="{opacity[colour]}"/>'
        for colour, path in paths.items()
        if path
    ]


def _path(prices: Sequence[float], scale: Scale) -> list[str]:
    """Return the session's closes as a line across the picture."""
    step = (WIDTH - LEFT - RIGHT) / max(len(prices) - 1, 1)
    points = " ".join(f"{LEFT + index * step:.0f},{scale(price):g}" for index, price in enumerate(prices))
    return [f'<polyline points="{points}" fill="none" stroke="{TEXT}" stroke-opacity=".55" stroke-width="1.4"/>']
