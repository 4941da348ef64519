"""Closed positions, orders, their legs and refused requests as tables: what became of each, when, and why."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from agents.domain.values import IST
from ui.format import age, day_time, rupees, short_time
from ui.held import gained, leads, share_of_cost
from ui.links import link, why_address
from ui.markup import Cell, number, table
from ui.profit import of_order
from ui.trading import LegView, Order, Refusal
from ui.words import order_in_words, state_in_words

NOTHING = "—"
ZERO = Decimal(0)
_CLOSED = (
    "Contract", number("Units"), number("Bought at"), number("Sold at"), number("Charges"), number("P&L"), number("%"),
    "How", "Bought", "Sold", "Held for", "Leads to",
)  # fmt: skip
_ORDERS = ("Contract", number("Limit"), number("Stop"), number("Target"), "Status", "What became of it")
_TIMES = ("Asked", "Sent", "Acknowledged", "Filled", "Closed", "Leads to")
_LEGS = ("Contract", "Leg", "State", number("Units"), number("Filled"), number("Price"), "At the broker", "Filled at")
_LEFT = {"target": "at its target", "stop": "at its stop", "exit": "by the guardian's own sale"}
_CHIPS = {
    "rejected": ("■ refused", "zd-down"),
    "cancelled": ("○ taken back", "zd-quiet"),
    "abandoned": ("○ given up", "zd-quiet"),
    "unknown": ("▲ unknown", "zd-warn"),
    "leg_lost": ("▲ without stop", "zd-warn"),
    "stop_triggered_unfilled": ("▲ stop set off", "zd-warn"),
    "flattening": ("▲ being sold", "zd-warn"),
    "closed": ("● closed", "zd-quiet"),
}


def closed_table(closed: Sequence[Order], caption: str) -> str:
    """Return positions that were left, with their sum below."""
    rows = [_closed(order) for order in closed]
    if len(closed) > 1:
        rows.append(_together(closed))
    return table(caption, _CLOSED, rows)


def orders_table(orders: Sequence[Order]) -> str:
    """Return orders with the times of their steps."""
    return table("Orders", (*_ORDERS, *_TIMES), [_order(order) for order in orders])


def legs_table(orders: Sequence[Order]) -> str:
    """Return the legs of orders as the broker lists them."""
    return table("Legs at the broker", _LEGS, [_leg(order, leg) for order in orders for leg in order.legs])


def refusals_table(refusals: Sequence[Refusal]) -> str:
    """Return requests that became no order, with every rule that forbade them."""
    rows = [_refusal(one) for one in refusals]
    return table("Requests that became no order", ("When", "Contract", "Which rule forbade it", "Leads to"), rows)


def how(order: Order) -> str:
    """Return how an order ended, or stands, in plain words: of a closed one, which of its legs sold it."""
    if not order.bought or order.held:
        return order_in_words(order)
    sold = [leg for leg in order.legs if leg.filled and leg.name in _LEFT]
    ways = list(dict.fromkeys(_LEFT[leg.name] for leg in sold))
    if not ways:
        return order_in_words(order)
    return f"left {' and '.join(ways)}"


def status(order: Order) -> tuple[str, str]:
    """Return where an order stands in two words, and a class of the palette."""
    if order.state in _CHIPS:
        return _CHIPS[order.state]
    if order.held:
        return "● held", "zd-up"
    return ("● closed", "zd-quiet") if order.bought else ("○ waits", "zd-quiet")


def _closed(order: Order) -> list[str | Cell]:
    profit = of_order(order, {})
    known = profit.value if profit.priced else ZERO
    sold = order.bought - order.held
    since = order.filled_at or order.placed_at
    shown = gained(profit.value) if profit.priced else "price not told"
    return [
        order.contract,
        number(str(order.bought)),
        number(rupees(order.spent / order.bought)),
        number(rupees(order.earned / sold) if profit.priced and sold else NOTHING),
        number(rupees(profit.charges)),
        number(shown if profit.final or not profit.priced else f"{shown} so far", sign=known),
        number(share_of_cost(profit.value, order.spent) if profit.priced else NOTHING, sign=known),
        Cell(how(order), "words"),
        _moment(since, order),
        _moment(order.ended_at, order),
        age(order.ended_at - since),
        leads(order),
    ]


def _together(closed: Sequence[Order]) -> list[str | Cell]:
    each = [(order, of_order(order, {})) for order in closed]
    value = sum((profit.value for _, profit in each if profit.priced), ZERO)
    charges = sum((profit.charges for _, profit in each if profit.priced), ZERO)
    spent = sum((order.spent for order in closed), ZERO)
    won = sum(1 for _, profit in each if profit.priced and profit.value > 0)
    units = number(str(sum(order.bought for order in closed)))
    numbers = (units, number(""), number(""), number(rupees(charges)), number(gained(value), sign=value))
    share = number(share_of_cost(value, spent), sign=value)
    return ["Together", *numbers, share, f"{won} of {len(closed)} won", "", "", "", ""]


def _order(order: Order) -> list[str | Cell]:
    moments = (order.asked_at, order.sent_at, order.acked_at, order.filled_at, order.closed_at)
    prices = [number(rupees(price)) for price in (order.limit, order.stop, order.target)]
    told = (Cell(*status(order)), Cell(how(order), "words"))
    return [order.contract, *prices, *told, *(_moment(at, order) for at in moments), leads(order)]


def _leg(order: Order, leg: LegView) -> list[str | Cell]:
    counts = number(str(leg.quantity)), number(str(leg.filled))
    moments = _moment(leg.listed_at, order), _moment(leg.filled_at, order)
    return [order.contract, leg.name, state_in_words(leg.state), *counts, number(rupees(leg.price)), *moments]


def _refusal(one: Refusal) -> list[str | Cell]:
    why = link("why", why_address(one.setup_id), f"why the request of {short_time(one.at)} became no order")
    return [short_time(one.at), one.contract or NOTHING, Cell("; ".join(one.reasons), "words"), why]


def _moment(at: datetime | None, order: Order) -> str:
    """Return a time, with its date where that is not the order's own."""
    if at is None:
        return NOTHING
    same = at.astimezone(IST).date() == order.placed_at.astimezone(IST).date()
    return day_time(at) if same else f"{at.astimezone(IST):%d %b} {day_time(at)}"
