"""Open positions, closed ones, orders with their legs, and requests that were refused; one result for all of them."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from agents.domain.values import IST
from ui.cards import Card, cards
from ui.curve import curve, deepest_fall
from ui.exits import exit_buttons
from ui.format import clock_time, day_time, inr, plain
from ui.held import gained, held_table
from ui.markup import heading, span
from ui.order_tables import closed_table, legs_table, orders_table, refusals_table
from ui.profit import counts, of_day, of_order
from ui.seen import colours, picture
from ui.snapshot import Picture
from ui.trading import Agreement, Order
from ui.views.cockpit import is_unread, until_it_opens, when_nothing_is_held

REFRESH_SECONDS = 2
TODAY, ALL = "Today", "All days"
SHOWN_ORDERS = 100
SHOWN_REFUSALS = 20
_FORMULA = frozenset("=+-@\t\r")
_SAVED = (
    "setup", "contract", "state", "bought", "held", "spent", "earned", "charges", "result", "final", "asked_at",
    "sent_at", "acknowledged_at", "filled_at", "closed_at", "why",
)  # fmt: skip


def page() -> None:
    """Draw the page; it refreshes itself, but not the button that saves a file."""
    wanted = st.segmented_control(
        "Which orders", (TODAY, ALL), default=TODAY, key="which_orders", required=True, label_visibility="collapsed"
    )
    _all(every_day=wanted == ALL)
    _export()


@st.fragment(run_every=REFRESH_SECONDS)
def _all(*, every_day: bool) -> None:
    seen = picture()
    orders = [order for order in seen.desk.orders if every_day or is_of_today(order, seen)][-SHOWN_ORDERS:][::-1]
    st.html(badge(seen.desk.agreement))
    if seen.desk.orders:
        st.html(cards(numbers_of(seen)))
    if not orders:
        st.info(_when_empty(seen))
    held = [order for order in orders if order.held]
    closed = [order for order in orders if order.bought and not order.held]
    if held:
        st.html(held_table(held, seen))
        exit_buttons(held, seen)
    elif orders:
        st.html(heading("Open positions"))
        st.info(when_nothing_is_held(seen))
    if closed:
        st.html(closed_table(closed, "Closed" if every_day else "Closed today"))
        _curve(closed)
    if orders:
        st.html(orders_table(orders))
        if any(order.legs for order in orders):
            st.html(legs_table(orders))
    if seen.desk.refusals:
        st.html(refusals_table(seen.desk.refusals[::-1][:SHOWN_REFUSALS]))


def is_of_today(order: Order, seen: Picture) -> bool:
    """Whether an order was placed today, or makes today's result."""
    today = seen.market.now.astimezone(IST).date()
    return order.placed_at.astimezone(IST).date() == today or counts(order, today)


def numbers_of(seen: Picture) -> list[Card]:
    """Return the day's result and what it is made of."""
    now, prices = seen.market.now, seen.market.prices
    today = now.astimezone(IST).date()
    mine = [order for order in seen.desk.orders if order.bought and counts(order, today)]
    day = of_day(mine, today, prices)
    closed, held = [one for one in mine if not one.held], [one for one in mine if one.held]
    left, kept = of_day(closed, today, prices), of_day(held, today, prices)
    points = curve(closed)
    note = "after charges" if day.final else "so far, after the charges until now"
    missing = "" if day.priced else "; without positions that have no price"
    won = sum(1 for one in closed if of_order(one, prices).value > 0)
    return [
        Card("Result of the day", gained(day.value), f"{note}{missing}, as of {clock_time(now)}", _tone(day.value)),
        Card("Closed positions", gained(left.value), f"{won} of {len(closed)} won", _tone(left.value)),
        Card("Open positions", gained(kept.value), f"{len(held)} held", _tone(kept.value)),
        Card("Charges", inr(day.charges), "brokerage, taxes and fees"),
        Card("Deepest fall", inr(deepest_fall(points)), "of today's closed positions, from their highest sum"),
    ]


def _tone(value: Decimal) -> str:
    return "zd-up" if value > 0 else "zd-down" if value < 0 else ""


def _when_empty(seen: Picture) -> str:
    if is_unread(seen):
        return "Orders cannot be read at the moment; the broker's own app shows them."
    earlier = f" Those of earlier days are under {ALL}." if seen.desk.orders else ""
    return (
        "No order yet. When price reaches a confirmed zone and every check agrees, the desk asks for a trade; its "
        f"order, legs and result appear here.{earlier}{until_it_opens(seen.market)}"
    )


def badge(agreement: Agreement) -> str:
    """Return whether ledger and broker agree, as the guardian last compared them."""
    at = f", {day_time(agreement.at)}" if agreement.at else ""
    if agreement.agrees is None:
        return span(f"○ ledger and broker were not compared yet{at}", "zd-quiet")
    if agreement.agrees:
        return span(f"● ledger and broker agree{at}", "zd-up")
    return span(f"▲ ledger and broker differ{at}: {'; '.join(agreement.differences)}", "zd-down")


def _curve(closed: Sequence[Order]) -> None:
    """Show the sum of results in the order of leaving, before and after charges, and its fall from the highest."""
    points = curve(closed)
    palette = colours()
    lines = {
        "after charges": [0.0, *(float(point.net) for point in points)],
        "before charges": [0.0, *(float(point.gross) for point in points)],
        "below its highest": [0.0, *(-float(point.fall) for point in points)],
    }
    shades = [palette.accent, palette.quiet, palette.down]
    st.line_chart(
        {"trades closed": range(len(points) + 1), **lines},
        x="trades closed",
        y=list(lines),
        color=[*shades],
        height=200,
    )
    last = points[-1]
    st.caption(
        plain(
            f"{len(points)} closed trades: {inr(last.gross)} before charges, {inr(last.charges)} charges, "
            f"{inr(last.net)} after them; the deepest fall from a high was {inr(deepest_fall(points))}."
        )
    )


def _export() -> None:
    seen = picture()
    st.download_button(
        "Save as CSV",
        lambda: as_csv(picture()),
        file_name=f"orders-{seen.market.now.astimezone(IST):%Y-%m-%d}.csv",
        mime="text/csv",
        disabled=not seen.desk.orders,
    )


def as_csv(seen: Picture) -> str:
    """Return all orders as CSV; a text that a spreadsheet would take for a formula is written as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_SAVED)
    for order in seen.desk.orders:
        profit = of_order(order, seen.market.prices)
        result = profit.value if profit.priced else ""
        numbers = [order.bought, order.held, order.spent, order.earned, profit.charges, result, profit.final]
        moments = (order.asked_at, order.sent_at, order.acked_at, order.filled_at, order.closed_at)
        times = [at.astimezone(IST).isoformat(timespec="seconds") if at else "" for at in moments]
        named = [_as_text(text) for text in (order.setup_id, order.contract, order.state)]
        writer.writerow([*named, *numbers, *times, _as_text(order.why)])
    return out.getvalue()


def _as_text(text: str) -> str:
    return f"'{text}" if text[:1] in _FORMULA else text
