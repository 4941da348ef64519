"""A small desk of real processes, an exchange and a guardian, with a driver that asks for trades."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import requests

from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, SimulatedMarketClock
from agents.data.ledger import Ledger
from agents.domain.errors import OrderUnknownError
from agents.domain.lifecycle import TradeState
from agents.domain.orders import SuperOrder, TradeSetup
from agents.domain.values import IST, OptionType, Side
from agents.execution.agent import ExecutionAgent, Waiting
from agents.execution.guardian.case import Case
from agents.execution.guardian.ports import TradeRequest
from agents.settings import Settings
from tests.agents.execution.verdicts import yes_to
from zonedesk.home import DeskHome

ROOT = Path(__file__).resolve().parents[2]
CLIENT, ON, TICK = "1000000001", date(2026, 11, 19), Decimal("0.05")


def wall() -> datetime:
    return datetime.now(UTC)


class Program:
    """A process that may be killed and started again."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self._log = log
        self._environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *command: str) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command], stdout=log, stderr=log, cwd=ROOT, env=self._environment
            )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        if self.alive:
            assert self.process is not None
            self.process.send_signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        if self.alive:
            assert self.process is not None
            self.process.terminate()
        self.wait()

    def wait(self, seconds: float = 30.0) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    @property
    def worked(self) -> float:
        """Seconds of a processor that the process has used since its start."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def text(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


class Driver:
    """Asks for trades as runs do, and compares what the ledger says with the broker's book.

    Parameters
    ----------
    settings : Settings
        Of a desk whose clock is there already.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = DeskHome.of(settings)
        self.clock = SimulatedMarketClock(self.home.clock_path, NseCalendar())
        self.on = self.clock.now().astimezone(IST).date()
        self.ledger = Ledger.open(settings.ledger_path, "paper", now=wall, equity=Decimal(1_000_000))
        self.agent = ExecutionAgent(self.ledger, self.clock.now, Waiting(time.monotonic, time.sleep, patience=20.0))
        self.asked = 0

    def close(self) -> None:
        self.ledger.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:  # Any: JSON
        key = json.loads((self.settings.home / "exchange.json").read_text())
        headers = {"Authorization": f"Bearer {key['control_token']}"}
        reply = requests.request(method, key["control"] + path, json=body, headers=headers, timeout=10)
        assert reply.ok, reply.text
        return reply.json()

    def fault(self, name: str, where: str, **script: Any) -> None:
        self.control("DELETE", "/faults")
        self.control("POST", "/faults", {"name": name, "where": where, **script})

    @property
    def book(self) -> Any:
        return self.control("GET", "/book")["clients"][CLIENT]

    def post(self, path: str, body: Any) -> Any:  # Any: JSON
        key = json.loads((self.settings.home / "exchange.json").read_text())
        headers = {"access-token": key["access_token"], "client-id": CLIENT}
        reply = requests.post(key["rest"] + path, json=body, headers=headers, timeout=10)
        assert reply.ok, reply.text
        return reply.json()["data"]

    def near_call(self) -> tuple[str, Decimal, Decimal]:
        """Return the call nearest to the money of the next expiry, its name, bid and ask."""
        self.control("PUT", "/limits", {"enforced": False})  # a driver asks for chains more often than a desk
        asked = {"UnderlyingScrip": 13, "UnderlyingSeg": "IDX_I"}
        expiry = next(on for on in self.post("/optionchain/expirylist", asked) if on > self.on.isoformat())
        chain = self.post("/optionchain", {**asked, "Expiry": expiry})
        strike = min(chain["oc"], key=lambda text: abs(float(text) - chain["last_price"]))
        side = chain["oc"][strike]["ce"]
        name = f"NIFTY{date.fromisoformat(expiry):%y%m%d}{int(float(strike))}CE"
        return name, Decimal(str(side["top_bid_price"])), Decimal(str(side["top_ask_price"]))

    def request(
        self,
        *,
        lots: int = 1,
        passive: bool = False,
        lasts: timedelta = timedelta(minutes=3),
        above: Decimal = Decimal("1.15"),
    ) -> TradeRequest:
        """Return a request that buys at once, or with `passive` one that rests far below; its entry lasts so long.

        What buys at once pays up to `above` times what is asked.
        """
        self.asked += 1
        name, _, ask = self.near_call()
        now, setup_id = self.clock.now(), f"s{self.asked:09d}"
        entry = on_tick(ask * Decimal("0.8")) if passive else on_tick(ask * above)
        stop, target = on_tick(entry * Decimal("0.6")), on_tick(entry * Decimal("1.5"))
        order = SuperOrder(
            correlation_id=f"A{self.on:%y%m%d}{setup_id}01",
            setup_id=setup_id,
            zone_id=f"zone{self.asked}",
            underlying="NIFTY",
            contract=name,
            option_type=OptionType.CE,
            lots=lots,
            lot_size=65,
            tick_size=TICK,
            entry_limit=entry,
            stop_trigger=stop,
            target_limit=target,
            half_spread=TICK,
            placed_at=now,
            cancel_entry_at=now + lasts,
            flatten_at=now.astimezone(IST).replace(hour=15, minute=10),
        )
        return TradeRequest(
            setup=setup_of(order, now),
            order=order,
            verdict=yes_to(setup_id),
            cycle_id=f"cycle{self.asked}",
            equity=Decimal(1_000_000),
            asked_at=now,
        )

    def ask(self, request: TradeRequest) -> threading.Thread:
        """Ask for a trade from a thread, as a run does that may wait in vain."""

        def asks() -> None:
            with suppress(OrderUnknownError):
                self.agent.place_bracket_order(request)

        thread = threading.Thread(target=asks, daemon=True)
        thread.start()
        return thread

    def case(self, setup_id: str) -> Case | None:
        return next((case for case in self.agent.cases(self.on) if case.setup_id == setup_id), None)

    def state(self, setup_id: str) -> TradeState | None:
        case = self.case(setup_id)
        return None if case is None else case.state

    def differences(self) -> list[str]:
        """Return how the ledger's orders differ from the broker's book; none is right."""
        book = self.book
        orders = {order["order_id"]: order for order in book["orders"]}
        supers = {orders[one["order_id"]]["correlation_id"]: one for one in book["super_orders"]}
        cases = {case.correlation_id: case for case in self.agent.cases(self.on)}
        found = [f"{name} is at the broker alone" for name in supers.keys() - cases.keys()]
        held = 0
        for name, case in cases.items():
            held += case.remaining
            one = supers.get(name)
            if one is None:
                found += [f"{name} is {case.state} in the ledger alone"] * bool(case.order_id or case.bought)
                continue
            entry = orders[one["order_id"]]
            exits = [
                order for order in book["orders"] if order["correlation_id"] in {e.correlation_id for e in case.exits}
            ]
            sold = sum(leg["filled"] for leg in one["legs"].values()) + sum(order["filled"] for order in exits)
            theirs = (one["order_id"], entry["filled"], sold)
            ours = (case.order_id, case.bought, case.sold)
            if theirs != ours:
                found.append(f"{name}: broker {theirs}, ledger {ours} ({case.state})")
        net = sum(position["net"] for position in book["positions"])
        if net != held:
            found.append(f"the broker holds {net}, the ledger {held}")
        return found

    def brackets(self, request: TradeRequest) -> int:
        """Return how many entries the broker has under the name of a request."""
        name = request.order.correlation_id
        return sum(order["correlation_id"] == name and order["leg"] == "ENTRY_LEG" for order in self.book["orders"])

    def naked(self) -> list[str]:
        """Return the orders that hold something without a stop at the broker."""
        book = self.book
        filled = {order["order_id"]: order["filled"] for order in book["orders"]}
        return [
            one["order_id"]
            for one in book["super_orders"]
            if filled[one["order_id"]] > sum(leg["filled"] for leg in one["legs"].values())
            and one["legs"]["STOP_LOSS_LEG"]["status"] not in {"PENDING", "TRIGGERED", "PART_TRADED"}
        ]


class Desk(Driver):
    """Exchange and guardian on one folder; `speed` is the market's."""

    def __init__(self, folder: Path, speed: int = 1, hour: int = 10) -> None:
        self.folder = folder
        self.port = free_port()
        settings = Settings(mode="paper", data_dir=folder, exchange_port=self.port)
        at = datetime(ON.year, ON.month, ON.day, hour, tzinfo=IST)
        ClockFile(
            anchor_wall=wall(), anchor_market=at, resumed_at=at, speed=speed, seed=7, origin_on=date(2026, 11, 2)
        ).write(DeskHome.of(settings).clock_path)
        super().__init__(settings)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "ZONEDESK_DATA_DIR": str(folder)}
        self.exchange = Program(folder / "exchange.log", environment)
        self.guardian = Program(folder / "guardian.log", environment)

    def __enter__(self) -> Self:
        self.start_exchange()
        self.start_guardian()
        return self

    def __exit__(self, *_: object) -> None:
        for program in (self.guardian, self.exchange):
            program.kill()
        self.close()

    def start_exchange(self) -> None:
        key = self.settings.home / "exchange.json"
        key.unlink(missing_ok=True)
        ports = ("--port", str(self.port), "--control-port", "0")
        self.exchange.start("zonedesk.cli", "exchange", "--with-desk", *ports, "--data-dir", str(self.folder))
        until(lambda: key.exists() and key.read_text().endswith("}\n"), 90, self.exchange)

    def start_guardian(self) -> None:
        self.guardian.start("tests.integration.guarded", str(self.folder), str(self.port))


def setup_of(order: SuperOrder, now: datetime) -> TradeSetup:
    return TradeSetup(
        setup_id=order.setup_id,
        zone_id=order.zone_id,
        instrument="NIFTY",
        side=Side.DEMAND,
        decided_at=now,
        contract=order.contract,
        option_type=order.option_type,
        strike=Decimal(order.contract[11:-2]),
        expiry_at=datetime.strptime(order.contract[5:11] + "1530", "%y%m%d%H%M").replace(tzinfo=IST),
        lot_size=order.lot_size,
        spot=Decimal(25_000),
        spot_stop=Decimal(24_950),
        spot_target=Decimal(25_100),
        premium_entry=order.entry_limit,
        premium_stop=order.stop_trigger,
        premium_target=order.target_limit,
        half_spread=order.half_spread,
        costs_per_unit=Decimal("1.00"),
        risk_reward=1.5,
        baseline_probability=0.5,
        synthetic=True,
    )


def until(what: Callable[[], object], seconds: float, *programs: Program) -> float:
    """Wait until something is so, and return how long that took."""
    began = time.monotonic()
    while not what():
        passed = time.monotonic() - began
        logs = "\n".join(program.text[-3000:] for program in programs)
        assert passed < seconds, f"not within {seconds:.0f} s\n{logs}"
        time.sleep(0.1)
    return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_tick(price: Decimal) -> Decimal:
    return (price / TICK).to_integral_value() * TICK


def desks(folder: Path) -> Iterator[Desk]:
    with Desk(folder) as desk:
        yield desk
