import struct
from datetime import date

import pytest
from dhanhq import DhanContext, MarketFeed
from hypothesis import given
from hypothesis import strategies as st

from exchange import packets
from exchange.clock import at_ist
from exchange.market import Book, Level
from exchange.packets import Target

TARGET = Target(2, 42_528)
AT = at_ist(date(2026, 11, 20), 9, 49, 57)
DEPTH = tuple(Level(65 * n, 130 * n, n, n + 1, 13_400 - 5 * n, 13_405 + 5 * n) for n in range(1, 6))
BOOK = Book(
    bid=13_395,
    ask=13_410,
    bid_quantity=65,
    ask_quantity=130,
    ltp=13_405,
    ltq=65_600,
    ltt=AT,
    volume=117_567_970,
    average=14_699,
    open_interest=3_786_445,
    open_interest_high=3_800_000,
    open_interest_low=3_100_000,
    open=15_000,
    high=16_005,
    low=13_000,
    previous_close=24_485,
    total_bid_quantity=11_111,
    total_ask_quantity=22_222,
    depth=DEPTH,
)


@pytest.fixture(scope="module")
def client() -> MarketFeed:
    return MarketFeed(DhanContext("1000000001", "paper.x"), [], version="v2")


def test_ticker_is_the_captured_layout() -> None:
    assert packets.ticker(TARGET, BOOK).hex() == (
        "0210000220a60000cd0c0643" + struct.pack("<I", AT // 1000 + 19_800).hex()
    )


def test_lengths_count_the_header() -> None:
    lengths = {
        packets.ticker(TARGET, BOOK): 16,
        packets.quote(TARGET, BOOK): 50,
        packets.full(TARGET, BOOK): 162,
        packets.open_interest(TARGET, 5): 12,
        packets.previous_close(TARGET, 100, 5): 16,
        packets.status(TARGET): 8,
        packets.disconnect(805): 10,
    }
    assert {packet: len(packet) for packet in lengths} == lengths
    assert {packet: int.from_bytes(packet[1:3], "little") for packet in lengths} == lengths


def test_the_client_reads_a_ticker(client: MarketFeed) -> None:
    assert client.process_data(packets.ticker(TARGET, BOOK)) == {
        "type": "Ticker Data",
        "exchange_segment": 2,
        "security_id": 42_528,
        "LTP": "134.05",
        "LTT": "09:49:57",
    }


def test_the_client_reads_a_quote(client: MarketFeed) -> None:
    assert client.process_data(packets.quote(TARGET, BOOK)) == {
        "type": "Quote Data",
        "exchange_segment": 2,
        "security_id": 42_528,
        "LTP": "134.05",
        "LTQ": 64,
        "LTT": "09:49:57",
        "avg_price": "146.99",
        "volume": 117_567_970,
        "total_sell_quantity": 22_222,
        "total_buy_quantity": 11_111,
        "open": "150.00",
        "close": "244.85",
        "high": "160.05",
        "low": "130.00",
    }


def test_the_client_reads_open_interest_and_previous_close(client: MarketFeed) -> None:
    assert client.process_data(packets.open_interest(TARGET, 3_786_445))["OI"] == 3_786_445
    read = client.process_data(packets.previous_close(Target(0, 13), 2_564_280, 7))
    assert (read["prev_close"], read["prev_OI"], read["security_id"]) == ("25642.80", 7, 13)


def test_the_client_reads_full_with_depth(client: MarketFeed) -> None:
    read = client.process_data(packets.full(TARGET, BOOK))
    assert (read["OI"], read["oi_day_high"], read["oi_day_low"]) == (3_786_445, 3_800_000, 3_100_000)
    assert (read["open"], read["close"], read["high"], read["low"]) == ("150.00", "244.85", "160.05", "130.00")
    assert read["depth"][4] == {
        "bid_quantity": 325,
        "ask_quantity": 650,
        "bid_orders": 5,
        "ask_orders": 6,
        "bid_price": "133.75",
        "ask_price": "134.30",
    }


def test_the_client_knows_status_and_disconnect(client: MarketFeed) -> None:
    assert client.process_data(packets.status(TARGET)) == "Markets Open"
    assert struct.unpack("<BHBIH", packets.disconnect(807)) == (50, 10, 0, 0, 807)


def test_an_instrument_that_never_traded_has_time_zero() -> None:
    assert packets.wall_clock(0) == 0


@given(st.lists(st.sampled_from(["ticker", "quote", "full"]), max_size=20), st.binary(max_size=7))
def test_walking_finds_every_packet_and_what_is_left(modes: list[packets.Mode], rest: bytes) -> None:
    sent = [packets.packet(mode, TARGET, BOOK) for mode in modes]
    assert list(packets.walk(b"".join(sent) + rest)) == sent + ([rest] if rest else [])


@given(st.binary(max_size=400))
def test_walking_random_bytes_ends_and_loses_nothing(frame: bytes) -> None:
    assert b"".join(packets.walk(frame)) == frame
