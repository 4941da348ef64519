"""The official client's feed and order updates against a real process, and the feed's sockets when they misbehave."""

import asyncio
import json
import os
import queue
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import websockets
from dhanhq import MarketFeed
from websockets.asyncio.client import ClientConnection, connect

from exchange import packets

pytestmark = pytest.mark.process

CLIENT = "1000000001"
INDEX_TICKS = {
    "RequestCode": 15,
    "InstrumentCount": 1,
    "InstrumentList": [{"ExchangeSegment": "IDX_I", "SecurityId": "13"}],
}

# Only the official client, as its users write it; the only thing that is ours are the addresses.
SCRIPT = """
import json, sys, threading, time
import dhanhq

url, ws, client_id, token = sys.argv[1:]
context = dhanhq.DhanContext(client_id, token)
context.dhan_http.base_url = url
dhanhq.MarketFeed.market_feed_wss = ws + "/feed"
client = dhanhq.dhanhq(context)

alerts = []
updates = dhanhq.OrderUpdate(context)
updates.order_feed_wss = ws + "/order-update"
updates.on_update = lambda update: alerts.append(update["Data"])
threading.Thread(target=updates.connect_to_dhan_websocket_sync, daemon=True).start()

expiry = client.expiry_list(13, "IDX_I")["data"]["data"][0]
chain = client.option_chain(13, "IDX_I", expiry)["data"]["data"]
strike = min(chain["oc"], key=lambda one: abs(float(one) - chain["last_price"]))
call = chain["oc"][strike]["ce"]

ticks = []
instruments = [(dhanhq.MarketFeed.IDX, "13"), (dhanhq.MarketFeed.NSE_FNO, str(call["security_id"]))]
instruments = [(segment, number, dhanhq.MarketFeed.Full) for segment, number in instruments]
feed = dhanhq.MarketFeed(context, instruments, "v2", on_message=lambda _, tick: ticks.append(tick))
feed.start()
time.sleep(1)

price = round(call["top_ask_price"] * 1.2, 1)
placed = client.place_super_order(str(call["security_id"]), "NSE_FNO", "BUY", 65, "LIMIT", "INTRADAY",
                                  price, price * 3, 1.0, 0.0, tag="fresh")
time.sleep(4)
json.dump({"placed": placed, "alerts": alerts, "ticks": ticks}, open(sys.stdin.readline().strip(), "w"))
"""


class Socket:
    """A plain connection to the feed."""

    def __init__(self, venue: Any, *, token: str | None = None, client_id: str = CLIENT) -> None:
        self._url = f"{venue.feed_url}?version=2&token={token or venue.token()}&clientId={client_id}&authType=2"

    def open(self, **options: Any) -> connect:  # Any: options of websockets
        return connect(self._url, proxy=None, compression=None, **options)


async def frames(socket: ClientConnection, seconds: float) -> list[bytes]:
    """Return what comes within some seconds, or until the connection ends."""
    found: list[bytes] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                frame = await socket.recv()
                assert isinstance(frame, bytes)
                found.append(frame)
    except (TimeoutError, websockets.ConnectionClosed):
        return found


@pytest.fixture(autouse=True)
def no_faults_left(venue: Any) -> Iterator[None]:
    yield
    venue.control("DELETE", "/faults")


def test_a_fresh_script_trades_hears_and_sees_ticks(venue: Any, tmp_path: Any) -> None:
    out = tmp_path / "seen.json"
    subprocess.run(
        [sys.executable, "-c", SCRIPT, venue.url, f"ws://127.0.0.1:{venue.port}", CLIENT, venue.token()],
        input=f"{out}\n",
        text=True,
        check=True,
        timeout=60,
        capture_output=True,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        cwd=tmp_path,
    )
    seen = json.loads(out.read_text())
    assert seen["placed"]["status"] == "success"
    order_id = seen["placed"]["data"]["orderId"]
    entry = [alert for alert in seen["alerts"] if alert["orderNo"] == order_id]
    assert [alert["status"] for alert in entry][-1] == "Traded"
    assert entry[-1]["tradedQty"] == 65
    assert {alert["legNo"] for alert in seen["alerts"]} == {1, 2, 3}
    ticks = [tick for tick in seen["ticks"] if isinstance(tick, dict)]
    assert {tick["security_id"] for tick in ticks if tick["type"] == "Full Data"} > {13}
    assert len(ticks) > 8
    assert "Previous Close" in {tick["type"] for tick in ticks}


def test_the_client_s_thread_subscribes_and_unsubscribes(venue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MarketFeed, "market_feed_wss", venue.feed_url)
    seen: queue.Queue[Any] = queue.Queue()
    feed = MarketFeed(venue.context(), [(MarketFeed.IDX, "13", MarketFeed.Ticker)], "v2")
    feed.on_message = lambda _, tick: seen.put(tick)
    feed.start()
    assert {seen.get(timeout=5)["type"] for _ in range(2)} == {"Previous Close", "Ticker Data"}
    feed.subscribe_symbols([(MarketFeed.NSE_FNO, "53230", MarketFeed.Quote)])
    wanted = {"Quote Data", "OI Data"}
    while wanted:
        wanted.discard(seen.get(timeout=5)["type"])
    feed.unsubscribe_symbols([(MarketFeed.IDX, "13", MarketFeed.Ticker)])
    time.sleep(0.5)
    while not seen.empty():
        seen.get()
    time.sleep(1.5)
    assert {seen.get()["security_id"] for _ in range(seen.qsize())} <= {53_230}
    feed.close_connection()


def test_a_sixth_connection_kicks_the_oldest_with_805(venue: Any) -> None:
    async def kicked() -> bytes:
        token = venue.token()
        sockets = [await Socket(venue, token=token).open() for _ in range(6)]
        last = (await frames(sockets[0], 2))[-1]
        for socket in sockets:
            await socket.close()
        return last

    assert asyncio.run(kicked()) == packets.disconnect(805)


def test_a_replaced_token_is_told_at_the_handshake_and_on_an_open_socket(venue: Any) -> None:
    async def told() -> list[bytes]:
        old = venue.token()
        async with Socket(venue, token=old).open() as early:
            await asyncio.to_thread(venue.token)
            async with Socket(venue, token=old).open() as late:
                return [(await frames(socket, 3))[-1] for socket in (early, late)]

    assert asyncio.run(told()) == [packets.disconnect(808)] * 2


def test_handshakes_are_refused_n_times(venue: Any) -> None:
    venue.fault("feed_refused", times=2)

    async def statuses() -> list[int]:
        found = []
        for _ in range(3):
            try:
                async with Socket(venue).open():
                    found.append(101)
            except websockets.InvalidStatus as error:
                found.append(error.response.status_code)
        return found

    assert asyncio.run(statuses()) == [429, 429, 101]


def test_a_reset_has_no_close_frame(venue: Any) -> None:
    async def closing() -> websockets.ConnectionClosed:
        async with Socket(venue).open() as socket:
            venue.fault("feed_reset")
            await socket.send(json.dumps(INDEX_TICKS))
            await frames(socket, 5)
            with pytest.raises(websockets.ConnectionClosedError) as caught:
                await socket.recv()
            return caught.value

    error = asyncio.run(closing())
    assert error.rcvd is None
    assert isinstance(error.__cause__, ConnectionResetError)


def test_a_deaf_socket_leaves_pings_unanswered(venue: Any) -> None:
    async def answered() -> tuple[bool, bool]:
        async with Socket(venue).open(ping_interval=None) as socket:
            await asyncio.wait_for(await socket.ping(), 1)
            venue.fault("feed_deaf")
            await asyncio.sleep(1.6)
            try:
                await asyncio.wait_for(await socket.ping(), 1)
            except TimeoutError:
                return True, False
            return True, True

    assert asyncio.run(answered()) == (True, False)


def test_the_server_pings_every_ten_seconds(venue: Any) -> None:
    async def pings() -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", venue.port)
        path = f"/feed?version=2&token={venue.token()}&clientId={CLIENT}&authType=2"
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        began = time.monotonic()
        head = await asyncio.wait_for(reader.readexactly(2), 15)
        writer.close()
        assert head[0] & 0x0F == 9
        return time.monotonic() - began

    assert 9 < asyncio.run(pings()) < 12


def test_several_packets_share_a_frame_when_many_are_due(venue: Any) -> None:
    contracts = requests.get(f"{venue.url}/instrument/NSE_FNO", timeout=10).text.splitlines()[1:91]
    rows = [{"ExchangeSegment": "NSE_FNO", "SecurityId": line.split(",")[2]} for line in contracts]

    async def first() -> list[bytes]:
        async with Socket(venue).open() as socket:
            await socket.send(json.dumps({"RequestCode": 21, "InstrumentCount": len(rows), "InstrumentList": rows}))
            return await frames(socket, 1)

    received = asyncio.run(first())
    assert len(received[0]) == 50 * 162
    assert all(struct.unpack_from("<BH", packet) == (8, 162) for packet in packets.walk(received[0]))


def test_the_older_header_after_a_farewell_is_tolerated(venue: Any) -> None:
    async def code() -> int:
        async with Socket(venue).open() as socket:
            await socket.send(json.dumps({"RequestCode": 12}))
            await socket.send(bytes(83))
            await frames(socket, 2)
            return socket.close_code or 0

    assert asyncio.run(code()) == 1000


def test_a_client_that_leaves_is_forgotten(venue: Any) -> None:
    async def leave() -> None:
        for _ in range(20):
            async with Socket(venue).open() as socket:
                await socket.send(json.dumps(INDEX_TICKS))
                socket.transport.abort()

    asyncio.run(leave())
    time.sleep(1)
    assert venue.control("GET", "/state")["feed"] == []
