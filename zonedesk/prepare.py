"""What must be there before the desk's processes start: history, its analysis, Dagster's home, the market's clock."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from agents.bootstrap import open_ledger, open_store
from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, SimulatedMarketClock, market_clock
from agents.data.store import Store
from agents.domain.errors import ConfigError
from agents.domain.market import ANALYSIS_MINUTES
from agents.domain.values import IST
from agents.settings import Settings
from pipelines.home import prepare_home
from pipelines.run import materialize_range
from zonedesk.feed import Feed
from zonedesk.home import DeskHome
from zonedesk.market import SimulatedMarket, last_sessions, simulate_history
from zonedesk.ports import free_port, refuse_busy
from zonedesk.shell import wall_now

HISTORY_SESSIONS = 60  # twice what a zone lives
LIVE_SESSIONS = 250  # how many sessions behind the calendar a new simulated market starts
FIRST_LOOK = timedelta(minutes=75)  # how old its first live session is, so that the first look shows a day under way

Say = Callable[[str], None]
Step = Callable[[int, int], None]


class Prepared(NamedTuple):
    """What the processes are started with."""

    dagster_home: Path
    workspace: Path
    code_port: int


def prepare(settings: Settings, say: Say, step: Step, *, history: int = HISTORY_SESSIONS) -> Prepared:
    """Make the paper desk ready to start; what is there already is left as it is.

    Parameters
    ----------
    settings : Settings
        In paper mode.
    say : callable
        Is told what is being done.
    step : callable
        Is told how far it is: done, and in all.
    history : int
        How many sessions a new market has before its first live one.

    Raises
    ------
    ConfigError
        If a port is taken, the mode is not paper, or the store holds recorded data of the instrument.
    """
    if settings.mode != "paper":
        raise ConfigError(f"`zonedesk up` starts the paper desk, not {settings.mode}; leave --mode out")
    refuse_busy({"ZONEDESK_DAGSTER_PORT": settings.dagster_port, "ZONEDESK_DASHBOARD_PORT": settings.dashboard_port})
    code_port = free_port()
    open_ledger(settings, now=wall_now).close()
    store = open_store(settings, now=wall_now)
    clock = _stopped_clock(settings, store, history)
    for instrument in settings.instruments[:1]:  # the simulated market has one underlying
        _fill_history(settings, store, instrument, clock, say, step)
        _show_present(settings, store, instrument)
        _materialize(settings, store, instrument, clock, say, step)
    home = prepare_home(settings, code_server_port=code_port)
    return Prepared(home.folder, home.workspace, code_port)


def _stopped_clock(settings: Settings, store: Store, history: int) -> ClockFile:
    """Return the market's clock, standing where the desk left it, and write it so."""
    path = DeskHome.of(settings).clock_path
    now = wall_now()
    yesterday = (now - timedelta(days=1)).date()
    if path.exists():
        old = ClockFile.read(path)
        shown = _last_shown(settings, store) if old.running else None  # the desk was not stopped in good order
        resumed_at = max(shown or old.resumed_at, old.resumed_at)
        file = old.model_copy(
            update={
                "resumed_at": resumed_at,
                "speed": settings.simulation_speed,
                "last_on": yesterday,
                "running": False,
            }
        )
    else:
        _refuse_foreign_data(settings, store)
        file = _new_clock(settings, history, now, yesterday)
    file.write(path)
    return file


def _refuse_foreign_data(settings: Settings, store: Store) -> None:
    """Raise `ConfigError` where the store has candles that no desk put there: the market would mix with them."""
    instrument = settings.instruments[0]
    if store.exists and store.rows("select 1 from candles where instrument = ? limit 1", [instrument]):
        raise ConfigError(
            f"{store.path} has candles of {instrument} but no market clock beside it, so they are not this desk's; "
            "name another --data-dir"
        )


def _new_clock(settings: Settings, history: int, now: datetime, yesterday: date) -> ClockFile:
    """Return the clock of a market that starts a year behind the calendar, after its history."""
    calendar = NseCalendar()
    dates = last_sessions(calendar, yesterday, history + LIVE_SESSIONS)
    first_live = calendar.session(dates[history])
    assert first_live is not None
    return ClockFile(
        anchor_wall=now,
        anchor_market=first_live.open_at + FIRST_LOOK,
        resumed_at=first_live.open_at + FIRST_LOOK,
        speed=settings.simulation_speed,
        seed=settings.simulation_seed,
        origin_on=dates[0],
        last_on=yesterday,
        running=False,
    )


def _last_shown(settings: Settings, store: Store) -> datetime | None:
    if not store.exists:
        return None
    future = settings.futures[settings.instruments[0]]
    rows = store.rows("select max(closed_at) from candles where instrument = ? and minutes = 1", [future])
    return rows[0][0] if rows else None


def _ended_dates(clock: ClockFile) -> list[date]:
    """Return the sessions that lie before the present one on the market's clock."""
    return NseCalendar().days(clock.origin_on, (clock.resumed_at - timedelta(days=1)).astimezone(IST).date())


def _begun_dates(clock: ClockFile) -> list[date]:
    """Return the sessions of which an analysis candle has closed on the market's clock."""
    first_close = clock.resumed_at - timedelta(minutes=ANALYSIS_MINUTES)
    days = NseCalendar().sessions(clock.origin_on, clock.resumed_at.astimezone(IST).date())
    return [session.on for session in days if session.open_at <= first_close]


def _fill_history(  # noqa: PLR0917  (the same six things for every step)
    settings: Settings, store: Store, instrument: str, clock: ClockFile, say: Say, step: Step
) -> None:
    """Simulate the sessions before the first live one, unless they are there."""
    dates = _ended_dates(clock)
    future = _future_of(settings, instrument)
    if _has_sessions(store, "candles", future, dates):
        return
    say(f"simulating {len(dates)} sessions of {instrument}")
    simulate_history(
        store, instrument, sessions=len(dates), seed=clock.seed, future=future, last=dates[-1], on_progress=step
    )


def _show_present(settings: Settings, store: Store, instrument: str) -> None:
    """Show what has happened so far in the session at which the market's clock stands."""
    clock = market_clock(settings, NseCalendar())
    assert isinstance(clock, SimulatedMarketClock)
    market = SimulatedMarket(NseCalendar(), instrument, clock.file.seed, clock.file.origin_on)
    Feed(store, market, clock, underlying=instrument, future=_future_of(settings, instrument)).catch_up()


def _materialize(  # noqa: PLR0917  (as above)
    settings: Settings, store: Store, instrument: str, clock: ClockFile, say: Say, step: Step
) -> None:
    """Analyse the history through Dagster, unless that was done."""
    dates = _begun_dates(clock)
    if _has_sessions(store, "analysis_candles", instrument, dates):
        return
    say(f"analysing {len(dates)} sessions of {instrument} with Dagster")
    materialize_range(settings, [instrument], dates[0], dates[-1], on_progress=step)


def _has_sessions(store: Store, table: str, instrument: str, dates: list[date]) -> bool:
    """Whether `table` has rows of an instrument for the first and the last of these dates and as many between."""
    if not store.exists:
        return False
    rows = store.rows(
        f"select count(distinct session) from {table} where instrument = ? and session between ? and ?",  # noqa: S608  (names come from code)
        [instrument, dates[0], dates[-1]],
    )
    return bool(rows[0][0] == len(dates))


def _future_of(settings: Settings, instrument: str) -> str:
    try:
        return settings.futures[instrument]
    except KeyError:
        raise ConfigError(f"{instrument} has no future in ZONEDESK_FUTURES; name one, such as {instrument}-I") from None
