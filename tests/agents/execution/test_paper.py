from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.domain.candles import Candles
from agents.domain.errors import OrderRejectedError
from agents.domain.orders import OPEN_STATES, TRANSITIONS, OrderState, SuperOrder
from agents.domain.values import to_rupees
from agents.execution.fills import STOP_SLIP_TICKS
from agents.execution.paper import MemoryBook, PaperBroker
from tests.agents.execution.orders import FLAT, PLACED, TICK, CandleMarket, Prices, candles, order

BROKERAGE = Decimal(20)
ON = PLACED.date()


class Diary(MemoryBook):
    """A book that remembers each state it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[OrderState] = []

    def save(self, order: SuperOrder) -> None:
        self.states.append(order.state)
        super().save(order)


def run(known: Candles, *, minutes: int, step: int = 1, **update: object) -> tuple[PaperBroker, Diary]:
    book = Diary()
    broker = PaperBroker(CandleMarket(known), book, BROKERAGE)
    broker.place(order(**update))
    for passed in range(step, minutes + step, step):
        broker.settle(PLACED + timedelta(minutes=passed))
    return broker, book


@st.composite
def walks(draw: st.DrawFn) -> list[Prices]:
    rows, last = [], draw(st.integers(1_600, 2_400))
    for _ in range(draw(st.integers(1, 40))):
        opens, closes = (max(1, last + draw(st.integers(-120, 120))) for _ in range(2))
        low = max(1, min(opens, closes) - draw(st.integers(0, 60)))
        high = max(opens, closes) + draw(st.integers(0, 60))
        rows.append((opens / 20, high / 20, low / 20, closes / 20))
        last = closes
    return rows


@given(walks())
@example([(100, 100.3, 99.8, 100), (119.8, 120.1, 119.5, 120), (125, 126, 124, 125)])
def test_no_fill_is_better_than_its_candle(rows: list[Prices]) -> None:
    known = candles(rows)
    (order_now,) = run(known, minutes=len(rows))[0].orders(ON)
    for fill, better in ((order_now.entry, 1), (order_now.exit, -1)):
        if fill is None:
            continue
        inside = (known.opened_at <= fill.at.timestamp()) & (fill.at.timestamp() < known.closed_at)
        (i,) = inside.nonzero()[0]
        low, high = (to_rupees(column[i], TICK) for column in (known.low, known.high))
        slip = order_now.half_spread + STOP_SLIP_TICKS * TICK
        if better > 0:
            assert low <= fill.price <= max(high + slip, order_now.entry_limit)
            assert fill.price <= order_now.entry_limit
        else:
            least = min(low - slip, order_now.target_limit)  # a candle may lie wholly beyond the target
            assert max(TICK, least) <= fill.price + TICK
            assert fill.price <= high


@given(walks())
def test_quantities_add_up_and_there_is_one_exit(rows: list[Prices]) -> None:
    broker, book = run(candles(rows), minutes=len(rows))
    (final,) = broker.orders(ON)
    if final.exit is not None:
        assert final.entry is not None
        assert final.entry.quantity == final.exit.quantity == final.quantity
        assert final.entry.at <= final.exit.at
    assert sum(state not in OPEN_STATES for state in book.states) <= 1


@given(walks())
def test_states_move_only_along_the_transitions(rows: list[Prices]) -> None:
    _, book = run(candles(rows), minutes=len(rows))
    before = OrderState.PLANNED
    for state in book.states:
        through = TRANSITIONS[before] | {last for mid in TRANSITIONS[before] for last in TRANSITIONS[mid]}
        assert state in through
        before = state


@given(walks())
def test_net_is_gross_less_costs_to_the_paisa(rows: list[Prices]) -> None:
    broker, _ = run(candles(rows), minutes=len(rows))
    for trade in broker.trades(ON):
        assert trade.gross == (trade.exit - trade.entry) * trade.lots * 50
        assert trade.net == trade.gross - trade.costs
        assert trade.net == round(trade.net, 2)
        assert trade.costs > 2 * BROKERAGE


@given(walks())
def test_both_touched_is_always_a_stop(rows: list[Prices]) -> None:
    known = candles([(100, 101, 99.5, 100), *[(100, 140, 80, 100)], *rows])
    (final,) = run(known, minutes=len(rows) + 2)[0].orders(ON)
    assert final.state is OrderState.STOP_DONE


@given(walks(), st.integers(2, 9))
def test_settling_less_often_gives_the_same_book(rows: list[Prices], step: int) -> None:
    known = candles(rows)
    every, _ = run(known, minutes=len(rows) + 9)
    seldom, _ = run(known, minutes=len(rows) + 9, step=step)
    assert every.trades(ON) == seldom.trades(ON)


def test_the_same_correlation_id_is_refused() -> None:
    broker, _ = run(candles([(100, 101, 99, 100)]), minutes=1)
    with pytest.raises(OrderRejectedError, match="used before"):
        broker.place(order())


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        ({"lots": 0}, "quantity is zero"),
        ({"entry_limit": Decimal("100.33")}, "whole number of ticks"),
        ({"stop_trigger": Decimal(101)}, "not in order"),
        ({"target_limit": Decimal(100)}, "not in order"),
        ({"state": OrderState.PROTECTED}, "not planned"),
    ],
)
def test_an_impossible_order_is_refused_with_its_reason(update: dict[str, object], reason: str) -> None:
    broker = PaperBroker(CandleMarket(candles([(1, 1, 1, 1)])), MemoryBook(), BROKERAGE)
    with pytest.raises(OrderRejectedError, match=reason):
        broker.place(order(**update))
    assert broker.orders(ON) == ()


def test_an_entry_without_candles_is_cancelled_when_its_time_is_over() -> None:
    broker, _ = run(candles([]), minutes=3)
    assert broker.orders(ON)[0].state is OrderState.CANCELLED
    assert broker.trades(ON) == ()


def test_a_position_whose_contract_stops_trading_is_sold_against_its_last_price() -> None:
    book = MemoryBook()
    broker = PaperBroker(CandleMarket(candles([(100, 101, 99, 98)])), book, BROKERAGE)
    broker.place(order())
    broker.settle(FLAT)
    assert broker.orders(ON)[0].state is OrderState.PROTECTED
    broker.settle(FLAT + timedelta(minutes=10))
    (trade,) = broker.trades(ON)
    assert trade.exit_reason is OrderState.FLATTENED
    assert trade.exit == Decimal("97.70")


def test_orders_of_another_day_are_not_shown() -> None:
    broker, _ = run(candles([(100, 101, 99, 100)]), minutes=1)
    assert broker.orders(ON + timedelta(days=1)) == ()
