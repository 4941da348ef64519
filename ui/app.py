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
    from ui.choices import choices  # noqa: PLC0415  (after the path above is right)
    from ui.keys import FIRST, about, key_of  # noqa: PLC0415  (as above)
    from ui.markup import title  # noqa: PLC0415  (as above)
    from ui.palette import css  # noqa: PLC0415  (as above)
    from ui.seen import settings  # noqa: PLC0415  (as above)
    from ui.strip import top  # noqa: PLC0415  (as above)
    from ui.views import PAGES  # noqa: PLC0415  (as above)

    pages = {
        path: st.Page(draw, title=name, url_path=path, default=path == FIRST, help=key_of(path))
        for path, name, draw in PAGES
    }
    chosen = st.navigation(list(pages.values()), position="top")
    st.set_page_config(
        page_title=f"{chosen.title} · {settings().mode} · zonedesk",
        page_icon=str(Path(__file__).with_name("icon.png")),
        layout="wide",
        menu_items={"About": about(pages)},
    )
    st.html(css(choices(settings()).palette))
    with st.container(key="zd-head"):
        st.html(title(chosen.title))
    top()
    chosen.run()


main()
