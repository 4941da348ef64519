"""The dashboard's reads: short, read-only visits to the store. No other module of the dashboard holds SQL."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from agents.data.calendar import NseCalendar
from agents.data.clock import SimulatedMarketClock, market_clock
from agents.data.findings import zones_at
from agents.data.store import Row, Store
from agents.domain.cycle import REASON_TEXT, Reason
from agents.domain.errors import ConfigError, DataError, MissingDataError
from agents.domain.values import IST, to_rupees
from agents.domain.zones import ZoneAnalysis
from agents.settings import Settings
from ui.snapshot import ChartCandle, CycleRow, Profile, Snapshot

SHOWN_CANDLES = 400
SHOWN_CYCLES = 12

_LAST_PRICE = """
    select close, closed_at from candles
    where instrument = ? and minutes = 1 and closed_at <= ? order by closed_at desc limit 1
"""
_CANDLES = """
    select epoch(opened_at)::bigint, epoch(closed_at)::bigint, open, high, low, close from session_candles
    where instrument = ? and closed_at <= ? order by closed_at desc limit ?
"""
# The candle that has not closed yet, from the minutes after the last one that has.
_OPEN_CANDLE = """
    select epoch(min(opened_at))::bigint, epoch(max(closed_at))::bigint,
           arg_min(open, opened_at), max(high), min(low), arg_max(close, opened_at)
    from candles where instrument = ? and minutes = 1 and opened_at >= to_timestamp(?) and closed_at <= ?
    having count(*) > 0
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
_CYCLES = """
    select decided_at, decision, reason, record from cycles
    where instrument = ? and decided_at <= ? order by decided_at desc limit ?
"""


def snapshot(settings: Settings, instrument: str) -> Snapshot:
    """Return what the page shows now. A store that cannot answer becomes the snapshot's `problem`, in its own words."""
    clock = market_clock(settings, NseCalendar())
    shown = Snapshot(instrument, settings.mode, isinstance(clock, SimulatedMarketClock), clock.now())
    store = Store(settings.store_path, settings.mode, now=lambda: datetime.now(UTC), create=False)
    try:
        return _filled(shown, store, settings)
    except (ConfigError, DataError) as error:
        return replace(shown, problem=str(error))


def _filled(shown: Snapshot, store: Store, settings: Settings) -> Snapshot:
    """Return `shown` with everything that the store knows at its moment."""
    instrument, now = shown.instrument, shown.now
    tick_size = _tick_size(store, instrument)
    candles = store.rows(_CANDLES, [instrument, now, SHOWN_CANDLES])[::-1]
    since = candles[-1][1] if candles else 0
    price = store.rows(_LAST_PRICE, [instrument, now])
    return replace(
        shown,
        last_price=to_rupees(price[0][0], tick_size) if price else None,
        last_price_at=price[0][1] if price else None,
        candles=tuple(_candle(row, tick_size) for row in [*candles, *_unfinished(store, instrument, since, now)]),
        analysis=_analysis(store, instrument, now),
        profile=_profile(store, settings, instrument, now, tick_size),
        cycles=tuple(_cycle(row) for row in store.rows(_CYCLES, [instrument, now, SHOWN_CYCLES])),
    )


def _tick_size(store: Store, instrument: str) -> Decimal:
    rows = store.rows("select tick_size from instruments where instrument = ?", [instrument])
    if not rows:
        raise MissingDataError(f"the store has no candles of {instrument}; import or simulate some")
    return Decimal(rows[0][0])


def _analysis(store: Store, instrument: str, now: datetime) -> ZoneAnalysis | None:
    """Return the last analysis with the zones that are stored, also where earlier sessions were never analysed."""
    found = zones_at(store, instrument, now)
    return found.analysis if found else None


def _unfinished(store: Store, instrument: str, since: int, now: datetime) -> list[Row]:
    """Return the candle in progress as one row, or nothing between sessions."""
    today = now.astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
    start = max(since, int(today.timestamp()))
    return store.rows(_OPEN_CANDLE, [instrument, start, now])


def _candle(row: Row, tick_size: Decimal) -> ChartCandle:
    opened_at, closed_at, *prices = row
    opens, high, low, close = (float(to_rupees(price, tick_size)) for price in prices)
    return ChartCandle(opened_at, closed_at, opens, high, low, close)


def _profile(store: Store, settings: Settings, instrument: str, now: datetime, tick_size: Decimal) -> Profile | None:
    """Return the rolling profile at the last analysed candle, None before the first."""
    levels = store.rows(_LEVELS, [instrument, now])
    if not levels:
        return None
    poc, val, vah, row_ticks, source = levels[0]
    rows = store.rows(_PROFILE, {"instrument": instrument, "now": now, "n_candles": settings.window})
    height = float(row_ticks * tick_size)
    return Profile(
        rows=tuple((row * height, volume) for row, volume in rows),
        row_height=height,
        poc=float(to_rupees(poc, tick_size)),
        val=float(to_rupees(val, tick_size)),
        vah=float(to_rupees(vah, tick_size)),
        source=source,
    )


def _cycle(row: Row) -> CycleRow:
    decided_at, decision, reason, record = row
    return CycleRow(decided_at, decision, REASON_TEXT[Reason(reason)], json.loads(record).get("detail", ""))
