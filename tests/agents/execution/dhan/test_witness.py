"""What the broker's answers tell of our clock and address, and what keeps entries, never exits, from the broker."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agents.data.dhan.errors import Fault, Trouble
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.reply import Reply
from agents.data.dhan.skew import clock_skew
from agents.data.ledger import Ledger
from agents.data.preflight.findings import Finding, fail, fine, warn
from agents.domain.errors import OrderRejectedError, OrderUnknownError, StoreBusyError
from agents.execution.dhan.gateway import DhanGateway
from agents.execution.dhan.witness import LOOK_EVERY, Witness
from agents.execution.gateway import BrokerState
from agents.ops.breakers import DHAN_ORDERS
from tests.agents.execution.guardian.story import order_of

NOW = datetime(2026, 11, 24, 4, 30, 0, 400_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("served", "took", "skew"),
    [
        (0.0, 0.1, 0.0),
        (-1.0, 0.1, 0.4),
        (1.0, 0.1, -0.5),
        (-3.0, 2.0, 2.4),
        (90.0, 0.5, -89.1),
        (-90.0, 0.5, 89.4),
    ],
)
def test_the_skew_is_the_least_that_the_header_allows(served: float, took: float, skew: float) -> None:
    header = NOW.replace(microsecond=0) + timedelta(seconds=served)
    assert clock_skew(header, NOW, NOW + timedelta(seconds=took)) == pytest.approx(skew, abs=1e-6)


class Machine:
    """A machine whose clocks and findings tests set."""

    def __init__(self) -> None:
        self.found: Finding = fine("address", "orders are taken")
        self.seconds = 0.0
        self.looks = 0
        self.witness = Witness(lambda: NOW, lambda: self.seconds, self._look)

    def _look(self) -> Finding:
        self.looks += 1
        return self.found


def test_a_reply_without_a_clock_leaves_what_is_known() -> None:
    machine = Machine()
    assert machine.witness.clock_skew is None
    date = {"date": "Tue, 24 Nov 2026 04:31:30 GMT"}
    machine.witness.heard(Reply("GET", "/", 200, date, b""), NOW)
    machine.witness.heard(Reply("GET", "/", 200, {}, b""), NOW)
    assert machine.witness.clock_skew == pytest.approx(-89.6)


def test_the_address_is_looked_at_every_five_minutes_and_a_failed_look_changes_nothing() -> None:
    machine = Machine()
    assert [machine.witness.address() for _ in range(3)] == ["", "", ""]
    assert machine.looks == 1
    machine.found, machine.seconds = fail("address", "seen from elsewhere", "register it"), LOOK_EVERY
    assert machine.witness.address() == "seen from elsewhere; register it"
    machine.found, machine.seconds = warn("address", "no answer", "look again"), 2 * LOOK_EVERY
    assert machine.witness.address() == "seen from elsewhere; register it"
    machine.found = fine("address", "orders are taken")
    assert machine.witness.address() == ""


def test_an_order_refused_for_its_address_is_believed_until_the_next_look() -> None:
    machine = Machine()
    assert machine.witness.address() == ""
    machine.witness.doubted(Fault(Trouble.ORDER, 400, "DH-906", "market is closed"))
    assert machine.witness.address() == ""
    machine.witness.doubted(Fault(Trouble.ADDRESS, 400, "DH-911", "Invalid IP"))
    assert "Invalid IP" in machine.witness.address()
    machine.seconds += LOOK_EVERY
    assert machine.witness.address() == ""


class Clock:
    """The present, which tests move."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


class OneLine:
    """A line that counts what is sent, and loses it while it is `lost`."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.lost = True

    def send(self, what: str, _kind: CallKind, _ask: Callable[..., object]) -> Reply:
        self.sent.append(what)
        if self.lost:
            raise OrderUnknownError("no reply")
        return Reply("POST", "/", 200, {}, b'{"orderId": "1", "orderStatus": "TRANSIT"}')

    def read(self, _what: str, _ask: Callable[..., object]) -> object:
        return [{"orderId": "1", "quantity": 130, "price": 100.0, "legDetails": []}]


class AnyContract:
    """Contracts of which each has an id."""

    def orderable(self, _order: object) -> Any:
        return type("Listing", (), {"security_id": 1, "segment": "NSE_FNO"})()

    sellable = orderable


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Iterator[Ledger]:
    made = Ledger.in_memory("paper", now=clock)
    yield made
    made.close()


def gateway_of(line: OneLine, breaker: Any) -> DhanGateway:
    return DhanGateway(line, AnyContract(), breaker)  # type: ignore[arg-type]  # stand-ins


def test_entries_stay_away_from_a_broker_that_keeps_failing_and_exits_do_not(ledger: Ledger, clock: Clock) -> None:
    line = OneLine()
    gateway = gateway_of(line, ledger.breaker(DHAN_ORDERS))
    for number in range(5):
        with pytest.raises(OrderUnknownError):
            gateway.place_super(order_of(number, NOW))
    with pytest.raises(OrderRejectedError, match="was not sent: orders failed several times"):
        gateway.place_super(order_of(6, NOW))
    assert len(line.sent) == 5
    line.lost = False
    assert gateway.place_exit("X01A261124setup", "NIFTY26NOV24000CE", 130, Decimal(90)).order_id == "1"
    gateway.cancel_entry("1")
    gateway.exit_all()
    assert len(line.sent) == 8
    clock.now += timedelta(seconds=61)
    assert gateway.place_super(order_of(7, NOW)).state is BrokerState.TRANSIT
    assert gateway.place_super(order_of(8, NOW)).order_id == "1"


def test_a_breaker_that_cannot_be_read_keeps_an_entry_back() -> None:
    class Busy:
        def enter(self) -> None:
            raise StoreBusyError("the ledger stays locked")

    line = OneLine()
    with pytest.raises(OrderRejectedError, match="was not sent"):
        gateway_of(line, Busy()).place_super(order_of(1, NOW))
    assert line.sent == []
