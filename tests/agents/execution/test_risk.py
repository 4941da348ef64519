from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.market import Segment, Session
from agents.domain.orders import Fill, OrderState, SuperOrder, Trade, TradeSetup
from agents.domain.values import IST
from agents.execution.paper import trade_of
from agents.execution.risk import Account, Limits, affordable_lots, size, vetoes
from tests.agents.execution.orders import order
from tests.agents.execution.setups import setup_of
from tests.agents.options.chains import NOW

SESSION = Session(
    on=NOW.date(),
    segments=(Segment(open_at=NOW.replace(hour=9, minute=15), close_at=NOW.replace(hour=15, minute=30)),),
    derivatives_close_at=NOW.replace(hour=15, minute=30),
)
LIMITS = Limits()
SETUP = setup_of()


def done(number: int, *, exit_price: float, ago: float = 60, lots: int = 2) -> SuperOrder:
    at = NOW - timedelta(minutes=ago)
    return order(
        correlation_id=f"c{number}",
        setup_id=f"s{number}",
        zone_id=f"z{number}",
        lots=lots,
        placed_at=at,
        state=OrderState.STOP_DONE,
        entry=Fill(at=at, price=Decimal(100), quantity=50 * lots),
        exit=Fill(at=at, price=Decimal(str(exit_price)), quantity=50 * lots),
    )


def account(*orders: SuperOrder, equity: int = 1_000_000) -> Account:
    trades: list[Trade] = [trade for o in orders if (trade := trade_of(o, Decimal(20)))]
    return Account(Decimal(equity), orders, trades)


def rules(
    *orders: SuperOrder, lots: int = 1, now: datetime = NOW, setup: TradeSetup = SETUP, equity: int = 1_000_000
) -> set[str]:
    found = vetoes(setup, lots, account(*orders, equity=equity), LIMITS, now=now, session=SESSION)
    assert all(veto.text for veto in found)
    return {veto.rule for veto in found}


@pytest.mark.parametrize(
    ("capital", "stop", "lots"), [(100_000, 20, 0), (200_000, 20, 1), (500_000, 24, 2), (1_000_000, 16, 8)]
)
def test_the_worked_sizes(capital: int, stop: int, lots: int) -> None:
    assert affordable_lots(Decimal(capital) / 100, Decimal(stop), 65, Decimal(64)) == lots


@given(budget=st.integers(0, 100_000), stop=st.integers(1, 200), lot=st.integers(1, 100))
def test_lots_are_never_rounded_up(budget: int, stop: int, lot: int) -> None:
    lots = affordable_lots(Decimal(budget), Decimal(stop), lot)
    assert lots * lot * (stop + 1) <= budget < (lots + 1) * lot * (stop + 1)


def test_a_stop_above_the_entry_cannot_be_sized() -> None:
    with pytest.raises(ValueError, match="below the entry"):
        affordable_lots(Decimal(1_000), Decimal(-5), 65)


def test_a_quiet_account_has_no_veto() -> None:
    assert rules() == set()


def test_size_is_capped_by_premium_and_by_the_freeze_quantity() -> None:
    wide = Limits(risk_per_trade=0.05)
    premium = SETUP.premium_entry * SETUP.lot_size
    capped = size(SETUP, account(equity=200_000), Limits(risk_per_trade=0.05, premium_share=0.05))
    assert capped == int(Decimal(10_000) // premium)
    assert size(SETUP, account(equity=1_000_000_000), wide) == 1_800 // SETUP.lot_size


def test_open_premium_is_capped() -> None:
    holding = order(state=OrderState.PROTECTED, lots=79)
    assert size(SETUP, account(holding), LIMITS) == 2
    assert size(SETUP, account(order(state=OrderState.PROTECTED, lots=90)), LIMITS) == 0


def test_size_halves_after_two_percent_are_lost() -> None:
    fresh = size(SETUP, account(), LIMITS)
    assert size(SETUP, account(done(1, exit_price=60, lots=11)), LIMITS) == fresh // 2


def test_the_loss_of_the_session_counts_this_trade_before_it_is_made() -> None:
    lost = done(1, exit_price=60, lots=14)
    assert "R5.loss" not in rules(lost, lots=1)
    assert "R5.loss" in rules(lost, lots=20)


def test_a_session_that_lost_its_share_is_over() -> None:
    assert "R5.loss" in rules(done(1, exit_price=60, lots=16), lots=0)


def test_five_trades_are_enough() -> None:
    trades = [done(i, exit_price=120) for i in range(5)]
    assert rules(*trades[:4]) == set()
    assert rules(*trades) == {"R6.trades"}


@pytest.mark.parametrize("state", [OrderState.ENTRY_PENDING, OrderState.PROTECTED])
def test_one_open_order_forbids_another(state: OrderState) -> None:
    assert rules(order(state=state, placed_at=NOW, zone_id="other")) == {"R6.open"}


def test_a_zone_is_traded_once_in_a_session() -> None:
    assert rules(done(1, exit_price=120).model_copy(update={"zone_id": SETUP.zone_id})) == {"R6.zone"}


def test_a_setup_is_ordered_once_even_when_its_entry_was_cancelled() -> None:
    cancelled = order(setup_id=SETUP.setup_id, state=OrderState.CANCELLED)
    assert rules(cancelled) == {"R6.setup"}


def test_fifteen_minutes_pass_after_an_exit() -> None:
    assert rules(done(1, exit_price=120, ago=14.9)) == {"R6.cool_down"}
    assert rules(done(1, exit_price=120, ago=15)) == set()


def test_two_losses_pause_for_an_hour_and_three_end_the_session() -> None:
    losses = [done(i, exit_price=95, ago=90 - 20 * i) for i in range(3)]
    assert rules(*losses[:2]) == set()
    assert rules(*losses[:2], now=NOW - timedelta(minutes=11)) == {"R6.pause"}
    assert "R6.losses" in rules(*losses)


def test_a_win_ends_the_row_of_losses() -> None:
    assert rules(done(1, exit_price=95), done(2, exit_price=95), done(3, exit_price=120, ago=30)) == set()


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(9, 29, {"R10.early"}), (9, 30, set()), (14, 45, set()), (14, 48, {"R10.late"})],
)
def test_entries_have_their_hours(hour: int, minute: int, expected: set[str]) -> None:
    assert rules(now=NOW.replace(hour=hour, minute=minute)) == expected


def test_a_contract_that_expires_today_is_not_bought_after_half_past_one() -> None:
    today = setup_of(expiry_at=datetime(2024, 6, 5, 15, 30, tzinfo=IST))
    assert rules(now=NOW.replace(hour=13, minute=30), setup=today) == set()
    assert rules(now=NOW.replace(hour=13, minute=33), setup=today) == {"R10.late"}
    assert rules(now=NOW.replace(hour=13, minute=33)) == set()
