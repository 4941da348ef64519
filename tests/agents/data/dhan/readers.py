"""A reader on a server that answers what a test tells it to; nobody waits."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from agents.data.dhan.attempts import CallCounts
from agents.data.dhan.http import Wire
from agents.data.dhan.limiter import Limiter
from agents.data.dhan.master import Listing
from agents.data.dhan.reader import Reader
from agents.domain.values import OptionType

NIFTY = Listing("IDX_I", 13, "index", "NIFTY", "NIFTY", 1, Decimal("0.05"))


class Waits:
    """A wall clock that moves when someone sleeps, and remembers for how long."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0
        self.slept: list[float] = []

    def wall(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds


def reader_on(wire: Wire, folder: Path, waits: Waits | None = None, **options: Any) -> Reader:
    waits = waits or Waits()
    limiter = Limiter(folder / "limits.sqlite", wire.client_id, wall=waits.wall, sleep=waits.sleep)
    options.setdefault("observe", CallCounts())
    return Reader(wire, limiter, sleep=waits.sleep, jitter=lambda: 0.0, **options)


def option_listing(strike: Decimal, right: OptionType, expiry_on: date, security_id: int) -> Listing:
    symbol = f"NIFTY-{expiry_on:%b%Y}-{strike}-{right.value}"
    return Listing("NSE_FNO", security_id, "option", "NIFTY", symbol, 65, Decimal("0.05"), expiry_on, strike, right)
