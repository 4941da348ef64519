import pytest

from exchange.envelopes import ApiError
from exchange.safeguards import PnlExit
from tests.exchange.shelves import CALL, CLIENT, LOT, Desk, book, contract


def terms(*, profit: int = 1_000_00, loss: int = 500_00, kill: bool = False) -> PnlExit:
    return PnlExit(profit, loss, ("INTRADAY",), ("INTRADAY",), kill=kill)


def holding() -> Desk:
    desk = Desk()
    desk.place(price=134.0)
    desk.wait()
    return desk


def test_exit_all_cancels_orders_and_leaves_positions() -> None:
    desk = holding()
    resting = desk.place(price=100.0)
    desk.wait()
    desk.core.safeguards.exit_all(CLIENT)
    desk.wait()
    assert resting.status == "CANCELLED"
    assert desk.ledger.net(contract(CALL), "INTRADAY") == 0


def test_the_kill_switch_needs_a_flat_account_and_lasts_for_the_day() -> None:
    desk = holding()
    with pytest.raises(ApiError, match="open positions"):
        desk.core.safeguards.kill(CLIENT, on=True)
    desk.core.safeguards.exit_all(CLIENT)
    desk.wait()
    desk.core.safeguards.kill(CLIENT, on=True)
    with pytest.raises(ApiError, match="Kill Switch"):
        desk.place()
    for _ in range(3):
        desk.next_day()
    desk.place()


def test_a_profit_exit_fires_when_the_profit_is_there_and_kills_if_asked() -> None:
    desk = holding()
    desk.core.safeguards.set_pnl_exit(CLIENT, terms(kill=True))
    desk.wait(5000)
    assert desk.ledger.net(contract(CALL), "INTRADAY") == LOT
    desk.shelf.books[CALL] = book(15000, 15050)
    desk.wait(3000)
    assert desk.ledger.net(contract(CALL), "INTRADAY") == 0
    assert desk.core.safeguards.killed(CLIENT)
    assert desk.core.safeguards.pnl_exit(CLIENT) is None


def test_a_loss_that_is_there_already_fires_at_once() -> None:
    desk = holding()
    desk.shelf.books[CALL] = book(12000, 12050)
    desk.core.safeguards.set_pnl_exit(CLIENT, terms())
    desk.wait(500)
    assert desk.ledger.net(contract(CALL), "INTRADAY") == 0
