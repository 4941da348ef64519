"""The candle chart: what is sent to the browser, and the component that draws it there."""

from importlib import metadata
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from agents.domain.candles import epoch
from agents.domain.zones import Zone, ZoneVerdictWord
from ui.snapshot import Profile, Snapshot

ASSETS = "chart_assets"
COMPONENT = "zonedesk.chart"
HEIGHT = 560
SIDE_MARKS = {"demand": "▲", "supply": "▼"}


def chart_data(snapshot: Snapshot) -> dict[str, Any]:  # Any: JSON for the browser
    """Return what ``chart.js`` draws: prices in rupees, times in seconds since 1970 UTC."""
    zones = snapshot.analysis.zones if snapshot.analysis else ()
    opened = {candle.closed_at: candle.opened_at for candle in snapshot.candles}
    first = snapshot.candles[0].opened_at if snapshot.candles else 0
    return {
        "title": f"{snapshot.instrument} 15 min",
        "height": HEIGHT,
        "candles": [[c.opened_at, c.open, c.high, c.low, c.close] for c in snapshot.candles],
        "zones": [_zone(zone, opened.get(epoch(zone.known_at), first)) for zone in zones],
        "profile": _profile(snapshot.profile),
    }


def is_confirmed(zone: Zone) -> bool:
    """Whether a judge confirmed the zone."""
    return zone.verdict is not None and zone.verdict.verdict is ZoneVerdictWord.CONFIRM


def draw(data: dict[str, Any], key: str) -> None:  # Any: as `chart_data`
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


def _zone(zone: Zone, from_at: int) -> dict[str, Any]:  # Any: JSON for the browser
    verdict = zone.verdict.verdict.value if zone.verdict else "not judged"
    return {
        "id": zone.id,
        "side": zone.side.value,
        "low": float(zone.low),
        "high": float(zone.high),
        "from": from_at,
        "confidence": zone.confidence,
        "confirmed": is_confirmed(zone),
        "label": f"{SIDE_MARKS[zone.side.value]} {zone.side.value} {zone.confidence:.2f} · {verdict}",
    }


def _profile(profile: Profile | None) -> dict[str, Any] | None:  # Any: JSON for the browser
    if profile is None:
        return None
    return {
        "rows": [[low, round(volume, 1)] for low, volume in profile.rows],
        "row_height": profile.row_height,
        "poc": profile.poc,
        "val": profile.val,
        "vah": profile.vah,
    }
