"""Keys that go to pages: each is pressed together with Alt, so that none acts on what somebody types or dictates."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import streamlit as st

FIRST = "cockpit"
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


def told() -> str:
    """Return the keys as ``keys.js`` reads them: each letter with the address of its page."""
    return " ".join(f"{key.lower()}=/{'' if path == FIRST else path}" for path, key in KEYS.items())


@cache
def script() -> str:
    """Return the script that listens to the keys on every page."""
    return Path(__file__).with_name("keys.js").read_text(encoding="utf-8").strip()


def about(pages: Mapping[str, st.Page]) -> str:
    """Say in Markdown what this is and which keys it knows."""
    keys = "\n".join(f"- {key_of(path)}: {page.title}" for path, page in pages.items())
    chart = "On the chart, arrows scroll, plus and minus zoom, End goes to the last candle, Alt+R resets."
    return f"An AI trading desk for options on NIFTY.\n\nKeys go to pages:\n\n{keys}\n\n{chart}"
