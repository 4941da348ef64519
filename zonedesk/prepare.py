"""What must be there before the desk is shown: the market's clock, its history, Dagster's home, the first analysis.

The history is made by the exchange's own generator without going over its wire; it is the very same market. What
happens from the first live session on comes over the wire only.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from agents.bootstrap import open_ledger, open_store
from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, SimulatedMarketClock
from agents.data.dhan.connect import address_of
from agents.data.store import Store
from agents.domain.errors import ConfigError
from agents.domain.market import ANALYSIS_MINUTES
from agents.domain.values import IST
from agents.execution.risk import load_limits
from agents.settings import Settings
from pipelines.home import prepare_home
from pipelines.run import materialize_range
from zonedesk.health import read_health
from zonedesk.home import DeskHome
from zonedesk.market import last_sessions, simulate_history
from zonedesk.ports import free_port, refuse_busy
from zonedesk.services import Prepared
from zonedesk.shell import wall_now

HISTORY_SESSIONS = 60  # twice what a zone lives
PAPER_SOURCE = "simulated:exchange"
LIVE_SESSIONS = 60  # how many sessions behind the calendar a new simulated market starts: inside the last 90 days
CRASHED = timedelta(seconds=10)  # for how long after its last word a desk that was killed may have been seen alive
FIRST_LOOK = timedelta(minutes=75)  # how old its first live session is, so that the first look shows a day under way

Say = Callable[[str], None]
Step = Callable[[int, int], None]


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
        If a port is taken, the mode is not paper, the exchange's address is not on this machine, or the store holds
        recorded data of the instrument; or if risk.toml sets a limit that does not exist or is looser than its cap.
    """
    if settings.mode != "paper":
        raise ConfigError(f"`zonedesk up` starts the paper desk, not {settings.mode}; leave --mode out")
    refuse_busy(
        {
            "ZONEDESK_DAGSTER_PORT": settings.dagster_port,
            "ZONEDESK_DASHBOARD_PORT": settings.dashboard_port,
            "ZONEDESK_EXCHANGE_PORT": settings.exchange_port,
        }
    )
    address_of(settings)
    load_limits(settings)
    code_port = free_port()
    open_ledger(settings, now=wall_now).close()
    store = open_store(settings, now=wall_now)
    clock = _stopped_clock(settings, store, history)
    _fill_history(settings, store, clock, say, step)
    home = prepare_home(settings, code_server_port=code_port)
    return Prepared(home.folder, home.workspace, code_port)


def first_look(settings: Settings, say: Say, step: Step) -> None:
    """Analyse through Dagster what was never analysed, up to the market's present; the exchange must answer by now.

    Parameters
    ----------
    settings : Settings
        Of the desk that was prepared.
    say, step : callable
        As in `prepare`.

    Raises
    ------
    DataError
        If the analysis failed; the message is the run's own.
    """
    instrument = settings.instruments[0]  # the simulated market has one underlying
    clock = SimulatedMarketClock(DeskHome.of(settings).clock_path, NseCalendar())
    dates = _begun_dates(clock.file)
    analysed = _sessions(open_store(settings, now=wall_now), "analysis_candles", instrument, dates)
    missing = [on for on in dates if on not in analysed]
    if missing:
        say(f"analysing {len(missing)} sessions of {instrument} with Dagster")
        # The market goes on meanwhile, and fast: without a common moment a check would miss what closed since.
        materialize_range(settings, [instrument], missing[0], missing[-1], as_of=clock.now(), on_progress=step)


def _stopped_clock(settings: Settings, store: Store, history: int) -> ClockFile:
    """Return the market's clock, standing where the desk left it, and write it so."""
    path = DeskHome.of(settings).clock_path
    now = wall_now()
    if path.exists():
        old = ClockFile.read(path)
        resumed_at = _last_seen(settings, store, now) if old.running else old.resumed_at
        change = {"resumed_at": resumed_at, "speed": settings.simulation_speed, "running": False}
        file = old.model_copy(update=change)
    else:
        _refuse_foreign_data(settings, store)
        file = _new_clock(settings, history, now)
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


def _new_clock(settings: Settings, history: int, now: datetime) -> ClockFile:
    """Return the clock of a market that starts some sessions behind the calendar, after its history."""
    calendar = NseCalendar()
    dates = last_sessions(calendar, (now - timedelta(days=1)).date(), history + LIVE_SESSIONS)
    first_live = calendar.session(dates[history])
    assert first_live is not None
    return ClockFile(
        anchor_wall=now,
        anchor_market=first_live.open_at + FIRST_LOOK,
        resumed_at=first_live.open_at + FIRST_LOOK,
        speed=settings.simulation_speed,
        seed=settings.simulation_seed,
        origin_on=dates[0],
        running=False,
    )


def _last_seen(settings: Settings, store: Store, now: datetime) -> datetime:
    """Return the last moment that a desk which was not stopped in good order may have shown to anyone."""
    home = DeskHome.of(settings)
    clock = SimulatedMarketClock(home.clock_path, NseCalendar())
    health, said = read_health(home.feed_path), home.read_status().get("written_at")
    words = [health.written_at] if health else []
    words += [datetime.fromisoformat(said)] if said else []
    seen = [clock.file.resumed_at, *(clock.at_wall(min(word + CRASHED, now)) for word in words)]
    if store.exists:
        future = settings.futures[settings.instruments[0]]
        rows = store.rows("select max(closed_at) from candles where instrument = ? and minutes = 1", [future])
        seen += [row[0] for row in rows if row[0] is not None]
    return max(seen)


def _ended_dates(clock: ClockFile) -> list[date]:
    """Return the sessions that lie before the present one on the market's clock."""
    return NseCalendar().days(clock.origin_on, (clock.resumed_at - timedelta(days=1)).astimezone(IST).date())


def _begun_dates(clock: ClockFile) -> list[date]:
    """Return the sessions of which an analysis candle has closed on the market's clock."""
    first_close = clock.resumed_at - timedelta(minutes=ANALYSIS_MINUTES)
    days = NseCalendar().sessions(clock.origin_on, clock.resumed_at.astimezone(IST).date())
    return [session.on for session in days if session.open_at <= first_close]


def _fill_history(settings: Settings, store: Store, clock: ClockFile, say: Say, step: Step) -> None:
    """Simulate the sessions before the first live one, unless they are there."""
    instrument = settings.instruments[0]  # the simulated market has one underlying
    dates = _ended_dates(clock)
    future = _future_of(settings, instrument)
    if _has_been_live(store, future) or _sessions(store, "candles", future, dates) == set(dates):
        return
    say(f"simulating {len(dates)} sessions of {instrument}")
    simulate_history(
        store, instrument, sessions=len(dates), seed=clock.seed, future=future, last=dates[-1], on_progress=step
    )


def _has_been_live(store: Store, future: str) -> bool:
    """Whether anything came over the wire: from then on, whatever is missing is asked for there."""
    sql = "select 1 from candles where instrument = ? and source = ? limit 1"
    return store.exists and bool(store.rows(sql, [future, PAPER_SOURCE]))


def _sessions(store: Store, table: str, instrument: str, dates: list[date]) -> set[date]:
    """Return those of some sessions, all in a row, of which `table` has rows of an instrument."""
    if not store.exists or not dates:
        return set()
    rows = store.rows(
        f"select distinct session from {table} where instrument = ? and session between ? and ?",  # noqa: S608  (names come from code)
        [instrument, dates[0], dates[-1]],
    )
    return {row[0] for row in rows}


def _future_of(settings: Settings, instrument: str) -> str:
    try:
        return settings.futures[instrument]
    except KeyError:
        raise ConfigError(f"{instrument} has no future in ZONEDESK_FUTURES; name one, such as {instrument}-I") from None
