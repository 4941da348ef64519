"""Why the desk did what it did: from an order, a cycle or a zone back to the candles, as one page."""

from datetime import UTC, datetime

import streamlit as st

from agents.data.store import Store
from agents.data.why import Chain, why
from agents.data.why.links import Link
from agents.domain.errors import TradingError
from agents.settings import Settings
from ui.chart import chart_data, draw
from ui.desk import ledger_to_read
from ui.format import clock_time, plain
from ui.hub import wall_now
from ui.queries import snapshot
from ui.seen import colours, picture
from ui.snapshot import Picture

_RECENT = 12
_LONGEST_ID = 128


def page() -> None:
    """Draw what is asked for, and the chain of reasons behind it."""
    st.text_input(
        "Order, setup, cycle or zone", key="asked", bind="query-params", max_chars=_LONGEST_ID,
        help="Its id, or at least six characters of the beginning.",
    )  # fmt: skip
    asked = str(st.session_state.get("asked") or "").strip()
    seen = picture()
    if not asked:
        _offer(seen)
        return
    settings = Settings()
    try:
        chain = _chain(str(settings.home), settings, asked)
    except TradingError as error:
        st.warning(plain(str(error)))
        _offer(seen)
        return
    _draw(chain, settings, seen)


def _offer(seen: Picture) -> None:
    """Offer the last decisions to choose from."""
    ids = {f"{clock_time(one.at)}: {one.decision}, {one.reason}": one.cycle_id for one in seen.market.cycles[:_RECENT]}
    if not ids:
        st.info("Nothing was decided yet. In an open session the desk decides every three minutes.")
        return
    st.markdown("**Or one of the last decisions**")
    for label, cycle_id in ids.items():
        st.button(plain(label), key=f"why-{cycle_id}", on_click=_choose, args=(cycle_id,), type="tertiary")


def _choose(cycle_id: str) -> None:
    st.session_state["asked"] = cycle_id


@st.cache_data(ttl=30, show_spinner="Looking it up")
def _chain(home: str, _settings: Settings, asked: str) -> Chain:  # noqa: ARG001 - what it is kept by
    ledger = ledger_to_read(_settings, wall_now)
    try:
        store = Store(_settings.store_path, _settings.mode, now=lambda: datetime.now(UTC), create=False)
        return why(ledger, store, asked)
    finally:
        ledger.close()


def _draw(chain: Chain, settings: Settings, seen: Picture) -> None:
    st.markdown(f"**{chain.kind} {plain(chain.found)}**, {len(chain.links)} steps from the decision to the candles")
    at = next((link.at for link in chain.links if link.what in {"decision", "cycle"} and link.at), None)
    at = at or max((link.at for link in chain.links if link.at), default=None)
    if at is not None and at <= seen.market.now:
        then = snapshot(settings, seen.market.instrument, at=at)
        if then.candles:
            draw(chart_data(then, colours(), orders=seen.desk.orders, live=False), key=f"why-{chain.found}")
            st.caption(f"The chart as it was known at {clock_time(at)}.")
    for number, link in enumerate(chain.links):
        _step(number, link)


def _step(number: int, link: Link) -> None:
    """Show one step; all of its words as text."""
    with st.container(border=True):
        moment = f" · {clock_time(link.at)}" if link.at else ""
        st.markdown(f"**{plain(link.what)}** {plain(link.id or '')}{moment}")
        st.text(link.text)
        if link.facts:
            with st.expander("Everything known of it", key=f"facts-{number}"):
                st.json(link.facts, expanded=1)
