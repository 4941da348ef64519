"""Reads what a past session left in the store and the ledger: once for each session, and once for each turn of it."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from agents.data.calendar import NseCalendar
from agents.data.ledger.ledger import DESK_STATE
from agents.data.store import Row, Store
from agents.domain.errors import MissingDataError
from agents.domain.values import IST, to_rupees
from agents.settings import Settings
from ui.desk import ledger_to_read
from ui.orders import KINDS, Event, of_session
from ui.queries import MarketReader
from ui.replay import Again, Chapter, Happened, Past, Print, bounds, known, orders_to_trade, within
from ui.rows import candle
from ui.snapshot import Picture

KEPT_CHAPTERS = 24
CARRIED = timedelta(days=7)  # an order that was kept over a midnight began within so long before it
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_DATES = """
    select distinct session from session_candles where instrument = $instrument and session <= $today
    union select distinct session from candles where instrument = $instrument and minutes = 1 and session <= $today
    order by 1 desc
"""
_TURNS = """
    select epoch_us(moment) from (
        select closed_at as moment from session_candles where instrument = $instrument
        union all select known_at from analysis_candles where instrument = $instrument
        union all select decided_at from cycles where instrument = $instrument
        union all select known_at from verdicts where instrument = $instrument
        union all select known_at from lifecycle_events where instrument = $instrument
    ) where moment > $opens and moment <= $ends group by moment order by moment
"""
_MINUTES = """
    with own as (
        select * from candles
        where instrument = $instrument and minutes = 1 and closed_at > $opens and closed_at <= $ends
    ), traded as (
        select opened_at, volume from candles
        where instrument = $future and minutes = 1 and closed_at > $opens and closed_at <= $ends
    )
    select epoch(opened_at)::bigint, epoch(closed_at)::bigint, open, high, low, close,
           coalesce(traded.volume, own.volume)
    from own left join traded using (opened_at) order by opened_at
"""
_FINISHED = """
    select epoch(opened_at)::bigint, epoch(closed_at)::bigint from session_candles
    where instrument = $instrument and opened_at >= $opens and closed_at <= $ends
"""
_TICK = "select tick_size from instruments where instrument = $instrument"
_TRADES = """
    select c.record, t.entry_at, t.entry, t.exit_at, t.exit, t.exit_reason
    from cycles c left join trades t using (setup_id)
    where c.instrument = $instrument and c.decision = 'trade' and c.decided_at > $opens and c.decided_at <= $ends
    order by c.decided_at
"""
# What a decision saw was recorded before the decision was: rows that are older news and younger records came again.
_AGAIN = """
    with written as (
        select 'candles' as what, closed_at as known_at, recorded_at from session_candles
        where instrument = $instrument and closed_at > $opens and closed_at <= $ends
        union all select 'volume profile', known_at, recorded_at from volume_profile
        where instrument = $instrument and known_at > $opens and known_at <= $ends
        union all select 'zones', known_at, recorded_at from zones
        where instrument = $instrument and known_at > $opens and known_at <= $ends
        union all select 'order blocks', known_at, recorded_at from order_blocks
        where instrument = $instrument and known_at > $opens and known_at <= $ends
        union all select 'gaps', known_at, recorded_at from fair_value_gaps
        where instrument = $instrument and known_at > $opens and known_at <= $ends
        union all select 'verdicts', known_at, recorded_at from verdicts
        where instrument = $instrument and known_at > $opens and known_at <= $ends
    ), looked as (
        select (record->>'analysis_bar_at')::timestamptz as bar_at, min(recorded_at) as recorded_at from cycles
        where instrument = $instrument and decided_at > $opens and decided_at <= $ends
              and (record->>'analysis_bar_at') is not null
        group by 1
    )
    select w.what, count(*), epoch_us(max(w.recorded_at))
    from written w asof join looked l on w.known_at < l.bar_at
    where w.recorded_at > l.recorded_at group by w.what order by w.what
"""
_PRINTS = """
    select epoch_us(moment), instrument, price, tick_size from (
        select instrument, ltp as price, taken_at as moment from quote_snapshots
        where instrument in (select unnest($names)) and taken_at > $since and taken_at <= $until
        union all
        select instrument, close, closed_at from candles
        where instrument in (select unnest($contracts)) and minutes = 1 and closed_at > $since and closed_at <= $until
    ) join instruments using (instrument) order by 1
"""


class ReplayReader:
    """Past sessions of one instrument. Visitors share what was read; nothing is read of the present.

    Parameters
    ----------
    settings : Settings
        Whose store and ledger.
    instrument : str
        The index that is shown.
    wall : callable
        Returns this machine's present, aware.
    """

    def __init__(self, settings: Settings, instrument: str, wall: Callable[[], datetime]) -> None:
        self._settings = settings
        self._instrument = instrument
        self._wall = wall
        self._calendar = NseCalendar()
        self._store = Store(settings.store_path, settings.mode, now=wall, create=False)
        self._lock = threading.Lock()
        self._chapters: OrderedDict[tuple[date, datetime], Chapter] = OrderedDict()

    def dates(self, today: date) -> list[date]:
        """Return the sessions up to a date that candles are stored of, the last one first.

        Raises
        ------
        DataError, ConfigError
            If the store cannot be read.
        """
        rows = self._store.rows(_DATES, {"instrument": self._instrument, "today": today})
        return [row[0] for row in rows if self._calendar.session(row[0]) is not None]

    def past(self, on: date, now: datetime) -> Past:
        """Return what a session has left behind by `now`, in the market's time.

        Raises
        ------
        MissingDataError
            If the exchange was closed on that date, or the session lies ahead.
        DataError, ConfigError
            If store or ledger cannot be read.
        """
        session = self._calendar.session(on)
        if session is None or session.open_at >= now:
            raise MissingDataError(f"there is no session on {on:%d %b %Y} to replay; choose one of the list")
        midnight = session.open_at.astimezone(IST).replace(hour=0, minute=0)
        events = told(self._settings, midnight, min(midnight + timedelta(days=1), now), self._wall)
        late = max((event.at for event in events), default=session.open_at)
        ends = min(max(session.close_at, session.derivatives_close_at, late), now)
        asked = {"instrument": self._instrument, "opens": session.open_at, "ends": ends}
        future = self._settings.futures.get(self._instrument, "")
        with self._store.read() as connection:
            turns = [_moment(row[0]) for row in connection.execute(_TURNS, asked).fetchall()]
            minutes = connection.execute(_MINUTES, {**asked, "future": future}).fetchall()
            finished = connection.execute(_FINISHED, asked).fetchall()
            tick = connection.execute(_TICK, {"instrument": self._instrument}).fetchone()
            again = connection.execute(_AGAIN, asked).fetchall()
            trades = connection.execute(_TRADES, asked).fetchall() if not events else []
        size = Decimal(tick[0]) if tick else Decimal("0.05")
        return Past(
            session=session,
            ends_at=ends,
            turns=(session.open_at, *turns),
            minutes=tuple(candle(row, size) for row in minutes),
            finished=dict(finished),
            events=tuple(events) or as_events(trades),
            brokerage=self._settings.brokerage_rupees,
            again=tuple(Again(what, rows, _moment(at)) for what, rows, at in again),
        )

    def at(self, past: Past, at: datetime) -> Picture:
        """Return what was known at a moment of a session.

        Raises
        ------
        DataError, ConfigError
            If the store cannot be read.
        """
        moment = within(past, at)
        return known(past, self._chapter(past, moment), moment)

    def _chapter(self, past: Past, at: datetime) -> Chapter:
        since, until = bounds(past, at)
        key = past.session.on, since
        with self._lock:
            if (found := self._chapters.get(key)) and found.until >= min(until, at):
                self._chapters.move_to_end(key)
                return found
            chapter = self._read(past, since, until)
            if not chapter.snapshot.problem:
                self._chapters[key] = chapter
            while len(self._chapters) > KEPT_CHAPTERS:
                self._chapters.popitem(last=False)
            return chapter

    def _read(self, past: Past, since: datetime, until: datetime) -> Chapter:
        contracts = list(orders_to_trade(past))
        shown = MarketReader(self._settings, self._instrument).read(contracts, at=since)
        asked = {"names": [self._instrument, *contracts], "contracts": contracts, "since": since, "until": until}
        with self._store.read() as connection:
            rows = connection.execute(_PRINTS, asked).fetchall()
        prints = tuple(Print(_moment(at), name, to_rupees(price, Decimal(size))) for at, name, price, size in rows)
        return Chapter(since, until, shown, prints)


def told(settings: Settings, since: datetime, until: datetime, wall: Callable[[], datetime]) -> list[Event]:
    """Return the ledger's events of orders and of the desk's state that happened from one moment to another.

    Those of orders that were open at the first moment are returned from their beginning on. They stand in the order in
    which they were written; there are none where there is no ledger.

    Raises
    ------
    ConfigError
        If the ledger is none of this mode.
    """
    try:
        ledger = ledger_to_read(settings, wall)
    except MissingDataError:
        return []
    try:
        found = [event for kind in (*KINDS, DESK_STATE) for event in ledger.events(kind, since=since - CARRIED)]
    finally:
        ledger.close()
    found.sort(key=lambda event: event.seq)
    return [event for event in of_session(found, since) if event.at <= until]


def as_events(rows: Sequence[Row]) -> tuple[Event, ...]:
    """Return the orders of a session that was traded without a ledger as events: asked for, bought, sold."""
    found: list[Event] = []
    for record, entry_at, entry, exit_at, left, reason in rows:
        order = json.loads(record).get("order")
        if not order:
            continue
        units = int(order["lots"]) * int(order["lot_size"])
        asked = {**order, "state": "entry_pending", "entry": None, "exit": None}
        found.append(Happened("order", datetime.fromisoformat(order["placed_at"]), asked))
        if entry_at is None:
            continue
        bought = {**asked, "state": "protected", "entry": _leg(entry_at, entry, units)}
        found.append(Happened("order", entry_at, bought))
        found.append(Happened("order", exit_at, {**bought, "state": reason, "exit": _leg(exit_at, left, units)}))
    return tuple(sorted(found, key=lambda event: event.at))


def _leg(at: datetime, price: Decimal, units: int) -> Mapping[str, object]:
    return {"at": at.isoformat(), "price": str(price), "quantity": units}


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
