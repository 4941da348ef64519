"""Candles of longer intervals out of one-minute candles, and columns as the charts API prints them."""

from collections.abc import Iterable, Sequence

from exchange.clock import Millis
from exchange.dialects import Json, java_double, rupees
from exchange.market import Candle

MINUTE = 60_000
PLAIN_BELOW, EXACT_BELOW = 10_000_000, 1 << 53  # Java prints smaller doubles in full; larger ones may be rounded


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
    if minutes == 1:
        return list(candles)
    spans: dict[Millis, list[Candle]] = {}
    for candle in candles:
        start = open_at + (candle.opened_at - open_at) // (minutes * MINUTE) * minutes * MINUTE
        spans.setdefault(start, []).append(candle)
    return [merged(members)._replace(opened_at=start) for start, members in spans.items()]


class Printed:
    """Candles as the charts API prints them, taken in a session at a time; every number is a double, as Java prints it.

    Parameters
    ----------
    with_interest : bool
        Whether open interest is among the columns.
    """

    def __init__(self, *, with_interest: bool) -> None:
        names = ("open", "high", "low", "close", "volume", "timestamp")
        self._parts: dict[str, list[str]] = {name: [] for name in (*names, *(["open_interest"] * with_interest))}

    def add(self, candles: Sequence[Candle]) -> None:
        """Take candles in, later than those before."""
        for name, texts in self._parts.items():
            if name == "timestamp":
                texts.extend([whole_double(candle.opened_at // 1000) for candle in candles])
            elif name in {"volume", "open_interest"}:
                texts.extend([whole_double(getattr(candle, name)) for candle in candles])
            else:
                texts.extend([java_double(rupees(getattr(candle, name))) for candle in candles])

    def body(self) -> bytes:
        """Return the whole answer."""
        columns = (f'"{name}":[{",".join(texts)}]' for name, texts in self._parts.items())
        return f"{{{','.join(columns)}}}".encode()


def whole_double(number: int) -> str:
    """Return a whole number as Java prints a double that holds it: ``75.0``, ``1.7375706E9``."""
    if not PLAIN_BELOW <= abs(number) <= EXACT_BELOW:
        return java_double(float(number))
    digits = str(abs(number))
    return f"{'-' * (number < 0)}{digits[0]}.{digits[1:].rstrip('0') or '0'}E{len(digits) - 1}"


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
