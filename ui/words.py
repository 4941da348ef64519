"""States, refusals and other codes of the machinery in plain words."""

import re
from decimal import Decimal

from ui.format import inr
from ui.trading import Order

_ORDERS = {
    "intent": "about to be sent",
    "sent": "sent, no answer yet",
    "acked": "the broker has taken it",
    "rejected": "the broker refused it",
    "cancelled": "taken back before it was filled",
    "abandoned": "no answer came; it was given up",
    "unknown": "no answer came yet; entries wait",
    "entry_pending": "waits for its price",
    "part_filled": "bought in part",
    "filled": "bought, its stop and target are on the way",
    "protected": "held, with stop and target at the broker",
    "stop_done": "left at its stop",
    "target_done": "left at its target",
    "stop_triggered_unfilled": "its stop was set off and waits for a buyer",
    "leg_lost": "its stop and target are gone; the guardian sells it",
    "flattening": "is being sold",
    "flattened": "sold before stop or target",
    "closed": "closed",
}
_LEGS = {
    "transit": "on its way",
    "pending": "waits",
    "part_traded": "filled in part",
    "traded": "filled",
    "rejected": "refused",
    "cancelled": "taken back",
    "expired": "run out",
    "closed": "over",
    "triggered": "set off",
    "intent": "about to be sent",
    "unknown": "not known yet",
    "working": "waits",
    "done": "over",
    "abandoned": "given up",
}
_SAYS_NOTHING = frozenset({"", "seen in the trade book"})  # how it was noticed, not what became of it
_SUM = re.compile(r"\bgross (-?\d+\.\d\d)\b")  # as the guardian notes down what an order brought
_REFUSALS = (
    ("margin", "the account has too little money for it"),
    ("insufficient", "the account has too little money for it"),
    ("circuit", "its price lies outside the day's price band"),
    ("price band", "its price lies outside the day's price band"),
    ("freeze", "it is larger than one order may be"),
    ("rate limit", "too many orders were sent in a short time"),
    ("too many", "too many orders were sent in a short time"),
    ("tick", "its price is not on a price step"),
    ("lot", "its quantity is not a whole number of lots"),
    ("market is closed", "the market was closed"),
    ("token", "the access to the broker has run out"),
    ("ip", "this machine's address is not on the broker's list"),
)


def order_in_words(order: Order) -> str:
    """Return what became of an order in plain words, with the reason that the broker or the guardian gave."""
    said = _ORDERS.get(order.state, order.state.replace("_", " "))
    if order.state == "rejected":
        said = f"{said}{_because(order.why)}"
    return f"{said}: {sums_in_rupees(order.why)}" if order.why not in _SAYS_NOTHING else said


def sums_in_rupees(text: str) -> str:
    """Return what was written down of an order with its sum as people in India write money."""
    return _SUM.sub(lambda found: f"{inr(Decimal(found[1]))} before charges", text)


def state_in_words(state: str) -> str:
    """Return the state of a leg in plain words."""
    return _LEGS.get(state, state.replace("_", " "))


def _because(why: str) -> str:
    """Return what a broker's message comes to, "" where it is none that is known."""
    words = f" {why.lower()} "
    found = next((text for mark, text in _REFUSALS if f" {mark} " in words or (len(mark) > 3 and mark in words)), "")  # noqa: PLR2004 - short marks are words
    return f", because {found}" if found else ""
