"""How numbers and times are written for people in India."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

from agents.domain.values import IST, grouped

MINUS = "\u2212"
# What a unit is, how many digits follow its point, and from how many of it on it is used.
_UNITS = ((1e7, "Cr", 2, 1.0), (1e5, "L", 2, 1.0), (1e3, "K", 1, 10.0))


def rupees(amount: Decimal | float) -> str:
    """Return an amount with lakh and crore grouping: 24,31,450.50."""
    return grouped(amount).replace("-", MINUS)


def clock_time(moment: datetime) -> str:
    """Return a moment as "23 Nov 2026 10:45:12 IST"."""
    return f"{moment.astimezone(IST):%d %b %Y %H:%M:%S} IST"


def short_time(moment: datetime) -> str:
    """Return a moment as "23 Nov 10:45"."""
    return f"{moment.astimezone(IST):%d %b %H:%M}"


def age(passed: timedelta) -> str:
    """Return how long ago something was: "8 s", "3 min", "2 h", "4 d"."""
    seconds = max(0, int(passed.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def inr(amount: Decimal | float) -> str:
    """Return an amount of money: ₹24,31,450.50, with a minus sign before the rupee sign."""
    return f"{MINUS if _sign(amount) < 0 else ''}₹{rupees(-amount if amount < 0 else amount)}"


def lakh(number: float) -> str:
    """Return a large number shortly: 950, 12.5 K, 4.20 L, 1.35 Cr."""
    size = abs(number)
    sign = MINUS if number < 0 and round(size) else ""
    for unit, name, digits, least in _UNITS:
        if round(size / unit, digits) >= least:
            return f"{sign}{size / unit:.{digits}f} {name}"
    return f"{sign}{size:.0f}"


def change(amount: Decimal | float) -> str:
    """Return a change with a mark and a sign, so that it can be read without its colour: ▲ +12.50."""
    sign = _sign(amount)
    if not sign:
        return "● 0.00"
    return f"{'▲ +' if sign > 0 else '▼ '}{rupees(amount)}"


def day_time(moment: datetime) -> str:
    """Return a moment as "10:45:12"."""
    return f"{moment.astimezone(IST):%H:%M:%S}"


def plain(text: str) -> str:
    """Return a text so that Markdown shows it as it is: no link, image or mark can come out of it."""
    said = _ADDRESS.sub(lambda found: f"{found[1]}\u2060{found[2]}", printable(text.replace("\n", " ")))
    return "".join(f"\\{letter}" if letter in _MARKS else letter for letter in said)


def printable(text: str) -> str:
    """Return a text with a mark in place of each character that shows nothing but changes how others are shown.

    Those are controls of terminals, and those that turn the direction of what follows: 12.50 would read 05.21.
    """
    return text.translate(_UNSEEN)


def _sign(amount: Decimal | float) -> int:
    """Return the sign of an amount as it is written: less than half a paisa has none."""
    if not float(f"{amount:.2f}"):
        return 0
    return -1 if amount < 0 else 1


# What is shown as a link or a picture however it is marked; a joiner that is not seen keeps it from being one.
_ADDRESS = re.compile(r"(https?:|\bwww|[\w+-]|:)(//|(?<=www)\.|@|(?<=:)(?:material/|streamlit:))", re.IGNORECASE)
_KEPT = frozenset(map(ord, "\t\n"))
_TURNS = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_UNSEEN = dict.fromkeys((*{*range(0x20), *range(0x7F, 0xA0)} - _KEPT, *_TURNS), "\ufffd")
_MARKS = frozenset("\\`*_{}[]()#+!|<>~:$&=@")
