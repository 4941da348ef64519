"""What a restart makes of the time in which the exchange did not run."""

from pathlib import Path

import pytest

from exchange.clock import at_ist, ist
from exchange.market import Print
from exchange.safeguards import PnlExit
from tests.exchange.bookkeeping import adds_up
from tests.exchange.kept import Kept
from tests.exchange.shelves import CALL, CLIENT, INDEX, LOT, ON, book, contract


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def net(kept: Kept, product: str = "INTRADAY") -> int:
    return int(kept.core.ledgers.of(CLIENT).net(contract(CALL), product))


def test_a_resting_order_trades_at_what_is_shown_after_the_restart(kept: Kept) -> None:
    order = kept.place(price=130.0)
    kept.wait()
    kept.shelf.traded[CALL] = [Print(kept.at + 30_000, 12_000, LOT, LOT)]
    kept.kill(down=60_000)
    kept.wait(10_000)
    assert kept.order(order.order_id).status == "PENDING"
    kept.shelf.books[CALL] = book(12_900, 12_950)
    kept.wait(3_000)
    again = kept.order(order.order_id)
    assert (again.status, again.last_price) == ("TRADED", 13_000)


def test_a_price_that_was_missed_sets_off_no_stop_and_one_after_it_does(kept: Kept) -> None:
    kept.place(price=134.0)
    stop = kept.place(transactionType="SELL", orderType="STOP_LOSS", price=119.0, triggerPrice=120.0)
    kept.wait()
    kept.shelf.traded[CALL] = [Print(kept.at + 30_000, 11_900, LOT, LOT)]
    kept.kill(down=60_000)
    kept.wait(10_000)
    assert not kept.order(stop.order_id).triggered
    kept.shelf.traded[CALL].append(Print(kept.at + 500, 11_950, LOT, LOT))
    kept.wait(3_000)
    assert kept.order(stop.order_id).triggered


def test_a_trail_goes_on_from_where_it_was(kept: Kept) -> None:
    order_id = kept.bracket(trailingJump=1.0).entry.order_id
    kept.wait()
    kept.shelf.traded[CALL] = [Print(kept.at + 500, 13_650, LOT, LOT)]
    kept.wait(3_000)
    before = kept.core.supers.find(order_id, CLIENT)
    moved = before.exits["STOP_LOSS_LEG"].trigger
    assert moved > 12_000
    kept.shelf.traded[CALL].append(Print(kept.at + 30_000, 14_900, LOT, 2 * LOT))
    kept.kill(down=60_000)
    kept.wait(3_000)
    after = kept.core.supers.find(order_id, CLIENT)
    assert (after.exits["STOP_LOSS_LEG"].trigger, after.reference) == (moved, before.reference)
    kept.shelf.traded[CALL].append(Print(kept.at + 500, 13_850, LOT, 3 * LOT))
    kept.wait(3_000)
    assert after.exits["STOP_LOSS_LEG"].trigger == moved + 200


def test_an_order_in_transit_arrives(kept: Kept) -> None:
    order = kept.place()
    assert order.status == "TRANSIT"
    kept.kill(down=1)
    assert kept.order(order.order_id).status == "TRANSIT"
    kept.wait(3_000)
    assert kept.order(order.order_id).status == "TRADED"


def test_a_change_on_its_way_arrives(kept: Kept) -> None:
    order = kept.place(price=100.0)
    kept.wait()
    change = {"orderType": "LIMIT", "quantity": 2 * LOT, "price": 101.0}
    kept.core.counter.modify(kept.account, order.order_id, change, "127.0.0.1")
    kept.core.journal.commit()
    kept.kill()
    kept.wait(3_000)
    again = kept.order(order.order_id)
    assert (again.quantity, again.price, again.modifications) == (2 * LOT, 10_100, 1)


def test_a_session_that_ended_meanwhile_has_ended_as_if_it_had_been_watched(kept: Kept) -> None:
    kept.place(price=134.0)
    kept.place(price=134.0, productType="MARGIN")
    resting, late = kept.place(price=100.0), kept.place(price=99.0, productType="MARGIN")
    kept.wait()
    assert (net(kept), net(kept, "MARGIN")) == (LOT, LOT)
    kept.kill(down=at_ist(ON, 18, 0) - kept.at)
    resting, late = kept.order(resting.order_id), kept.order(late.order_id)
    assert (resting.status, ist(resting.updated_at).time().isoformat()) == ("CANCELLED", "15:20:00")
    assert (late.status, ist(late.updated_at).time().isoformat()) == ("EXPIRED", "15:40:00")
    exits = [order for order in kept.core.orders.of(CLIENT) if order.origin.platform == "RMS"]
    assert [(order.status, ist(order.created_at).time().isoformat()) for order in exits] == [("TRADED", "15:20:00")]
    assert (net(kept), net(kept, "MARGIN")) == (0, LOT)
    adds_up(kept.book)


def test_days_pass_and_what_was_carried_is_settled_at_its_expiry(kept: Kept) -> None:
    kept.place(price=134.0, productType="MARGIN")
    kept.bracket()
    kept.wait()
    cash = kept.core.ledgers.of(CLIENT).cash
    kept.shelf.books[INDEX] = book(2_575_000, 2_575_000)
    kept.kill(down=kept.moment(9, 20, days=5) - kept.at)
    client = kept.book["clients"][CLIENT]
    assert (client["orders"], client["super_orders"], client["positions"]) == ([], [], [])
    assert [one["why"] for one in client["adjustments"]] == ["option settled at expiry", "transaction tax on exercise"]
    assert client["adjustments"][0]["amount"] == LOT * 10_000
    assert client["funds"]["cash"] == client["funds"]["day_began_with"] > cash
    adds_up(kept.book)


def test_an_after_market_order_waits_for_its_session(kept: Kept) -> None:
    kept.until(18, 0)
    order = kept.place(afterMarketOrder=True, amoTime="OPEN", productType="MARGIN")
    kept.wait()
    kept.kill(down=3_600_000)
    assert kept.order(order.order_id).status == "PENDING"
    kept.until(9, 20, days=3)
    assert kept.order(order.order_id).status == "TRADED"


def test_an_exit_by_profit_watches_on_and_a_kill_switch_holds_for_its_day(kept: Kept) -> None:
    kept.core.safeguards.kill(CLIENT, on=True)
    kept.core.journal.commit()
    kept.kill()
    assert kept.core.safeguards.killed(CLIENT)
    kept.kill(down=kept.moment(9, 20, days=3) - kept.at)
    assert not kept.core.safeguards.killed(CLIENT)
    kept.place(price=134.0)
    kept.core.safeguards.set_pnl_exit(CLIENT, PnlExit(100_000, 50_000, ("INTRADAY",), ("INTRADAY",), kill=True))
    kept.wait()
    kept.kill(down=1_000)
    kept.shelf.books[CALL] = book(15_500, 15_550)
    kept.wait(5_000)
    assert net(kept) == 0
    assert kept.core.safeguards.killed(CLIENT)


def test_no_order_id_comes_back_even_if_the_clock_is_set_back(kept: Kept) -> None:
    ids = []
    for _ in range(4):
        ids += [kept.place(price=100.0).order_id for _ in range(5)]
        kept.kill()
    kept.core.clock.set(kept.at - 60_000, speed=0.0)
    kept.core.restart(kept.at - 60_000)
    kept.at -= 60_000
    ids += [kept.place(price=100.0).order_id for _ in range(5)]
    kept.kill()
    ids += [kept.place(price=100.0).order_id for _ in range(5)]
    assert len(set(ids)) == 30
    assert len(kept.core.orders.of(CLIENT)) == 10


def test_tokens_stay_valid_and_a_revoked_one_is_replaced(kept: Kept) -> None:
    first = kept.account.token
    kept.kill()
    assert kept.core.accounts.authenticate(first, kept.real).client_id == CLIENT
    kept.core.accounts.revoke(CLIENT)
    kept.core.journal.commit()
    kept.kill()
    assert kept.account.token not in {"", first}
    kept.real += 25 * 3_600_000
    kept.kill()
    assert kept.core.accounts.authenticate(kept.account.token, kept.real).client_id == CLIENT
    assert kept.account.tokens_minted == 3
