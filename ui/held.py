"""Open positions as a table: what they cost, are worth and have won, and where price stands from stop to target."""

from collections.abc import Sequence
from decimal import Decimal

from ui.format import MINUS, age, inr, rupees, short_time
from ui.links import link, replay_address, why_address
from ui.markup import Cell, between, number, table
from ui.profit import of_order
from ui.snapshot import Picture
from ui.trading import Order
from ui.words import order_in_words

NOTHING = "—"
_HEADERS = (
    "Contract", number("Units"), number("Average"), number("LTP"), number("Charges"), number("P&L"), number("%"),
    "Stop to target", "State", "Held since", "Verdict", "Leads to",
)  # fmt: skip


def held_table(held: Sequence[Order], seen: Picture) -> str:
    """Return the positions of a picture as a table, with their sum below."""
    rows = [_position(order, seen) for order in held]
    if len(held) > 1:
        rows.append(_together(held, seen))
    return table("Open positions", _HEADERS, rows)


def share_of_cost(value: Decimal, spent: Decimal) -> str:
    """Return what was won as a share of the premium that was paid."""
    if not spent:
        return NOTHING
    share = value / spent
    return f"{'+' if share > 0 else MINUS if share < 0 else ''}{abs(share):.1%}"


def gained(value: Decimal) -> str:
    """Return money won or lost with a mark, a sign and the rupee sign: ▲ +₹12.50."""
    mark = "▲ +" if value > 0 else "▼ " if value < 0 else "● "
    return f"{mark}{inr(value)}"


def leads(order: Order) -> Cell:
    """Return a cell that leads to the reasons of an order and to the chart as it was when it was placed."""
    why = link("why", why_address(order.setup_id), f"why {order.contract} was traded")
    chart = link("chart", replay_address(order.filled_at or order.placed_at), f"the chart when {order.contract} was")
    return Cell("why, chart", "", f"{why.markup} {chart.markup}")


def verdict_on(order: Order, seen: Picture) -> str:
    """Return the judge's word on an order's setup, where the cycle that asked for it is still shown."""
    record = next((one.record for one in seen.market.cycles if _setup_of(one.record) == order.setup_id), None)
    said = (record or {}).get("verdict") or {}
    return f"{said['verdict']} {float(said['probability']):.2f}" if said else NOTHING


def _setup_of(record: dict[str, object]) -> str:
    setup = record.get("setup")
    return str(setup.get("setup_id", "")) if isinstance(setup, dict) else ""


def _position(order: Order, seen: Picture) -> list[str | Cell]:
    price = seen.market.prices.get(order.contract)
    profit = of_order(order, seen.market.prices)
    known = profit.value if profit.priced else Decimal(0)
    levels = f"{rupees(order.stop)} → {rupees(order.target)}"
    since = order.filled_at or order.placed_at
    return [
        order.contract,
        number(str(order.held)),
        number(rupees(order.spent / order.bought)),
        number(rupees(price) if price is not None else "no price"),
        number(rupees(profit.charges)),
        number(gained(profit.value) if profit.priced else "no price", sign=known),
        number(share_of_cost(profit.value, order.spent) if profit.priced else NOTHING, sign=known),
        Cell(levels, "", f"{between(order.stop, order.target, price)}{levels}"),
        Cell(order_in_words(order), "words"),
        f"{short_time(since)}, {age(seen.market.now - since)}",
        verdict_on(order, seen),
        leads(order),
    ]


def _together(held: Sequence[Order], seen: Picture) -> list[str | Cell]:
    each = [of_order(order, seen.market.prices) for order in held]
    value = sum((profit.value for profit in each if profit.priced), Decimal(0))
    charges = sum((profit.charges for profit in each if profit.priced), Decimal(0))
    spent = sum((order.spent for order in held), Decimal(0))
    note = "" if all(profit.priced for profit in each) else "without those that have no price"
    units = number(str(sum(order.held for order in held)))
    numbers = (units, number(""), number(""), number(rupees(charges)), number(gained(value), sign=value))
    return ["Together", *numbers, number(share_of_cost(value, spent), sign=value), note, "", "", "", ""]
