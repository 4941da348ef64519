"""Candles of other lengths than those that are stored."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from agents.domain.candles import moment
from ui.rows import money
from ui.snapshot import ChartCandle

IST_SECONDS = 19_800
DAY_SECONDS = 86_400
OPENING_SECONDS = 33_300  # 09:15 in India
TIMEFRAMES = {"1 min": 1, "3 min": 3, "5 min": 5, "15 min": 15, "Day": 0}


def longer(candles: Iterable[ChartCandle], minutes: int) -> tuple[ChartCandle, ...]:
    """Return candles of `minutes`, counted from midnight in India, from shorter ones in order."""
    return grouped(candles, 60 * minutes)


def grouped(candles: Iterable[ChartCandle], step: int, *, whole: bool = False) -> tuple[ChartCandle, ...]:
    """Return candles of `step` seconds, counted from midnight in India, from shorter ones in order.

    With `whole` the first one is left out where what is given begins in the middle of it: its opening is not known.
    """
    found = _joined(candles, lambda candle: (candle.opened_at + IST_SECONDS) // step)
    if not whole or len(found) < 2:  # noqa: PLR2004 - one candle is shown as far as it is known
        return found
    into = (found[0].opened_at + IST_SECONDS) % step
    begins = OPENING_SECONDS if step == DAY_SECONDS else 0
    return found if into == begins else found[1:]


def moved(candles: Sequence[ChartCandle], price: float, at: int) -> tuple[ChartCandle, ...]:
    """Return one-minute candles after a trade at `price`, in the minute that it belongs to."""
    opened = at // 60 * 60
    last = candles[-1] if candles else None
    if last is not None and opened < last.opened_at:
        return tuple(candles)
    if last is None or opened > last.opened_at:
        return (*candles, ChartCandle(opened, opened + 60, price, price, price, price))
    grown = replace(last, high=max(last.high, price), low=min(last.low, price), close=price)
    return (*candles[:-1], grown)


def shown(candles: Sequence[ChartCandle], minutes: Sequence[ChartCandle], timeframe: int) -> tuple[ChartCandle, ...]:
    """Return the candles of a time frame in minutes (0 is a day) from those of 15 minutes and those of one."""
    if timeframe == 0:
        return grouped(candles, DAY_SECONDS, whole=True)
    return tuple(candles) if timeframe == TIMEFRAMES["15 min"] else grouped(minutes, 60 * timeframe, whole=True)


def with_unfinished(
    candles: Sequence[ChartCandle], minutes: Sequence[ChartCandle], now: datetime
) -> tuple[ChartCandle, ...]:
    """Return candles of 15 minutes with those made of the minutes after them, of today only."""
    since = max(candles[-1].closed_at if candles else 0, _midnight(int(now.timestamp())))
    return (*candles, *longer([minute for minute in minutes if minute.opened_at >= since], 15))


def last_price(
    candles: Sequence[ChartCandle], minutes: Sequence[ChartCandle], now: datetime
) -> Mapping[str, Any]:  # Any: values of several types
    """Return the last price, its moment and the close of the session before, as fields of a snapshot."""
    last = minutes[-1] if minutes else candles[-1] if candles else None
    if last is None:
        return {}
    today = _midnight(last.opened_at)
    before = next((c.close for c in reversed([*candles, *minutes]) if c.opened_at < today), None)
    return {
        "last_price": money(last.close),
        "last_price_at": min(moment(last.closed_at), now),
        "previous_close": None if before is None else money(before),
    }


def _midnight(at: int) -> int:
    """Return when the date in India began that holds a moment."""
    return (at + IST_SECONDS) // DAY_SECONDS * DAY_SECONDS - IST_SECONDS


def _joined(candles: Iterable[ChartCandle], key: Callable[[ChartCandle], int]) -> tuple[ChartCandle, ...]:
    groups = (list(group) for _, group in groupby(candles, key))
    return tuple(
        ChartCandle(
            opened_at=group[0].opened_at,
            closed_at=group[-1].closed_at,
            open=group[0].open,
            high=max(candle.high for candle in group),
            low=min(candle.low for candle in group),
            close=group[-1].close,
            volume=sum(candle.volume for candle in group),
        )
        for group in groups
    )
