"""Quotes and chains, as Go's services answer them: /marketfeed and /optionchain."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from exchange.calls import Body, Call, Route
from exchange.clock import ist
from exchange.contracts import IDX_I, Contract
from exchange.dialects import Json, float32, rupees
from exchange.envelopes import (
    Reply,
    data_error,
    data_not_subscribed,
    data_rate_limited,
    go,
)
from exchange.market import Book, ChainRow, Level, UnknownInstrumentError

if TYPE_CHECKING:
    from exchange.core import Core

SEGMENTS = frozenset({"IDX_I", "NSE_EQ", "NSE_FNO", "NSE_CURRENCY", "BSE_EQ", "MCX_COMM", "BSE_CURRENCY", "BSE_FNO"})
MOST_INSTRUMENTS = 1_000
NOBODY = Level(0, 0, 0, 0, 0, 0)


def last_prices(core: "Core", call: Call) -> Reply:
    """Answer /marketfeed/ltp."""
    return _quotes(core, call, lambda _, book: {"last_price": rupees(book.ltp)})


def day_prices(core: "Core", call: Call) -> Reply:
    """Answer /marketfeed/ohlc."""
    return _quotes(core, call, lambda _, book: {"last_price": rupees(book.ltp), "ohlc": _ohlc(book)})


def full_quotes(core: "Core", call: Call) -> Reply:
    """Answer /marketfeed/quote."""
    return _quotes(core, call, _quote)


def option_chain(core: "Core", call: Call) -> Reply:
    """Answer /optionchain; the same chain at most once in three seconds."""
    _subscribed(call)
    underlying_id = _underlying(core, call)
    expiry_on = _date(call.body.get("Expiry"))
    if not core.limits.admits_chain(call.account.client_id, underlying_id, str(expiry_on), call.real_at):
        raise data_rate_limited()
    try:
        chain = core.market.chain(underlying_id, expiry_on, call.now)
    except UnknownInstrumentError as error:
        raise data_error(811, "Invalid Expiry Date") from error
    sides: dict[str, dict[str, Json]] = {}
    for (strike, option_type), row in chain.rows.items():
        sides.setdefault(f"{strike:.6f}", {})[option_type.lower()] = _chain_row(row)
    return go({"data": {"last_price": float32(rupees(chain.underlying)), "oc": sides}, "status": "success"})


def expiry_list(core: "Core", call: Call) -> Reply:
    """Answer /optionchain/expirylist."""
    _subscribed(call)
    expiries = core.market.expiries(_underlying(core, call), call.now)
    return go({"data": [str(on) for on in expiries], "status": "success"})


def _quotes(core: "Core", call: Call, shown: Callable[[Contract, Book], Json]) -> Reply:
    _subscribed(call)
    on = ist(call.now).date()
    data: dict[str, Json] = {}
    for segment, ids in sorted(_asked(call.body).items()):
        found: dict[str, Json] = {}
        for security_id in sorted(ids, key=str):
            try:
                contract = core.market.contract(security_id, segment, on)
                book = core.market.top_of_book(security_id, segment, call.now)
            except UnknownInstrumentError:
                continue  # as Dhan does: what it does not know is left out
            found[str(security_id)] = shown(contract, book)
        data[segment] = found
    return go({"data": data, "status": "success"})


def _asked(body: Body) -> Mapping[str, set[int]]:
    """Return the ids asked for by segment; keys that are no segment are ignored.

    Raises
    ------
    ApiError
        814 when ids are not numbers, 804 when there are too many.
    """
    asked: dict[str, set[int]] = {}
    for segment in SEGMENTS & body.keys():
        try:
            asked[segment] = {int(security_id) for security_id in body[segment]}
        except (TypeError, ValueError) as error:
            raise data_error(814, "Invalid Request") from error
    if sum(map(len, asked.values())) > MOST_INSTRUMENTS:
        raise data_error(804, "Requested number of instruments exceeds limit")
    return asked


def _subscribed(call: Call) -> None:
    if not call.account.data_plan:
        raise data_not_subscribed()


def _underlying(core: "Core", call: Call) -> int:
    """Return the index asked for; every mistake about it has the same answer.

    Raises
    ------
    ApiError
        813.
    """
    asked, segment = call.body.get("UnderlyingScrip"), call.body.get("UnderlyingSeg")
    try:
        security_id = int(asked) if isinstance(asked, int | str) else 0
        if segment != IDX_I or not core.market.expiries(security_id, call.now):
            raise data_error(813, "Invalid SecurityId")
    except ValueError as error:
        raise data_error(813, "Invalid SecurityId") from error
    return security_id


def _date(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise data_error(811, "Invalid Expiry Date") from error


def _ohlc(book: Book) -> Json:
    return {
        "open": rupees(book.open),
        "close": rupees(book.previous_close),
        "high": rupees(book.high),
        "low": rupees(book.low),
    }


def _quote(contract: Contract, book: Book) -> Json:
    depth = book.depth or (NOBODY,) * 5
    return {
        "average_price": rupees(book.average),
        "buy_quantity": book.total_bid_quantity,
        "depth": {
            "buy": [{"quantity": x.bid_quantity, "orders": x.bid_orders, "price": rupees(x.bid)} for x in depth],
            "sell": [{"quantity": x.ask_quantity, "orders": x.ask_orders, "price": rupees(x.ask)} for x in depth],
        },
        "last_price": rupees(book.ltp),
        "last_quantity": book.ltq,
        "last_trade_time": ist(book.ltt).strftime("%d/%m/%Y %H:%M:%S") if book.ltt else "01/01/1980 00:00:00",
        "lower_circuit_limit": rupees(contract.lower_limit),
        "net_change": rupees(book.ltp - book.previous_close),
        "ohlc": _ohlc(book),
        "oi": book.open_interest,
        "oi_day_high": book.open_interest_high,
        "oi_day_low": book.open_interest_low,
        "sell_quantity": book.total_ask_quantity,
        "upper_circuit_limit": rupees(contract.upper_limit),
        "volume": book.volume,
    }


def _chain_row(row: ChainRow) -> dict[str, Json]:
    book = row.book
    return {
        "average_price": rupees(book.average),
        "greeks": {
            "delta": round(row.delta, 5),
            "theta": round(row.theta, 5),
            "gamma": round(row.gamma, 5),
            "vega": round(row.vega, 5),
        },
        "implied_volatility": row.iv,
        "last_price": rupees(book.ltp),
        "oi": book.open_interest,
        "previous_close_price": rupees(book.previous_close),
        "previous_oi": row.previous_open_interest,
        "previous_volume": row.previous_volume,
        "security_id": row.contract.security_id,
        "top_ask_price": rupees(book.ask),
        "top_ask_quantity": book.ask_quantity,
        "top_bid_price": rupees(book.bid),
        "top_bid_quantity": book.bid_quantity,
        "volume": book.volume,
    }


ROUTES = (
    Route("POST", "/marketfeed/ltp", last_prices, "quote", "go"),
    Route("POST", "/marketfeed/ohlc", day_prices, "quote", "go"),
    Route("POST", "/marketfeed/quote", full_quotes, "quote", "go"),
    Route("POST", "/optionchain", option_chain, "data", "go"),
    Route("POST", "/optionchain/expirylist", expiry_list, "data", "go"),
)
