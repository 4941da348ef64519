"""The dashboard's pages. `ui/server.py` serves them."""

import sys
from pathlib import Path

import streamlit as st

# Streamlit puts this folder first on the path; ours is the one above it.
_ROOT = str(Path(__file__).resolve().parents[1])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

# Each page's key, pressed together with Alt: a letter alone would act on what somebody dictates or types.
KEYS = {
    "cockpit": "K",
    "chain": "O",
    "positions": "P",
    "verdicts": "V",
    "why": "W",
    "replay": "Y",
    "health": "H",
    "settings": "S",
}


def main() -> None:
    """Draw the strip and the page that was asked for."""
    from agents.settings import Settings  # noqa: PLC0415  (after the path above is right)
    from ui.choices import choices  # noqa: PLC0415  (as above)
    from ui.markup import title  # noqa: PLC0415  (as above)
    from ui.palette import css  # noqa: PLC0415  (as above)
    from ui.strip import top  # noqa: PLC0415  (as above)
    from ui.views import PAGES  # noqa: PLC0415  (as above)

    pages = {
        path: st.Page(draw, title=name, url_path=path, default=path == "cockpit", help=f"Alt+{KEYS[path]}")
        for path, name, draw in PAGES
    }
    chosen = st.navigation(list(pages.values()), position="top")
    settings = Settings()
    st.set_page_config(
        page_title=f"{chosen.title} · {settings.mode} · zonedesk",
        page_icon=str(Path(__file__).with_name("icon.png")),
        layout="wide",
        menu_items={"About": _about(pages)},
    )
    st.html(css(choices(settings).palette))
    with st.container(key="zd-head"):
        st.html(title(str(chosen.title)))
    _keys(pages)
    top()
    chosen.run()


def _keys(pages: "dict[str, st.Page]") -> None:
    """Let a key go to each page: buttons that nobody sees, whose keys count nevertheless."""
    with st.container(key="zd-keys"):
        for path, page in pages.items():
            if st.button(f"Go to {page.title}", key=f"go-{path}", shortcut=f"Alt+{KEYS[path]}"):
                st.switch_page(page)


def _about(pages: "dict[str, st.Page]") -> str:
    """Say what this is and which keys it knows."""
    keys = "\n".join(f"- Alt+{KEYS[path]}: {page.title}" for path, page in pages.items())
    return f"An AI trading desk for options on NIFTY.\n\nKeys go to pages:\n\n{keys}"


main()
