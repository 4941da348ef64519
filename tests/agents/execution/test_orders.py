from datetime import timedelta

import pytest

from agents.domain.market import Segment
from agents.domain.orders import OrderState
from agents.execution.orders import correlation_id, flat_at, super_order
from tests.agents.desks import session_of
from tests.agents.execution.orders import order
from tests.agents.execution.setups import setup_of
from tests.agents.options.chains import NOW, chain_of

SESSION = session_of(NOW.date())
SETUP = setup_of()
CONTRACT = next(quote.contract for quote in chain_of().quotes if quote.contract.instrument == SETUP.contract)


def test_a_position_is_flat_at_ten_past_three() -> None:
    assert flat_at(SESSION) == NOW.replace(hour=15, minute=10)


def test_a_short_session_is_flat_twenty_minutes_before_its_end() -> None:
    closes = NOW.replace(hour=12, minute=30)
    short = SESSION.model_copy(
        update={
            "segments": (Segment(open_at=SESSION.open_at, close_at=closes),),
            "derivatives_close_at": closes,
        }
    )
    assert flat_at(short) == NOW.replace(hour=12, minute=10)


def test_a_correlation_id_fits_the_broker_and_counts_up() -> None:
    first = correlation_id(SETUP, SESSION, ())
    again = correlation_id(SETUP, SESSION, (order(setup_id=SETUP.setup_id), order(setup_id="other")))
    assert first == f"A240605{SETUP.setup_id}01"
    assert again == f"A240605{SETUP.setup_id}02"
    assert len(first) <= 20
    assert first.isalnum()


def test_an_order_carries_the_setups_prices_and_the_deadlines() -> None:
    planned = super_order(SETUP, CONTRACT, 3, now=NOW, session=SESSION, earlier=())
    assert planned.state is OrderState.PLANNED
    assert planned.quantity == 3 * SETUP.lot_size
    assert (planned.entry_limit, planned.stop_trigger, planned.target_limit) == (
        SETUP.premium_entry,
        SETUP.premium_stop,
        SETUP.premium_target,
    )
    assert planned.cancel_entry_at == NOW + timedelta(minutes=3)


def test_another_contract_or_no_lots_are_refused() -> None:
    other = CONTRACT.model_copy(update={"instrument": "NIFTY24606PE"})
    with pytest.raises(ValueError, match="plan it again"):
        super_order(SETUP, other, 1, now=NOW, session=SESSION, earlier=())
    with pytest.raises(ValueError, match="at least one"):
        super_order(SETUP, CONTRACT, 0, now=NOW, session=SESSION, earlier=())
