from datetime import timedelta
from decimal import Decimal

import pytest

from agents.domain.errors import InvariantViolationError
from agents.domain.orders import OrderState, SuperOrder
from agents.execution.fills import advance, minutes_of, moved
from tests.agents.execution.orders import FLAT, PLACED, Prices, candles, order


def after(*rows: Prices, start_minutes: float = 0, **update: object) -> SuperOrder:
    settled = order(state=OrderState.ENTRY_PENDING, **update)
    for minute in minutes_of(candles(rows, PLACED + timedelta(minutes=start_minutes))):
        settled = advance(settled, minute)
    return settled


def test_the_entry_pays_half_a_spread_and_a_tick_above_the_open() -> None:
    filled = after((99, 101, 98, 100))
    assert filled.state is OrderState.PROTECTED
    assert filled.entry is not None
    assert filled.entry.price == Decimal("99.30")
    assert filled.entry.at == PLACED + timedelta(seconds=2)
    assert filled.entry.quantity == 100


def test_an_entry_touched_later_pays_its_limit_in_the_last_second() -> None:
    filled = after((104, 104, 99, 100))
    assert filled.entry is not None
    assert filled.entry.price == Decimal("100.30")
    assert filled.entry.at == PLACED + timedelta(seconds=59)


def test_the_candle_of_the_decision_fills_nothing() -> None:
    assert after((90, 130, 80, 100), start_minutes=-1).state is OrderState.ENTRY_PENDING


def test_a_low_at_the_limit_is_not_enough() -> None:
    assert after((104, 104, 100.30, 101)).state is OrderState.ENTRY_PENDING
    assert after((104, 104, 100.25, 101)).state is OrderState.PROTECTED


def test_an_unfilled_entry_is_cancelled_after_three_minutes() -> None:
    assert after(*[(104.0, 104.0, 103.0, 103.0)] * 4).state is OrderState.CANCELLED


def test_the_stop_pays_half_a_spread_and_three_ticks() -> None:
    done = after((100, 101, 99, 100), (95, 96, 89, 91))
    assert done.state is OrderState.STOP_DONE
    assert done.exit is not None
    assert done.exit.price == Decimal("89.60")


def test_a_gap_through_the_stop_starts_from_the_open() -> None:
    done = after((100, 101, 99, 100), (88.5, 89, 88.5, 89))
    assert done.exit is not None
    assert done.exit.price == Decimal("88.10")


def test_a_stop_that_is_jumped_over_pays_the_low() -> None:
    done = after((100, 101, 99, 100), (95, 96, 82, 91))
    assert done.exit is not None
    assert done.exit.price == Decimal(82)


def test_a_candle_that_touches_both_hits_the_stop() -> None:
    assert after((100, 101, 99, 100), (100, 130, 85, 100)).state is OrderState.STOP_DONE


def test_the_candle_of_the_entry_can_stop_it() -> None:
    assert after((100, 101, 89, 95)).state is OrderState.STOP_DONE


def test_the_target_needs_the_bid_a_tick_beyond() -> None:
    assert after((100, 101, 99, 100), (110, 120.25, 109, 119)).state is OrderState.PROTECTED
    done = after((100, 101, 99, 100), (110, 120.30, 109, 119))
    assert done.state is OrderState.TARGET_DONE
    assert done.exit is not None
    assert done.exit.price == Decimal(120)


def test_the_target_counts_in_the_candle_of_the_entry_only_from_its_open() -> None:
    assert after((99, 125, 98, 120)).state is OrderState.TARGET_DONE
    assert after((104, 125, 98, 120)).state is OrderState.PROTECTED


def test_the_position_is_sold_at_the_time_to_be_flat() -> None:
    held = after((99, 101, 98, 100))
    (minute,) = minutes_of(candles([(105, 130, 80, 100)], FLAT))
    done = advance(held, minute)
    assert done.state is OrderState.FLATTENED
    assert done.exit is not None
    assert done.exit.price == Decimal("104.70")
    assert done.exit.at == FLAT


def test_a_stop_never_sells_below_one_tick() -> None:
    done = after(
        (0.4, 0.5, 0.05, 0.05),
        entry_limit=Decimal(1),
        stop_trigger=Decimal("0.3"),
        target_limit=Decimal(2),
    )
    assert done.exit is not None
    assert done.exit.price == Decimal("0.05")


def test_a_finished_order_stays_as_it_is() -> None:
    done = after((100, 101, 89, 95))
    (minute,) = minutes_of(candles([(200, 200, 1, 100)], FLAT))
    assert advance(done, minute) == done


def test_a_leap_over_the_states_is_a_violation() -> None:
    with pytest.raises(InvariantViolationError, match="from planned to stop_done"):
        moved(order(), OrderState.STOP_DONE)
