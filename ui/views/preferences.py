"""What is set, never a secret itself; limits beside their use; and the reader's own colours."""

import streamlit as st
from pydantic import SecretStr

from agents.domain.values import IST
from agents.settings import Settings
from ui.format import clock_time, inr
from ui.markup import Cell, number, table
from ui.palette import COLOUR_BLIND, PALETTE, STANDARD
from ui.profit import of_day
from ui.seen import picture

_CHOICE = "palette_choice"
# May hold a password, or says where something of value lies.
_HIDDEN = frozenset({"ledger_url", "dhan_client_id"})


def page() -> None:
    """Draw the reader's choices, limits and settings."""
    kinds = (STANDARD, COLOUR_BLIND)
    now = st.session_state.get(PALETTE, STANDARD)
    st.radio(
        "Colours of rising and falling", kinds, index=kinds.index(now), key=_CHOICE, on_change=_chosen, horizontal=True
    )
    st.caption("Light or dark follows this machine, or the menu at the top right. Times are those of India.")
    settings = Settings()
    _limits(settings)
    st.html(table("Everything that is set", ("Setting", "Value", "What it is"), settings_rows(settings)))
    st.caption(
        "Settings are read when a process starts: environment variables that begin with ZONEDESK\\_, then the file "
        ".env. To change one, set it there and start the desk again with `zonedesk down` and `zonedesk up`. Entries "
        "can be paused, and the desk halted, at once with the buttons above."
    )


def _chosen() -> None:
    st.session_state[PALETTE] = st.session_state[_CHOICE]


@st.fragment(run_every=5)
def _limits(settings: Settings) -> None:
    seen = picture()
    today = seen.market.now.astimezone(IST).date()
    entries = sum(1 for one in seen.desk.orders if one.bought and one.placed_at.astimezone(IST).date() == today)
    lost = max(0.0, -float(of_day(seen.desk.orders, today, seen.market.prices).value))
    budget = float(settings.equity) * settings.daily_loss_share
    rows: list[list[str | Cell]] = [
        ["Entries of a session", number(str(settings.max_trades)), number(str(entries))],
        ["Loss of a session", number(inr(budget)), number(f"{inr(lost)} ({lost / budget:.0%})")],
        ["Risk of one trade", number(inr(float(settings.equity) * settings.risk_per_trade)), number("—")],
        ["Premium of one trade", number(inr(float(settings.equity) * settings.premium_share)), number("—")],
    ]
    st.html(table(f"Limits, as of {clock_time(seen.market.now)}", ("Limit", number("Set"), number("Used")), rows))


def settings_rows(settings: Settings) -> list[list[str | Cell]]:
    """Return every setting with its value in words; of secrets only whether they are set."""
    rows: list[list[str | Cell]] = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if name in _HIDDEN or isinstance(value, SecretStr) or "SecretStr" in str(field.annotation):
            shown = Cell("not set", "zd-quiet") if value is None else Cell("● set", "zd-up")
        elif value is None:
            shown = Cell("not set", "zd-quiet")
        else:
            shown = Cell(str(value))
        rows.append([name.replace("_", " "), shown, field.description or ""])
    return rows
