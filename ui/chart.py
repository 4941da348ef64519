"""The candle chart: what is sent to the browser, and the component that draws it there."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from agents.domain.candles import epoch
from agents.domain.zones import Zone, ZoneVerdictWord
from ui.api import chart_rows
from ui.candles import TIMEFRAMES, shown
from ui.format import age, change, rupees, short_time
from ui.palette import Palette
from ui.profit import of_order
from ui.snapshot import Band, ChartCandle, Profile, Snapshot
from ui.trading import Order

ASSETS = "chart_assets"
COMPONENT = "zonedesk.chart"
HEIGHT = 560
SIDE_MARKS = {"demand": "▲", "supply": "▼"}
Json = dict[str, Any]  # Any: JSON for the browser


def chart_data(
    snapshot: Snapshot,
    colours: Palette,
    *,
    timeframe: str = "15 min",
    orders: Sequence[Order] = (),
    layers: Sequence[str] = (),
    live: bool = True,
) -> Json:
    """Return what ``chart.js`` draws: prices in rupees, times in seconds since 1970 UTC.

    Parameters
    ----------
    snapshot : Snapshot
        What is known.
    colours : Palette
        Of the reader.
    timeframe : str
        One of `ui.candles.TIMEFRAMES`.
    orders : sequence of Order
        Whose entries, exits and levels are drawn.
    layers : sequence of str
        "order block" and "gap" are drawn when they are named.
    live : bool
        Whether the chart listens to the stream.
    """
    minutes = TIMEFRAMES[timeframe]
    candles = shown(snapshot.candles, snapshot.minutes, minutes)
    zones = snapshot.analysis.zones if snapshot.analysis else ()
    setups = _setups(snapshot)
    placed = [order for order in orders if order.placed_at <= snapshot.now]
    return {
        "title": f"{snapshot.instrument} {timeframe}",
        "minutes": minutes,
        "live": live,
        "height": HEIGHT,
        "colors": asdict(colours),
        "candles": chart_rows(candles),
        "zones": [_zone(zone, _starts(candles, epoch(zone.known_at)), snapshot.now) for zone in zones],
        "bands": [_band(band, candles) for band in snapshot.bands if band.kind in layers],
        "profile": _profile(snapshot.profile),
        "ltp": float(snapshot.last_price) if snapshot.last_price is not None else None,
        "marks": [mark for order in orders for mark in _marks(order, candles, snapshot.now)],
        "lines": [line for order in placed if order.held for line in _lines(setups.get(order.setup_id))],
        "swings": [],
        "breaks": [],
        "replay": "",
    }


def replayed(data: Json, label: str) -> Json:
    """Return a chart's data marked as a replay: it listens to nothing, says so, and leaves the arrows to the page."""
    return {**data, "live": False, "replay": label, "title": f"{data['title']} · {label}"}


def is_confirmed(zone: Zone) -> bool:
    """Whether a judge confirmed the zone."""
    return zone.verdict is not None and zone.verdict.verdict is ZoneVerdictWord.CONFIRM


def draw(data: Json, key: str) -> None:
    """Put the chart on the page; with the same `key` the next call refreshes it in place."""
    _register()
    component = st.components.v2.component(COMPONENT, js="chart.js", isolate_styles=False)
    component(data=data, key=key, height=HEIGHT)


def _register() -> None:
    """Tell Streamlit where the chart's files lie, once for each server.

    Its own search looks for them only inside a package named like the distribution, which ours are not.
    """
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(COMPONENT) is None:
        package, _, name = COMPONENT.partition(".")
        manifest = ComponentManifest(package, metadata.version("streamlit"), [ComponentConfig(name, ASSETS)])
        manager.register_from_manifest(manifest, Path(__file__).parent)


def _starts(candles: Sequence[ChartCandle], at: int) -> int:
    """Return when the candle opened that holds a moment or closed at it; the first one's opening before all."""
    return next((c.opened_at for c in reversed(candles) if c.opened_at < at), candles[0].opened_at if candles else 0)


def _zone(zone: Zone, from_at: int, now: datetime) -> Json:
    verdict = zone.verdict.verdict.value if zone.verdict else "not judged"
    name = f"{SIDE_MARKS[zone.side.value]} {zone.side.value}"
    label = f"{name} {zone.confidence:.2f} · {verdict}"
    parts = ", ".join(component.kind.value.replace("_", " ") for component in zone.components)
    times = "once" if zone.touches == 1 else f"{zone.touches} times" if zone.touches else "never"
    detail = [
        f"{name} {rupees(zone.low)} to {rupees(zone.high)} · confidence {zone.confidence:.2f} · {verdict}",
        f"made of {parts or 'no stored component'}",
        f"known {short_time(zone.known_at)}, {age(now - zone.known_at)} ago, touched {times}",
    ]
    if zone.verdict:
        detail.append(f"{zone.verdict.judge}: probability {zone.verdict.probability:.2f}. {zone.verdict.reason}")
    return {
        "id": zone.id,
        "side": zone.side.value,
        "low": float(zone.low),
        "high": float(zone.high),
        "from": from_at,
        "confidence": zone.confidence,
        "confirmed": is_confirmed(zone),
        "label": label,
        "detail": detail,
    }


def _band(band: Band, candles: Sequence[ChartCandle]) -> Json:
    label = f"{SIDE_MARKS.get(band.side, '')} {band.kind}"
    text = f"{label} · {rupees(band.low)} to {rupees(band.high)}"
    place = {"id": f"{band.kind}-{band.known_at}-{band.low}", "from": _starts(candles, band.known_at)}
    drawn = {"side": band.side, "low": band.low, "high": band.high, "confidence": 0.0, "confirmed": False}
    return {**place, **drawn, "label": label, "detail": [text]}


def _profile(profile: Profile | None) -> Json | None:
    """Return the profile with its volumes from the lowest row up, whole contracts, 0 where nothing was traded."""
    if profile is None or not profile.rows:
        return None
    height = profile.row_height
    first = min(low for low, _ in profile.rows)
    traded = {round((low - first) / height): round(volume) for low, volume in profile.rows}
    return {
        "first": first,
        "volumes": [traded.get(number, 0) for number in range(max(traded) + 1)],
        "row_height": height,
        "poc": profile.poc,
        "val": profile.val,
        "vah": profile.vah,
    }


def _setups(snapshot: Snapshot) -> dict[str, Json]:
    """Return the planned trades of the shown cycles by their id."""
    found = (cycle.record.get("setup") for cycle in snapshot.cycles)
    return {setup["setup_id"]: setup for setup in found if setup}


def _marks(order: Order, candles: Sequence[ChartCandle], now: datetime) -> list[Json]:
    """Return the entry and the exit of an order, where the chart has their candles; none that lies ahead."""
    if not candles:
        return []
    won = of_order(order, {})
    left = f"exit {change(won.value)}" if won.final else "exit"
    moments = ((order.filled_at, "in", f"buy {order.contract[-7:]}"), (order.closed_at, "out", left))
    first = candles[0].opened_at
    return [
        {"time": _starts(candles, epoch(at) + 1), "kind": kind, "text": text}
        for at, kind, text in moments
        if at is not None and at <= now and epoch(at) >= first
    ]


def _lines(setup: Json | None) -> list[Json]:
    """Return entry, stop and target on the index of a planned trade."""
    if setup is None:
        return []
    names = (("entry", "spot"), ("stop", "spot_stop"), ("target", "spot_target"))
    return [{"title": title, "price": float(setup[name])} for title, name in names]
