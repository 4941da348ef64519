"""Answers about the market made wrong: candles that lack or exceed, chains with holes, prices of nothing."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from exchange.clock import at_ist, ist
from exchange.dialects import dumps
from exchange.services import Parameters

Strike = Callable[[str, str], Parameters | None]
Object = dict[str, Any]  # Any: JSON, edited in place

CHARTS: Final = ("/v2/charts/intraday", "/v2/charts/historical")
QUOTES: Final = ("/v2/marketfeed", "/v2/optionchain")
NAN_PRICE: Final = b'"last_price":NaN'
_LAST_PRICE: Final = b'"last_price":'
_NOTHING: Final = frozenset(
    {"last_price", "top_bid_price", "top_ask_price", "top_bid_quantity", "top_ask_quantity", "price", "quantity"}
)


def spoilt(body: bytes, where: str, strike: Strike) -> bytes:
    """Return an answer as the faults at its place leave it.

    Parameters
    ----------
    body : bytes
        JSON of a chart, of quotes or of a chain; anything else is returned as it is.
    where : str
        ``METHOD /path``.
    strike : callable
        Tells which faults strike.
    """
    path = where.partition(" ")[2]
    if path in CHARTS:
        return _chart(body, where, strike)
    if path.startswith(QUOTES):
        return _quotes(body, where, strike)
    return body


def _chart(body: bytes, where: str, strike: Strike) -> bytes:
    edits: list[Callable[[Object], None]] = []
    if strike("empty_candles", where) is not None:
        edits.append(lambda chart: _keep(chart, 0))
    missing = strike("missing_last_candle", where)
    if missing is not None:
        count = int(missing["count"])
        edits.append(lambda chart: _keep(chart, max(len(chart["timestamp"]) - count, 0)))
    if strike("late_index_candle", where) is not None:
        edits.append(_add_late)
    return _edited(body, edits, "java") if edits else body


def _quotes(body: bytes, where: str, strike: Strike) -> bytes:
    edits: list[Callable[[Object], None]] = []
    missing = strike("missing_side", where)
    if missing is not None:
        side, every = str(missing["side"]), int(missing["every"])
        edits.append(lambda answer: _drop(answer, side, every))
    if strike("zero_quotes", where) is not None:
        edits.append(lambda answer: _zero(answer["data"]))
    if edits:
        body = _edited(body, edits, "go")
    return _with_nan(body) if _LAST_PRICE in body and strike("nan_quotes", where) is not None else body


def _edited(body: bytes, edits: list[Callable[[Object], None]], dialect: Any) -> bytes:  # Any: a literal of dialects
    answer = json.loads(body, parse_int=_whole)
    for edit in edits:
        edit(answer)
    return dumps(answer, dialect)


def _whole(text: str) -> int | float:
    """Return a whole number; Go's -0 stays one."""
    return -0.0 if text == "-0" else int(text)


def _keep(chart: Object, count: int) -> None:
    for name in chart:
        chart[name] = chart[name][:count]


def _add_late(chart: Object) -> None:
    """Add a candle at 15:30 of the last day, flat at the last close, unless there is one."""
    if not chart["timestamp"]:
        return
    stray = at_ist(ist(int(chart["timestamp"][-1]) * 1000).date(), 15, 30) / 1000
    if stray <= chart["timestamp"][-1]:
        return
    close = chart["close"][-1]
    flat = dict.fromkeys(("open", "high", "low", "close"), close) | {"timestamp": stray}
    for name, values in chart.items():
        values.append(flat.get(name, 0.0))


def _drop(answer: Object, side: str, every: int) -> None:
    strikes = answer.get("data", {})
    rows = strikes.get("oc", {}) if isinstance(strikes, Mapping) else {}
    for place, row in enumerate(rows.values()):
        if place % every == 0:
            row.pop(side, None)


def _zero(value: Any) -> None:  # Any: JSON
    """Set prices and sizes to 0, however deep they lie; the price of the underlying beside a chain stays."""
    if isinstance(value, list):
        for item in value:
            _zero(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in _NOTHING and "oc" not in value:
                value[key] = 0
            else:
                _zero(item)


def _with_nan(body: bytes) -> bytes:
    """Return JSON whose last prices are NaN."""
    first, *rest = body.split(_LAST_PRICE)
    return first + b"".join(NAN_PRICE + part[_number_length(part) :] for part in rest)


def _number_length(text: bytes) -> int:
    return next((place for place, byte in enumerate(text) if byte in b",}"), len(text))
