"""Who is looking at a page: the name that the gate knows from the sign-in, for what people ask of the desk."""

from urllib.parse import unquote

import streamlit as st

from ui.format import plain

HEADER = "X-Zonedesk-User"
NOBODY = "dashboard"  # where nobody has to sign in


def visitor() -> str:
    """Return the name of whoever opened this page. The gate writes the header and removes what a browser sent of it."""
    return unquote(st.context.headers.get(HEADER) or NOBODY)


def sign_out() -> None:
    """Offer the way out to whoever signed in."""
    if st.context.headers.get(HEADER):
        st.link_button(f"Sign out {plain(visitor())}", "/logout", type="tertiary")
