from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agents.data.feed.latest import LatestQuotes
from agents.data.feed.packets import DayFigures, FeedKey, OpenInterest, PreviousClose, Price, Touch
from agents.domain.errors import MissingDataError, StaleDataError
from agents.domain.market import InstrumentKind
from tests.agents.data.feed.venues import INDEX, instrument

AT = int(datetime(2026, 11, 19, 4, 30, tzinfo=UTC).timestamp())
OPTION = instrument("NIFTY26112425650CE", InstrumentKind.OPTION, FeedKey("NSE_FNO", 42_528))
DAY = DayFigures(650, 0.0, 1.0, 2.0, 1.0, 1.5, 0, 0)


def latest(*packets: Price | OpenInterest | PreviousClose) -> LatestQuotes:
    made = LatestQuotes()
    for one in (INDEX, OPTION):
        made.add(one)
    for packet in packets:
        made.take(packet)
    return made


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def test_a_quote_is_on_the_grid_of_ticks() -> None:
    wire = Price(OPTION.key, 134.0500030517578, AT, 65, DAY, 5_000, Touch(134.0, 134.1000061035, 130, 65))
    quote = latest(wire).quote(OPTION.name, moment(AT))
    assert (quote.ltp, quote.bid, quote.ask) == (Decimal("134.05"), Decimal("134.00"), Decimal("134.10"))


def test_an_index_has_neither_bid_nor_ask() -> None:
    quote = latest(Price(INDEX.key, 25_642.85, AT)).quote("NIFTY", moment(AT))
    assert (quote.bid, quote.ask, quote.ltp) == (None, None, Decimal("25642.85"))


def test_age_is_how_far_the_feed_had_come_not_when_the_option_last_traded() -> None:
    made = latest(Price(INDEX.key, 25_642.85, AT), Price(OPTION.key, 134.05, AT - 600))
    assert made.age_seconds(OPTION.name, moment(AT + 2)) == 2.0


def test_a_feed_that_lags_is_old_however_fast_its_packets_come() -> None:
    made = latest(Price(INDEX.key, 25_642.85, AT - 30))
    with pytest.raises(StaleDataError, match=r"30\.0 s old"):
        made.quote("NIFTY", moment(AT), max_age=5.0)


def test_an_older_trade_does_not_replace_a_newer_one() -> None:
    made = latest(Price(INDEX.key, 100.0, AT), Price(INDEX.key, 90.0, AT - 3))
    assert made.quote("NIFTY", moment(AT)).ltp == 100


def test_open_interest_and_previous_close_join_the_quote() -> None:
    made = latest(
        PreviousClose(OPTION.key, 120.0, 7), Price(OPTION.key, 134.05, AT, 65, DAY), OpenInterest(OPTION.key, 9_750)
    )
    live = made.live(OPTION.key)
    assert live is not None
    assert (live.volume, live.open_interest, live.previous_close) == (650, 9_750, 2_400)


def test_prices_that_are_none_and_strangers_are_passed_over() -> None:
    made = latest(Price(INDEX.key, float("nan"), AT), Price(FeedKey("NSE_FNO", 1), 5.0, AT))
    with pytest.raises(MissingDataError, match="has not shown NIFTY yet"):
        made.quote("NIFTY", moment(AT))
    with pytest.raises(MissingDataError, match="subscribe it first"):
        made.quote("OTHER", moment(AT))


def test_what_was_dropped_is_forgotten() -> None:
    made = latest(Price(INDEX.key, 100.0, AT))
    made.drop(INDEX.key)
    assert made.live(INDEX.key) is None
