"""Whatever a client does and however the market moves: money adds up, nobody trades through the book."""

import contextlib
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exchange.clock import ist
from exchange.envelopes import ApiError
from exchange.ledgerbook import Ledger, Trade
from exchange.market import Print
from exchange.matching import opposite
from exchange.orders import TRANSITIONS, Order, Status
from exchange.services import Event
from tests.exchange.shelves import CALL, CLIENT, EXPIRY, FUTURE, LOT, PUT, Desk, Wanted, book, order_body

IP = "127.0.0.1"
OPTIONS = st.sampled_from([CALL, CALL, CALL, PUT])
LOTS = st.integers(1, 4)
PRICES = st.integers(2560, 2760).map(lambda steps: steps * 5 / 100)
PRODUCTS = st.sampled_from(["INTRADAY", "MARGIN"])
SIDES = st.sampled_from(["BUY", "SELL"])
LEGS = st.sampled_from(["ENTRY_LEG", "TARGET_LEG", "STOP_LOSS_LEG"])


# Shares of turnover since 1 April 2026, option and future; apart from the table of the exchange.
RATES = {
    "OPTIDX": {"tax": "0.0015", "exchange": "0.0003503", "fund": "0.000005", "stamp": "0.00003"},
    "FUTIDX": {"tax": "0.0005", "exchange": "0.0000173", "fund": "0.000001", "stamp": "0.00002"},
}
ROUNDING = Fraction(55, 100)  # half a paisa of the total, and seven components to a hundredth of one
BROKERAGE, GST, SEBI = Fraction(2_000), Fraction(18, 100), Fraction("0.000001")


def charge(trade: Trade, *, first: bool) -> Fraction:
    """Return what a trade costs in paise, unrounded; brokerage is for the first trade of an order."""
    rates, value = RATES[trade.contract.kind], Fraction(trade.value)
    fees = value * (Fraction(rates["exchange"]) + Fraction(rates["fund"]) + SEBI) + (BROKERAGE if first else 0)
    return fees * (1 + GST) + value * Fraction(rates["stamp" if trade.side == "BUY" else "tax"])


def cash_of_trades(ledger: Ledger, opening: int) -> int:
    """Add up an account from its trades, adjustments and open futures alone."""
    cash = opening
    seen: set[str] = set()
    for trade in (*ledger.history, *ledger.trades):
        assert abs(trade.charges.paise - charge(trade, first=trade.order.order_id not in seen)) < ROUNDING
        seen.add(trade.order.order_id)
        cash -= trade.charges.paise
        cash += trade.value if trade.side == "SELL" else -trade.value
    # A future's trade moves no cash, so its open part is added back at what it stands at.
    for entry in ledger.adjustments:
        cash += 0 if entry.why == "futures at the closing price" else entry.amount
    for position in ledger.positions.values():
        if position.contract.kind == "FUTIDX":
            cash += position.realised + position.total_bought[1] - position.total_sold[1]
    return cash


class Watched(RuleBasedStateMachine):
    """A desk each of whose trades and orders is looked at as it comes."""

    wanted: ClassVar[Mapping[str, int]] = {}

    @initialize()
    def open_account(self) -> None:
        self.faults = Wanted(**self.wanted)
        self.desk = Desk(self.faults)
        self.opening = self.desk.account.opening_balance
        self.ended: dict[str, int] = {}
        self.last: dict[str, Order] = {}
        self.traded = 0
        self.taken: dict[tuple[int, str], int] = {}
        self.desk.core.subscribe("trade", self.see_trade)
        self.desk.core.subscribe("order", self.see_order)

    def see_trade(self, event: Event) -> None:
        trade = event.detail
        assert isinstance(trade, Trade)
        self.traded += 1
        order = self.desk.core.orders.find(trade.order.order_id, CLIENT)
        assert order is not None
        levels = opposite(trade.side, self.desk.shelf.books[trade.contract.security_id])
        sign = 1 if trade.side == "BUY" else -1
        assert sign * trade.price >= sign * levels[0][0], "through the book"
        assert sign * trade.price <= sign * order.price, "beyond the limit"
        key = (trade.contract.security_id, trade.side)
        self.taken[key] = self.taken.get(key, 0) + trade.quantity
        assert 0 < self.taken[key] <= sum(quantity for _, quantity in levels), "more than was shown"
        assert order.order_id not in self.ended, "filled after its end"
        assert trade.quantity % trade.contract.lot_size == 0, "a part of a lot"

    def see_order(self, event: Event) -> None:
        order = event.detail
        assert isinstance(order, Order)
        before = self.last.get(order.order_id)
        if before is not None:
            assert order.status is before.status or order.status in TRANSITIONS[before.status]
            assert order.filled >= before.filled
        self.last[order.order_id] = order
        if order.status in {Status.CANCELLED, Status.REJECTED, Status.EXPIRED}:
            self.ended[order.order_id] = order.filled


class Client(Watched):
    """A client who asks for anything: orders, stops and brackets, changed and cancelled, all of them or one leg."""

    def ask(self, call: Any, *args: Any) -> None:
        with contextlib.suppress(ApiError):
            call(self.desk.account, *args)

    @rule(
        security_id=OPTIONS,
        lots=LOTS,
        price=PRICES,
        side=SIDES,
        product=PRODUCTS,
        kind=st.sampled_from(["LIMIT", "MARKET"]),
    )
    def order(self, *, security_id: int, lots: int, price: float, side: str, product: str, kind: str) -> None:
        body = order_body(
            securityId=str(security_id),
            quantity=lots * LOT,
            price=price if kind == "LIMIT" else 0.0,
            transactionType=side,
            productType=product,
            orderType=kind,
        )
        self.ask(self.desk.core.counter.place, body, IP)

    @rule(lots=LOTS, side=SIDES)
    def future(self, lots: int, side: str) -> None:
        body = order_body(
            securityId=str(FUTURE), quantity=lots * LOT, price=0.0, transactionType=side, orderType="MARKET"
        )
        self.ask(self.desk.core.counter.place, body, IP)

    @rule(trigger=PRICES, gap=st.integers(0, 100), side=SIDES)
    def stop(self, trigger: float, gap: int, side: str) -> None:
        price = round(trigger + (gap if side == "BUY" else -gap) * 0.05, 2)
        body = order_body(orderType="STOP_LOSS", price=price, triggerPrice=trigger, transactionType=side)
        self.ask(self.desk.core.counter.place, body, IP)

    @rule(lots=LOTS, over=st.integers(-4, 20), up=st.integers(1, 60), down=st.integers(1, 60), jump=st.integers(0, 10))
    def bracket(self, lots: int, over: int, up: int, down: int, jump: int) -> None:
        price = round(self.desk.shelf.books[CALL].ask / 100 + over * 0.05, 2)
        body = order_body(
            quantity=lots * LOT,
            price=price,
            targetPrice=round(price + up * 0.05, 2),
            stopLossPrice=round(price - down * 0.05, 2),
            trailingJump=round(jump * 0.05, 2),
        )
        self.ask(self.desk.core.super_counter.place, body, IP)
        self.desk.wait(200)

    @precondition(lambda self: bool(self.last))
    @rule(pick=st.integers(0, 10**6))
    def cancel(self, pick: int) -> None:
        self.ask(self.desk.core.counter.cancel, sorted(self.last)[pick % len(self.last)], IP)

    @precondition(lambda self: bool(self.last))
    @rule(pick=st.integers(0, 10**6), lots=LOTS, price=PRICES)
    def modify(self, pick: int, lots: int, price: float) -> None:
        body = {"quantity": lots * LOT, "price": price}
        self.ask(self.desk.core.counter.modify, sorted(self.last)[pick % len(self.last)], body, IP)

    @precondition(lambda self: bool(self.desk.core.supers.all()))
    @rule(pick=st.integers(0, 10**6), leg=LEGS)
    def cancel_leg(self, pick: int, leg: str) -> None:
        supers = self.desk.core.supers.all()
        self.ask(self.desk.core.super_counter.cancel, supers[pick % len(supers)].entry.order_id, leg, IP)

    @precondition(lambda self: bool(self.desk.core.supers.all()))
    @rule(pick=st.integers(0, 10**6), leg=LEGS, price=PRICES, lots=LOTS)
    def modify_leg(self, pick: int, leg: str, price: float, lots: int) -> None:
        supers = self.desk.core.supers.all()
        body = {
            "legName": leg,
            "quantity": lots * LOT,
            "price": price,
            "targetPrice": round(price + 5, 2),
            "stopLossPrice": round(price - 5, 2),
            "trailingJump": 0.5,
        }
        self.ask(self.desk.core.super_counter.modify, supers[pick % len(supers)].entry.order_id, body, IP)


class Trading(Client):
    """That client in a market that goes anywhere: whatever happens, cash, trades and positions add up."""

    @rule(
        security_id=OPTIONS,
        bid=st.integers(2560, 2760),
        spread=st.integers(1, 20),
        lots=st.integers(1, 5),
        wait=st.integers(1, 3000),
        spike=st.integers(-60, 60),
    )
    def market_moves(self, *, security_id: int, bid: int, spread: int, lots: int, wait: int, spike: int) -> None:
        self.taken = {key: taken for key, taken in self.taken.items() if key[0] != security_id}
        self.desk.shelf.books[security_id] = book(bid * 5, (bid + spread) * 5, size=lots * LOT)
        at = self.desk.core.now + wait // 2
        self.desk.shelf.traded[security_id] = [Print(at, max(bid + spike, 1) * 5, LOT, 1000)]
        self.desk.wait(wait)

    @rule(bid=st.integers(255_000, 258_000))
    def future_moves(self, bid: int) -> None:
        self.taken = {key: taken for key, taken in self.taken.items() if key[0] != FUTURE}
        self.desk.shelf.books[FUTURE] = book(bid * 10, bid * 10 + 100)
        self.desk.wait(300)

    @precondition(lambda self: ist(self.desk.core.now).date() < EXPIRY)
    @rule()
    def session_ends(self) -> None:
        """Intraday positions are squared off, futures are brought to the closing price, the rest is carried."""
        for order in self.desk.core.orders.of(CLIENT):
            if order.is_open:  # each would be matched 90,000 times until the close
                self.desk.core.venue.withdraw(order)
        self.desk.until(15, 45)
        assert not any(order.is_open for order in self.desk.core.orders.of(CLIENT))
        self.money_adds_up()
        self.taken.clear()
        self.desk.next_day()
        while not self.desk.shelf.hours(ist(self.desk.core.now).date()):
            self.desk.next_day()
        assert self.desk.ledger.trades == []
        assert self.desk.ledger.opening == self.desk.ledger.cash

    @rule()
    def exit_all(self) -> None:
        self.desk.core.safeguards.exit_all(CLIENT)
        self.desk.wait(500)

    @rule(product=PRODUCTS, quantity=st.integers(1, 200))
    def convert(self, product: str, quantity: int) -> None:
        ledger, other = self.desk.ledger, "MARGIN" if product == "INTRADAY" else "INTRADAY"
        for position in list(ledger.positions.values()):
            if position.product == product and position.contract.kind == "OPTIDX" and quantity <= abs(position.net):
                ledger.convert(position.contract, product, other, quantity)

    @invariant()
    def money_adds_up(self) -> None:
        if not hasattr(self, "desk"):
            return
        ledger = self.desk.ledger
        assert ledger.cash == cash_of_trades(ledger, self.opening)
        assert len(ledger.history) + len(ledger.trades) == self.traded
        for position in ledger.positions.values():
            price = self.desk.core.safeguards.last_price(position)
            assert position.realised + position.unrealised(price) == position.gain(price)
        bought: dict[int, int] = {}
        for trade in (*ledger.history, *ledger.trades):
            sign = 1 if trade.side == "BUY" else -1
            bought[trade.contract.security_id] = bought.get(trade.contract.security_id, 0) + sign * trade.quantity
        for security_id, net in bought.items():
            mine = [one.net for one in ledger.positions.values() if one.contract.security_id == security_id]
            assert sum(mine) == net

    @invariant()
    def orders_are_their_trades(self) -> None:
        if not hasattr(self, "desk"):
            return
        for order in self.desk.core.orders.of(CLIENT):
            trades = [one for one in self.desk.ledger.trades if one.order.order_id == order.order_id]
            assert sum(trade.quantity for trade in trades) == order.filled <= max(order.quantity, order.filled)
            assert sum(trade.value for trade in trades) == order.value
            if order.order_id in self.ended:
                assert order.filled == self.ended[order.order_id]

    @invariant()
    def exits_close_no_more_than_the_entry_opened(self) -> None:
        if not hasattr(self, "desk"):
            return
        reported = {}
        for event in self.desk.core.events:
            if event.kind == "oco_race":
                *pair, closed = cast("tuple[str, str, int]", event.detail)
                reported[frozenset(pair)] = closed
        assert "oco_race" in self.wanted or not reported
        for order in self.desk.core.supers.all():
            told = reported.get(frozenset(one.order_id for one in order.exits.values()))
            assert order.closed <= order.entry.filled or (told is not None and told > order.entry.filled), "unreported"
            for leg in order.cancelled & order.exits.keys():
                assert not order.exits[leg].is_open


class RacingTrading(Trading):
    """The same with faults on."""

    wanted: ClassVar[Mapping[str, int]] = {
        "oco_race": 3,
        "partial_fill": 20,
        "leg_rejected": 2,
        "stop_unfilled": 5,
        "entry_part_cancelled": 3,
    }


FEW = settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
TestTrading = Trading.TestCase
TestTrading.settings = FEW
TestRacingTrading = RacingTrading.TestCase
TestRacingTrading.settings = FEW
