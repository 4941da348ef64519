"""Open positions, closed ones, orders with their legs, and requests that were refused; one result for all of them."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from agents.domain.values import IST
from ui.curve import curve, deepest_fall
from ui.format import change, clock_time, day_time, inr, plain, rupees, short_time
from ui.links import link
from ui.markup import Cell, between, number, span, table
from ui.profit import of_day, of_order
from ui.seen import colours, picture
from ui.snapshot import Picture
from ui.trading import Agreement, LegView, Order, Refusal
from ui.words import order_in_words, state_in_words

REFRESH_SECONDS = 2
NOTHING = "—"
SHOWN_REFUSALS = 20
_FORMULA = frozenset("=+-@\t\r")
_RESULT = ("Contract", number("Units"), number("Average"), number("LTP"), number("Charges"), number("Result"))
_ORDERS = ("Why", "Contract", number("Limit"), number("Stop"), number("Target"), "What became of it")
_TIMES = ("Asked", "Sent", "Acknowledged", "Filled", "Closed")
_LEGS = ("Contract", "Leg", "State", number("Units"), number("Filled"), number("Price"), "At the broker", "Filled at")
_SAVED = (
    "setup", "contract", "state", "bought", "held", "spent", "earned", "charges", "result", "final", "asked_at",
    "sent_at", "acknowledged_at", "filled_at", "closed_at", "why",
)  # fmt: skip


def page() -> None:
    """Draw the page; it refreshes itself, but not the button that saves a file."""
    _all()
    _export()


@st.fragment(run_every=REFRESH_SECONDS)
def _all() -> None:
    seen = picture()
    orders = seen.desk.orders
    st.html(badge(seen.desk.agreement))
    if not orders:
        st.info(
            "No order yet. When price reaches a confirmed zone and every check agrees, the desk asks for a trade; "
            "its order, legs and result appear here."
        )
    else:
        _day(seen)
    held = [order for order in orders if order.held]
    closed = [order for order in orders if order.bought and not order.held]
    if held:
        st.html(_results("Open", held, seen))
    if closed:
        st.html(_results("Closed", closed[::-1], seen))
        _curve(closed)
    if orders:
        st.html(table("Orders", (*_ORDERS, *_TIMES), [_order(order) for order in orders[::-1]]))
    legs = [_leg(order, leg) for order in orders[::-1] for leg in order.legs]
    if legs:
        st.html(table("Legs at the broker", _LEGS, legs))
    if seen.desk.refusals:
        rows = [_refusal(one) for one in seen.desk.refusals[::-1][:SHOWN_REFUSALS]]
        st.html(table("Requests that became no order", ("Why", "Contract", "When", "Which rule forbade it"), rows))


def badge(agreement: Agreement) -> str:
    """Return whether ledger and broker agree, as the guardian last compared them."""
    at = f", {day_time(agreement.at)}" if agreement.at else ""
    if agreement.agrees is None:
        return span(f"○ ledger and broker were not compared yet{at}", "zd-quiet")
    if agreement.agrees:
        return span(f"● ledger and broker agree{at}", "zd-up")
    return span(f"▲ ledger and broker differ{at}: {'; '.join(agreement.differences)}", "zd-down")


def _day(seen: Picture) -> None:
    day = of_day(seen.desk.orders, seen.market.now.astimezone(IST).date(), seen.market.prices)
    note = "after charges" if day.final else "so far, after the charges"
    missing = "" if day.priced else ", without positions that have no price"
    st.markdown(
        f"**Result of the day {change(day.value)}** rupees {note} of {rupees(day.charges)}{missing}, "
        f"as of {clock_time(seen.market.now)}"
    )


def _results(caption: str, orders: Sequence[Order], seen: Picture) -> str:
    return table(caption, (*_RESULT, "Stop to target", "How"), [_result(order, seen) for order in orders])


def _result(order: Order, seen: Picture) -> list[str | Cell]:
    price = seen.market.prices.get(order.contract)
    profit = of_order(order, seen.market.prices)
    shown = change(profit.value) if profit.priced else "no price"
    bar = between(order.stop, order.target, price) if order.held else ""
    levels = f"{rupees(order.stop)} → {rupees(order.target)}"
    return [
        order.contract,
        number(str(order.held or order.bought)),
        number(rupees(order.spent / order.bought)),
        number(rupees(price) if price is not None else NOTHING),
        number(rupees(profit.charges)),
        number(shown if profit.final else f"{shown} so far", sign=profit.value if profit.priced else 0),
        Cell(levels, "", f"{bar}{levels}"),
        Cell(order_in_words(order), "words"),
    ]


def _order(order: Order) -> list[str | Cell]:
    moments = (order.asked_at, order.sent_at, order.acked_at, order.filled_at, order.closed_at)
    prices = [number(rupees(price)) for price in (order.limit, order.stop, order.target)]
    said = Cell(order_in_words(order), "words")
    return [_why(order.setup_id), order.contract, *prices, said, *(_moment(at) for at in moments)]


def _leg(order: Order, leg: LegView) -> list[str | Cell]:
    counts = number(str(leg.quantity)), number(str(leg.filled))
    moments = _moment(leg.listed_at), _moment(leg.filled_at)
    return [order.contract, leg.name, state_in_words(leg.state), *counts, number(rupees(leg.price)), *moments]


def _refusal(one: Refusal) -> list[str | Cell]:
    return [_why(one.setup_id), one.contract or NOTHING, short_time(one.at), Cell("; ".join(one.reasons), "words")]


def _why(setup_id: str) -> Cell:
    """Return a cell that leads to the reasons."""
    return link(setup_id[:12], f"why?asked={setup_id}", f"why {setup_id[:12]}")


def _moment(at: datetime | None) -> str:
    return day_time(at) if at else NOTHING


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
        as_csv(seen),
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
        numbers = [order.bought, order.held, order.spent, order.earned, profit.charges, profit.value, profit.final]
        moments = (order.asked_at, order.sent_at, order.acked_at, order.filled_at, order.closed_at)
        times = [at.astimezone(IST).isoformat(timespec="seconds") if at else "" for at in moments]
        named = [_as_text(text) for text in (order.setup_id, order.contract, order.state)]
        writer.writerow([*named, *numbers, *times, _as_text(order.why)])
    return out.getvalue()


def _as_text(text: str) -> str:
    return f"'{text}" if text[:1] in _FORMULA else text
