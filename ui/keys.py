"""Keys that go to pages: each is pressed together with Alt, so that none acts on what somebody types or dictates."""

from collections.abc import Mapping

import streamlit as st

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


def key_of(path: str) -> str:
    """Return the keys that go to a page, as Streamlit and people write them."""
    return f"Alt+{KEYS[path]}"


def listen(pages: Mapping[str, st.Page]) -> None:
    """Go to a page whose keys are pressed: buttons that nobody sees, whose keys count nevertheless."""
    with st.container(key="zd-keys"):
        for path, page in pages.items():
            if st.button(f"Go to {page.title}", key=f"go-{path}", shortcut=key_of(path)):
                st.switch_page(page)


def about(pages: Mapping[str, st.Page]) -> str:
    """Say in Markdown what this is and which keys it knows."""
    keys = "\n".join(f"- {key_of(path)}: {page.title}" for path, page in pages.items())
    chart = "On the chart, arrows scroll, plus and minus zoom, End goes to the last candle, Alt+R resets."
    return f"An AI trading desk for options on NIFTY.\n\nKeys go to pages:\n\n{keys}\n\n{chart}"
