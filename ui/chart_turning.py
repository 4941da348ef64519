"""Swings and structure breaks of the candles that are drawn, for those who want to see them."""

from collections.abc import Sequence
from typing import Any

from agents.technical.turning import turning_points
from ui.candles import DAY_SECONDS, TIMEFRAMES, shown
from ui.snapshot import ChartCandle, Snapshot

SWINGS, BREAKS = "swing", "structure break"
_PAISE = 100


def turning_layers(snapshot: Snapshot, timeframe: str, layers: Sequence[str], half_length: int) -> dict[str, Any]:
    """Return the layers "swings" and "breaks" of a chart's data: of finished candles only, so that none is taken back.

    Parameters
    ----------
    snapshot : Snapshot
        What is known.
    timeframe : str
        One of `ui.candles.TIMEFRAMES`.
    layers : sequence of str
        `SWINGS` and `BREAKS` are drawn when they are named.
    half_length : int
        Candles on each side of a swing.

    Returns
    -------
    dict
        "swings": time (seconds since 1970 UTC), price in rupees, side ("high" or "low"); "breaks": times from and to,
        price, and whether the break goes up. The first break has no name: what came before it is not drawn.
    """
    if not {SWINGS, BREAKS} & set(layers):
        return {"swings": [], "breaks": []}
    minutes = TIMEFRAMES[timeframe]
    candles = _finished(shown(snapshot.candles, snapshot.minutes, minutes), minutes, snapshot)
    highs, lows, closes = (
        [round(price * _PAISE) for price in column]
        for column in ([c.high for c in candles], [c.low for c in candles], [c.close for c in candles])
    )
    found = turning_points(highs, lows, closes, half_length=half_length)
    swings = [
        {"time": candles[one.at].opened_at, "price": one.level / _PAISE, "side": "high" if one.is_high else "low"}
        for one in found.swings
    ]
    breaks = [
        {
            "from": candles[one.swing_at].opened_at,
            "to": candles[one.at].opened_at,
            "price": one.level / _PAISE,
            "is_up": one.is_up,
            "name": "break" if number == 0 else "CHoCH" if one.turns else "BOS",
        }
        for number, one in enumerate(found.breaks)
    ]
    return {"swings": swings if SWINGS in layers else [], "breaks": breaks if BREAKS in layers else []}


def _finished(candles: Sequence[ChartCandle], minutes: int, snapshot: Snapshot) -> Sequence[ChartCandle]:
    """Return the candles without the last one while it can still change."""
    if not candles:
        return candles
    lasts = 60 * minutes if minutes else DAY_SECONDS
    is_over = snapshot.now.timestamp() >= candles[-1].opened_at + lasts or not snapshot.is_open
    return candles if is_over else candles[:-1]
