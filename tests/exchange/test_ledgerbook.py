from datetime import date

import pytest

from exchange.charges import exercise_tax, rates_on, trade_charges
from exchange.margins import Prices, order_margin, portfolio_margin
from exchange.orders import Status
from tests.exchange.shelves import CALL, CLIENT, FUTURE, LOT, PUT, Desk, book, contract

NEW = date(2026, 11, 20)


def test_a_round_trip_of_one_lot_costs_what_the_calculator_says() -> None:
    bought = trade_charges(turnover=13400 * LOT, buys=True, option=True, on=NEW, first_of_order=True)
    sold = trade_charges(turnover=14000 * LOT, buys=False, option=True, on=NEW, first_of_order=True)
    assert sold.tax == 136_500
    assert bought.stamp == 2_613
    assert bought.exchange + sold.exchange + bought.fund + sold.fund == pytest.approx(63_300, abs=30)
    assert (bought.paise + sold.paise) / 100 == pytest.approx(68.60, abs=0.02)


def test_a_recorded_trade_of_2024_costs_what_was_charged() -> None:
    costs = trade_charges(turnover=3000 * 75, buys=True, option=True, on=date(2024, 12, 31), first_of_order=True)
    assert (costs.exchange, costs.sebi) == (7_882, 23)
    assert costs.gst == pytest.approx(37_444, abs=1)


def test_rates_change_on_their_dates() -> None:
    assert rates_on(date(2024, 9, 30)).option_sale_tax == 625_000
    assert rates_on(date(2024, 10, 1)).option_sale_tax == 1_000_000
    assert rates_on(date(2026, 3, 31)).option_sale_tax == 1_000_000
    assert rates_on(date(2026, 4, 1)).option_sale_tax == 1_500_000
    assert exercise_tax(1_000_00, NEW) == 150


def test_brokerage_is_charged_once_an_order() -> None:
    desk = Desk()
    desk.shelf.books[CALL] = book(13300, 13400, size=LOT)
    desk.place(quantity=2 * LOT, price=134.05)
    desk.wait()
    assert [trade.charges.brokerage for trade in desk.ledger.trades] == [200_000, 0]


def test_cash_position_and_profit_agree_after_a_round_trip() -> None:
    desk = Desk()
    desk.place(price=134.0)
    desk.wait()
    desk.place(transactionType="SELL", price=133.0)
    desk.wait()
    ledger = desk.ledger
    position = ledger.positions[CALL, "NSE_FNO", "INTRADAY"]
    costs = sum(trade.charges.paise for trade in ledger.trades)
    assert position.net == 0
    assert position.realised == -100 * LOT
    assert ledger.cash == desk.account.opening_balance - 100 * LOT - costs


def test_a_long_option_in_the_money_is_settled_at_expiry() -> None:
    desk = Desk()
    desk.place(price=134.0, productType="MARGIN")
    desk.wait()
    for _ in range(4):
        desk.next_day()
    desk.shelf.books[13] = book(2_575_000, 2_575_000)
    before = desk.ledger.cash
    desk.until(15, 45)
    assert desk.ledger.cash == before + 100_00 * LOT - exercise_tax(100_00 * LOT, date(2026, 11, 24))
    assert desk.ledger.net(contract(CALL), "MARGIN") == 0


def test_a_carried_option_keeps_its_cost() -> None:
    desk = Desk()
    desk.place(price=134.0, productType="MARGIN", quantity=2 * LOT)
    desk.wait()
    desk.place(price=133.0, productType="MARGIN", transactionType="SELL")
    desk.wait()
    for _ in range(3):
        desk.next_day()
    position = desk.ledger.positions[CALL, "NSE_FNO", "MARGIN"]
    assert (position.carried_quantity, position.carried_value, position.bought) == (LOT, 13400 * LOT, 0)
    assert desk.ledger.trades == []
    assert len(desk.ledger.history) == 2


def test_a_carried_future_is_brought_to_the_closing_price_each_session() -> None:
    desk = Desk()
    desk.place(securityId=str(FUTURE), price=25651.0, productType="MARGIN")
    desk.wait()
    costs = desk.ledger.trades[0].charges.paise
    desk.shelf.books[FUTURE] = book(2_570_000, 2_570_100)
    desk.until(15, 45)
    gained = (2_570_000 - 2_565_100) * LOT
    assert desk.ledger.cash == desk.account.opening_balance + gained - costs
    desk.until(15, 50)
    assert desk.ledger.positions[FUTURE, "NSE_FNO", "MARGIN"].gain(2_570_000) == 0


def test_conversion_moves_contracts_at_cost() -> None:
    desk = Desk()
    desk.place(price=134.0, quantity=2 * LOT)
    desk.wait()
    cash = desk.ledger.cash
    desk.ledger.convert(contract(CALL), "INTRADAY", "MARGIN", LOT)
    assert desk.ledger.cash == cash
    assert desk.ledger.net(contract(CALL), "INTRADAY") == desk.ledger.net(contract(CALL), "MARGIN") == LOT
    assert desk.ledger.positions[CALL, "NSE_FNO", "MARGIN"].gain(13400) == 0


def prices(one: object) -> Prices:
    return Prices(2_564_000, 9000 if one == contract(PUT) else 13300)


def test_a_spread_needs_less_than_its_short_leg() -> None:
    alone = portfolio_margin([(contract(CALL), -LOT)], prices)
    with_put = portfolio_margin([(contract(CALL), -LOT), (contract(PUT), -LOT)], prices)
    hedged = portfolio_margin([(contract(CALL), -LOT), (contract(CALL), LOT)], prices)
    assert alone.scan > 1_000_000_0
    assert alone.scan <= with_put.scan < 2 * alone.scan
    assert hedged.scan == 0
    assert order_margin(contract(CALL), buys=True, price=13400, quantity=LOT, prices_of=prices).total == 13400 * LOT


def test_pending_orders_tie_up_money_until_they_end() -> None:
    desk = Desk()
    order = desk.place(price=130.0)
    desk.wait()
    assert desk.core.checks.available(CLIENT) == desk.account.opening_balance - 13000 * LOT
    desk.core.counter.cancel(desk.account, order.order_id, "127.0.0.1")
    assert order.status == Status.CANCELLED
    assert desk.core.checks.available(CLIENT) == desk.account.opening_balance
