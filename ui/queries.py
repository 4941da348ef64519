"""The dashboard's reads of the store: one short, read-only visit each. Only `ui.chains` holds SQL beside this."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from agents.data.calendar import NseCalendar
from agents.data.clock import CLOCK_FILE, SimulatedMarketClock, SystemClock, market_clock
from agents.data.findings import zones_at
from agents.data.store import Row, Store
from agents.domain.errors import ConfigError, DataError, MissingDataError, StoreBusyError
from agents.domain.values import IST, to_rupees
from agents.ports import Clock
from agents.settings import Settings
from ui.candles import last_price, moved, with_unfinished
from ui.rows import band, candle, cycle, verdict
from ui.snapshot import Band, ChartCandle, CycleRow, Profile, Snapshot, VerdictRow

if TYPE_CHECKING:
    import duckdb

SHOWN_CANDLES = 750
SHOWN_CYCLES = 40
SHOWN_VERDICTS = 200
SHOWN_MINUTES = 8 * 24 * 60  # of the calendar: about six sessions
_OVERLAP_SECONDS = 1800
_LOOK_AHEAD = timedelta(days=12)

_TICK = "select tick_size from instruments where instrument = ?"
_HEADS = """
    select (select max(closed_at) from session_candles where instrument = $instrument and closed_at <= $now),
           (select max(known_at) from analysis_candles where instrument = $instrument and known_at <= $now),
           (select max(decided_at) from cycles where instrument = $instrument and decided_at <= $now),
           (select count(*) from verdicts where instrument = $instrument and known_at <= $now),
           (select [ltp, epoch(taken_at)::bigint] from quote_snapshots
            where instrument = $instrument and taken_at <= $now and taken_at > $since order by taken_at desc limit 1)
"""
_MINUTES = """
    with own as (
        select * from candles
        where instrument = $instrument and minutes = 1 and closed_at > to_timestamp($since) and closed_at <= $now
    ), traded as (
        select opened_at, volume from candles
        where instrument = $future and minutes = 1 and closed_at > to_timestamp($since) and closed_at <= $now
    )
    select epoch(opened_at)::bigint, epoch(closed_at)::bigint, open, high, low, close,
           coalesce(traded.volume, own.volume)
    from own left join traded using (opened_at) order by opened_at
"""
_CANDLES = """
    select epoch(c.opened_at)::bigint, epoch(c.closed_at)::bigint, c.open, c.high, c.low, c.close,
           coalesce(f.volume, c.volume)
    from session_candles c
    left join session_candles f on f.instrument = $future and f.opened_at = c.opened_at
    where c.instrument = $instrument and c.closed_at <= $now order by c.closed_at desc limit $n
"""
# The profile counts only candles whose volume came from where the last candle's did.
_LEVELS = """
    select poc, val, vah, row_ticks, source from volume_profile
    where instrument = ? and scope = 'rolling' and known_at <= ? order by known_at desc limit 1
"""
_PROFILE = """
    with recent as (
        select known_at, source from volume_profile
        where instrument = $instrument and scope = 'rolling' and known_at <= $now
        order by known_at desc limit $n_candles
    )
    select price_row, sum(volume_fixed) / 65536.0 from volume_profile_rows join recent using (known_at)
    where instrument = $instrument and source = (select arg_max(source, known_at) from recent)
    group by price_row order by price_row
"""
_BANDS = """
    with found as (
        select 'order_blocks' as subject, 'order block' as kind, id, side, low, high, known_at from order_blocks
        where instrument = $instrument and known_at <= $now
        union all
        select 'fair_value_gaps', 'gap', id, side, low, high, known_at from fair_value_gaps
        where instrument = $instrument and known_at <= $now
    ), ended as (
        select subject, id from lifecycle_events
        where instrument = $instrument and known_at <= $now and event in ('broken', 'filled', 'mitigated', 'expired')
    )
    select kind, side, low, high, epoch(known_at)::bigint from found anti join ended using (subject, id)
    order by known_at desc, id limit 60
"""
_CYCLES = """
    select cycle_id, epoch(decided_at)::bigint, decision, reason, record from cycles
    where instrument = ? and decided_at <= ? order by decided_at desc limit ?
"""
_VERDICTS = """
    with since as (
        select id, arg_max(event, known_at) as event from lifecycle_events
        where subject = 'zones' and instrument = $instrument and known_at <= $now group by id
    ), asked as (
        select key, arg_max(to_json({model: model, prompt: prompt_id, version: prompt_version, latency: latency,
               cost: cost, attempts: attempts, facts: facts, body: body, status: status}), id) as call
        from ledger_calls where asked_at <= $now group by key
    )
    select v.zone_id, epoch(v.known_at)::bigint, z.side, z.low, z.high, v.judge, v.verdict, v.probability, v.reason,
           v.outcome, coalesce(s.event, ''), a.call
    from verdicts v join zones z on z.id = v.zone_id
    left join since s on s.id = v.zone_id left join asked a on a.key = v.call_key
    where v.instrument = $instrument and v.known_at <= $now order by v.known_at desc, v.zone_id limit $n
"""
_PREMIUMS = """
    select c.instrument, i.tick_size, arg_max(c.price, c.at) from (
        select instrument, ltp as price, taken_at as at from quote_snapshots
        where instrument in (select unnest($names)) and taken_at <= $now and taken_at > $since
        union all
        select instrument, close, closed_at from candles
        where instrument in (select unnest($names)) and minutes = 1 and closed_at <= $now
              and closed_at > $since
    ) c join instruments i using (instrument) group by all
"""


@dataclass(frozen=True)
class _Slow:
    """What changes only when something was analysed or decided."""

    heads: Row
    candles: tuple[ChartCandle, ...]
    profile: Profile | None
    bands: tuple[Band, ...]
    cycles: tuple[CycleRow, ...]
    verdicts: tuple[VerdictRow, ...]


class MarketReader:
    """Reads the store again and again, and what has not changed only once.

    Parameters
    ----------
    settings : Settings
        Whose store.
    instrument : str
        The index that is shown.
    patience : float
        Seconds to wait for a store in use.
    """

    def __init__(self, settings: Settings, instrument: str, *, patience: float = 30.0) -> None:
        self._settings = settings
        self._instrument = instrument
        self._calendar = NseCalendar()
        self._clock: Clock = SystemClock()  # until the first look: a damaged clock of the market is that one's problem
        self._store = Store(
            settings.store_path, settings.mode, now=lambda: datetime.now(UTC), create=False, patience=patience
        )
        self._tick: Decimal | None = None
        self._slow: _Slow | None = None
        self._minutes: dict[int, ChartCandle] = {}
        self._analysis: tuple[Row, Any] = ((), None)  # Any: ZoneAnalysis or None

    def read(self, contracts: Sequence[str] = (), at: datetime | None = None) -> Snapshot:
        """Return what is known at a moment, now unless given; a store that cannot answer says so in `problem`."""
        shown = Snapshot(self._instrument, self._settings.mode, is_simulated=False, now=datetime.now(UTC))
        try:
            shown = self._at(at)
            return self._filled(shown, contracts)
        except (ConfigError, DataError) as error:
            return replace(shown, problem=str(error), is_busy=isinstance(error, StoreBusyError))

    def _at(self, at: datetime | None) -> Snapshot:
        """Return a snapshot with the clock and the calendar only."""
        if not isinstance(self._clock, SimulatedMarketClock) and (self._settings.home / CLOCK_FILE).is_file():
            self._clock = market_clock(self._settings, self._calendar)
        now = at or self._clock.now()
        today = now.astimezone(IST).date()
        session = self._calendar.session(today)
        coming = (each.open_at for each in self._calendar.sessions(today, today + _LOOK_AHEAD) if each.open_at > now)
        return Snapshot(
            self._instrument,
            self._settings.mode,
            is_simulated=isinstance(self._clock, SimulatedMarketClock),
            now=now,
            is_open=session is not None and session.is_open(now),
            next_open=next(coming, None),
        )

    def _filled(self, shown: Snapshot, contracts: Sequence[str]) -> Snapshot:
        """Return `shown` with everything that the store knows at its moment."""
        now = shown.now
        # Whoever trades waits while this connection is open: rows are made into what the pages show after it.
        with self._store.read() as connection:
            tick = self._tick = self._tick or _tick_size(connection, self._instrument)
            since = now - timedelta(days=1)
            asked = {"instrument": self._instrument, "now": now, "since": since}
            *found, heard = connection.execute(_HEADS, asked).fetchone() or (None,)
            heads = (now.astimezone(IST).date(), *found)
            changed = self._changed(connection, heads, now)
            oldest, minute_rows = self._newest_minutes(connection, now)
            names = {"names": list(contracts), "now": now, "since": since}
            premiums = connection.execute(_PREMIUMS, names).fetchall() if contracts else []
        slow = self._slow = changed.made(heads, tick) if changed is not None else self._slow
        assert slow is not None  # the first look finds all of it changed
        self._take_minutes(minute_rows, oldest, tick)
        if self._analysis[0] != (slow.heads, self._store.path):
            known = zones_at(self._store, self._instrument, now)
            self._analysis = ((slow.heads, self._store.path), known.analysis if known else None)
        minutes = tuple(self._minutes[opened] for opened in sorted(self._minutes))
        if heard is not None:
            minutes = moved(minutes, float(to_rupees(heard[0], tick)), heard[1])
        return replace(
            shown,
            **last_price(slow.candles, minutes, now),
            candles=with_unfinished(slow.candles, minutes, now),
            minutes=minutes,
            analysis=self._analysis[1],
            profile=slow.profile,
            bands=slow.bands,
            cycles=slow.cycles,
            verdicts=slow.verdicts,
            prices={name: to_rupees(price, Decimal(size)) for name, size, price in premiums},
        )

    def _changed(self, connection: "duckdb.DuckDBPyConnection", heads: Row, now: datetime) -> "_SlowRows | None":
        """Return the rows of what is analysed and decided, None where none of it has changed."""
        if self._slow is not None and self._slow.heads == heads:
            return None
        asked = {"instrument": self._instrument, "now": now}
        future = self._settings.futures.get(self._instrument, "")
        return _SlowRows(
            connection.execute(_CANDLES, {**asked, "future": future, "n": SHOWN_CANDLES}).fetchall(),
            connection.execute(_LEVELS, [self._instrument, now]).fetchone(),
            connection.execute(_PROFILE, {**asked, "n_candles": self._settings.window}).fetchall(),
            connection.execute(_BANDS, asked).fetchall(),
            connection.execute(_CYCLES, [self._instrument, now, SHOWN_CYCLES]).fetchall(),
            connection.execute(_VERDICTS, {**asked, "n": SHOWN_VERDICTS}).fetchall(),
        )

    def _newest_minutes(self, connection: "duckdb.DuckDBPyConnection", now: datetime) -> tuple[int, list[Row]]:
        """Return when the oldest minute opened that is kept, and those that came, also into a gap filled later."""
        oldest = int(now.timestamp()) - SHOWN_MINUTES * 60
        since = max(max(self._minutes, default=0) - _OVERLAP_SECONDS, oldest)
        future = self._settings.futures.get(self._instrument, "")
        asked = {"instrument": self._instrument, "future": future, "since": since, "now": now}
        return oldest, connection.execute(_MINUTES, asked).fetchall()

    def _take_minutes(self, rows: Sequence[Row], oldest: int, tick: Decimal) -> None:
        self._minutes.update({row[0]: candle(row, tick) for row in rows})
        for opened in [each for each in self._minutes if each < oldest]:
            del self._minutes[opened]


class _SlowRows(NamedTuple):
    """What the store holds of that which changes slowly, as it came."""

    candles: list[Row]
    levels: Row | None
    profile: list[Row]
    bands: list[Row]
    cycles: list[Row]
    verdicts: list[Row]

    def made(self, heads: Row, tick: Decimal) -> _Slow:
        """Return it as the pages show it."""
        return _Slow(
            heads,
            tuple(candle(row, tick) for row in self.candles[::-1]),
            _profile(self.levels, self.profile, tick),
            tuple(band(row, tick) for row in self.bands),
            tuple(cycle(row) for row in self.cycles),
            tuple(verdict(row, tick) for row in self.verdicts),
        )


def snapshot(settings: Settings, instrument: str, at: datetime | None = None) -> Snapshot:
    """Return what is known now, or what was known at a moment."""
    return MarketReader(settings, instrument).read(at=at)


def _tick_size(connection: "duckdb.DuckDBPyConnection", instrument: str) -> Decimal:
    row = connection.execute(_TICK, [instrument]).fetchone()
    if row is None:
        raise MissingDataError(f"the store has no candles of {instrument}; import or simulate some")
    return Decimal(row[0])


def _profile(levels: Row | None, rows: Sequence[Row], tick: Decimal) -> Profile | None:
    """Return the rolling profile at the last analysed candle, None before the first."""
    if levels is None:
        return None
    poc, val, vah, row_ticks, source = levels
    height = float(row_ticks * tick)
    low, middle, high = (float(to_rupees(level, tick)) for level in (val, poc, vah))
    return Profile(tuple((row * height, volume) for row, volume in rows), height, middle, low, high, source)
