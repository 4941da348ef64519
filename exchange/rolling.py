"""Options that keep their distance from the money: at each candle the contract that was n strikes away then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np

from exchange.clock import Millis, at_ist, ist
from exchange.contracts import IDX_I, NSE_FNO, Contract
from exchange.dialects import Json, rupees
from exchange.greeks import greeks
from exchange.market import Candle, Market
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


@dataclass(frozen=True)
class _Row:
    """One candle of the option that was asked for then, with the index at the candle's opening."""

    candle: Candle
    contract: Contract
    spot: int


def rolling_columns(market: Market, question: RollingQuestion, now: Millis) -> dict[str, Json]:
    """Return the arrays asked for, and the times, oldest first."""
    rows: list[_Row] = []
    day = question.first
    while day < min(question.last, ist(now).date() + timedelta(days=1)):
        if market.hours(day) is not None:
            rows += _session_rows(market, question, day, now)
        day += timedelta(days=1)
    columns = {name: _column(name, rows) for name in question.fields}
    return {**columns, "timestamp": [row.candle.opened_at / 1000.0 for row in rows]}


def _session_rows(market: Market, question: RollingQuestion, on: date, now: Millis) -> list[_Row]:
    """Return the candles of one session; minutes without a contract or without a trade are left out."""
    hours = market.hours(on)
    contracts = _contracts(market, question, on)
    if hours is None or not contracts:
        return []
    strikes = sorted(contracts)
    step = min((high - low for low, high in pairwise(strikes)), default=1)
    start, end = at_ist(on, 0, 0), at_ist(on + timedelta(days=1), 0, 0)
    index = longer(market.candles(question.underlying_id, IDX_I, start, end, now), hours.open_at, question.minutes)
    found: list[_Row] = []
    known: dict[int, dict[Millis, Candle]] = {}
    for spot in index:
        strike = round(spot.open / 100 / step) * step + question.strikes_away * step
        contract = contracts.get(strike)
        if contract is None:
            continue
        if strike not in known:
            candles = market.candles(contract.security_id, NSE_FNO, start, end, now)
            known[strike] = {one.opened_at: one for one in longer(candles, hours.open_at, question.minutes)}
        candle = known[strike].get(spot.opened_at)
        if candle is not None:
            found.append(_Row(candle, contract, spot.open))
    return found


def _contracts(market: Market, question: RollingQuestion, on: date) -> Mapping[int, Contract]:
    """Return the options of the expiry and right asked for by strike."""
    listed = [
        one
        for one in market.contracts(on)
        if one.kind == "OPTIDX"
        and one.underlying_id == question.underlying_id
        and one.option_type == question.option_type
        and (one.expiry_flag == "M" or not question.monthly)
    ]
    ends = sorted({one.expiry_on for one in listed if one.expiry_on is not None})
    place = max(question.expiry_code - 1, 0)
    return {one.strike: one for one in listed if place < len(ends) and one.expiry_on == ends[place]}


def _column(name: str, rows: Sequence[_Row]) -> list[Json]:
    if name == "iv":
        return [_implied(row) for row in rows]
    return [_value(name, row) for row in rows]


def _value(name: str, row: _Row) -> float:
    candle = row.candle
    return {
        "open": rupees(candle.open),
        "high": rupees(candle.high),
        "low": rupees(candle.low),
        "close": rupees(candle.close),
        "volume": float(candle.volume),
        "oi": float(candle.open_interest),
        "strike": float(row.contract.strike),
        "spot": rupees(row.spot),
    }[name]


def _implied(row: _Row) -> float:
    """Return the volatility that the candle's opening price implies, in percent, 0 when there is none."""
    assert row.contract.expiry_on is not None, "options expire"
    left = (at_ist(row.contract.expiry_on, *_SETTLES) - row.candle.opened_at) / 1000.0
    price, strike = np.array([rupees(row.candle.open)]), np.array([float(row.contract.strike)])
    return float(greeks(price, strike, np.array([row.contract.option_type == "CE"]), rupees(row.spot), left).iv[0])
