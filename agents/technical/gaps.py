"""Fair value gaps as findings."""

import numpy as np

from agents.domain.candles import Candles
from agents.domain.zones import ComponentKind
from agents.settings import Settings
from agents.technical.findings import Event, Findings, before, expired, expiry, findings_of, first_of
from analytics_ext import fair_value_gaps as find_gaps


def fair_value_gaps(candles: Candles, settings: Settings) -> Findings:
    """Return every gap between candles k-2 and k, known at the close of k, and how it was filled.

    A gap counts until it is filled or `settings.window` candles after its first candle. Nothing is recorded of it
    after that, except that price closed beyond it while it was not too old (inverted).

    Raises
    ------
    ValueError
        If `candles` is empty.
    """
    found = find_gaps(candles.high, candles.low, candles.close)
    limit = expiry(found.origin, found.confirmed, settings.window)
    touched = before(found.touched, limit)
    filled, inverted = before(found.filled, limit), before(found.inverted, limit)
    death = first_of(filled, inverted)
    events = {
        Event.TOUCHED: touched,
        Event.HALF_FILLED: before(found.half_filled, limit),
        Event.FILLED: filled,
        Event.INVERTED: inverted,
        Event.EXPIRED: expired(limit, death, len(candles)),
    }
    return findings_of(ComponentKind.FAIR_VALUE_GAP, candles, found, np.minimum(death, limit), events)
