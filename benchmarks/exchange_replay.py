"""Replay a recorded session through the paper exchange, feed and charts, and print how it compares with the recording.

Run it with ``python benchmarks/exchange_replay.py --data <folder> --on 2022-11-10 --speed 60``. The folder holds
``dev_index_1m.parquet``, ``dev_futures_1m.parquet`` and ``dev_options_1m.parquet``.

The exchange is a process of its own. The data agent's feed subscribes to everything in full from before the open until
after the close, and fills what it doubts from the charts; a plain client beside it looks at every packet. Then the
session goes past two more exchanges in this process, to compare their bytes.
"""

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import requests
from websockets.asyncio.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agents.data.calendar import NseCalendar
from agents.data.clock import SystemClock
from agents.data.dhan.connect import open_dhan
from agents.data.dhan.master import Listing
from agents.data.feed.account import AccountKeys
from agents.data.feed.bars import Bar
from agents.data.feed.broker import AccountCharts
from agents.data.feed.instruments import FeedInstrument, Mode
from agents.data.feed.link import Stop
from agents.data.feed.live import FeedLimits, FeedPorts, LiveFeed
from agents.data.feed.packets import FeedKey, Price, read_frame
from agents.data.feed.requests import subscribing
from agents.data.feed.rows import Missing, Snapshot
from agents.data.feed.watch import Watch
from agents.domain.market import Instrument, InstrumentKind
from agents.settings import Settings
from benchmarks.recorded_session import Candles, candles_of, digest, read
from exchange.accounts import Account
from exchange.clock import at_ist, ist
from exchange.recorded import Recording, recorded_market
from exchange.server import ClockPlan, Ports, ServerConfig, run

CLIENT = "1000000001"
CONTROL = {"Authorization": "Bearer replay"}
LEAD_SECONDS = 4  # real seconds between the start of the market's clock and the open
FILL_SECONDS = 60  # real seconds that filling may go on after the close
WANTED = 0.999
SHOWN = 10  # of the candles that differ
TICK = Decimal("0.05")
KINDS = {"INDEX": InstrumentKind.INDEX, "FUTIDX": InstrumentKind.FUTURE, "OPTIDX": InstrumentKind.OPTION}


@dataclass(frozen=True)
class Plan:
    """Which session, how fast, with which path of prices."""

    folder: Path
    on: date
    speed: float
    seed: int
    minutes: int

    @property
    def starts_at(self) -> int:
        """When the market's clock starts, milliseconds."""
        return at_ist(self.on, 9, 15) - round(LEAD_SECONDS * self.speed * 1000)


def serve(plan: Plan, ready: Connection) -> None:
    """Serve the recorded market until terminated; its clock stands still until it is set."""
    market = recorded_market(read(plan.folder, plan.on), plan.seed)
    market.contracts(plan.on)
    clock = ClockPlan("at", at=plan.starts_at, speed=0.0)
    config = ServerConfig("replay", (Account(CLIENT),), seed=plan.seed, port=0, control_port=0, clock=clock)

    def tell(ports: Ports) -> None:
        ready.send((ports.public, ports.control))

    run(config, market, tell)


class MarketTime:
    """The exchange's clock, as its control port told it."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._shown, self._speed, self._since = told["now"] / 1000, told["speed"], time.time()

    def now(self) -> datetime:
        """Return the market's present."""
        return datetime.fromtimestamp(self._shown + (time.time() - self._since) * self._speed, UTC)


@dataclass
class Kept:
    """A sink that keeps candles in memory, and remembers which of them came from the charts."""

    charts: AccountCharts
    bars_kept: list[Bar] = field(default_factory=list)
    filled: set[tuple[FeedKey, int]] = field(default_factory=set)

    def minutes(self, instrument: FeedInstrument, first: datetime, end: datetime) -> Sequence[Bar]:
        """Return the candles that the charts have."""
        found = self.charts.minutes(instrument, first, end)
        self.filled |= {(bar.key, bar.opened_at) for bar in found}
        return found

    def bars(self, bars: Sequence[Bar], instruments: Mapping[FeedKey, FeedInstrument]) -> None:  # noqa: ARG002 - the protocol's
        """Keep candles."""
        self.bars_kept.extend(bars)

    def snapshots(self, snapshots: Sequence[Snapshot], instruments: Mapping[FeedKey, FeedInstrument]) -> None:
        """Pass snapshots over."""

    def missing(self, missing: Sequence[Missing]) -> None:
        """Pass over what nobody has; the comparison shows it."""


@dataclass
class Looked:
    """What the plain client saw."""

    prices: int = 0
    outside: int = 0
    unrecorded: int = 0
    longest_silence: float = 0.0


async def look(url: str, instruments: Sequence[FeedInstrument], recorded: Candles, stop: Stop) -> Looked:
    """Hold every price against the recorded candle of its minute until `stop` is said."""
    seen, heard_at = Looked(), time.monotonic()
    async with connect(url, proxy=None, compression=None, max_queue=None) as socket:
        for request in subscribing(instruments):
            await socket.send(request)
        while not stop.said:
            try:
                frame = await asyncio.wait_for(socket.recv(), 1.0)
            except TimeoutError:
                continue
            seen.longest_silence = max(seen.longest_silence, time.monotonic() - heard_at if seen.prices else 0.0)
            heard_at = time.monotonic()
            for packet in read_frame(bytes(frame, "ascii") if isinstance(frame, str) else frame).packets:
                if isinstance(packet, Price) and recorded.opens_at <= packet.traded_at < recorded.closes_at:
                    _hold(packet, recorded, seen)
    return seen


def _hold(packet: Price, recorded: Candles, seen: Looked) -> None:
    row = recorded.rows.get((packet.key, packet.traded_at // 60 * 60))
    seen.prices += 1
    if row is None:
        seen.unrecorded += 1
    else:
        ticks = round(packet.ltp * 20)
        seen.outside += not row[2] <= ticks <= row[1]


async def replay(plan: Plan, ports: tuple[int, int], recording: Recording) -> tuple[Kept, Looked, LiveFeed, Candles]:
    """Run the feed through the whole session."""
    with tempfile.TemporaryDirectory() as folder:
        wall = SystemClock().now
        settings = Settings(mode="paper", data_dir=Path(folder), exchange_port=ports[0])
        dhan = await asyncio.to_thread(lambda: open_dhan(settings, wall=wall, sleep=time.sleep, jitter=lambda: 0.5))
        listings = [one for one in dhan.masters.of(plan.on).listings if one.segment in {"IDX_I", "NSE_FNO"}]
        recorded = candles_of(recording, plan.on, {(one.segment, one.security_id) for one in listings}, plan.minutes)
        clock = MarketTime(
            _control(
                ports, "PUT", "/clock", {"mode": "set", "at": ist(plan.starts_at).isoformat(), "speed": plan.speed}
            )
        )
        charts = AccountCharts(dhan, clock)
        instruments = [_instrument(one, charts) for one in listings]
        kept, calendar, keys = Kept(charts), NseCalendar(), AccountKeys(dhan)
        patience = round(plan.speed) + 10
        watch = Watch(calendar, leave_after=timedelta(seconds=15 * plan.speed))
        address = f"ws://127.0.0.1:{ports[0]}/feed"
        around = FeedPorts(address, keys, clock, calendar, kept, kept, asyncio.sleep, Random(plan.seed))
        feed, stop = LiveFeed(around, FeedLimits(watch=watch, patience=patience, look_every=0.02)), Stop()
        url = f"{address}?version=2&token={keys.token().get_secret_value()}&clientId={CLIENT}&authType=2"
        running = [
            asyncio.create_task(feed.run(stop)),
            asyncio.create_task(look(url, instruments, recorded, stop)),
        ]
        await feed.subscribe(instruments)
        ends = datetime.fromtimestamp(recorded.closes_at + 240 + patience, UTC)
        await asyncio.sleep((ends - clock.now()).total_seconds() / plan.speed)
        for _ in range(FILL_SECONDS):
            await asyncio.sleep(1.0 if feed.open_minutes else 0.0)
        stop.say()
        _, seen = await asyncio.gather(*running)
    assert isinstance(seen, Looked)
    return kept, seen, feed, recorded


def _instrument(listing: Listing, charts: AccountCharts) -> FeedInstrument:
    kind = KINDS[listing.chart_kind]
    mode = Mode.QUOTE if kind is InstrumentKind.INDEX else Mode.FULL
    name = listing.underlying if kind is InstrumentKind.INDEX else listing.symbol
    return FeedInstrument(charts.add(listing), Instrument(name=name, kind=kind, tick_size=TICK), mode)


def _control(ports: tuple[int, int], method: str, path: str, body: Any = None) -> Mapping[str, Any]:
    reply = requests.request(method, f"http://127.0.0.1:{ports[1]}{path}", json=body, headers=CONTROL, timeout=30)
    reply.raise_for_status()
    found: Mapping[str, Any] = reply.json()
    return found


@dataclass(frozen=True)
class Compared:
    """How the feed's candles and prices compare with the recording; `same` is about the bytes of two exchanges."""

    total: int
    equal: int
    from_feed: int
    wrong_from_feed: int
    surplus: int
    seen: Looked
    connections: int
    same: bool

    @property
    def holds(self) -> bool:
        """Whether all that is wanted is so."""
        seen = self.seen
        whole = self.equal >= WANTED * self.total and seen.prices > 0
        return whole and self.same and not (self.wrong_from_feed or self.surplus or seen.outside or seen.unrecorded)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the table's rows: what, measured, wanted."""
        seen, total = self.seen, self.total
        return [
            ("recorded minutes with trades", f"{total:,}", ""),
            ("candles equal to them", f"{self.equal:,} ({self.equal / total:.4%})", f">= {WANTED:.1%}"),
            ("of these from the feed alone", f"{self.from_feed:,} ({self.from_feed / total:.4%})", ""),
            ("candles of the feed alone that differ", f"{self.wrong_from_feed:,}", "0"),
            ("candles for minutes without a trade", f"{self.surplus:,}", "0"),
            ("prices seen on the wire", f"{seen.prices:,}", ""),
            ("of these outside the recorded candle / without one", f"{seen.outside} / {seen.unrecorded}", "0 / 0"),
            ("longest silence on the wire, real s", f"{seen.longest_silence:.2f}", ""),
            ("connections of the feed", f"{self.connections}", ""),
            ("bytes of two exchanges with this seed", "equal" if self.same else "differ", "equal"),
        ]


def compare(kept: Kept, seen: Looked, feed: LiveFeed, recorded: Candles, *, same: bool) -> Compared:
    """Hold what the feed made against the recording; name the first candles that differ."""
    made = {(bar.key, bar.opened_at): tuple(bar[2:7]) for bar in kept.bars_kept if bar.opened_at < recorded.closes_at}
    heard = {place: row for place, row in made.items() if place not in kept.filled}
    wrong = [place for place, row in recorded.rows.items() if made.get(place) != row]
    for place in wrong[:SHOWN]:
        at = datetime.fromtimestamp(place[1], UTC)
        print(f"differs: {place[0]} {at} has {made.get(place)}, recorded {recorded.rows[place]}")
    sure = sum(recorded.rows.get(place) == row for place, row in heard.items())
    total, surplus = len(recorded.rows), len(made.keys() - recorded.rows.keys())
    connections = feed.counts.of("feed_connected")
    return Compared(total, total - len(wrong), sure, len(heard) - sure, surplus, seen, connections, same)


def main() -> int:
    """Replay, compare and print; return 1 where something wanted is not so."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the recorded one-minute candles")
    parser.add_argument("--on", type=date.fromisoformat, default=date(2022, 11, 10), help="which session")
    parser.add_argument("--speed", type=float, default=60.0, help="market seconds in a second")
    parser.add_argument("--minutes", type=int, default=375, help="how much of the session, from its open")
    parser.add_argument("--seed", type=int, default=7, help="which path of prices within the candles")
    asked = parser.parse_args()
    plan = Plan(asked.data, asked.on, asked.speed, asked.seed, asked.minutes)
    context = multiprocessing.get_context("spawn")
    ready, tell = context.Pipe()
    server = context.Process(target=serve, args=(plan, tell))
    server.start()
    try:
        ports: tuple[int, int] = ready.recv()
        recording = read(plan.folder, plan.on)
        found = asyncio.run(replay(plan, ports, recording))
    finally:
        server.terminate()
        server.join()
    same = digest(recording, plan.on, plan.seed, plan.minutes) == digest(recording, plan.on, plan.seed, plan.minutes)
    compared = compare(*found, same=same)
    print(f"| {plan.on}, {plan.speed:g} times as fast, seed {plan.seed} | measured | wanted |\n|---|---|---|")
    for row in compared.rows():
        print(f"| {' | '.join(row)} |")
    return 0 if compared.holds else 1


if __name__ == "__main__":
    sys.exit(main())
