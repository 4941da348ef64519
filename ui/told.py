"""What became of a command, spoken to those who hear a page: Streamlit itself has no polite live region."""

from importlib import metadata
from pathlib import Path

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from ui.chart import ASSETS
from ui.format import printable

COMPONENT = "zonedesk-told.told"


def tell(words: str) -> None:
    """Have words spoken once, when they have changed and nothing else is being spoken; nobody sees them."""
    _register()
    component = st.components.v2.component(COMPONENT, js="told.js", isolate_styles=False)
    with st.container(key="zd-told"):
        component(data={"words": printable(words)}, key="told")


def _register() -> None:
    """Tell Streamlit where the script lies, once for each server."""
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(COMPONENT) is None:
        package, _, name = COMPONENT.partition(".")
        manifest = ComponentManifest(package, metadata.version("streamlit"), [ComponentConfig(name, ASSETS)])
        manager.register_from_manifest(manifest, Path(__file__).parent)
