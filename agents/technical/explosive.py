"""Explosive zones as findings: the pause between two strong moves."""

import numpy as np

from agents.domain.candles import Candles
from agents.domain.zones import ComponentKind
from agents.settings import Settings
from agents.technical.findings import NEVER, Event, Findings, before, expired, expiry, findings_of, first_of
from analytics_ext import BaseKind, Reason, zone_lifecycle
from analytics_ext import explosive_zones as find_zones

MAX_TOUCHES = 3
_PATTERNS = np.array([kind.name for kind in sorted(BaseKind)], dtype=object)


def explosive_zones(candles: Candles, settings: Settings) -> Findings:
    """Return every rally/drop-base-rally/drop zone, known at the first candle of its leg out, and what became of it.

    A zone counts until price closes beyond its far edge by more than a tick, until its fourth visit, or until
    `settings.window` candles after its base began. The end by visits is recorded as expired.

    Raises
    ------
    ValueError
        If `candles` is empty.
    """
    found = find_zones(candles.open, candles.high, candles.low, candles.close)
    life = zone_lifecycle(
        candles.high, candles.low, candles.close, found, max_touches=MAX_TOUCHES, max_age=settings.window
    )
    limit = expiry(found.origin, found.confirmed, settings.window)
    broken = np.where(life.reason == Reason.CLOSE_THROUGH, life.invalidated, NEVER)
    spent = np.where(life.reason == Reason.TOUCH_LIMIT, life.invalidated, NEVER)
    broken, spent, touched = before(broken, limit), before(spent, limit), before(life.touched, limit)
    death = first_of(broken, spent)
    aged = expired(limit, death, len(candles))
    events = {
        Event.TOUCHED: touched,
        Event.MITIGATED: before(life.mitigated, limit),
        Event.BROKEN: broken,
        Event.RETESTED: before(life.breaker, limit),
        Event.EXPIRED: np.maximum(aged, spent),
    }
    return findings_of(
        ComponentKind.EXPLOSIVE_ZONE,
        candles,
        found,
        np.minimum(death, limit),
        events,
        extra={"pattern": _PATTERNS[found.kind]},
    )
