"""An exchange inside the test's own loop, and a live feed that listens to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from pydantic import SecretStr

from agents.data.calendar import NseCalendar
from agents.data.feed.bars import Bar
from agents.data.feed.instruments import FeedInstrument, Mode
from agents.data.feed.live import FeedLimits, FeedPorts, LiveFeed
from agents.data.feed.pace import Delay, Pace, Why
from agents.data.feed.packets import FeedKey
from agents.data.feed.rows import Missing, Snapshot
from agents.data.feed.watch import Watch
from agents.domain.market import Instrument, InstrumentKind
from exchange.accounts import Account
from exchange.clock import MarketClock
from exchange.faults import FaultBox, Script
from exchange.market import Market
from exchange.server import ClockPlan, Exchange, Ports, ServerConfig, assemble, serve
from exchange.simulated import simulated_market

CLIENT = "1000000001"
ON = date(2026, 11, 19)
TICK = Decimal("0.05")
CALENDAR = NseCalendar()

QUICK = Pace(
    delays={
        Why.LOST: Delay(0.02, 0.1),
        Why.STALE: Delay(0.02, 0.1),
        Why.BUSY: Delay(0.1, 0.2),
        Why.CREDENTIALS: Delay(5.0, 5.0),
        Why.REFUSED: Delay(0.1, 0.2),
    },
    open_within=2.0,
    close_within=0.5,
    ping_every=0.1,
    pong_within=0.2,
    settled_after=0.5,
    look_every=0.02,
)


def instrument(name: str, kind: InstrumentKind, key: FeedKey, mode: Mode = Mode.FULL) -> FeedInstrument:
    return FeedInstrument(key, Instrument(name=name, kind=kind, tick_size=TICK), mode)


INDEX = instrument("NIFTY", InstrumentKind.INDEX, FeedKey("IDX_I", 13), Mode.QUOTE)


@dataclass
class Shelf:
    """A sink that keeps everything in memory."""

    kept: list[Bar] = field(default_factory=list)
    shown: list[Snapshot] = field(default_factory=list)
    absent: list[Missing] = field(default_factory=list)

    def bars(self, bars: Sequence[Bar], instruments: Mapping[FeedKey, FeedInstrument]) -> None:
        assert all(bar.key in instruments for bar in bars)
        self.kept.extend(bars)

    def snapshots(self, snapshots: Sequence[Snapshot], instruments: Mapping[FeedKey, FeedInstrument]) -> None:
        assert all(each.key in instruments for each in snapshots)
        self.shown.extend(snapshots)

    def missing(self, missing: Sequence[Missing]) -> None:
        self.absent.extend(missing)


class Keys:
    """Credentials that a test can change."""

    def __init__(self, token: str) -> None:
        self.client_id = CLIENT
        self.now = token
        self.refusals = 0

    def token(self) -> SecretStr:
        return SecretStr(self.now)

    def refused(self) -> None:
        self.refusals += 1


class Venue:
    """An exchange under way, its clock and its charts in the desk's words."""

    def __init__(self, exchange: Exchange, market: Market, ports: Ports) -> None:
        self.core = exchange.core
        self.market = market
        self.ports = ports
        self.keys = Keys(self.issue())
        self.asked = 0

    @property
    def box(self) -> FaultBox:
        assert isinstance(self.core.faults, FaultBox)
        return self.core.faults

    def issue(self) -> str:
        return self.core.accounts.issue(CLIENT, self.core.clock.real() + 1000)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.core.clock.now() / 1000, UTC)

    def fault(self, name: str, **script: object) -> None:
        self.box.add(Script(name, **script))  # type: ignore[arg-type]  # fields by name, checked by Script itself

    def minutes(self, instrument: FeedInstrument, first: datetime, end: datetime) -> list[Bar]:
        self.asked += 1
        key = instrument.key
        opens, closes = (int(each.timestamp()) * 1000 for each in (first, end))
        found = self.market.candles(key.security_id, key.segment, opens, closes, self.core.clock.now())
        return [
            Bar(key, c.opened_at // 1000, c.open // 5, c.high // 5, c.low // 5, c.close // 5, c.volume) for c in found
        ]

    def listed(self, kind: str, place: int = 0) -> FeedKey:
        found = [one for one in self.market.contracts(ON) if one.kind == kind][place]
        return FeedKey(found.segment, found.security_id)

    def future(self) -> FeedInstrument:
        return instrument("NIFTY26NOVFUT", InstrumentKind.FUTURE, self.listed("FUTIDX"))

    def option(self) -> FeedInstrument:
        return instrument("NIFTY26N2625000CE", InstrumentKind.OPTION, self.listed("OPTIDX", 50))

    def feed(self, shelf: Shelf, pace: Pace = QUICK, *, leave_after: int = 40) -> LiveFeed:
        watch = Watch(
            CALENDAR, stale_after=timedelta(seconds=leave_after / 2), leave_after=timedelta(seconds=leave_after)
        )
        ports = FeedPorts(
            address=f"ws://127.0.0.1:{self.ports.public}/feed",
            credentials=self.keys,
            clock=self,
            calendar=CALENDAR,
            sink=shelf,
            charts=self,
            sleep=asyncio.sleep,
            rng=Random(3),
        )
        return LiveFeed(ports, FeedLimits(pace, watch, patience=60, write_every=0.05, look_every=0.01))


@asynccontextmanager
async def venue(speed: float = 120.0, port: int = 0) -> AsyncIterator[Venue]:
    market = simulated_market(7, date(2026, 11, 18))
    config = ServerConfig(
        control_token="of the tests",
        accounts=(Account(CLIENT),),
        seed=7,
        port=port,
        control_port=0,
        clock=ClockPlan("open", on=ON, speed=speed),
    )
    market.contracts(ON)
    exchange = assemble(config, market, MarketClock())
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(exchange, config, stop, ready.set_result))
    try:
        yield Venue(exchange, market, await ready)
    finally:
        stop.set()
        await serving


async def until(what: Callable[[], bool], within: float = 10.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within):
        while not what():  # noqa: ASYNC110  (nobody tells when a condition of several parts comes true)
            await asyncio.sleep(0.01)
