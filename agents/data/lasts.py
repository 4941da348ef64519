"""The last candle and the last quote of an instrument's session, as of a moment."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from agents.data.contracts import OPTION_TICK
from agents.data.days import UNKNOWN, QuoteSeries, Series
from agents.domain.candles import Int64s, epoch
from agents.domain.values import to_rupees


class LastCandle(NamedTuple):
    """The last candle: ticks, and the session's volume so far."""

    at: int
    close: int
    open_interest: int
    volume: int


class LastQuote(NamedTuple):
    """The last quote that has a price."""

    at: int
    ltp: Decimal
    bid: Decimal | None
    ask: Decimal | None
    open_interest: int
    volume: int
    bid_quantity: int | None
    ask_quantity: int | None
    previous_open_interest: int | None
    vendor_iv: float | None


def last_row(moments: Int64s, now: datetime) -> int:
    """Return the last row that is not later than `now`, -1 where there is none."""
    return int(np.searchsorted(moments, epoch(now), side="right")) - 1


def last_traded(series: Series | None, now: datetime) -> LastCandle | None:
    """Return the last candle that closed by `now`, None where there is none."""
    if series is None:
        return None
    row = last_row(series.closed, now)
    if row < 0:
        return None
    volume = int(series.volume[: row + 1].sum())
    return LastCandle(int(series.closed[row]), int(series.close[row]), max(0, int(series.open_interest[row])), volume)


def last_quoted(series: QuoteSeries | None, now: datetime) -> LastQuote | None:
    """Return the last quote by `now`, None where there is none or it has no price."""
    if series is None:
        return None
    row = last_row(series.quoted, now)
    if row < 0 or series.ltp[row] == UNKNOWN:
        return None
    return LastQuote(
        at=int(series.quoted[row]),
        ltp=to_rupees(int(series.ltp[row]), OPTION_TICK),
        bid=_price(series.bid[row]),
        ask=_price(series.ask[row]),
        open_interest=int(series.open_interest[row]),
        volume=int(series.volume[row]),
        bid_quantity=_count(series.bid_quantity[row]),
        ask_quantity=_count(series.ask_quantity[row]),
        previous_open_interest=_count(series.previous_open_interest[row]),
        vendor_iv=None if np.isnan(series.vendor_iv[row]) else float(series.vendor_iv[row]) / 100.0,
    )


def _count(contracts: np.int64) -> int | None:
    return None if contracts < 0 else int(contracts)


def _price(ticks: np.int64) -> Decimal | None:
    return None if ticks == UNKNOWN else to_rupees(int(ticks), OPTION_TICK)
