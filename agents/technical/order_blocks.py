"""Order blocks as findings: the last candle against a move that broke the structure."""

import numpy as np

from agents.domain.candles import Candles, Int64s
from agents.domain.zones import ComponentKind
from agents.settings import Settings
from agents.technical.findings import Event, Findings, before, expired, expiry, findings_of, first_of
from analytics_ext import order_blocks as find_blocks
from analytics_ext import structure_breaks, swings


def order_blocks(candles: Candles, settings: Settings) -> Findings:
    """Return every order block, known at the close that broke its swing, and whether it held.

    A block counts until price closes beyond its far edge by more than a tick, or `settings.window` candles after its
    own candle.

    Raises
    ------
    ValueError
        If `candles` is empty.
    """
    found = find_blocks(
        candles.open, candles.high, candles.low, candles.close, candles.volume, half_length=settings.half_length
    )
    limit = expiry(found.origin, found.confirmed, settings.window)
    touched, broken = before(found.touched, limit), before(found.broken, limit)
    death = first_of(broken)
    events = {
        Event.TOUCHED: touched,
        Event.BROKEN: broken,
        Event.RETESTED: before(found.breaker, limit),
        Event.EXPIRED: expired(limit, death, len(candles)),
    }
    return findings_of(
        ComponentKind.ORDER_BLOCK,
        candles,
        found,
        np.minimum(death, limit),
        events,
        extra={"volume": found.volume},
        moments={"swing_at": found.swing},
    )


def trend(candles: Candles, settings: Settings) -> Int64s:
    """Return the direction of the last structure break at each candle: +1, -1, and 0 before the first.

    Returns
    -------
    ndarray of int64, shape (n_candles,)
        Known at the close of each candle.
    """
    found = structure_breaks(candles.close, swings(candles.high, candles.low, half_length=settings.half_length))
    last = np.searchsorted(found.at, np.arange(len(candles)), side="right")
    directions = np.concatenate((np.zeros(1, dtype=np.int64), found.direction.astype(np.int64)))
    return directions[last]
