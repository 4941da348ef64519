"""The simulated market of the desk: its calendar, its contracts, its history in the store."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from agents.data.calendar import NseCalendar
from agents.data.contracts import expiry_at, lot_size, weekly_expiries
from agents.data.store import Store
from agents.data.writing import SIMULATED, store_candles, store_option_quotes
from agents.domain.candles import epoch
from agents.domain.errors import ConfigError
from agents.domain.market import Session
from agents.domain.values import IST, Frozen
from exchange.simulation import Expiry, Hours, MarketState, SimulatedSession, first_state, next_state, simulate
from zonedesk.rows import candle_rows, instruments_of, quote_rows

SESSIONS_A_WRITE = 10  # keeps memory small and the store free for others now and then
_MONTH = timedelta(days=45)


class HistoryReport(Frozen):
    """What was simulated and stored."""

    instrument: str
    seed: int
    sessions: int
    first: date
    last: date
    candles: int
    quotes: int


class SimulatedMarket:
    """The market numbered `seed`, which began with the session `origin_on`.

    The sessions are a chain: each starts from what the one before left. So any session is made by walking the chain,
    which costs milliseconds a session.
    """

    def __init__(self, calendar: NseCalendar, underlying: str, seed: int, origin_on: date) -> None:
        self._calendar = calendar
        self._underlying = underlying
        self._seed = seed
        self._origin_on = origin_on
        self._next_on = origin_on
        self._state = first_state(seed)

    @property
    def source(self) -> str:
        """How rows of this market are marked in the store: ``simulated:<seed>@<first session>``."""
        return f"{SIMULATED}{self._seed}@{self._origin_on}"

    def session(self, on: date) -> SimulatedSession:
        """Return the session of a date. Dates are asked in ascending order; an earlier one walks from the origin.

        Raises
        ------
        ConfigError
            If there is no session on that date, or the market had not begun.
        """
        session = self._calendar.session(on)
        if session is None or on < self._origin_on:
            raise ConfigError(f"the simulated market has no session on {on}; it began on {self._origin_on}")
        before = self._state_before(on)
        ends = weekly_expiries(self._underlying, on, on + _MONTH, self._calendar)
        made = simulate(
            self._seed,
            on,
            before,
            hours_of(session),
            future_expiry=_expiry(_month_end(ends, on)),
            expiries=[_expiry(end) for end in ends[: 2 if ends[0] == on else 1]],  # on its last day, also the next
            lot_size=lot_size(self._underlying, ends[0]),
        )
        self._state, self._next_on = made.state, on + timedelta(days=1)
        return made

    def _state_before(self, on: date) -> MarketState:
        if on < self._next_on:
            self._next_on, self._state = self._origin_on, first_state(self._seed)
        for session in self._calendar.sessions(self._next_on, on - timedelta(days=1)):
            self._state = next_state(self._seed, session.on, self._state, hours_of(session))
        self._next_on = on
        return self._state


def hours_of(session: Session) -> Hours:
    """Return the minutes of a session: derivatives trade in all of them, the index until the closing auction."""
    ends = [segment.close_at for segment in session.segments[:-1]] + [session.derivatives_close_at]
    minutes = [
        Hours.between(epoch(s.open_at), epoch(end)).opened_at for s, end in zip(session.segments, ends, strict=True)
    ]
    frozen = session.index_frozen_from or session.close_at
    return Hours(opened_at=np.concatenate(minutes), index_until=epoch(min(frozen, session.close_at)))


def simulate_history(
    store: Store,
    underlying: str,
    *,
    sessions: int,
    seed: int,
    future: str,
    last: date | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> HistoryReport:
    """Fill the store with the market's first sessions; doing it again changes nothing.

    Parameters
    ----------
    store : Store
        Where to.
    underlying, future : str
        Names of the index and of its near future.
    sessions : int
        How many, ending on `last` or the last session before it; yesterday when left out.
    seed : int
        Which market.
    on_progress : callable, optional
        Called with sessions done and sessions in all.

    Raises
    ------
    ConfigError
        If the store holds recorded candles of these instruments, or another simulated market.
    """
    calendar = NseCalendar()
    until = last or (store.now().astimezone(IST) - timedelta(days=1)).date()
    dates = last_sessions(calendar, until, sessions)
    market = SimulatedMarket(calendar, underlying, seed, _origin(store, underlying, seed, dates[0]))
    candles = quotes = 0
    for start in range(0, len(dates), SESSIONS_A_WRITE):
        made = [market.session(on) for on in dates[start : start + SESSIONS_A_WRITE]]
        added = write_sessions(store, made, underlying, future, market.source)
        candles, quotes = candles + added[0], quotes + added[1]
        if on_progress:
            on_progress(start + len(made), len(dates))
    return HistoryReport(
        instrument=underlying,
        seed=seed,
        sessions=len(dates),
        first=dates[0],
        last=dates[-1],
        candles=candles,
        quotes=quotes,
    )


def _origin(store: Store, underlying: str, seed: int, first: date) -> date:
    """Return the first session of the market that the store holds already, `first` where it holds none."""
    if not store.exists:
        return first
    sql = (
        "select distinct source from candles where instrument = ? and starts_with(source, ?) and contains(source, '@')"
    )
    found = [str(row[0]) for row in store.rows(sql, [underlying, SIMULATED])]  # what came over the wire names no seed
    if not found:
        return first
    had_seed, _, began = found[0].removeprefix(SIMULATED).partition("@")
    cure = "name another --data-dir for another market"
    if had_seed != str(seed):
        raise ConfigError(f"{store.path} holds the simulated market {had_seed}, not {seed}; {cure}")
    if first < date.fromisoformat(began):
        raise ConfigError(
            f"the simulated market in {store.path} began on {began} and has no session on {first}; "
            f"ask for fewer sessions or a later --until, or {cure}"
        )
    return date.fromisoformat(began)


def write_sessions(
    store: Store, made: Sequence[SimulatedSession], underlying: str, future: str, source: str
) -> tuple[int, int]:
    """Store whole sessions and return the candles and quotes that were new."""
    known = {each.name: each for one in made for each in instruments_of(one, underlying, future)}
    rows = pa.concat_tables([candle_rows(one, underlying, future) for one in made])
    candles = store_candles(store, list(known.values()), rows, source=source)
    quotes = pa.concat_tables([quote_rows(one, underlying) for one in made])
    return candles.added, store_option_quotes(store, quotes, source=source).added


def last_sessions(calendar: NseCalendar, until: date, n_sessions: int) -> list[date]:
    """Return the dates of the last `n_sessions` sessions up to a date, oldest first."""
    span = timedelta(days=n_sessions * 3 // 2 + 30)
    return calendar.days(until - span, until)[-n_sessions:]


def _expiry(on: date) -> Expiry:
    return Expiry(on, epoch(expiry_at(on)))


def _month_end(ends: Sequence[date], on: date) -> date:
    """Return the near month's last weekly expiry, at which the future ends."""
    months = sorted({(end.year, end.month) for end in ends})
    last = {month: max(end for end in ends if (end.year, end.month) == month) for month in months}
    return next(last[month] for month in months if last[month] >= on)
