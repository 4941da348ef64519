"""The exchange as a process, and the parts of its start."""

import asyncio
import socket
import urllib.error
import urllib.request
from datetime import date

import pytest

from exchange.accounts import SAMPLE_SECRET, Account
from exchange.clock import MarketClock, at_ist
from exchange.doors import PortTakenError
from exchange.server import HOST, ClockPlan, Exchange, Ports, ServerConfig, assemble, serve
from exchange.simulated import simulated_market

FRIDAY = date(2026, 11, 20)


def config(plan: ClockPlan | None = None, port: int = 0) -> ServerConfig:
    clock = plan or ClockPlan("open", FRIDAY)
    return ServerConfig("open-sesame", (Account("1000000001"),), seed=1, port=port, control_port=0, clock=clock)


def exchange(settings: ServerConfig) -> Exchange:
    return assemble(settings, simulated_market(7, date(2026, 11, 16)), MarketClock(lambda: 1_000))


def test_the_clock_starts_as_planned() -> None:
    assert exchange(config()).core.clock.now() == at_ist(FRIDAY, 9, 15)
    noon = at_ist(FRIDAY, 12, 0)
    moved = exchange(config(ClockPlan("at", at=noon, speed=60.0))).core.clock
    assert (moved.now(), moved.speed) == (noon, 60.0)
    assert exchange(config(ClockPlan("real"))).core.clock.now() == 1_000
    with pytest.raises(ValueError, match="pass `at`"):
        exchange(config(ClockPlan("at")))


def test_no_secret_is_in_the_configuration_as_printed() -> None:
    settings = config()
    token = exchange(settings).core.accounts.all()[0].token
    assert token
    for secret in ("open-sesame", "123456", SAMPLE_SECRET, token):
        assert secret not in repr(settings)


def test_a_taken_port_is_named() -> None:
    async def twice(port: int) -> None:
        settings = config(port=port)
        await serve(exchange(settings), settings, asyncio.Event())

    with socket.socket() as door:
        door.bind((HOST, 0))
        door.listen()
        port = door.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} is in use"):
            asyncio.run(twice(port))


@pytest.mark.process
def test_both_ports_answer_and_stop() -> None:
    with socket.socket() as door:
        door.bind((HOST, 0))
        settings = config(port=door.getsockname()[1])
    seen: dict[str, int] = {}

    def look(url: str) -> int:
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code

    def refused_as_yet() -> None:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, settings.port), timeout=5)
        seen["before"] = 0

    async def look_and_stop() -> None:
        stop = asyncio.Event()
        ready: asyncio.Future[Ports] = asyncio.get_running_loop().create_future()
        served = asyncio.create_task(serve(exchange(settings), settings, stop, ready.set_result, before=refused_as_yet))
        ports = await ready
        seen["master"] = await asyncio.to_thread(look, f"http://{HOST}:{ports.public}/v2/instrument/IDX_I")
        seen["control"] = await asyncio.to_thread(look, f"http://{HOST}:{ports.control}/state")
        stop.set()
        await asyncio.wait_for(served, 5)

    asyncio.run(look_and_stop())
    assert seen == {"before": 0, "master": 200, "control": 401}
