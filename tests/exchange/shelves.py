"""A market of three instruments whose book a test sets by hand, and a core that trades on it."""

# ruff: noqa: ARG002 - the shelf answers to a protocol and shows the same whenever it is asked

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from exchange.accounts import Account, Accounts
from exchange.clock import MarketClock, Millis, at_ist, ist
from exchange.contracts import Contract
from exchange.core import Core
from exchange.market import (
    Book,
    Candle,
    Chain,
    Level,
    Options,
    OptionSide,
    Print,
    TradingHours,
    UnknownInstrumentError,
)
from exchange.rules import Rules
from exchange.services import Faults, Parameters

ON = date(2026, 11, 20)
EXPIRY = date(2026, 11, 24)
NINE_THIRTY = at_ist(ON, 9, 30)
LOT = 65
CALL, PUT, FUTURE, INDEX = 42528, 42529, 48704, 13
CLIENT = "1000000001"
FAST = Rules(transit=(40, 40), queue=(5, 5))


def contract(security_id: int) -> Contract:
    kind, option_type = {CALL: ("OPTIDX", "CE"), PUT: ("OPTIDX", "PE"), FUTURE: ("FUTIDX", "XX")}.get(
        security_id, ("INDEX", "XX")
    )
    option = kind == "OPTIDX"
    return Contract(
        security_id=security_id,
        segment="IDX_I" if kind == "INDEX" else "NSE_FNO",
        kind=kind,
        underlying="NIFTY",
        underlying_id=INDEX,
        symbol=f"NIFTY-Nov2026-25650-{option_type}" if option else "NIFTY",
        display=f"NIFTY 24 NOV 25650 {option_type}",
        lot_size=1 if kind == "INDEX" else LOT,
        tick=10 if kind == "FUTIDX" else 5,
        freeze=0 if kind == "INDEX" else 1755,
        expiry_on=None if kind == "INDEX" else EXPIRY,
        strike=25650 if option else 0,
        option_type=option_type,
        expiry_flag="W",
        lower_limit=5 if option else 0,
        upper_limit=45000 if option else 0,
        previous_close=12000,
    )


def book(bid: int, ask: int, *, size: int = 10 * LOT, ltp: int | None = None) -> Book:
    last = bid if ltp is None else ltp
    rows = tuple(Level(size, size, 1, 1, max(bid - 5 * row, 5), ask + 5 * row) for row in range(5))
    return Book(
        bid=bid,
        ask=ask,
        bid_quantity=size,
        ask_quantity=size,
        ltp=last,
        ltq=LOT,
        ltt=NINE_THIRTY,
        volume=1000,
        average=last,
        open_interest=0,
        open_interest_high=0,
        open_interest_low=0,
        open=last,
        high=last,
        low=last,
        previous_close=last,
        total_bid_quantity=size,
        total_ask_quantity=size,
        depth=rows,
    )


class Shelf:
    """A `Market` that shows what it was last told to show."""

    def __init__(self) -> None:
        self.books = {
            CALL: book(13300, 13400),
            PUT: book(9000, 9050),
            FUTURE: book(2_565_000, 2_565_100),
            INDEX: book(2_564_000, 2_564_000),
        }
        self.traded: dict[int, list[Print]] = {}

    def hours(self, on: date) -> TradingHours | None:
        if on.weekday() > 4:
            return None
        return TradingHours(on, at_ist(on, 9, 15), at_ist(on, 15, 40), at_ist(on, 15, 15))

    def contracts(self, on: date) -> Sequence[Contract]:
        return [contract(security_id) for security_id in self.books]

    def contract(self, security_id: int, segment: str, on: date) -> Contract:
        found = contract(security_id)
        if security_id not in self.books or found.segment != segment:
            raise UnknownInstrumentError(f"no instrument {security_id} in {segment} on {on}")
        return found

    def opening(self, on: date) -> Iterator[None]:
        """Have everything ready."""
        return iter(())

    def top_of_book(self, security_id: int, segment: str, now: Millis) -> Book:
        return self.books[security_id]

    def prints(self, security_id: int, segment: str, after: Millis, until: Millis) -> Sequence[Print]:
        return [one for one in self.traded.get(security_id, []) if after < one.at <= until]

    def candles(self, security_id: int, segment: str, start: Millis, end: Millis, now: Millis) -> Sequence[Candle]:
        return []

    def options(self, side: OptionSide, now: Millis) -> Options | None:
        return None

    def expiries(self, underlying_id: int, now: Millis) -> Sequence[date]:
        return [EXPIRY]

    def chain(self, underlying_id: int, expiry_on: date, now: Millis) -> Chain:
        return Chain(now, self.books[INDEX].ltp, {})


class Wanted:
    """`Faults` that strike the given number of times each."""

    def __init__(self, **times: int) -> None:
        self.times = times
        self.parameters: dict[str, Parameters] = {"partial_fill": {"lots": 1}}

    def strike(self, name: str, where: str = "") -> Parameters | None:
        if self.times.get(name, 0) <= 0:
            return None
        self.times[name] -= 1
        return self.parameters.get(name, {})


class Desk:
    """A core on a shelf with one client, whose time a test moves."""

    def __init__(self, faults: Faults | None = None, rules: Rules = FAST, at: Millis = NINE_THIRTY) -> None:
        self.shelf = Shelf()
        self.clock = MarketClock(lambda: at)
        self.clock.set(at, speed=0.0)
        self.accounts = Accounts(7, [Account(CLIENT)])
        self.account = self.accounts.all()[0]
        self.token = self.accounts.issue(CLIENT, at)
        self.core = Core(self.shelf, self.accounts, self.clock, faults=faults, rules=rules, seed=7)

    @property
    def ledger(self) -> Any:
        return self.core.ledgers.of(CLIENT)

    def wait(self, millis: int = 1000) -> None:
        self.clock.move(millis)
        self.core.settle()

    def until(self, hour: int, minute: int) -> None:
        self.clock.set(at_ist(ist(self.core.now).date(), hour, minute), speed=0.0)
        self.core.settle()

    def next_day(self) -> None:
        self.clock.set(at_ist(ist(self.core.now).date() + timedelta(days=1), 9, 20), speed=0.0)
        self.core.settle()

    def place(self, **change: Any) -> Any:
        return self.core.counter.place(self.account, order_body(**change), "127.0.0.1")

    def bracket(self, **change: Any) -> Any:
        entry = self.core.super_counter.place(self.account, super_body(**change), "127.0.0.1")
        return self.core.supers.find(entry.order_id, CLIENT)


def order_body(**change: Any) -> dict[str, Any]:
    return {
        "transactionType": "BUY",
        "exchangeSegment": "NSE_FNO",
        "productType": "INTRADAY",
        "orderType": "LIMIT",
        "validity": "DAY",
        "securityId": str(CALL),
        "quantity": LOT,
        "disclosedQuantity": 0,
        "price": 134.0,
        "afterMarketOrder": False,
        "boProfitValue": None,
        "boStopLossValue": None,
        "triggerPrice": 0.0,
        "dhanClientId": CLIENT,
    } | change


def super_body(**change: Any) -> dict[str, Any]:
    return {
        "transactionType": "BUY",
        "exchangeSegment": "NSE_FNO",
        "productType": "INTRADAY",
        "orderType": "LIMIT",
        "securityId": str(CALL),
        "quantity": LOT,
        "price": 134.0,
        "targetPrice": 150.0,
        "stopLossPrice": 120.0,
        "trailingJump": 0.0,
        "dhanClientId": CLIENT,
    } | change
