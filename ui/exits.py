"""Leave one position: asked for by a row in the ledger, carried out and acknowledged by the guardian, shown as both."""

from collections.abc import Sequence

import streamlit as st

from agents.data.ledger import Command
from agents.domain.errors import TradingError
from agents.domain.lifecycle import TradeState
from agents.settings import Settings
from ui.desk import ask
from ui.format import day_time, plain
from ui.hub import wall_now
from ui.markup import span
from ui.seen import hub
from ui.snapshot import Picture
from ui.trading import Order
from ui.visitor import visitor

EXIT = "cancel_order"
"""The kind of the command, as the guardian knows it: take the order back and sell what it bought."""
_FAILED = "exit_failed"
_LEAVING = frozenset({TradeState.FLATTENING.value, TradeState.LEG_LOST.value})


def exit_buttons(held: Sequence[Order], seen: Picture) -> None:
    """Offer to leave each position, and say what became of what was asked."""
    with st.container(horizontal=True):
        for order in held:
            _button(order, seen.desk.commands)
    for order in held:
        command = last_asked(order, seen.desk.commands)
        if command is not None:
            done = f"{command.outcome}, {day_time(command.done_at)}" if command.done_at else "waits for the guardian"
            st.html(span(f"Exit of {order.contract}, asked {day_time(command.asked_at)}: {done}", "zd-quiet"))
    failed = st.session_state.get(_FAILED)
    if failed:
        st.error(plain(failed))


def exit_id(order: Order, commands: Sequence[Command]) -> str:
    """Return the name of the wish to leave a position as it stands: pressed or loaded twice, it is one wish.

    One that was refused may be asked again; then it is another.
    """
    before = last_asked(order, commands)
    return f"exit-{order.setup_id}-{len(order.steps)}-{before.seq if before and before.done_at else 0}"


def last_asked(order: Order, commands: Sequence[Command]) -> Command | None:
    """Return the last wish to leave a position, None before any; commands stand newest first."""
    found = (one for one in commands if one.kind == EXIT and one.payload.get("setup_id") == order.setup_id)
    return max(found, key=lambda one: one.seq, default=None)


def under_way(order: Order, commands: Sequence[Command]) -> str:
    """Return why a position need not be asked to be left, "" where it may be."""
    if order.state in _LEAVING:
        return "It is being sold already."
    command = last_asked(order, commands)
    if command is None or (command.outcome or "").startswith("refused"):
        return ""
    return "It was asked for already." if command.done_at is None else "The guardian has taken it up and sells."


def _button(order: Order, commands: Sequence[Command]) -> None:
    done = under_way(order, commands)
    name = plain(f"Exit {order.contract}")
    with st.popover(name, disabled=bool(done), help=done or None, key=f"exit-of-{order.setup_id}"):
        st.html(span(f"Sell {order.held} {order.contract} and take its stop and target back.", "zd-head"))
        st.caption("The guardian sells at the best price that it gets. This cannot be taken back.")
        st.button(
            f"Sell {order.held} now",
            key=f"exit-now-{order.setup_id}",
            type="primary",
            on_click=_ask,
            args=(order, exit_id(order, commands)),
            disabled=bool(done),
        )


def _ask(order: Order, command_id: str) -> None:
    """Write the wish down."""
    payload = {"setup_id": order.setup_id, "close": True}
    try:
        ask(Settings(), command_id, EXIT, by=visitor(), wall=wall_now, payload=payload)
    except TradingError as error:
        st.session_state[_FAILED] = f"The exit of {order.contract} could not be asked: {error}"
    else:
        st.session_state[_FAILED] = ""
        hub().forget()
