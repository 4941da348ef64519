"""How numbers and times are written for people in India."""

from datetime import datetime, timedelta
from decimal import Decimal

from agents.domain.values import IST

MINUS = "\u2212"
_GROUP = 3
_HUNDREDS = 1000


def rupees(amount: Decimal | float) -> str:
    """Return an amount with lakh and crore grouping: 24,31,450.50."""
    whole, _, paise = f"{abs(amount):.2f}".partition(".")
    head, tail = whole[:-_GROUP], whole[-_GROUP:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return f"{MINUS if amount < 0 else ''}{','.join([*pairs, tail])}.{paise}"


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
