"""Whatever clients did, an exchange that is killed comes back with exactly the book that it had told of."""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.bookshown import book_shown
from exchange.clock import MarketClock
from exchange.envelopes import ApiError
from exchange.safeguards import PnlExit
from exchange.server import ClockPlan, ServerConfig, assemble
from exchange.state import StateFile
from exchange.staterestore import last_clock
from tests.exchange.bookkeeping import adds_up, follows
from tests.exchange.kept import Kept
from tests.exchange.shelves import CALL, CLIENT, LOT, PUT, book

IP = "127.0.0.1"


class Player:
    """Does what chance says, as a client would; what the exchange refuses is refused."""

    def __init__(self, kept: Kept, seed: int) -> None:
        self.kept = kept
        self.chance = random.Random(seed)
        self.acknowledged: list[str] = []
        self.acts = [
            *[self.place] * 5,
            *[self.bracket] * 4,
            *[self.wait] * 8,
            *[self.move_market] * 5,
            *[self.modify] * 3,
            *[self.cancel] * 2,
            self.cancel_leg,
            self.exit_all,
            self.watch_profit,
            self.turn_kill_switch,
            self.new_token,
            self.next_day,
        ]
        self.days = 3

    def act(self) -> None:
        """Do one thing, and end the step as the server does."""
        try:
            self.chance.choice(self.acts)()
        except ApiError:
            pass
        finally:
            self.kept.core.journal.commit()

    def place(self) -> None:
        kind = self.chance.choice(["LIMIT", "LIMIT", "MARKET", "STOP_LOSS"])
        side, price = self.chance.choice(["BUY", "SELL"]), self._price()
        trigger = 0.0 if kind != "STOP_LOSS" else price + (-5.0 if side == "BUY" else 5.0)
        order = self.kept.core.counter.place(
            self.kept.account,
            self._body(side=side, kind=kind, price=0.0 if kind == "MARKET" else price, trigger=trigger),
            IP,
        )
        self.acknowledged.append(order.order_id)

    def bracket(self) -> None:
        price = self._price()
        body = self._body(side="BUY", kind="LIMIT", price=price, trigger=0.0) | {
            "targetPrice": price + self.chance.choice([2, 10, 30]),
            "stopLossPrice": price - self.chance.choice([2, 10, 30]),
            "trailingJump": self.chance.choice([0.0, 0.0, 1.0]),
        }
        self.acknowledged.append(self.kept.core.super_counter.place(self.kept.account, body, IP).order_id)

    def wait(self) -> None:
        self.kept.wait(self.chance.choice([1, 50, 130, 260, 1_000, 60_000]))

    def move_market(self) -> None:
        bid = 13_300 + self.chance.randint(-200, 200) * 5
        self.kept.shelf.books[self.chance.choice([CALL, PUT])] = book(bid, bid + 50, size=LOT)
        self.wait()

    def modify(self) -> None:
        order = self._any()
        body = {"orderType": order.kind, "quantity": LOT * self.chance.randint(1, 3), "price": self._price()}
        self.kept.core.counter.modify(self.kept.account, order.order_id, body, IP)

    def cancel(self) -> None:
        self.kept.core.counter.cancel(self.kept.account, self._any().order_id, IP)

    def cancel_leg(self) -> None:
        leg = self.chance.choice(["ENTRY_LEG", "TARGET_LEG", "STOP_LOSS_LEG"])
        self.kept.core.super_counter.cancel(self.kept.account, self._any().order_id, leg, IP)

    def exit_all(self) -> None:
        self.kept.core.safeguards.exit_all(CLIENT)

    def watch_profit(self) -> None:
        terms = PnlExit(self.chance.choice([1_000, 10**7]), 10**7, ("INTRADAY",), ("INTRADAY",), kill=False)
        self.kept.core.safeguards.set_pnl_exit(CLIENT, terms)

    def turn_kill_switch(self) -> None:
        self.kept.core.safeguards.kill(CLIENT, on=self.chance.random() < 0.3)

    def new_token(self) -> None:
        self.kept.core.accounts.issue(CLIENT, self.kept.real)

    def next_day(self) -> None:
        if self.days:
            self.days -= 1
            self.kept.until(9, 20, days=1)

    def _any(self) -> Any:
        orders = self.kept.core.orders.of(CLIENT)
        if not orders:
            self.place()
            orders = self.kept.core.orders.of(CLIENT)
        return self.chance.choice(orders)

    def _price(self) -> float:
        return self.chance.randint(2_400, 2_900) * 5 / 100

    def _body(self, *, side: str, kind: str, price: float, trigger: float) -> dict[str, Any]:
        return {
            "transactionType": side,
            "exchangeSegment": "NSE_FNO",
            "productType": self.chance.choice(["INTRADAY", "MARGIN"]),
            "orderType": kind,
            "validity": self.chance.choice(["DAY", "DAY", "DAY", "IOC"]),
            "securityId": str(self.chance.choice([CALL, PUT])),
            "quantity": LOT * self.chance.randint(1, 4),
            "price": price,
            "triggerPrice": trigger,
            "correlationId": f"c{self.chance.randint(0, 10**9)}",
        }


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_a_killed_exchange_comes_back_with_the_book_it_had_told_of(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kept = Kept(tmp_path_factory.mktemp("kept"))
    player = Player(kept, seed)
    for _ in range(6):
        for _ in range(player.chance.randint(1, 25)):
            player.act()
        told, token = kept.book, kept.account.token
        adds_up(told)
        kept.kill()
        assert kept.book == told
        assert kept.account.token == token
        kept.kill(down=player.chance.choice([1, 500, 60_000, 86_400_000]))
        adds_up(kept.book)
        follows(kept.book, told)
    assert len(set(player.acknowledged)) == len(player.acknowledged)
    kept.exchange.close()


@pytest.mark.parametrize("seed", range(4))
def test_a_torn_write_leaves_the_book_of_an_earlier_step(seed: int, tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    player = Player(kept, seed)
    player.days = 0
    told = [kept.book]
    for _ in range(60):
        player.act()
        told.append(kept.book)
    log = Path(f"{kept.path}-wal").read_bytes()
    found = set()
    for number, cut in enumerate(player.chance.sample(range(len(log)), 12)):
        torn = tmp_path / f"torn-{number}.sqlite"
        shutil.copy(kept.path, torn)
        Path(f"{torn}-wal").write_bytes(log[:cut])
        book_of = restored(torn, kept)
        assert book_of is None or book_of in told
        found.add(None if book_of is None else told.index(book_of))
    assert len(found) > 3


def restored(path: Path, kept: Kept) -> Any:
    """Return the book in a file as of its last step, or None for a file whose first step was torn."""
    file = StateFile(path)
    last = last_clock(file, 7)
    file.close()
    if last is None:
        return None
    config = ServerConfig("c", seed=7, clock=ClockPlan("at", at=last.settled, speed=0.0), state_path=path)
    exchange = assemble(config, kept.shelf, MarketClock(lambda: kept.real))
    found = book_shown(exchange.core)
    exchange.close()
    return found
