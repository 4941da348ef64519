"""The first page: the candle chart with its zones and profile, the zones as a table, and the last cycles."""

import streamlit as st

from agents.domain.zones import Zone
from agents.settings import Settings
from ui.chart import SIDE_MARKS, chart_data, draw
from ui.format import age, clock_time, rupees, short_time
from ui.queries import snapshot
from ui.snapshot import CycleRow, Snapshot

REFRESH_SECONDS = 2
CYCLES_HEIGHT = 520
NOT_JUDGED = "not judged"


@st.cache_data(ttl=REFRESH_SECONDS - 0.5, show_spinner=False)
def _read(_settings: Settings, home: str, instrument: str) -> Snapshot:  # noqa: ARG001  (what it is cached by)
    return snapshot(_settings, instrument)


def _latest(instrument: str) -> Snapshot:
    """Return the newest snapshot; all parts of the page, and all its readers, share one."""
    settings = Settings()
    return _read(settings, str(settings.home), instrument)


def page() -> None:
    """Draw the page; each part refreshes itself."""
    instrument = Settings().instruments[0]
    _strip(instrument)
    left, right = st.columns([0.72, 0.28], gap="medium")
    with left:
        _chart(instrument)
    with right:
        _cycles(instrument)
    _zones(instrument)


@st.fragment(run_every=REFRESH_SECONDS)
def _strip(instrument: str) -> None:
    """Mode, price, clock and the age of what is shown."""
    shown = _latest(instrument)
    market = " · :violet-badge[SIMULATED MARKET]" if shown.is_simulated else ""
    tone = {"live": "red", "paper": "blue"}.get(shown.mode, "gray")
    price = f"**{shown.instrument} {rupees(shown.last_price)}**" if shown.last_price is not None else shown.instrument
    st.markdown(f":{tone}-badge[{shown.mode.upper()}]{market} · {price} · {clock_time(shown.now)} · {_ages(shown)}")
    if shown.problem:
        st.warning(shown.problem)


def _ages(shown: Snapshot) -> str:
    """Return how old the price and the analysis are, in market time."""
    parts = []
    if shown.last_price_at:
        parts.append(f"price {age(shown.now - shown.last_price_at)} old")
    if shown.analysis:
        parts.append(f"zones as of {short_time(shown.analysis.bar_at)} ({age(shown.now - shown.analysis.bar_at)} ago)")
    return " · ".join(parts) or "no data yet"


@st.fragment(run_every=REFRESH_SECONDS * 2)
def _chart(instrument: str) -> None:
    shown = _latest(instrument)
    if not shown.candles:
        st.info("No analysed candles yet. They appear here after the first analysis of the session.")
        return
    draw(chart_data(shown), key=f"chart-{instrument}")
    if shown.profile:
        profile = shown.profile
        st.caption(
            f"Volume profile from {profile.source}: POC {rupees(profile.poc)}, value area {rupees(profile.val)} to "
            f"{rupees(profile.vah)}. Solid zones are confirmed by the judge, dashed ones are not."
        )


@st.fragment(run_every=REFRESH_SECONDS * 2)
def _zones(instrument: str) -> None:
    shown = _latest(instrument)
    zones = shown.analysis.zones if shown.analysis else ()
    st.markdown(f"**Live zones** ({len(zones)})")
    if not zones:
        st.info("No zone is live at the last analysed candle.")
        return
    price = float(shown.last_price or 0)
    nearest = sorted(zones, key=lambda zone: abs(float(zone.low + zone.high) / 2 - price))
    st.dataframe([_zone_row(zone) for zone in nearest], hide_index=True, key="zones", column_config=_ZONE_COLUMNS)


_ZONE_COLUMNS = {
    "confidence": st.column_config.ProgressColumn("confidence", min_value=0.0, max_value=1.0, format="%.2f"),
    "reason": st.column_config.TextColumn("reason", width="large"),
}


def _zone_row(zone: Zone) -> dict[str, object]:
    verdict = zone.verdict
    return {
        "side": f"{SIDE_MARKS[zone.side.value]} {zone.side.value}",
        "low": rupees(zone.low),
        "high": rupees(zone.high),
        "confidence": zone.confidence,
        "touches": zone.touches,
        "known": short_time(zone.known_at),
        "components": ", ".join(component.kind.value.replace("_", " ") for component in zone.components),
        "verdict": verdict.verdict.value if verdict else NOT_JUDGED,
        "probability": f"{verdict.probability:.2f}" if verdict else "",
        "judge": verdict.judge if verdict else "",
        "reason": verdict.reason if verdict else "",
    }


@st.fragment(run_every=REFRESH_SECONDS)
def _cycles(instrument: str) -> None:
    shown = _latest(instrument)
    st.markdown("**Last cycles**")
    if not shown.cycles:
        st.info("No cycle yet. In an open session the desk decides every three minutes and says why.")
        return
    rows = [{"time": short_time(c.at), "decision": c.decision, "reason": _why(c)} for c in shown.cycles]
    st.dataframe(rows, hide_index=True, key="cycles", height=CYCLES_HEIGHT)


def _why(cycle: CycleRow) -> str:
    return f"{cycle.reason} ({cycle.detail})" if cycle.detail else cycle.reason
