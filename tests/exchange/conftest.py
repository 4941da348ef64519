"""An exchange in a process of its own, and the official client pointed at it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from dhanhq import DhanContext, dhanhq
from dhanhq.dhan_http import DhanHTTP

ROOT = Path(__file__).resolve().parents[2]
CLIENT = "1000000001"
CONTROL_TOKEN = "control-token-of-the-tests"
PROGRAM = """
import json, sys
from datetime import date
from exchange.server import ClockPlan, ServerConfig, run
from exchange.simulated import simulated_market

first = date.fromisoformat(sys.argv[1])
config = ServerConfig(control_token=sys.argv[2], seed=7, port=0, control_port=0, clock=ClockPlan("open", on=first))
run(config, simulated_market(7, date(first.year, first.month, 1)),
    on_ready=lambda ports: print(json.dumps([ports.public, ports.control]), flush=True))
"""


@dataclass(frozen=True)
class Venue:
    """A running exchange, seen from outside."""

    port: int
    control_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v2"

    @property
    def feed_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/feed"

    def control(self, method: str, path: str, body: Any = None) -> Any:  # Any: JSON
        reply = requests.request(
            method,
            f"http://127.0.0.1:{self.control_port}{path}",
            json=body,
            headers={"Authorization": f"Bearer {CONTROL_TOKEN}"},
            timeout=10,
        )
        assert reply.ok, reply.text
        return reply.json()

    def token(self, client_id: str = CLIENT) -> str:
        return str(self.control("POST", f"/clients/{client_id}/token")["access_token"])

    def fault(self, name: str, **script: object) -> int:
        return int(self.control("POST", "/faults", {"name": name, **script})["number"])

    def context(self, client_id: str = CLIENT) -> DhanContext:
        context = DhanContext(client_id, self.token(client_id))
        context.dhan_http.base_url = self.url
        context.dhan_http.session.trust_env = False
        context.dhan_login.API_BASE_URL = self.url
        context.dhan_login.AUTH_BASE_URL = f"http://127.0.0.1:{self.port}"
        return context

    def client(self, client_id: str = CLIENT) -> dhanhq:
        return dhanhq(self.context(client_id))


def _wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < until, f"nothing listens on port {port}"
            time.sleep(0.02)
        else:
            return


@pytest.fixture(scope="session")
def start_venue() -> Iterator[Callable[..., Venue]]:
    """Start exchanges on free ports, and stop them all in the end."""
    running: list[subprocess.Popen[str]] = []

    def start(program: str = PROGRAM, *arguments: str) -> Venue:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *(arguments or ("2026-11-19", CONTROL_TOKEN))],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        running.append(process)
        assert process.stdout is not None
        venue = Venue(*json.loads(process.stdout.readline()))
        for port in (venue.port, venue.control_port):
            _wait_for(port)
        return venue

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=10)


@pytest.fixture(scope="module")
def venue(start_venue: Callable[..., Venue]) -> Venue:
    """One exchange for a module, without rate limits."""
    started = start_venue()
    started.control("PUT", "/limits", {"enforced": False})
    DhanHTTP.API_BASE_URL = started.url  # set_ip and its like build a client of their own
    return started


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies of the machine must not see what is meant for the exchange."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
