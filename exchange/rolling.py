"""Options that keep their distance from the money: at each candle the contract that was n strikes away then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from exchange.clock import Millis, at_ist, ist
from exchange.contracts import IDX_I
from exchange.dialects import Json, rupees
from exchange.greeks import greeks
from exchange.market import Candle, Market, OptionSide
from exchange.series import longer

_SETTLES = (15, 30)


@dataclass(frozen=True)
class RollingQuestion:
    """Which option to follow, and over which dates; `last` is left out.

    `expiry_code` counts expiries from the nearest, which is both 0 and 1.
    """

    underlying_id: int
    option_type: str
    monthly: bool
    expiry_code: int
    strikes_away: int
    fields: tuple[str, ...]
    minutes: int
    first: date
    last: date


class RollingRow(NamedTuple):
    """One candle of the option that was asked for then, with its strike, its expiry, and the index at the opening."""

    candle: Candle
    strike: int
    expiry_on: date
    spot: int


def rolling_rows(market: Market, question: RollingQuestion, now: Millis) -> Iterator[Sequence[RollingRow]]:
    """Yield the candles of one session after the other, oldest first; some dates yield none."""
    day = question.first
    while day < min(question.last, ist(now).date() + timedelta(days=1)):
        yield _session_rows(market, question, day, now)
        day += timedelta(days=1)


def rolling_columns(rows: Sequence[RollingRow], question: RollingQuestion) -> dict[str, Json]:
    """Return the arrays asked for, and the times."""
    columns = {name: _column(name, rows, question) for name in question.fields}
    return {**columns, "timestamp": [row.candle.opened_at / 1000.0 for row in rows]}


def _session_rows(market: Market, question: RollingQuestion, on: date, now: Millis) -> Sequence[RollingRow]:
    """Return the candles of one session; minutes without a contract or without a trade are left out."""
    hours = market.hours(on)
    place = max(question.expiry_code - 1, 0)
    side = OptionSide(on, question.underlying_id, question.option_type, question.monthly, place)
    options = market.options(side, now) if hours else None
    if hours is None or options is None:
        return []
    step = min((high - low for low, high in pairwise(options.strikes)), default=1)
    start, end = at_ist(on, 0, 0), at_ist(on + timedelta(days=1), 0, 0)
    index = longer(market.candles(question.underlying_id, IDX_I, start, end, now), hours.open_at, question.minutes)
    strikes = [round(spot.open / 100 / step) * step + question.strikes_away * step for spot in index]
    known = {
        strike: {one.opened_at: one for one in longer(candles, hours.open_at, question.minutes)}
        for strike, candles in options.candles(sorted(set(strikes) & set(options.strikes))).items()
    }
    return [
        RollingRow(known[strike][spot.opened_at], strike, options.expiry_on, spot.open)
        for spot, strike in zip(index, strikes, strict=True)
        if spot.opened_at in known.get(strike, {})
    ]


def _column(name: str, rows: Sequence[RollingRow], question: RollingQuestion) -> list[Json]:
    if name == "iv":
        return _implied(rows, question.option_type)
    return [_value(name, row) for row in rows]


def _value(name: str, row: RollingRow) -> float:
    if name == "volume":
        return float(row.candle.volume)
    if name == "oi":
        return float(row.candle.open_interest)
    if name == "strike":
        return float(row.strike)
    return rupees(row.spot if name == "spot" else getattr(row.candle, name))


def _implied(rows: Sequence[RollingRow], option_type: str) -> list[Json]:
    """Return the volatilities that the candles' opening prices imply, in percent, 0 where there is none."""
    ends = {on: at_ist(on, *_SETTLES) for on in {row.expiry_on for row in rows}}
    found = greeks(
        np.array([rupees(row.candle.open) for row in rows]),
        np.array([float(row.strike) for row in rows]),
        np.full(len(rows), option_type == "CE"),
        np.array([rupees(row.spot) for row in rows]),
        np.array([(ends[row.expiry_on] - row.candle.opened_at) / 1000.0 for row in rows]),
    )
    return list(found.iv.tolist())
