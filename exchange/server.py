"""The exchange as a process: its public port, its control port, and the task that lets time pass; loopback only."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute

from exchange import control, feed, routes_orders, statements, updates
from exchange.accounts import Account, Accounts
from exchange.ahead import Ahead
from exchange.app import create_app
from exchange.clock import MarketClock, Millis, Span, ist
from exchange.core import Core
from exchange.doors import bind, listen
from exchange.faults import FaultBox
from exchange.market import Market
from exchange.misanswers import Misanswers
from exchange.rules import Rules
from exchange.sockets import PING_EVERY, PONG_WITHIN, HttpWire, SocketWire
from exchange.state import StateError, StateFile
from exchange.statejournal import Journal
from exchange.staterecords import ClockBody
from exchange.staterestore import last_clock, restore, restore_accounts

HOST = "127.0.0.1"
LOOK_EVERY = 0.01
STOP_WITHIN = 2
SET_BACK_AT_MOST = 60_000  # a machine's clock is corrected by less; until it has caught up the market stands


@dataclass(frozen=True)
class ClockPlan:
    """How the market's time runs from the start.

    ``real`` is the machine's time. ``open`` runs session after session without a night between, from the first on or
    after `on`. ``at`` starts at a moment. The last two run `speed` times as fast as real time.
    """

    mode: Literal["real", "open", "at"] = "open"
    on: date | None = None
    at: Millis | None = None
    speed: float = 1.0


@dataclass(frozen=True)
class ServerConfig:
    """How to start an exchange. A port of 0 lets the system choose; `Ports` tells which.

    `state_path` is the file of the book, made when there is none: accounts, orders, trades and money then outlive the
    process, however it ends. Without it they end with it. `rules` are Dhan's unless given.
    """

    control_token: str = field(repr=False)
    accounts: tuple[Account, ...] = (Account("1000000001"),)
    seed: int = 0
    port: int = 8899
    control_port: int = 8898
    clock: ClockPlan = field(default_factory=ClockPlan)
    state_path: Path | None = None
    rules: Rules | None = None


@dataclass(frozen=True)
class Ports:
    """Where an exchange listens."""

    public: int
    control: int


@dataclass(frozen=True)
class Exchange:
    """An exchange that is ready to be served."""

    core: Core
    public: Starlette
    control: Starlette
    book: StateFile | None = None

    def close(self) -> None:
        """Let go of the file of the book, so that another process may open it."""
        if self.book is not None:
            self.book.close()


class LoopbackServer(uvicorn.Server):
    """A server that leaves signals to its owner, since two of them share a process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def assemble(config: ServerConfig, market: Market, clock: MarketClock | None = None) -> Exchange:
    """Return the exchange that a configuration describes; a client without a token in force gets one made on the web.

    Parameters
    ----------
    config : ServerConfig
        Clients, clock and seed.
    market : Market
        Where prices come from.
    clock : MarketClock, optional
        Takes the place of a clock on the machine's time; its plan is still the configuration's.

    Raises
    ------
    ValueError
        If the clock is to start at a moment and none is given, or the control token is empty.
    StateError
        If the file of the book cannot be used.
    """
    book = None if config.state_path is None else StateFile(config.state_path)
    try:
        return _assembled(config, market, clock or MarketClock(), book)
    except Exception:  # whatever it was goes on to the caller; only the open file must not stay behind
        if book is not None:
            book.close()
        raise


def _assembled(config: ServerConfig, market: Market, clock: MarketClock, book: StateFile | None) -> Exchange:
    last = None if book is None else last_clock(book, config.seed)
    _start(clock, config.clock, market, last)
    accounts = Accounts(config.seed, deepcopy(config.accounts))
    if book is not None:
        restore_accounts(accounts, book)
    core = Core(market, accounts, clock, faults=FaultBox(config.seed), rules=config.rules, seed=config.seed)
    if book is not None and last is not None:
        restore(core, book, last)
    for account in accounts.all():
        if not account.token or account.token_ends <= clock.real():
            accounts.issue(account.client_id, clock.real())
    if book is not None:
        core.journal = Journal(core, book)
        core.journal.commit()
    served = feed.Feed(core)
    sockets = [WebSocketRoute(path, served.serve) for path in feed.PATHS]
    more = [*routes_orders.routes(core), *statements.routes(core), *updates.Updates(core).routes(), *sockets]
    public = create_app(core, more, [Middleware(Misanswers, core=core)])
    return Exchange(core, public, control.create_app(core, config.control_token, served), book)


async def serve(
    exchange: Exchange,
    config: ServerConfig,
    stop: asyncio.Event,
    on_ready: Callable[[Ports], None] | None = None,
    *,
    before: Callable[[], None] | None = None,
) -> None:
    """Serve an exchange until told to stop.

    Parameters
    ----------
    exchange : Exchange
        What to serve.
    config : ServerConfig
        On which ports.
    stop : asyncio.Event
        Set it to end.
    on_ready : callable, optional
        Told the ports once both are listened on.
    before : callable, optional
        Called once the ports are ours and nobody can connect yet.

    Raises
    ------
    PortTakenError
        If a port is in use.
    """
    doors = [bind(HOST, config.port), bind(HOST, config.control_port)]
    if before is not None:
        before()
    for door in doors:
        listen(door)
    servers = [_server(exchange.public), _server(exchange.control)]
    running = [asyncio.create_task(server.serve(sockets=[door])) for server, door in zip(servers, doors, strict=True)]
    time_passes = asyncio.create_task(_let_time_pass(exchange.core))
    if on_ready is not None:
        on_ready(Ports(*(int(door.getsockname()[1]) for door in doors)))
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([stopping, time_passes, *running], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for server in servers:
            server.should_exit = True
        time_passes.cancel()
        stopping.cancel()
        await asyncio.gather(*running)
        exchange.close()
    for task in done - {stopping}:
        task.result()  # a part that ended by itself failed; say why


def run(config: ServerConfig, market: Market, on_ready: Callable[[Ports], None] | None = None) -> None:
    """Serve an exchange in this process until it is interrupted or terminated."""

    async def until_signalled() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(assemble(config, market), config, stop, on_ready)

    asyncio.run(until_signalled())


async def _let_time_pass(core: Core) -> None:
    """Settle what is due while nobody asks, and make ready what will be asked for."""
    ahead = Ahead(core.market)
    while True:
        ahead.step(core.settle())
        await asyncio.sleep(LOOK_EVERY)


def _start(clock: MarketClock, plan: ClockPlan, market: Market, last: ClockBody | None) -> None:
    """Start the clock as planned, or where a book's clock stood if that is later: time never runs back."""

    def span(on: date) -> Span | None:
        hours = market.hours(on)
        return (hours.open_at, hours.close_at) if hours else None

    if plan.mode == "open":
        clock.keep_open(span, plan.on or ist(clock.real()).date(), speed=plan.speed)
    elif plan.mode == "at":
        if plan.at is None:
            raise ValueError("a clock that starts at a moment needs the moment; pass `at`")
        clock.set(plan.at, speed=plan.speed)
    else:
        clock.use_real()
    if last is None or clock.now() >= last.settled:
        return
    if plan.mode == "open":
        today = span(ist(last.settled).date())
        at = min(last.until, today[1] - 1) if today and last.settled < today[1] else last.until
        clock.keep_open(span, ist(at).date(), speed=plan.speed, at=at)
    elif plan.mode == "at":
        clock.set(last.until, speed=plan.speed)
    elif last.settled - clock.now() > SET_BACK_AT_MOST:
        raise StateError(
            f"the book stands at {ist(last.settled)} and the machine's clock shows {ist(clock.now())}; "
            "run the exchange on the clock that it ran on, or name another file"
        )


def _server(app: Starlette) -> LoopbackServer:
    return LoopbackServer(
        uvicorn.Config(
            app,
            loop="auto",
            http=HttpWire,
            ws=SocketWire,
            ws_ping_interval=PING_EVERY,
            ws_ping_timeout=PONG_WITHIN,
            ws_per_message_deflate=False,
            log_level="warning",
            access_log=False,  # the paths of the login host and of the feed hold secrets
            lifespan="off",
            server_header=False,
            date_header=False,  # the outermost layer of the application tells the time
            timeout_graceful_shutdown=STOP_WITHIN,
        )
    )
