"""The paper exchange as a command starts it: which market it shows, and where a client finds its key."""

import asyncio
import json
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pydantic import SecretStr

from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, SimulatedMarketClock
from agents.data.dhan.token import TokenFile
from agents.domain.candles import epoch
from agents.domain.errors import ConfigError
from agents.domain.values import IST
from agents.settings import Settings
from exchange.clock import MarketClock, at_ist
from exchange.doors import PortTakenError
from exchange.market import Market, RecordingError
from exchange.server import HOST, ClockPlan, Exchange, Ports, ServerConfig, assemble, serve
from exchange.sessions import Calendar, TradingHours
from exchange.simulated import simulated_market
from exchange.state import StateError
from zonedesk.desktime import DeskTime
from zonedesk.home import DeskHome
from zonedesk.shell import wall_now

KEY_FILE = "exchange.json"
BOOK_FILE = "exchange.sqlite"
_HISTORY = 120  # calendar days of a simulated market before the session that it opens with
_OWNER_ONLY = 0o600
_MILLIS = 1000
LEAD = 8.0  # real seconds from the start of a recording to its open: clients connect, and hear the first minute whole


@dataclass(frozen=True)
class Shown:
    """What an exchange shows: a recording (index, futures and options as Parquet) or, without one, market `seed`.

    `origin_on` is that market's first session, some months before `on` unless given; `clock` takes the place of a
    clock that begins with the opening of `on`.
    """

    on: date
    seed: int
    speed: float
    recording: tuple[Path, Path, Path] | None = None
    origin_on: date | None = None
    clock: MarketClock | None = None


def desk_shown(settings: Settings) -> Shown:
    """Return the desk's own market at the desk's own time.

    Raises
    ------
    ConfigError
        If the desk was never started.
    """
    path = DeskHome.of(settings).clock_path
    clock = SimulatedMarketClock(path, NseCalendar())
    file: ClockFile = clock.file
    on = clock.now().astimezone(IST).date()
    return Shown(on, file.seed, float(file.speed), origin_on=file.origin_on, clock=DeskTime(clock))


def next_session() -> date:
    """Return today's session, or the next one."""
    today = wall_now().astimezone(IST).date()
    return NseCalendar().next(today - timedelta(days=1)).on


def run_exchange(
    settings: Settings, shown: Shown, ports: tuple[int, int], say: Callable[[dict[str, object]], None]
) -> None:
    """Serve the paper exchange until it is interrupted or terminated.

    Parameters
    ----------
    settings : Settings
        The folder of its mode gets ``exchange.json``: addresses, client id and tokens, readable by its owner alone;
        and, where the exchange keeps the desk's time, ``exchange.sqlite``: its book, which outlives the process.
    shown : Shown
        The market.
    ports : tuple of int
        The public and the control port; 0 lets the system choose.
    say : callable
        Told addresses and the key file once both ports are listened on.

    Raises
    ------
    ConfigError
        If a port is taken, the recording cannot be shown, the book cannot be used, or the desk of this folder runs and
        has an exchange already.
    """
    if shown.clock is None and (pid := DeskHome.of(settings).running_pid()) is not None:
        raise ConfigError(
            f"the desk in {settings.home} runs (process {pid}) and has its own exchange; name another --data-dir"
        )
    token = secrets.token_urlsafe(24)
    config = ServerConfig(
        token,
        seed=shown.seed,
        port=ports[0],
        control_port=ports[1],
        clock=_plan(shown),
        state_path=settings.home / BOOK_FILE if shown.clock is not None else None,
    )
    try:
        market = _market(shown)
        for _ in market.opening(shown.on):  # made before anyone waits for it
            pass
        exchange = assemble(config, market, shown.clock)
        asyncio.run(
            _until_signalled(
                exchange,
                config,
                lambda open_: say(_write_key(settings, exchange, config, open_)),
                before=lambda: _hand_over_token(settings, exchange, config),
            )
        )
    except PortTakenError as error:
        raise ConfigError(f"{error}; choose another with --port and --control-port") from error
    except StateError as error:
        raise ConfigError(f"the exchange's book cannot be used: {error}") from error
    except RecordingError as error:
        raise ConfigError(f"this recording cannot be shown: {error}") from error


async def _until_signalled(
    exchange: Exchange, config: ServerConfig, on_ready: Callable[[Ports], None], before: Callable[[], None]
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(exchange, config, stop, on_ready, before=before)


def _plan(shown: Shown) -> ClockPlan:
    """Return how market time runs: a recording once from before its open, a simulated market session after session."""
    if shown.clock is not None:
        return ClockPlan("real")  # what is real is the given clock's to say
    if shown.recording is not None:
        session = NseCalendar().session(shown.on)
        opens = epoch(session.open_at) * _MILLIS if session is not None else at_ist(shown.on, 9, 15)
        return ClockPlan("at", at=opens - round(LEAD * _MILLIS * shown.speed), speed=shown.speed)
    return ClockPlan("open", on=shown.on, speed=shown.speed)


def _market(shown: Shown) -> Market:
    if shown.recording is not None:
        index, futures, options = shown.recording
        from exchange.recorded import Recording, recorded_market  # noqa: PLC0415  (pandas, which nothing else needs)

        return recorded_market(Recording.from_parquet(index, futures, options), shown.seed, last=shown.on)
    origin_on = shown.origin_on or shown.on - timedelta(days=_HISTORY)
    return simulated_market(shown.seed, origin_on, _calendar())


def _calendar() -> Calendar:
    """Return the exchange's calendar, filled from the desk's."""
    ours = NseCalendar()
    first, last = date(2015, 1, 1), ours.known_until
    sessions = {session.on: session for session in ours.sessions(first, last)}
    days = [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]
    plain = Calendar()
    special = {}
    for on, session in sessions.items():
        frozen = min(session.index_frozen_from or session.close_at, session.close_at)
        hours = TradingHours(
            on, *(epoch(at) * _MILLIS for at in (session.open_at, session.derivatives_close_at, frozen))
        )
        if plain.hours(on) != hours:
            special[on] = hours
    return Calendar([on for on in days if on not in sessions], special)


def _hand_over_token(settings: Settings, exchange: Exchange, config: ServerConfig) -> None:
    """Put the token where the desk's processes look, so that none needs to make another.

    Whoever makes one holds the file's lock while it waits for the exchange, so this comes before anybody can connect:
    a request would wait for us, and we for it, and when it gave up the token it asked for would kill this one.
    """
    file = TokenFile(settings.home / "dhan" / "token.json")
    client = exchange.core.accounts.find(config.accounts[0].client_id)
    assert client is not None
    with file.owned():
        file.write(SecretStr(client.token), wall_now())


def _write_key(settings: Settings, exchange: Exchange, config: ServerConfig, open_: Ports) -> dict[str, object]:
    """Write what a client needs to connect, and return what may be shown of it."""
    account = config.accounts[0]
    shown: dict[str, object] = {
        "rest": f"http://{HOST}:{open_.public}/v2",
        "sockets": f"ws://{HOST}:{open_.public}",
        "control": f"http://{HOST}:{open_.control}",
        "client_id": account.client_id,
    }
    client = exchange.core.accounts.find(account.client_id)
    assert client is not None
    keys = {"access_token": client.token, "control_token": config.control_token}
    path = settings.home / KEY_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=_OWNER_ONLY)
    path.chmod(_OWNER_ONLY)
    path.write_text(json.dumps({**shown, **keys}, indent=1) + "\n", encoding="utf-8")
    return {**shown, "key_file": str(path)}
