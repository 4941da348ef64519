"""An exchange killed with SIGKILL under orders, again and again: what it had told of is in its book when it is back."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from exchange.clock import at_ist
from exchange.simulated import simulated_market
from tests.exchange.bookkeeping import adds_up, follows

ROOT = Path(__file__).resolve().parents[2]
ON, CLIENT, SECRET = date(2026, 11, 19), "1000000001", "control-token-of-the-tests"
LIVES = 5
PROGRAM = """
import json, sys
from datetime import date
from pathlib import Path
from exchange.server import ClockPlan, ServerConfig, run
from exchange.simulated import simulated_market

config = ServerConfig(
    control_token=sys.argv[1], seed=7, port=0, control_port=0, clock=ClockPlan("open", date(2026, 11, 19)),
    state_path=Path(sys.argv[2]),
)
run(config, simulated_market(7, date(2026, 11, 16)),
    on_ready=lambda ports: print(json.dumps([ports.public, ports.control]), flush=True))
"""


class Life:
    """One process of the exchange on the file of the book."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", PROGRAM, SECRET, str(path)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
        assert self.process.stdout is not None
        self.port, self.control_port = json.loads(self.process.stdout.readline())

    def control(self, method: str, path: str, body: Any = None) -> Any:  # Any: JSON
        url, headers = f"http://127.0.0.1:{self.control_port}{path}", {"Authorization": f"Bearer {SECRET}"}
        reply = requests.request(method, url, json=body, headers=headers, timeout=10)
        assert reply.ok, reply.text
        return reply.json()

    def kill(self) -> None:
        """Kill it; nothing in it hears of that."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Trader:
    """Sends orders until nobody answers, and remembers what it was told: ids by the API, fills by the socket."""

    def __init__(self, token: str, seed: int) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self.filled: dict[str, int] = {}
        self._headers = {"access-token": token, "client-id": CLIENT}
        self._token = token
        self._chance = random.Random(seed)
        market, at = simulated_market(7, date(2026, 11, 16)), at_ist(ON, 9, 15, 2)
        spot = market.top_of_book(13, "IDX_I", at).ltp
        calls = [one for one in market.contracts(ON) if one.option_type == "CE"]
        self._option = min(calls, key=lambda one: (one.expiry_on or date.max, abs(one.strike * 100 - spot)))
        self._price = market.top_of_book(self._option.security_id, "NSE_FNO", at).ltp // 100

    def trade(self, life: Life) -> list[threading.Thread]:
        """Start to send and to listen."""
        threads = [
            threading.Thread(target=self._listen, args=(f"ws://127.0.0.1:{life.port}/order-update",)),
            threading.Thread(target=self._send, args=(f"http://127.0.0.1:{life.port}/v2",)),
        ]
        for thread in threads:
            thread.start()
        return threads

    def _listen(self, url: str) -> None:
        who = {"MsgCode": 42, "ClientId": CLIENT, "Token": self._token}
        with contextlib.suppress(ConnectionClosed), connect(url, proxy=None) as socket:
            socket.send(json.dumps({"LoginReq": who, "UserType": "SELF"}))
            for text in socket:
                told = json.loads(text)["Data"]
                number = str(told["orderNo"])
                self.filled[number] = max(self.filled.get(number, 0), int(told["tradedQty"]))

    def _send(self, url: str) -> None:
        with contextlib.suppress(requests.RequestException), requests.Session() as session:
            session.trust_env = False
            while True:
                path, body = self._order()
                reply = session.post(f"{url}{path}", json=body, headers=self._headers, timeout=10)
                if not reply.ok:
                    self.refused.append(reply.text)
                    return
                self.acknowledged.append(reply.json()["orderId"])
                time.sleep(self._chance.choice([0.0, 0.01, 0.03]))

    def _order(self) -> tuple[str, dict[str, Any]]:
        body = {
            "transactionType": self._chance.choice(["BUY", "SELL"]),
            "exchangeSegment": "NSE_FNO",
            "productType": "INTRADAY",
            "orderType": "LIMIT",
            "validity": "DAY",
            "securityId": str(self._option.security_id),
            "quantity": self._option.lot_size,
            "price": float(self._price + self._chance.randint(-3, 3)),
        }
        if self._chance.random() < 0.5:
            return "/orders", body
        price = self._price + 8
        exits = {"targetPrice": price + 1, "stopLossPrice": price - 9, "trailingJump": self._chance.choice([0, 1])}
        return "/super/orders", {**body, "transactionType": "BUY", "price": price, **exits}


@pytest.fixture
def lives() -> Iterator[list[Life]]:
    begun: list[Life] = []
    yield begun
    for life in begun:
        if life.process.poll() is None:
            life.kill()


@pytest.mark.process
def test_nothing_that_was_told_is_lost_by_a_kill_under_load(lives: list[Life], tmp_path: Path) -> None:
    path, chance = tmp_path / "book.sqlite", random.Random(11)
    lives.append(Life(path))
    token = str(lives[0].control("POST", f"/clients/{CLIENT}/token")["access_token"])
    told = lives[0].control("GET", "/book")
    trader = Trader(token, 5)
    for _ in range(LIVES):
        life = lives[-1]
        life.control("PUT", "/limits", {"enforced": False})
        threads = trader.trade(life)
        time.sleep(chance.uniform(0.3, 1.5))
        told = life.control("GET", "/book")
        time.sleep(chance.uniform(0.0, 0.2))
        life.kill()
        for thread in threads:
            thread.join(timeout=10)
        assert not trader.refused
        lives.append(Life(path))
        book = lives[-1].control("GET", "/book")
        adds_up(book)
        follows(book, told)
        orders = {order["order_id"]: order for order in book["clients"][CLIENT]["orders"]}
        assert set(trader.acknowledged) <= set(orders)
        assert all(orders[number]["filled"] >= quantity for number, quantity in trader.filled.items())
        waiting = book["settled"] - 1_000
        assert not [one for one in orders.values() if one["status"] == "TRANSIT" and one["created_at"] < waiting]
    assert len(trader.acknowledged) == len(set(trader.acknowledged)) > 5 * LIVES
    assert sum(trader.filled.values()) > 0
