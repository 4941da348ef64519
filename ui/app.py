"""The dashboard's pages. `ui/server.py` serves them."""

import sys
from pathlib import Path

import streamlit as st

# Streamlit puts this folder first on the path; ours is the one above it.
_ROOT = str(Path(__file__).resolve().parents[1])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)


def main() -> None:
    """Draw the strip and the page that was asked for."""
    from ui.seen import colours  # noqa: PLC0415  (after the path above is right)
    from ui.strip import top  # noqa: PLC0415  (as above)
    from ui.views import PAGES  # noqa: PLC0415  (as above)

    st.set_page_config(page_title="zonedesk", layout="wide")
    pages = [st.Page(draw, title=title, url_path=path, default=path == "cockpit") for path, title, draw in PAGES]
    chosen = st.navigation(pages, position="top")
    st.html(colours().css())
    top()
    chosen.run()


main()
