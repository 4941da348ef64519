"""Tapes, books and both markets: what a session shows as time passes."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.books import Books
from exchange.clock import at_ist
from exchange.columns import MinuteCandles
from exchange.contracts import IDX_I, NIFTY, NSE_FNO, Contract, OptionTerms, future_contract, option_contract
from exchange.listings import Listed
from exchange.market import OptionSide, UnknownInstrumentError
from exchange.sessions import Calendar
from exchange.sides import series_in
from exchange.simulated import SimulatedSource, simulated_market
from exchange.tape_market import TapeMarket
from exchange.tapes import tape

FRIDAY = date(2026, 11, 20)
OPENS = at_ist(FRIDAY, 9, 15)
ELEVEN = at_ist(FRIDAY, 11, 0)
OPTION = option_contract(NIFTY, OptionTerms(date(2026, 11, 24), 25_000, "CE", monthly=True), 10_000, 2_500_000)
FUTURE = future_contract(NIFTY, date(2026, 11, 24), FRIDAY, 2_500_000)


@pytest.fixture(scope="module")
def market() -> TapeMarket:
    return simulated_market(7, date(2026, 11, 2))


@st.composite
def minutes(draw: st.DrawFn) -> MinuteCandles:
    n = draw(st.integers(1, 6))
    bases = draw(st.lists(st.integers(2, 4_000), min_size=n, max_size=n))
    moves = st.lists(st.integers(-12, 12), min_size=4, max_size=4)
    four = np.maximum(np.array([[base + move for move in draw(moves)] for base in bases], dtype=np.int64), 1)
    volume = np.array(draw(st.lists(st.integers(0, 90), min_size=n, max_size=n)), dtype=np.int64)
    lot = draw(st.sampled_from([1, 65]))
    opened = OPENS // 1000 + 60 * np.arange(n, dtype=np.int64)
    high, low = four.max(axis=1), four.min(axis=1)
    return MinuteCandles(opened, four[:, 0], high, low, four[:, 1], volume * lot, volume + 1)


@settings(deadline=None)
@given(minutes(), st.integers(0, 2**32))
def test_prints_make_exactly_the_candles_they_come_from(candles: MinuteCandles, seed: int) -> None:
    made = tape(OPTION, candles, seed)
    shown = made.candles(OPENS, OPENS + 10**8, OPENS + 10**8)
    columns = zip(candles.open, candles.high, candles.low, candles.close, candles.volume, strict=True)
    assert [candle[1:6] for candle in shown] == [(o * 5, h * 5, lo * 5, c * 5, v) for o, h, lo, c, v in columns]


@settings(deadline=None)
@given(minutes(), st.integers(0, 2**32))
def test_every_print_lies_within_its_candle_and_its_minute(candles: MinuteCandles, seed: int) -> None:
    made = tape(OPTION, candles, seed)
    assert np.all(made.price <= candles.high[made.row] * 5)
    assert np.all(made.price >= candles.low[made.row] * 5)
    assert np.all(made.at // 60_000 * 60 == candles.opened_at[made.row])
    assert np.all(made.quantity >= 0)
    assert np.all(np.diff(made.at) >= 250)


@settings(deadline=None)
@given(minutes(), st.integers(0, 2**32), st.integers(0, 360_000))
def test_prints_until_a_moment_do_not_change_afterwards(candles: MinuteCandles, seed: int, passed: int) -> None:
    made = tape(OPTION, candles, seed)
    now = OPENS + passed
    early = made.prints(0, now)
    assert early == [one for one in made.prints(0, OPENS + 10**8) if one.at <= now]
    assert all(before.volume + after.quantity == after.volume for before, after in pairwise(early))


def test_futures_keep_to_their_own_tick() -> None:
    odd = np.array([101, 103, 99, 101], dtype=np.int64)
    candles = MinuteCandles(
        OPENS // 1000 + 60 * np.arange(4, dtype=np.int64), odd, odd + 2, odd - 2, odd, odd * 65, odd
    )
    assert np.all(tape(FUTURE, candles, 1).price % 10 == 0)


def test_an_instrument_without_a_candle_has_an_empty_tape() -> None:
    none = np.zeros(0, dtype=np.int64)
    made = tape(OPTION, MinuteCandles(none, none, none, none, none, none, none), 1)
    assert made.prints(0, OPENS + 10**8) == []


def test_a_book_shows_the_last_trade_at_its_bid_or_its_ask(market: TapeMarket) -> None:
    for contract in market.contracts(FRIDAY):
        for now in range(ELEVEN, ELEVEN + 3_000, 250):
            book = market.top_of_book(contract.security_id, contract.segment, now)
            if contract.kind == "INDEX":
                assert (book.bid, book.ask, book.depth) == (0, 0, ())
                continue
            assert book.bid < book.ask
            assert book.ltp in {book.bid, book.ask}
            assert len(book.depth) == 5
            assert (book.depth[0].bid, book.depth[0].ask) == (book.bid, book.ask)
            assert all(one.ask < other.ask and one.bid >= other.bid for one, other in pairwise(book.depth))
            assert (book.bid_quantity == 0) == (book.bid == 0)
            assert book.ask_quantity % contract.lot_size == book.ask % contract.tick == 0


def test_a_book_depends_on_the_moment_and_not_on_what_was_asked_before(market: TapeMarket) -> None:
    other = simulated_market(7, date(2026, 11, 2))
    moments = [ELEVEN + step for step in (0, 90_000, 250, 59_999, -3_600_000, 90_250)]
    for contract in market.contracts(FRIDAY)[::40]:
        asked = {now: other.top_of_book(contract.security_id, contract.segment, now) for now in sorted(moments)}
        assert all(market.top_of_book(contract.security_id, contract.segment, now) == asked[now] for now in moments)


def test_open_interest_of_a_minute_is_known_when_it_is_over() -> None:
    two = np.full(2, 400, dtype=np.int64)
    candles = MinuteCandles(OPENS // 1000 + np.array([0, 60]), two, two, two, two, two * 65, np.array([650, 1300]))
    books = Books(Listed(OPTION, candles, 65, 0), tape(OPTION, candles, 1))
    assert [books.at(OPENS + after).open_interest for after in (0, 59_999, 60_000, 119_999, 120_000)] == [
        *(65, 65, 650, 650, 1300)
    ]


def test_candles_grow_with_the_forming_minute(market: TapeMarket) -> None:
    now = ELEVEN + 30_000
    last = market.candles(13, IDX_I, OPENS, now, now)[-1]
    seen = market.prints(13, IDX_I, ELEVEN - 1, now)
    assert last.opened_at == ELEVEN
    assert (last.open, last.close) == (seen[0].price, seen[-1].price)
    assert (last.high, last.low) == (max(one.price for one in seen), min(one.price for one in seen))


def test_the_index_stands_still_in_the_closing_auction(market: TapeMarket) -> None:
    frozen = at_ist(FRIDAY, 15, 15)
    assert market.prints(13, IDX_I, frozen, at_ist(FRIDAY, 15, 39)) == []
    assert market.prints(future(market).security_id, NSE_FNO, frozen, at_ist(FRIDAY, 15, 39))


def test_the_night_shows_the_last_session_and_the_morning_too(market: TapeMarket) -> None:
    closed = market.top_of_book(13, IDX_I, at_ist(FRIDAY, 15, 40)).ltp
    for on, hour in ((FRIDAY, 23), (date(2026, 11, 22), 12), (date(2026, 11, 23), 9)):
        assert market.top_of_book(13, IDX_I, at_ist(on, hour, 0)).ltp == closed
    monday = market.contract(13, IDX_I, date(2026, 11, 23))
    assert monday.previous_close == closed


def test_a_past_session_keeps_the_candles_it_had_live(market: TapeMarket) -> None:
    evening, later = at_ist(FRIDAY, 15, 41), at_ist(date(2026, 11, 23), 9, 0)
    contracts = market.contracts(FRIDAY)
    assert len(contracts) > 200
    for one in contracts:
        live = market.candles(one.security_id, one.segment, OPENS, evening, evening)
        assert market.candles(one.security_id, one.segment, OPENS, evening, later) == live


def test_options_asked_for_later_are_those_that_were_live(market: TapeMarket) -> None:
    side = OptionSide(FRIDAY, NIFTY.security_id, "CE", monthly=False, place=0)
    live = market.options(side, at_ist(FRIDAY, 15, 41))
    past = market.options(side, at_ist(date(2026, 11, 23), 9, 0))
    assert live is not None
    assert past is not None
    assert past.candles(past.strikes) == live.candles(live.strikes)


def test_what_is_not_listed_is_unknown(market: TapeMarket) -> None:
    with pytest.raises(UnknownInstrumentError, match="99 is not listed in NSE_FNO"):
        market.top_of_book(99, NSE_FNO, ELEVEN)
    with pytest.raises(UnknownInstrumentError, match="no options of 13 expire on 2026-11-25"):
        market.chain(13, date(2026, 11, 25), ELEVEN)
    assert market.candles(99, NSE_FNO, OPENS, ELEVEN, ELEVEN) == []


def test_two_weekly_and_a_monthly_chain_and_two_futures_are_listed(market: TapeMarket) -> None:
    assert market.expiries(13, ELEVEN) == [date(2026, 11, 23), date(2026, 12, 1), date(2026, 12, 29)]
    ends = [one.expiry_on for one in market.contracts(FRIDAY) if one.kind == "FUTIDX"]
    assert ends == [date(2026, 11, 23), date(2026, 12, 29)]
    assert market.expiries(25, ELEVEN) == []


def test_ids_are_unique_and_stay_with_their_contract(market: TapeMarket) -> None:
    today = {(one.segment, one.security_id): one for one in market.contracts(FRIDAY)}
    assert len(today) == len(market.contracts(FRIDAY))
    monday = {(one.segment, one.security_id): one for one in market.contracts(FRIDAY + timedelta(days=3))}
    assert all(monday[key].symbol == today[key].symbol for key in today.keys() & monday.keys())


def test_chain_prices_are_the_quotes_and_imply_ordered_greeks(market: TapeMarket) -> None:
    chain = market.chain(13, date(2026, 11, 23), ELEVEN)
    assert chain.underlying == market.top_of_book(13, IDX_I, ELEVEN).ltp
    near = [row for (strike, _), row in chain.rows.items() if abs(strike * 100 - chain.underlying) < 30_000]
    assert all(row.book == market.top_of_book(row.contract.security_id, NSE_FNO, ELEVEN) for row in near)
    for row in near:
        assert 3.0 < row.iv < 60.0
        assert row.gamma > 0 < row.vega
        assert -1.0 <= row.delta <= 1.0
        assert (row.delta > 0) == (row.contract.option_type == "CE")
    deltas = [row.delta for row in near if row.contract.option_type == "CE"]
    assert all(one > other for one, other in pairwise(deltas))


def test_calls_and_puts_agree_on_the_forward_inside_a_minute(market: TapeMarket) -> None:
    strayed = []
    for second in range(7, 360 * 60, 307):
        shown = market.chain(NIFTY.security_id, date(2026, 11, 23), OPENS + second * 1000)
        strikes = sorted({strike for strike, _ in shown.rows}, key=lambda strike: abs(strike * 100 - shown.underlying))
        books = [(k, shown.rows[k, "CE"].book, shown.rows[k, "PE"].book) for k in strikes[:11]]
        forwards = [k + (call.bid + call.ask - put.bid - put.ask) / 200.0 for k, call, put in books]
        strayed.append(np.std(forwards) > 3.0)
    assert np.mean(strayed) < 0.05


def test_the_same_seed_is_the_same_market_and_another_is_not() -> None:
    def shown(seed: int) -> object:
        made = simulated_market(seed, date(2026, 11, 16))
        return [made.top_of_book(one.security_id, one.segment, ELEVEN) for one in made.contracts(FRIDAY)[:30]]

    assert shown(1) == shown(1)
    assert shown(1) != shown(2)


def test_a_market_lists_at_least_three_chains() -> None:
    with pytest.raises(ValueError, match="list at least 3"):
        simulated_market(1, FRIDAY, chains=2)


def test_a_market_of_twelve_chains_has_a_thousand_instruments() -> None:
    made = simulated_market(1, date(2026, 11, 19), chains=13)
    assert len(made.contracts(FRIDAY)) > 1_000


def test_a_market_has_nothing_before_it_began() -> None:
    made = simulated_market(1, FRIDAY)
    assert made.candles(13, IDX_I, at_ist(date(2026, 11, 1), 0, 0), OPENS, ELEVEN) == []


def test_hours_and_expiries_change_with_the_dates() -> None:
    calendar = Calendar([date(2026, 11, 24)])
    closes = {
        on: calendar.hours(on) for on in (date(2026, 7, 31), date(2026, 8, 3), date(2026, 11, 24), date(2026, 11, 22))
    }
    assert [hours and hours.close_at for hours in closes.values()] == [
        at_ist(date(2026, 7, 31), 15, 30),
        at_ist(date(2026, 8, 3), 15, 40),
        None,
        None,
    ]
    assert calendar.weekly_expiries(FRIDAY, 2) == [date(2026, 11, 23), date(2026, 12, 1)]
    assert Calendar().weekly_expiries(date(2025, 8, 25), 2) == [date(2025, 8, 28), date(2025, 9, 2)]
    assert Calendar().monthly_expiries(date(2026, 11, 1), 2) == [date(2026, 11, 24), date(2026, 12, 29)]


def future(market: TapeMarket) -> Contract:
    return next(one for one in market.contracts(FRIDAY) if one.kind == "FUTIDX")


def test_the_exchange_knows_the_holidays_and_the_odd_sessions_by_itself() -> None:
    nse = Calendar.nse()
    assert nse.hours(date(2022, 10, 26)) is None  # Diwali Balipratipada
    assert nse.hours(date(2026, 11, 24)) is None
    assert nse.hours(date(2024, 1, 20)) is not None  # a Saturday
    evening = nse.hours(date(2022, 10, 24))
    assert evening is not None
    assert (evening.open_at, evening.close_at) == (
        at_ist(date(2022, 10, 24), 18, 15),
        at_ist(date(2022, 10, 24), 19, 15),
    )


@pytest.mark.data
def test_the_exchange_has_the_sessions_that_nse_had(shared: Path) -> None:
    rows = {
        row.date: row for row in pd.read_csv(shared / "data" / "nse_sessions_2021_2026.csv", dtype=str).itertuples()
    }
    nse, unknown = Calendar.nse(), "2026-11-08"  # a Muhurat evening whose hours are not announced
    for number in range(date(2021, 1, 1).toordinal(), date(2027, 1, 1).toordinal()):
        on = date.fromordinal(number)
        hours, row = nse.hours(on), rows.get(str(on)) if str(on) != unknown else None
        assert (hours is None) == (row is None), on
        if hours is not None and row is not None:
            opened, closed = (at_ist(on, *map(int, str(text).split(":"))) for text in (row.open, row.fno_close))
            assert (hours.open_at, hours.close_at) == (opened, closed), on


@pytest.mark.parametrize("place", [0, 1])
def test_some_contracts_of_a_past_session_are_those_of_its_listing(place: int) -> None:
    on, right = date(2026, 11, 12), "PE"
    whole = SimulatedSource(5, date(2026, 11, 9), Calendar.nse())
    quick = SimulatedSource(5, date(2026, 11, 9), Calendar.nse())
    listing = whole.listing(on)
    assert listing is not None
    side = OptionSide(on, 13, right, monthly=False, place=place)
    expected, found = series_in(listing, side), quick.options(side)
    assert expected is not None
    assert found is not None
    assert (found.expiry_on, list(found.strikes)) == (expected.expiry_on, list(expected.strikes))
    asked = expected.strikes[8:30]  # some of them trade now and then only
    for strike, candles in expected.candles(asked).items():
        ours = found.candles([strike])[strike]
        for name in MinuteCandles.__dataclass_fields__:
            assert np.array_equal(getattr(ours, name), getattr(candles, name)), (strike, name)


def test_index_and_futures_of_a_past_session_are_those_of_its_listing() -> None:
    on = date(2026, 11, 12)
    whole, quick = (SimulatedSource(5, date(2026, 11, 9), Calendar.nse()) for _ in range(2))
    listing = whole.listing(on)
    assert listing is not None
    for key, listed in listing.listed.items():
        if listed.contract.kind != "OPTIDX":
            past = quick.history(key, on)
            assert past is not None
            for name in MinuteCandles.__dataclass_fields__:
                assert np.array_equal(getattr(past, name), getattr(listed.candles, name)), (key, name)
