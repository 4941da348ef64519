"""The same seed, market and script give the same bytes: answers with their order ids, and frames of the feed."""

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from exchange.accounts import Account
from exchange.clock import MarketClock, Millis, at_ist
from exchange.faults import FaultBox, Script
from exchange.hub import Hub
from exchange.server import ClockPlan, ServerConfig, assemble
from exchange.simulated import simulated_market

CLIENT = "1000000001"
START = at_ist(date(2026, 11, 19), 11, 0)
FUTURE = 53_230


class Played:
    """An exchange on a clock that the script moves; everything that comes out is kept."""

    def __init__(self, seed: int) -> None:
        self.real: Millis = START
        config = ServerConfig("control", (Account(CLIENT),), seed=seed, clock=ClockPlan("at", at=START))
        market = simulated_market(7, date(2026, 11, 18))
        self.exchange = assemble(config, market, MarketClock(lambda: self.real))
        self.core = self.exchange.core
        account = self.core.accounts.find(CLIENT)
        assert account is not None
        self.token = account.token
        self.hub = Hub(self.core)
        self.channel = self.hub.connect(CLIENT, self.token, self.core.settle())
        self.out: list[bytes] = []

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:  # Any: JSON
        self.out.append(asyncio.run(self._ask(method, path, json.dumps(body).encode() if body else b"")))

    def wait(self, millis: Millis) -> None:
        self.real += millis
        self.hub.advance(self.core.settle())
        self.out += self.channel.take(self.core.now)

    async def _ask(self, method: str, path: str, body: bytes) -> bytes:
        scope = {
            "type": "http",
            "method": method,
            "path": f"/v2{path}",
            "raw_path": f"/v2{path}".encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"access-token", self.token.encode()), (b"client-id", CLIENT.encode())],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 80),
            "scheme": "http",
            "http_version": "1.1",
        }
        sent: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(repr((message.get("status"), message.get("headers"), message.get("body"))).encode())

        await self.exchange.public(scope, receive, send)
        return b"".join(sent)


def order(side: str, price: float, tag: str) -> dict[str, Any]:
    return {
        "transactionType": side,
        "exchangeSegment": "NSE_FNO",
        "productType": "INTRADAY",
        "orderType": "LIMIT",
        "validity": "DAY",
        "securityId": str(FUTURE),
        "quantity": 65,
        "price": price,
        "correlationId": tag,
    }


def played(seed: int) -> list[bytes]:
    """Return everything that came out of a script with faults drawn by chance."""
    stage = Played(seed)
    box = stage.core.faults
    assert isinstance(box, FaultBox)
    box.add(Script("server_error", where="GET /v2/orders", probability=0.3, times=None))
    box.add(Script("partial_fill", probability=0.5, times=None))
    box.add(Script("feed_unknown", probability=0.1, times=None))
    rows = [{"ExchangeSegment": "NSE_FNO", "SecurityId": str(FUTURE)}, {"ExchangeSegment": "IDX_I", "SecurityId": "13"}]
    stage.hub.request(stage.channel, json.dumps({"RequestCode": 21, "InstrumentList": rows}), stage.core.settle())
    for number in range(8):
        stage.ask("POST", "/orders", order("BUY" if number % 2 else "SELL", 24_400.0 + number * 5, f"n-{number}"))
        stage.ask(
            "POST",
            "/super/orders",
            order("BUY", 24_600.0, f"s-{number}")
            | {"targetPrice": 24_700.0, "stopLossPrice": 24_000.0, "trailingJump": 5.0},
        )
        stage.wait(700)
        for path in ("/orders", "/super/orders", "/trades", "/positions", "/fundlimit"):
            stage.ask("GET", path)
        stage.wait(1_000)
    return stage.out


def test_the_same_script_gives_the_same_bytes() -> None:
    first, second = played(3), played(3)
    assert first == second
    text = b"".join(first)
    assert b"TRADED" in text
    assert b"DH-908" in text
    assert b"orderId" in text


def test_another_seed_gives_other_order_ids() -> None:
    assert played(3) != played(4)
