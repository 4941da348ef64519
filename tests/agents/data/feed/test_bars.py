"""Candles out of packets, without sockets: equal to the charts, or named as doubtful."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.data.feed.bars import Bar, Doubt, MinuteBars
from agents.data.feed.instruments import FeedInstrument, Mode
from agents.data.feed.minutes import MINUTE, Minutes, ranges
from agents.data.feed.packets import DayFigures, FeedKey, OpenInterest, Price, read_frame
from agents.domain.market import InstrumentKind
from exchange.accounts import Account, Accounts
from exchange.channels import FeedRules
from exchange.clock import MarketClock, at_ist
from exchange.core import Core
from exchange.faults import FaultBox
from exchange.hub import Hub
from exchange.market import Market
from exchange.recorded import Recording, recorded_market
from exchange.simulated import simulated_market
from tests.agents.data.feed.venues import CALENDAR, CLIENT, INDEX, ON, instrument

OPEN = at_ist(ON, 9, 15) // 1000
FUTURE = instrument("NIFTY26NOVFUT", InstrumentKind.FUTURE, FeedKey("NSE_FNO", 53_230))


def ticker(at: int, rupees: float, key: FeedKey = INDEX.key) -> Price:
    return Price(key, rupees, at)


def quote(at: int, rupees: float, volume: int, *ohl: float) -> Price:
    """Return a quote of the future; the session's open, high and low are 0 where they are left out."""
    opened, high, low = ohl or (0.0, 0.0, 0.0)
    return Price(FUTURE.key, rupees, at, 65, DayFigures(volume, 0.0, opened, high, low, 0.0, 0, 0))


def bars_at(at: int, *instruments: FeedInstrument) -> MinuteBars:
    made = MinuteBars(Minutes(CALENDAR), at)
    for one in instruments or (INDEX, FUTURE):
        made.add(one)
    return made


def take(made: MinuteBars, *prices: Price) -> None:
    for price in prices:
        made.take(price, price.traded_at)


def begun() -> MinuteBars:
    """Return bars that heard both instruments before the opening."""
    made = bars_at(OPEN - 60)
    take(made, ticker(OPEN - 30, 100.0), quote(OPEN - 30, 100.0, 0))
    return made


def steady(made: MinuteBars, first: int, end: int) -> None:
    """Let the index tick every other second, so that no minute is in doubt."""
    for at in range(first, end, 2):
        made.take(ticker(at, 100.0), at)


def test_a_minute_has_its_first_last_and_extreme_prices() -> None:
    made = begun()
    take(made, *(ticker(OPEN + s, p) for s, p in ((0, 10.0), (4, 12.5), (8, 9.0), (12, 10.5))))
    steady(made, OPEN + 16, OPEN + 64)
    (first, *_), _ = made.seal(OPEN + 63)
    assert first._replace(high=0, low=0) == Bar(INDEX.key, OPEN, 200, 0, 0, 2000, 0)
    assert (first.high, first.low) == (2000, 180)


def test_volume_is_what_the_sessions_total_grew_by() -> None:
    made = begun()
    steady(made, OPEN, OPEN + 4)
    take(made, quote(OPEN + 4, 10.0, 650))
    steady(made, OPEN + 4, OPEN + 30)
    take(made, quote(OPEN + 30, 11.0, 715))
    steady(made, OPEN + 30, OPEN + 61)
    take(made, quote(OPEN + 61, 11.5, 780))
    steady(made, OPEN + 62, OPEN + 124)
    found = [bar for bar in made.seal(OPEN + 123).bars if bar.key == FUTURE.key]
    assert [(bar.opened_at, bar.close, bar.volume) for bar in found] == [(OPEN, 220, 715), (OPEN + 60, 230, 65)]


def test_an_extreme_between_two_packets_shows_in_the_sessions_high() -> None:
    made = begun()
    steady(made, OPEN, OPEN + 6)
    take(made, quote(OPEN + 6, 10.0, 65, 10.0, 10.0, 10.0), quote(OPEN + 7, 10.5, 300, 10.0, 11.0, 9.5))
    steady(made, OPEN + 8, OPEN + 64)
    (bar,) = (bar for bar in made.seal(OPEN + 63).bars if bar.key == FUTURE.key)
    assert (bar.open, bar.high, bar.low, bar.close) == (200, 220, 190, 210)


def test_an_extreme_that_may_belong_to_the_minute_before_leaves_doubt() -> None:
    made = begun()
    steady(made, OPEN, OPEN + 58)
    take(made, quote(OPEN + 58, 10.0, 65, 10.0, 10.0, 10.0))
    steady(made, OPEN + 58, OPEN + 61)
    take(made, quote(OPEN + 61, 10.0, 900, 10.0, 12.0, 10.0))
    steady(made, OPEN + 62, OPEN + 124)
    sealed = made.seal(OPEN + 123)
    assert Doubt(FUTURE.key, OPEN + 60) in sealed.doubts
    assert [bar.opened_at for bar in sealed.bars if bar.key == FUTURE.key] == [OPEN]


def test_a_late_trade_leaves_its_minute_in_doubt_and_moves_no_close() -> None:
    made = begun()
    steady(made, OPEN, OPEN + 40)
    made.take(ticker(OPEN + 30, 500.0), OPEN + 40)
    steady(made, OPEN + 40, OPEN + 64)
    sealed = made.seal(OPEN + 63)
    assert sealed.bars == []
    assert sealed.doubts == [Doubt(INDEX.key, OPEN)]


def test_a_trade_for_a_minute_that_is_sealed_is_named() -> None:
    made = begun()
    steady(made, OPEN, OPEN + 64)
    made.seal(OPEN + 63)
    made.take(ticker(OPEN + 59, 500.0), OPEN + 66)
    assert made.seal(OPEN + 66).doubts == [Doubt(INDEX.key, OPEN)]


def test_a_break_leaves_the_minutes_it_touched_in_doubt() -> None:
    made = begun()
    steady(made, OPEN, OPEN + 70)
    assert [bar.opened_at for bar in made.seal(OPEN + 70).bars] == [OPEN]
    made.broken()
    steady(made, OPEN + 130, OPEN + 244)
    sealed = made.seal(OPEN + 243)
    assert [bar.opened_at for bar in sealed.bars] == [OPEN + 180]
    doubtful = sorted(doubt.minute for doubt in sealed.doubts if doubt.key == INDEX.key)
    assert doubtful == [OPEN + 60, OPEN + 120]


def test_an_instrument_first_heard_long_after_a_hole_leaves_doubt_in_that_minute() -> None:
    made = begun()
    steady(made, OPEN, OPEN + 60)
    take(made, quote(OPEN + 59, 10.0, 650))
    steady(made, OPEN + 60, OPEN + 66)
    (*_, first), _ = made.seal(OPEN + 65)
    steady(made, OPEN + 90, OPEN + 250)  # what the future traded in the half minute of silence is lost
    take(made, quote(OPEN + 250, 10.0, 1300))
    steady(made, OPEN + 250, OPEN + 310)
    take(made, quote(OPEN + 310, 10.0, 1365))
    steady(made, OPEN + 310, OPEN + 364)
    bars, doubts = made.seal(OPEN + 363)
    assert Doubt(FUTURE.key, OPEN + 240) in doubts
    assert [bar.volume for bar in (first, *bars) if bar.key == FUTURE.key] == [650, 65]


def test_what_has_never_traded_is_covered_from_the_answer_to_its_subscription() -> None:
    made = bars_at(OPEN - 60)
    made.take(ticker(OPEN - 30, 100.0), OPEN - 30)
    made.take(quote(0, 10.0, 0), OPEN - 30)
    steady(made, OPEN, OPEN + 40)
    take(made, quote(OPEN + 40, 10.0, 65, 10.0, 10.0, 10.0))
    steady(made, OPEN + 40, OPEN + 64)
    bars, doubts = made.seal(OPEN + 63)
    assert not doubts
    assert [bar.volume for bar in bars if bar.key == FUTURE.key] == [65]


def test_a_hole_in_the_time_of_trades_leaves_doubt_though_the_connection_stood() -> None:
    made = begun()
    steady(made, OPEN, OPEN + 20)
    steady(made, OPEN + 50, OPEN + 124)
    sealed = made.seal(OPEN + 123)
    assert Doubt(INDEX.key, OPEN) in sealed.doubts
    assert [bar.opened_at for bar in sealed.bars if bar.key == INDEX.key] == [OPEN + 60]


@pytest.mark.parametrize("rupees", [0.0, float("nan"), float("inf"), -5.0])
def test_a_price_that_is_none_leaves_its_minute_in_doubt(rupees: float) -> None:
    made = begun()
    steady(made, OPEN, OPEN + 20)
    made.take(ticker(OPEN + 20, rupees), OPEN + 20)
    steady(made, OPEN + 22, OPEN + 64)
    assert Doubt(INDEX.key, OPEN) in made.seal(OPEN + 63).doubts


def test_a_minute_without_proof_is_closed_after_a_while_in_doubt() -> None:
    made = begun()
    steady(made, OPEN, OPEN + 60)
    assert made.seal(OPEN + 69).doubts == []
    assert set(made.seal(OPEN + 70).doubts) == {Doubt(INDEX.key, OPEN), Doubt(FUTURE.key, OPEN)}


def test_a_feed_that_starts_late_names_the_session_so_far() -> None:
    made = bars_at(OPEN + 3 * MINUTE + 5, INDEX)
    steady(made, OPEN + 185, OPEN + 304)
    sealed = made.seal(OPEN + 303)
    assert sorted(doubt.minute for doubt in sealed.doubts) == [OPEN + n * MINUTE for n in range(4)]
    assert [bar.opened_at for bar in sealed.bars] == [OPEN + 240]


def test_yesterdays_total_is_not_todays_volume() -> None:
    made = bars_at(OPEN - 60)
    take(made, ticker(OPEN - 86_400 + 60, 9.0), quote(OPEN - 86_400 + 60, 9.0, 5_000_000, 9.0, 12.0, 8.0))
    steady(made, OPEN, OPEN + 4)
    take(made, quote(OPEN + 4, 10.0, 650, 9.95, 10.0, 9.9))
    steady(made, OPEN + 4, OPEN + 64)
    (bar,) = (bar for bar in made.seal(OPEN + 63).bars if bar.key == FUTURE.key)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (199, 200, 198, 200, 650)


def test_an_index_has_no_candles_once_the_closing_auction_begins() -> None:
    at = at_ist(ON, 15, 15) // 1000
    made = bars_at(at - 200)
    steady(made, at - 200, at + 190)
    sealed = made.seal(at + 189)
    assert max(bar.opened_at for bar in sealed.bars if bar.key == INDEX.key) < at


def test_a_derivatives_ticker_makes_no_candles() -> None:
    made = bars_at(OPEN - 60, INDEX, instrument("F", InstrumentKind.FUTURE, FUTURE.key, Mode.TICKER))
    steady(made, OPEN, OPEN + 30)
    made.take(Price(FUTURE.key, 10.0, OPEN + 30), OPEN + 30)
    steady(made, OPEN + 30, OPEN + 124)
    sealed = made.seal(OPEN + 123)
    assert {bar.key for bar in sealed.bars} | {doubt.key for doubt in sealed.doubts} == {INDEX.key}


def test_ranges_are_minutes_without_holes() -> None:
    assert ranges([0, 60, 120, 300, 360, 600]) == [(0, 180), (300, 420), (600, 660)]


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_no_minute_is_lost_whatever_comes(seed: int) -> None:
    rng, made, now = Random(seed), begun(), OPEN
    seen: list[tuple[FeedKey, int]] = []
    for _ in range(300):
        now += rng.choice([0, 0, 1, 1, 2, 7])
        at = now + rng.choice([0, 0, 0, 0, -1, -3, -70, 100, -(10**6), -now])
        event = rng.random()
        if event < 0.02:
            made.broken()
        elif event < 0.04:
            made.missed(now)
        elif event < 0.5:
            made.take(quote(at, rng.choice([10.0, 11.0, 0.0]), rng.randrange(10**6)), now)
        else:
            made.take(ticker(at, rng.choice([10.0, 12.0, float("nan")])), now)
        sealed = made.seal(now)
        seen += [(bar.key, bar.opened_at) for bar in sealed.bars]
        for bar in sealed.bars:
            assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            assert bar.volume >= 0
    assert len(seen) == len(set(seen))


def packets_of_a_session(market: Market, on: date, chosen: list[FeedInstrument]) -> Iterator[tuple[int, bytes]]:
    """Yield the frames of a session as the exchange sends them, with the second at which each is due."""
    real = at_ist(on, 9, 14)
    clock = MarketClock(lambda: real)
    clock.set(real)
    accounts = Accounts(5, [Account(CLIENT)])
    token = accounts.issue(CLIENT, real)
    core = Core(market, accounts, clock, faults=FaultBox(5), seed=5)
    hub = Hub(core, FeedRules(behind=5_000))  # its step below
    channel = hub.connect(CLIENT, token, core.settle())
    for one in chosen:
        row = f'{{"ExchangeSegment":"{one.key.segment}","SecurityId":"{one.key.security_id}"}}'
        hub.request(channel, f'{{"RequestCode":{one.mode.value},"InstrumentList":[{row}]}}', core.settle())
    while real < at_ist(on, 15, 42):
        real += 5_000
        hub.advance(core.settle())
        for frame in channel.take(core.now):
            yield real // 1000, frame


def compared(market: Market, on: date, chosen: list[FeedInstrument]) -> tuple[int, int, int]:
    """Return how many candles the charts have, how many of the feed's are sure, and how many of those are wrong."""
    made = bars_at(at_ist(on, 9, 14) // 1000, *chosen)
    found: list[Bar] = []
    doubts: set[Doubt] = set()
    for now, frame in packets_of_a_session(market, on, chosen):
        for packet in read_frame(frame).packets:
            if isinstance(packet, Price):
                made.take(packet, now)
            elif isinstance(packet, OpenInterest):
                made.take_interest(packet.key, packet.open_interest)
        sealed = made.seal(now)
        found += sealed.bars
        doubts |= set(sealed.doubts)
    doubts |= set(made.seal(at_ist(on, 15, 42) // 1000).doubts)
    start, end = at_ist(on, 9, 15), at_ist(on, 15, 45)
    charts = {
        (one.key, candle.opened_at // 1000): candle
        for one in chosen
        for candle in market.candles(one.key.security_id, one.key.segment, start, end, end)
        if one.key.segment != "IDX_I" or candle.opened_at < at_ist(on, 15, 30)
    }
    assert charts.keys() <= {(b.key, b.opened_at) for b in found} | {(d.key, d.minute) for d in doubts}
    wrong = [bar for bar in found if as_chart(bar) != charts[bar.key, bar.opened_at][1:6]]
    return len(charts), len(found), len(wrong)


def as_chart(bar: Bar) -> tuple[int, ...]:
    return bar.open * 5, bar.high * 5, bar.low * 5, bar.close * 5, bar.volume


def of_market(market: Market, on: date, options: int) -> list[FeedInstrument]:
    """Return the index, a future, and so many options spread over the chain."""
    listed = market.contracts(on)
    future = next(one for one in listed if one.kind == "FUTIDX")
    chain = [one for one in listed if one.kind == "OPTIDX"]
    return [
        INDEX,
        instrument("NIFTY26NOVFUT", InstrumentKind.FUTURE, FeedKey("NSE_FNO", future.security_id)),
        *(
            instrument(f"OPTION{n}", InstrumentKind.OPTION, FeedKey("NSE_FNO", one.security_id))
            for n, one in enumerate(chain[:: max(len(chain) // options, 1)])
        ),
    ]


def test_a_sessions_candles_are_the_charts() -> None:
    market = simulated_market(7, date(2026, 11, 18))
    charts, sure, wrong = compared(market, ON, of_market(market, ON, 12))
    assert sure > 0.98 * charts
    assert wrong <= 0.001 * sure


@pytest.mark.data
def test_a_recorded_sessions_candles_are_the_recorded_ones(shared: Path) -> None:
    on, data = date(2022, 11, 10), shared / "data"
    files = ("dev_index_1m.parquet", "dev_futures_1m.parquet", "dev_options_1m.parquet")
    market = recorded_market(Recording.from_parquet(*(data / name for name in files)), 7, on, on)
    charts, sure, wrong = compared(market, on, of_market(market, on, 20))
    assert sure > 0.99 * charts
    assert wrong <= 0.001 * sure
