"""Candles of longer intervals out of one-minute candles, and columns as the charts API prints them."""

from collections.abc import Iterable, Sequence

from exchange.clock import Millis
from exchange.dialects import Json, rupees
from exchange.market import Candle

MINUTE = 60_000


def merged(candles: Sequence[Candle]) -> Candle:
    """Return one candle over several, named by the first's opening.

    Raises
    ------
    ValueError
        If there is none.
    """
    if not candles:
        raise ValueError("no candles to merge; leave the interval out instead")
    return Candle(
        candles[0].opened_at,
        candles[0].open,
        max(candle.high for candle in candles),
        min(candle.low for candle in candles),
        candles[-1].close,
        sum(candle.volume for candle in candles),
        candles[-1].open_interest,
    )


def longer(candles: Iterable[Candle], open_at: Millis, minutes: int) -> list[Candle]:
    """Return candles of several minutes counted from the session's opening.

    Parameters
    ----------
    candles : iterable of Candle
        One-minute candles of one session, oldest first.
    open_at : int
        When the session opened.
    minutes : int
        The interval.
    """
    spans: dict[Millis, list[Candle]] = {}
    for candle in candles:
        start = open_at + (candle.opened_at - open_at) // (minutes * MINUTE) * minutes * MINUTE
        spans.setdefault(start, []).append(candle)
    return [merged(members)._replace(opened_at=start) for start, members in spans.items()]


def columns(candles: Sequence[Candle], *, with_interest: bool) -> dict[str, Json]:
    """Return candles as the charts API's arrays; every number is a double, times are seconds since 1970 UTC."""
    found: dict[str, Json] = {
        "open": [rupees(candle.open) for candle in candles],
        "high": [rupees(candle.high) for candle in candles],
        "low": [rupees(candle.low) for candle in candles],
        "close": [rupees(candle.close) for candle in candles],
        "volume": [float(candle.volume) for candle in candles],
        "timestamp": [candle.opened_at / 1000.0 for candle in candles],
    }
    if with_interest:
        found["open_interest"] = [float(candle.open_interest) for candle in candles]
    return found
