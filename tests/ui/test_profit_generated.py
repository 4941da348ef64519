"""Days of generated executions: every place that shows money shows what the exchange's own account comes to."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.domain.lifecycle import TradeState
from agents.domain.market import Segment, Session
from agents.domain.profit import day_result
from agents.domain.values import IST
from agents.execution.gateway import FillRow, Leg, TradeSide
from agents.execution.guardian.case import Case
from agents.execution.guardian.fold import fold, opened, stepped
from agents.execution.guardian.ports import ORDER_EVENT
from agents.execution.guardian.standing import order_of, realised, trade_of
from agents.execution.rows import trade_frame
from exchange.charges import trade_charges
from tests.agents.execution.guardian.cases import case_of, leg_of
from tests.agents.execution.guardian.story import Row
from ui.curve import curve
from ui.orders import folded, of_session
from ui.profit import of_day
from ui.replay import Chapter, Past, known
from ui.snapshot import DeskView, Picture, Snapshot
from ui.trading import Order
from ui.views.positions import as_csv, numbers_of

BROKERAGE = Decimal(20)
LOT = 65
BUY, SELL = TradeSide.BUY, TradeSide.SELL
MIDNIGHT = datetime(2026, 11, 24, tzinfo=IST)
BEGINS = MIDNIGHT - timedelta(hours=15)


@dataclass(frozen=True)
class Told:
    """One generated setup: its executions, and the events that tell of it as the guardian writes them."""

    fills: tuple[FillRow, ...]
    events: tuple[tuple[datetime, dict[str, Any]], ...]  # Any: JSON


@st.composite
def setups(draw: st.DrawFn, number: int) -> Told:
    """A setup bought in parts and sold in parts by its target, its stop and an exit; some are still held."""
    began = BEGINS + timedelta(seconds=draw(st.integers(0, 28 * 3600)))
    buys = draw(st.lists(_deals(), min_size=1, max_size=3))
    lots = sum(count for _, count in buys)
    sold = draw(st.sampled_from([lots, lots, draw(st.integers(0, lots))]))
    base = case_of(number, setup_id=f"setup{number:05d}", opened_at=began, state=TradeState.PLANNED)
    order = base.order.model_copy(update={"setup_id": base.setup_id, "placed_at": began, "contract": f"C{number}"})
    case, event = opened(base.model_copy(update={"order": order, "contract": order.contract}), began, "asked")
    events, fills = [(began, event)], list[FillRow]()

    def tell(at: datetime, state: TradeState | None = None, **changes: Any) -> None:  # Any: fields of a Case
        nonlocal case
        case, step = stepped(case, at, "told", state, **changes)
        events.append((at, step))

    def trade(order_id: str, side: TradeSide, deal: tuple[int, int], at: datetime) -> None:
        ticks, count = deal
        name = f"{number}-{len(fills)}"
        fills.append(
            FillRow(
                order_id=f"{number}{order_id}", trade_id=name, contract=order.contract, side=side,
                quantity=count * LOT, price=Decimal(ticks) / 20, at=at,
            )
        )  # fmt: skip

    at = began
    tell(at, TradeState.SENT)
    tell(at, TradeState.ACKED)
    tell(at, TradeState.ENTRY_PENDING)
    for deal in buys:
        at += timedelta(seconds=draw(st.integers(1, 3 * 3600)))
        trade("entry", BUY, deal, at)
        units, spent = _sums(fills, BUY)
        tell(
            at,
            TradeState.PART_FILLED if units < lots * LOT else TradeState.FILLED,
            bought=units,
            spent=spent,
            fills=tuple(fills),
            filled_at=case.filled_at or at,
        )
    while sold:
        count = draw(st.integers(1, sold))
        sold -= count
        at += timedelta(seconds=draw(st.integers(1, 6 * 3600)))
        trade(draw(st.sampled_from(["target", "stop"])), SELL, (draw(st.integers(1, 8_000)), count), at)
        units, earned = _sums(fills, SELL)
        legs = (leg_of(Leg.TARGET, filled=units), leg_of(Leg.STOP))
        tell(at, None, legs=legs, priced=units, earned=earned, fills=tuple(fills))
    if case.bought == case.sold:
        tell(at, TradeState.PROTECTED)
        tell(at, TradeState.TARGET_DONE)
        tell(at, TradeState.CLOSED, closed_at=at)
    payloads = [(when, json.loads(step.model_dump_json())) for when, step in events]
    return Told(tuple(fills), tuple(payloads))


@st.composite
def days(draw: st.DrawFn) -> list[Told]:
    """Up to four setups whose lives cross each other, and midnights."""
    return [draw(setups(number)) for number in range(1, draw(st.integers(1, 4)) + 1)]


def _deals() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(1, 8_000), st.integers(1, 8))


def _sums(fills: list[FillRow], side: TradeSide) -> tuple[int, Decimal]:
    mine = [fill for fill in fills if fill.side is side]
    return sum(fill.quantity for fill in mine), sum((fill.price * fill.quantity for fill in mine), Decimal(0))


def rows(told: list[Told]) -> list[Row]:
    """The journal of all setups, in the order of its moments."""
    found = sorted(((at, step) for one in told for at, step in one.events), key=lambda each: each[0])
    return [Row(seq, at, ORDER_EVENT, None, step) for seq, (at, step) in enumerate(found, 1)]


def account(fills: tuple[FillRow, ...]) -> Decimal:
    """Rupees that the exchange's account gains by executions, each charged by itself, in whole paise."""
    paise, seen = 0, set[str]()
    for fill in sorted(fills, key=lambda each: (each.at, each.trade_id)):
        turnover, buys = int(fill.price * fill.quantity * 100), fill.side is BUY
        on, first = fill.at.astimezone(IST).date(), fill.order_id not in seen
        seen.add(fill.order_id)
        charged = trade_charges(turnover=turnover, buys=buys, option=True, on=on, first_of_order=first)
        paise += (-turnover if buys else turnover) - charged.paise
    return Decimal(paise) / 100


def prices(orders: tuple[Order, ...]) -> dict[str, Decimal]:
    return {order.contract: Decimal("123.45") for order in orders if order.held}


def worth(told: list[Told], orders: tuple[Order, ...]) -> Decimal:
    """What the account would be worth with everything that is held at its price."""
    held = sum((order.held * prices(orders)[order.contract] for order in orders if order.held), Decimal(0))
    return account(tuple(fill for one in told for fill in one.fills)) + held


def picture_of(orders: tuple[Order, ...], now: datetime) -> Picture:
    market = Snapshot("NIFTY", "paper", is_simulated=False, now=now, prices=prices(orders))
    return Picture(market, DeskView(orders=orders), now, 1)


@settings(max_examples=60)
@given(days())
def test_results_of_all_dates_add_up_to_the_account_to_the_paisa(told: list[Told]) -> None:
    orders = folded(rows(told), BROKERAGE).orders()
    left = [order for order in orders if not order.held]
    dates = sorted({order.ended_at.astimezone(IST).date() for order in left})
    whole = sum((of_day(left, on, {}).value for on in dates), Decimal(0))
    held = tuple(order for order in orders if order.held)
    whole += of_day(held, date(2027, 1, 1), prices(orders)).value
    assert whole == worth(told, orders)
    points = curve(orders)
    closed = {order.contract for order in left}
    assert (points[-1].net if points else 0) == account(
        tuple(fill for one in told for fill in one.fills if fill.contract in closed)
    )


@settings(max_examples=60)
@given(days())
def test_every_place_shows_the_same_for_each_date(told: list[Told]) -> None:
    journal = rows(told)
    orders = folded(journal, BROKERAGE).orders()
    seen = picture_of(orders, journal[-1].at + timedelta(hours=1))
    on = seen.market.now.astimezone(IST).date()
    day = of_day(orders, on, seen.market.prices)
    saved = [line.split(",") for line in as_csv(seen).splitlines()]
    at = saved[0].index("result")
    assert sum((Decimal(line[at]) for line in saved[1:]), Decimal(0)) == worth(told, orders)
    parts = numbers_of(seen)
    assert day.value == sum((_rupees(card.value) for card in parts[1:3]), Decimal(0))
    assert _rupees(parts[0].value) == day.value
    replayed = replay_of(journal, seen)
    assert of_day(replayed.desk.orders, on, seen.market.prices) == day


@settings(max_examples=60)
@given(days())
def test_round_trips_of_the_table_have_the_net_of_their_executions(told: list[Told]) -> None:
    journal = rows(told)
    cases = fold([row.payload for row in journal], date(2026, 1, 1))
    closed = [case for case in cases.values() if case.state is TradeState.CLOSED]
    trades = [trade for case in closed if (trade := trade_of(case, BROKERAGE))]
    assert len(trades) == len(closed)
    fills = [fill for case in closed for fill in case.fills]
    assert sum((trade.net for trade in trades), Decimal(0)) == day_result(fills, BROKERAGE).net == account(tuple(fills))
    assert realised(trades) == account(tuple(fills))
    if trades:
        table = trade_frame(trades, [order_of(case) for case in closed])
        assert sum(table["net"], Decimal(0)) == account(tuple(fills))
        assert (table["net"] == table["gross"] - table["costs"]).all()


def replay_of(journal: list[Row], seen: Picture) -> Picture:
    """The end of the last date's replay, which reads that date's events and those of what was open at its midnight."""
    now = seen.market.now
    midnight = now.astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
    session = Session(
        on=now.date(), segments=(Segment(open_at=midnight, close_at=now),), derivatives_close_at=now,
        index_frozen_from=None,
    )  # fmt: skip
    past = Past(session, now, (midnight,), (), {}, tuple(of_session(journal, midnight)), BROKERAGE)
    return known(past, Chapter(midnight, now, seen.market, ()), now)


def _rupees(text: str) -> Decimal:
    """Read an amount as a card writes it."""
    digits = text.translate(str.maketrans({"\u2212": "-", **dict.fromkeys("▲▼●+₹, ", None)}))
    return Decimal(digits)


def test_units_sold_beyond_what_was_bought_are_no_profit() -> None:
    at = BEGINS
    made = [("1entry", BUY, "100", 65), ("1target", SELL, "120", 65), ("1stop", SELL, "90", 65)]
    fills = tuple(
        FillRow(order_id=name, trade_id=name, contract="C", side=side, quantity=units, price=Decimal(price), at=at)
        for name, side, price, units in made
    )
    base = case_of(1)
    case: Case = base.model_copy(
        update={
            "state": TradeState.CLOSED, "bought": 65, "spent": Decimal(6500), "priced": 130, "filled_at": at,
            "earned": Decimal(13650), "closed_at": at, "fills": fills, "legs": (leg_of(Leg.TARGET, filled=130),),
        }
    )  # fmt: skip
    trade = trade_of(case, BROKERAGE)
    assert trade is not None
    assert trade.gross == Decimal("325.00")  # sold at 105 on average
    assert trade.costs == day_result(fills, BROKERAGE).charges


@pytest.mark.parametrize(("priced", "earned"), [(0, "0"), (65, "7800")])
def test_a_sale_that_nobody_priced_is_said_and_not_counted_as_a_loss(priced: int, earned: str) -> None:
    at = BEGINS
    case, first = opened(case_of(1, state=TradeState.PLANNED, opened_at=at), at, "asked")
    case, sent = stepped(case, at, "", TradeState.SENT)
    changes = {"bought": 130, "spent": Decimal(13000), "sold_elsewhere": 130, "priced": priced}
    case, gone = stepped(case, at, "", None, **changes, earned=Decimal(earned))
    journal = [
        Row(seq, at, ORDER_EVENT, None, json.loads(step.model_dump_json()))
        for seq, step in enumerate((first, sent, gone), 1)
    ]
    (order,) = folded(journal, BROKERAGE).orders()
    assert order.unpriced == 130 - priced
    day = of_day([order], at.astimezone(IST).date(), {})
    assert (day.value, day.priced) == (Decimal(0), False)
