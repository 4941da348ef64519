"""An exchange on a shelf whose book is in a file; a test kills it and goes on with what the file holds."""

import shutil
from pathlib import Path
from typing import Any

from exchange.accounts import Account
from exchange.bookshown import book_shown
from exchange.clock import MarketClock, Millis, at_ist, ist
from exchange.rules import Rules
from exchange.server import ClockPlan, Exchange, ServerConfig, assemble
from tests.exchange.shelves import CLIENT, NINE_THIRTY, Shelf, order_body, super_body

# Resting orders meet the book once in two seconds here: days of a test pass faster, and nothing else is different.
RULES = Rules(match_every=2_000)


class Kept:
    """An exchange with one client. `kill` leaves it as it is and starts another on a copy of its files."""

    def __init__(self, folder: Path, at: Millis = NINE_THIRTY) -> None:
        self.folder = folder
        self.shelf = Shelf()
        self.lives = 0
        self.real = at
        self.at = at
        self.exchange = self._start(folder / "life-0.sqlite")

    @property
    def path(self) -> Path:
        return self.folder / f"life-{self.lives}.sqlite"

    @property
    def core(self) -> Any:
        return self.exchange.core

    @property
    def account(self) -> Account:
        return self.exchange.core.accounts.all()[0]

    @property
    def book(self) -> Any:
        return book_shown(self.exchange.core)

    def kill(self, down: Millis = 0) -> None:
        """Take the files as they are this instant, and start on them after a while; nothing is closed before."""
        before, self.lives = self.path, self.lives + 1
        for suffix in ("", "-wal"):
            if Path(f"{before}{suffix}").exists():
                shutil.copy(f"{before}{suffix}", f"{self.path}{suffix}")
        self.exchange.close()
        self.at += down
        self.exchange = self._start(self.path)

    def wait(self, millis: Millis = 1000) -> None:
        self.at += millis
        self.exchange.core.clock.set(self.at, speed=0.0)
        self.exchange.core.settle()

    def until(self, hour: int, minute: int, days: int = 0) -> None:
        self.wait(self.moment(hour, minute, days) - self.at)

    def moment(self, hour: int, minute: int, days: int = 0) -> Millis:
        return at_ist(ist(self.at).date(), hour, minute) + days * 86_400_000

    def place(self, **change: Any) -> Any:
        order = self.core.counter.place(self.account, order_body(**change), "127.0.0.1")
        self.core.journal.commit()
        return order

    def bracket(self, **change: Any) -> Any:
        entry = self.core.super_counter.place(self.account, super_body(**change), "127.0.0.1")
        self.core.journal.commit()
        return self.core.supers.find(entry.order_id, CLIENT)

    def order(self, order_id: str) -> Any:
        return self.core.orders.find(order_id, CLIENT)

    def _start(self, path: Path) -> Exchange:
        config = ServerConfig(
            "control",
            (Account(CLIENT),),
            seed=7,
            clock=ClockPlan("at", at=self.at, speed=0.0),
            state_path=path,
            rules=RULES,
        )
        return assemble(config, self.shelf, MarketClock(lambda: self.real))
