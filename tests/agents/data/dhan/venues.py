"""A paper exchange in a process of its own, and the data agent on it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr

from agents.data.agent import DataCollectionAgent
from agents.data.calendar import NseCalendar
from agents.data.dhan.connect import open_dhan
from agents.data.dhan.token import TokenFile
from agents.data.store import Store
from agents.settings import Settings

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = """
import json, sys
from datetime import date
from exchange.server import ClockPlan, ServerConfig, run
from exchange.simulated import simulated_market

clock = ClockPlan("open", on=date(2026, 11, 19))
config = ServerConfig(control_token="control", seed=7, port=0, control_port=0, clock=clock)
market = simulated_market(7, date(2026, 11, 1))
run(config, market, on_ready=lambda ports: print(json.dumps([ports.public, ports.control]), flush=True))
"""


@dataclass(frozen=True)
class Venue:
    """A running exchange, seen from outside; it is a `Clock` too."""

    port: int
    control_port: int

    def control(self, method: str, path: str, body: Any = None) -> Any:  # Any: JSON
        reply = requests.request(
            method,
            f"http://127.0.0.1:{self.control_port}{path}",
            json=body,
            headers={"Authorization": "Bearer control"},
            timeout=10,
        )
        assert reply.ok, reply.text
        return reply.json()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.control("GET", "/clock")["now"] / 1000, UTC)

    def fault(self, name: str, where: str = "*", **script: Any) -> None:
        self.control("DELETE", "/faults")
        self.control("POST", "/faults", {"name": name, "where": where, **script})

    def seed_token(self, settings: Settings) -> None:
        """Put a token made on the web where the processes of a desk look for it."""
        token = self.control("POST", "/clients/1000000001/token")["access_token"]
        TokenFile(settings.home / "dhan" / "token.json").write(SecretStr(token), datetime.now(UTC))


@contextmanager
def running_venue() -> Iterator[Venue]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        venue = Venue(*json.loads(process.stdout.readline()))
        for port in (venue.port, venue.control_port):
            _wait_for(port)
        yield venue
    finally:
        process.terminate()
        process.wait(timeout=10)


def agent_on(
    venue: Venue, folder: Path, sleep: Callable[[float], None] = time.sleep, slept: Sequence[float] = ()
) -> DataCollectionAgent:
    """The data agent as the paper desk has it, on the exchange's clock, with a token made on the web.

    Its wall clock is ahead by what was `slept` without waiting.
    """

    def wall() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=sum(slept))

    settings = Settings(mode="paper", data_dir=folder, exchange_port=venue.port)
    venue.seed_token(settings)
    dhan = open_dhan(settings, wall=wall, sleep=sleep, jitter=lambda: 0.0)
    store = Store(settings.store_path, "paper", now=lambda: datetime.now(UTC))
    return DataCollectionAgent(dhan, store, NseCalendar(), venue)


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
