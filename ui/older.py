"""Candles before those that the hub keeps, for a reader who scrolls back: one short visit to the store each time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from agents.data.store import Store
from agents.domain.errors import MissingDataError
from agents.settings import Settings
from ui.candles import DAY_SECONDS, TIMEFRAMES, grouped
from ui.rows import candle
from ui.snapshot import ChartCandle

MOST_CANDLES = 500
MOST_DAYS = 120
_SESSION_CANDLES = 25  # of a usual session

_TICK = "select tick_size from instruments where instrument = ?"
_BEFORE = """
    select epoch(c.opened_at)::bigint, epoch(c.closed_at)::bigint, c.open, c.high, c.low, c.close,
           coalesce(f.volume, c.volume)
    from session_candles c
    left join session_candles f on f.instrument = $future and f.opened_at = c.opened_at
    where c.instrument = $instrument and c.opened_at < to_timestamp($before) and c.closed_at <= $now
    order by c.opened_at desc limit $n
"""
_MINUTES_BEFORE = """
    select epoch(c.opened_at)::bigint, epoch(c.closed_at)::bigint, c.open, c.high, c.low, c.close,
           coalesce(f.volume, c.volume)
    from candles c
    left join candles f on f.instrument = $future and f.minutes = 1 and f.opened_at = c.opened_at
    where c.instrument = $instrument and c.minutes = 1
          and c.opened_at < to_timestamp($before) and c.closed_at <= $now
    order by c.opened_at desc limit $n
"""


class Older(NamedTuple):
    """Candles in order, and whether there are still older ones."""

    candles: Sequence[ChartCandle]
    more: bool


def older_candles(settings: Settings, minutes: int, before: int, now: datetime) -> Older:
    """Return the candles of the first instrument before a moment.

    Parameters
    ----------
    settings : Settings
        Whose store.
    minutes : int
        A time frame of `ui.candles.TIMEFRAMES`; 0 is a day.
    before : int
        Seconds since 1970 UTC; every candle opened before.
    now : datetime
        The market's present, aware; every candle had closed by then.

    Raises
    ------
    MissingDataError
        If there is no store, or nothing of the instrument in it.
    ConfigError, StoreBusyError
        If the store cannot be read.
    """
    instrument = settings.instruments[0]
    store = Store(settings.store_path, settings.mode, now=lambda: datetime.now(UTC), create=False)
    stored = minutes in {0, TIMEFRAMES["15 min"]}
    wanted = MOST_DAYS * _SESSION_CANDLES if minutes == 0 else MOST_CANDLES if stored else MOST_CANDLES * minutes
    asked = {
        "instrument": instrument,
        "future": settings.futures.get(instrument, ""),
        "before": before,
        "now": now,
        "n": wanted + 1,
    }
    with store.read() as connection:
        tick = connection.execute(_TICK, [instrument]).fetchone()
        rows = connection.execute(_BEFORE if stored else _MINUTES_BEFORE, asked).fetchall()
    if tick is None:
        raise MissingDataError(f"the store has no candles of {instrument}; import or simulate some")
    found = tuple(candle(row, Decimal(tick[0])) for row in rows[wanted - 1 :: -1])
    step = DAY_SECONDS if minutes == 0 else 60 * minutes
    whole = grouped(found, step, whole=len(rows) > wanted)
    return Older(whole, len(rows) > wanted)
