"""Open positions, closed ones and orders of the session, with one result for all of them."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

import streamlit as st

from agents.domain.values import IST
from ui.format import change, clock_time, inr, rupees, short_time
from ui.markup import Cell, between, number, table
from ui.profit import Profit, of_day, of_order
from ui.seen import picture
from ui.snapshot import Picture
from ui.trading import Order

REFRESH_SECONDS = 2
_WORDS = {
    "rejected": "the broker refused it",
    "cancelled": "taken back before it was filled",
    "abandoned": "no answer came; it was given up",
    "unknown": "no answer came yet; entries wait",
    "stop_done": "left at its stop",
    "target_done": "left at its target",
    "flattened": "sold before stop or target",
    "entry_pending": "waits for its price",
    "protected": "held, with stop and target at the broker",
}
_HEADERS = (
    "Setup",
    "Contract",
    number("Limit"),
    number("Stop"),
    number("Target"),
    "State",
    "Placed",
    "Filled",
    "Closed",
)


def page() -> None:
    """Draw the page; it refreshes itself, but not the button that saves a file."""
    _all()
    _export()


@st.fragment(run_every=REFRESH_SECONDS)
def _all() -> None:
    seen = picture()
    orders = seen.desk.orders
    if not orders:
        st.info(
            "No order yet. When price reaches a confirmed zone and every check agrees, the desk asks for a trade; "
            "its order, legs and result appear here."
        )
        return
    today = seen.market.now.astimezone(IST).date()
    day = of_day(orders, today, seen.market.prices)
    note = "after costs" if day.final else "so far, after the costs of what was traded"
    missing = "" if day.priced else ", without positions that have no price"
    st.markdown(
        f"**Result of the day {change(day.value)}** rupees {note}{missing}, as of {clock_time(seen.market.now)}"
    )
    held = [order for order in orders if order.held]
    closed = [order for order in orders if order.bought and not order.held]
    if held:
        st.html(_results("Open", held, seen))
    if closed:
        st.html(_results("Closed", closed[::-1], seen))
        _curve(closed, seen)
    st.html(table("Orders", _HEADERS, [_order(order) for order in orders[::-1]]))


def _results(caption: str, orders: Sequence[Order], seen: Picture) -> str:
    headers = ("Contract", number("Units"), number("Average"), number("LTP"), number("Result"), "Stop to target", "How")
    return table(caption, headers, [_result(order, seen) for order in orders])


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
        number(rupees(price) if price is not None else "—"),
        number(shown if profit.final else f"{shown} so far", sign=profit.value if profit.priced else 0),
        Cell(levels, "", f"{bar}{levels}"),
        words_of(order),
    ]


def _order(order: Order) -> list[str | Cell]:
    moments = [short_time(at) if at else "—" for at in (order.placed_at, order.filled_at, order.closed_at)]
    prices = [number(rupees(price)) for price in (order.limit, order.stop, order.target)]
    return [order.setup_id[:12], order.contract, *prices, words_of(order), *moments]


def words_of(order: Order) -> str:
    """Return what became of an order in plain words, with the reason that the broker or the guardian gave."""
    said = _WORDS.get(order.state, order.state.replace("_", " "))
    return f"{said}: {order.why}" if order.why else said


def _curve(closed: Sequence[Order], seen: Picture) -> None:
    """Show the sum of results in the order of leaving, and how far it fell from its highest."""
    ended = sorted(closed, key=lambda order: order.closed_at or order.placed_at)
    sums = list(accumulate(of_order(order, seen.market.prices).value for order in ended))
    highest = list(accumulate([Decimal(0), *sums], max))[1:]
    fall = max((top - value for top, value in zip(highest, sums, strict=True)), default=Decimal(0))
    st.line_chart([float(value) for value in sums], height=160)
    st.caption(f"{len(sums)} closed trades, sum {inr(sums[-1])}, deepest fall from a high {inr(fall)}.")


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
    writer.writerow(
        ["setup", "contract", "state", "bought", "held", "spent", "earned", "charges", "result", "final", "why"]
    )
    for order in seen.desk.orders:
        profit: Profit = of_order(order, seen.market.prices)
        why = f"'{order.why}" if order.why[:1] in {"=", "+", "-", "@", "\t"} else order.why
        numbers = [order.bought, order.held, order.spent, order.earned, profit.charges, profit.value, profit.final]
        writer.writerow([order.setup_id, order.contract, order.state, *numbers, why])
    return out.getvalue()
