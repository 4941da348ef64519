"""Load the paper exchange as a busy desk would, and print one table.

Run it with ``python benchmarks/exchange_load.py --seconds 60``.

A thousand instruments trade four times a second; five connections take them all in full; beside them orders come at ten
a second. Server, feed client and order client are processes of their own. A packet is lost if the volume, which counts
trades, skips a number; a packet's age is the time between the trade and the client having parsed it.
"""

import argparse
import asyncio
import json
import multiprocessing
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import requests
from numpy.typing import NDArray
from websockets.asyncio.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.load_market import FIRST_ID, INSTRUMENTS, OPENED, PRICE, START, Metronome
from exchange.accounts import Account
from exchange.contracts import NSE_FNO
from exchange.packets import FULL
from exchange.server import ClockPlan, Ports, ServerConfig, run

CONNECTIONS = 5
ORDERS_A_SECOND = 10
CLIENT = "1000000001"
CONTROL = {"Authorization": "Bearer benchmark"}
SETTLE_SECONDS = 5

# Of a full packet: what it is, its instrument, the volume, and the quantity on offer, which tells when it traded.
_FULL_SIZE = 162
_FIELDS = {"code": ("u1", 0), "number": ("<u4", 4), "volume": ("<u4", 22), "since": ("<u4", 26)}
_PACKET = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [kind for kind, _ in _FIELDS.values()],
        "offsets": [at for _, at in _FIELDS.values()],
        "itemsize": _FULL_SIZE,
    }
)


class Taken:
    """What one connection took: ages of packets in milliseconds, the last volume by instrument, packets lost."""

    def __init__(self) -> None:
        self.ages: list[NDArray[np.float64]] = []
        self.last = np.full(INSTRUMENTS, -1, dtype=np.int64)
        self.lost = 0
        self.packets = 0


def serve(ready: Connection) -> None:
    """Serve the exchange until terminated."""
    clock = ClockPlan("at", at=START)
    config = ServerConfig("benchmark", (Account(CLIENT),), port=0, control_port=0, clock=clock)

    def tell(ports: Ports) -> None:
        ready.send((ports.public, ports.control))

    run(config, Metronome(), tell)


async def take(url: str, offset: float, until: float) -> Taken:
    """Subscribe to everything in full and take packets until a moment of the machine's clock."""
    taken = Taken()
    async with connect(url, proxy=None, compression=None, max_queue=None) as socket:
        for first in range(FIRST_ID, FIRST_ID + INSTRUMENTS, 100):
            rows = [{"ExchangeSegment": NSE_FNO, "SecurityId": str(number)} for number in range(first, first + 100)]
            await socket.send(json.dumps({"RequestCode": 21, "InstrumentCount": 100, "InstrumentList": rows}))
        settled = time.time() + SETTLE_SECONDS
        while time.time() < until:
            frame = await socket.recv()
            assert isinstance(frame, bytes)
            count(frame, taken, time.time() * 1000 + offset, aged=time.time() > settled)
    return taken


def count(frame: bytes, taken: Taken, now: float, *, aged: bool) -> None:
    """Take the packets of a frame; `now` is market time in milliseconds.

    Raises
    ------
    ValueError
        If the frame holds anything but whole full packets, at most one of an instrument.
    """
    packets = np.frombuffer(frame, _PACKET)
    places = packets["number"].astype(np.int64) - FIRST_ID
    if not (packets["code"] == FULL).all() or len(np.unique(places)) < len(places):
        raise ValueError(f"a frame of {len(frame)} bytes is not one full packet of each of some instruments")
    volume, before = packets["volume"].astype(np.int64), taken.last[places]
    fresh = (before >= 0) & (volume != before)
    taken.lost += int(np.maximum(volume - before - 1, 0)[fresh].sum())
    if aged and fresh.any():
        taken.ages.append(now - OPENED - packets["since"][fresh].astype(np.float64))
    taken.last[places] = volume
    taken.packets += len(packets)


def take_all(ports: tuple[int, int], token: str, seconds: float, out: Connection) -> None:
    """Run all connections of the feed client and report."""
    offset = clock_offset(ports[1])
    url = f"ws://127.0.0.1:{ports[0]}/feed?version=2&token={token}&clientId={CLIENT}&authType=2"
    until = time.time() + SETTLE_SECONDS + seconds

    async def together() -> list[Taken]:
        return await asyncio.gather(*(take(url, offset, until) for _ in range(CONNECTIONS)))

    taken = asyncio.run(together())
    ages = np.concatenate([ages for one in taken for ages in one.ages])
    out.send(
        {
            "packets": sum(one.packets for one in taken),
            "lost": sum(one.lost for one in taken),
            "ages": np.quantile(ages, [0.5, 0.99, 1.0]).tolist(),
        }
    )


def clock_offset(port: int) -> float:
    """Return market time less the machine's, in milliseconds, from the quickest of several answers."""
    session = requests.Session()
    answers: list[tuple[float, float]] = []
    for _ in range(20):
        asked_at = time.time()
        clock = session.get(f"http://127.0.0.1:{port}/clock", headers=CONTROL, timeout=5).json()
        answered_at = time.time()
        answers.append((answered_at - asked_at, clock["now"] - (asked_at + answered_at) * 500))
    return min(answers)[1]


def order_all(ports: tuple[int, int], token: str, seconds: float, out: Connection) -> None:
    """Send orders on time, wait for each acknowledgement, and report."""
    session = requests.Session()
    session.headers.update({"access-token": token, "client-id": CLIENT})
    took: list[float] = []
    refused = 0
    began = time.monotonic() + SETTLE_SECONDS
    for number in range(round(seconds * ORDERS_A_SECOND)):
        time.sleep(max(began + number / ORDERS_A_SECOND - time.monotonic(), 0.0))
        started = time.perf_counter()
        reply = session.post(f"http://127.0.0.1:{ports[0]}/v2/orders", json=order(number), timeout=10)
        took.append((time.perf_counter() - started) * 1000)
        refused += reply.status_code != requests.codes.ok
    out.send({"orders": len(took), "refused": refused, "acks": np.quantile(took, [0.5, 0.99, 1.0]).tolist()})


def order(number: int) -> Mapping[str, Any]:
    """Return the body of an order; buys and sells take turns, and each trades at once."""
    buys = number % 2 == 0
    return {
        "transactionType": "BUY" if buys else "SELL",
        "exchangeSegment": NSE_FNO,
        "productType": "INTRADAY",
        "orderType": "LIMIT",
        "validity": "DAY",
        "securityId": str(FIRST_ID),
        "quantity": 1,
        "price": (PRICE + (50 if buys else -50)) / 100,
        "correlationId": f"load-{number}",
        "dhanClientId": CLIENT,
    }


def resident_megabytes(pid: int) -> float:
    """Return the memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def measure(seconds: float) -> list[tuple[str, str, str]]:
    """Run the load and return rows of what, measured, wanted."""
    context = multiprocessing.get_context("spawn")
    ready, tell = context.Pipe()
    server = context.Process(target=serve, args=(tell,))
    server.start()
    try:
        ports: tuple[int, int] = ready.recv()
        token = _prepare(ports)
        assert server.pid is not None
        reports = [context.Pipe() for _ in range(2)]
        loads = [
            context.Process(target=load, args=(ports, token, seconds, report[1]))
            for load, report in zip((take_all, order_all), reports, strict=True)
        ]
        for load in loads:
            load.start()
        time.sleep(SETTLE_SECONDS + seconds * 0.1)
        memory, used = [resident_megabytes(server.pid)], cpu_seconds(server.pid)
        time.sleep(seconds * 0.8)
        memory.append(resident_megabytes(server.pid))
        busy = (cpu_seconds(server.pid) - used) / (seconds * 0.8)
        feed, orders = (report[0].recv() for report in reports)
        for load in loads:
            load.join()
    finally:
        server.terminate()
        server.join()
    return rows(feed, orders, memory, busy)


def rows(
    feed: Mapping[str, Any], orders: Mapping[str, Any], memory: Sequence[float], busy: float
) -> list[tuple[str, str, str]]:
    """Return the table's rows."""
    return [
        ("packets taken", f"{feed['packets']:,}", ""),
        ("packets lost", f"{feed['lost']:,}", "0"),
        ("packet age p50 / p99 / most, ms", " / ".join(f"{age:.1f}" for age in feed["ages"]), "p99 < 100"),
        ("orders sent / refused", f"{orders['orders']:,} / {orders['refused']:,}", "0 refused"),
        ("acknowledgement p50 / p99 / most, ms", " / ".join(f"{ack:.1f}" for ack in orders["acks"]), "p99 < 50"),
        ("server memory after 10 % and 90 %, MB", " / ".join(f"{size:.1f}" for size in memory), "flat"),
        ("server processor use, cores", f"{busy:.2f}", ""),
    ]


def _prepare(ports: tuple[int, int]) -> str:
    """Wait for the control port, lift the rate limits, and return a token."""
    base = f"http://127.0.0.1:{ports[1]}"
    for _ in range(100):
        try:
            requests.put(f"{base}/limits", json={"enforced": False}, headers=CONTROL, timeout=5)
            break
        except requests.ConnectionError:
            time.sleep(0.05)
    reply = requests.post(f"{base}/clients/{CLIENT}/token", headers=CONTROL, timeout=5)
    return str(reply.json()["access_token"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to measure")
    seconds = parser.parse_args().seconds
    print(f"| {INSTRUMENTS:,} instruments, {CONNECTIONS} connections, {seconds:g} s | measured | wanted |")
    print("|---|---|---|")
    for what, measured, wanted in measure(seconds):
        print(f"| {what} | {measured} | {wanted} |")


if __name__ == "__main__":
    main()
