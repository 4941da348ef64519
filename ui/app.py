"""The dashboard's entry: which pages there are. Started with ``streamlit run``."""

import sys
from pathlib import Path

import streamlit as st

# Streamlit puts this folder first on the path; ours is the one above it.
_ROOT = str(Path(__file__).resolve().parents[1])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)


def main() -> None:
    """Draw the page that was asked for."""
    from ui.views import cockpit  # noqa: PLC0415  (after the path above is right)

    st.set_page_config(page_title="zonedesk", layout="wide")
    st.navigation([st.Page(cockpit.page, title="Cockpit", url_path="cockpit", default=True)], position="top").run()


main()
