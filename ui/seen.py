"""What a page works with: the newest picture and the reader's own choices."""

import streamlit as st

from agents.settings import Settings
from ui.choices import choices
from ui.hub import Hub, hub_of
from ui.palette import Palette, palette
from ui.snapshot import Picture

UPDATED = "config_updated"
"""Key of a session: whether it has changed a choice or a limit."""
_SETTINGS, _HUB = "desk_settings", "desk_hub"


def settings() -> Settings:
    """Return this server's settings, read once for each visitor: to read them takes longer than to draw a table."""
    if _SETTINGS not in st.session_state:
        st.session_state[_SETTINGS] = Settings()
    found: Settings = st.session_state[_SETTINGS]
    return found


def hub() -> Hub:
    """Return the hub of this server's desk."""
    if _HUB not in st.session_state:
        st.session_state[_HUB] = hub_of(settings())
    found: Hub = st.session_state[_HUB]
    return found


def picture() -> Picture:
    """Return the newest picture."""
    return hub().look()


def colours() -> Palette:
    """Return the colours of this reader's theme and choice."""
    theme = st.context.theme.type or "dark"
    return palette(choices(settings()).palette, theme)


def keep_seed_keys(seen: Picture) -> None:
    """Keep the session's keys up to date that earlier programs of this desk read."""
    state = st.session_state
    state["orchestrator"] = seen.desk.state.value if seen.desk.state else None
    state["running"] = bool(seen.desk.services) and seen.desk.services[0].get("state") == "ready"
    state["trades"] = [
        {"setup_id": order.setup_id, "contract": order.contract, "state": order.state, "held": order.held}
        for order in seen.desk.orders
    ]
    analysis = seen.market.analysis
    state["last_analysis"] = {"at": analysis.bar_at, "zones": len(analysis.zones)} if analysis else {}
    state.setdefault(UPDATED, False)
