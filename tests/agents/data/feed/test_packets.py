import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.data.feed.packets import (
    DayFigures,
    Disconnect,
    FeedKey,
    MarketStatus,
    OpenInterest,
    PreviousClose,
    Price,
    Touch,
    read_frame,
)
from exchange import packets as wire
from exchange.market import Book, Level

OPTION = FeedKey("NSE_FNO", 42_528)
TICKER = struct.pack("<BHBIfI", 2, 16, 2, 42_528, 134.05, 1_781_084_997)
INTEREST = struct.pack("<BHBII", 5, 12, 2, 42_528, 3_786_445)


def full(volume: int = 900) -> bytes:
    head = struct.pack("<BHBIfHIfII", 8, 162, 2, 42_528, 134.05, 65, 1_781_084_997, 133.2, volume, 700)
    rest = struct.pack("<IIIIffff", 800, 5_000, 6_000, 4_000, 130.0, 128.5, 140.0, 120.0)
    rows = [struct.pack("<IIHHff", 130 + n, 65 + n, 2, 1, 134.0 - n, 134.1 + n) for n in range(5)]
    return head + rest + b"".join(rows)


def test_a_ticker_is_rupees_and_true_time() -> None:
    (found,) = read_frame(TICKER).packets
    assert isinstance(found, Price)
    assert (found.key, round(found.ltp, 2), found.traded_at) == (OPTION, 134.05, 1_781_084_997 - 19_800)
    assert found.day is None
    assert found.touch is None


def test_a_full_packet_has_day_interest_and_touch() -> None:
    (found,) = read_frame(full()).packets
    assert isinstance(found, Price)
    assert found.day is not None
    assert found.touch is not None
    assert found.quantity == 65
    assert found.open_interest == 5_000
    assert (found.day.volume, found.day.total_sell_quantity, found.day.total_buy_quantity) == (900, 700, 800)
    assert (found.day.open, found.day.previous_close, found.day.high, found.day.low) == (130.0, 128.5, 140.0, 120.0)
    assert found.touch._replace(ask=round(found.touch.ask, 2)) == Touch(134.0, 134.1, 130, 65, 335)


def test_a_quote_has_the_same_figures_in_other_places() -> None:
    quote = struct.pack("<BHBIfHIfIIIffff", 4, 50, 0, 13, 25_642.85, 0, 1_781_084_997, 0.0, 7, 8, 9, 1.0, 2.0, 4.0, 3.0)
    (found,) = read_frame(quote).packets
    assert isinstance(found, Price)
    assert found.key == FeedKey("IDX_I", 13)
    assert found.day == DayFigures(7, 0.0, 1.0, 4.0, 3.0, 2.0, 8, 9)


def test_the_capture_of_a_live_session_is_read() -> None:
    start = bytes.fromhex("08a20002f4d90000cd4c18434b00589a")
    (found,) = read_frame(start + bytes(162 - len(start))).packets
    assert isinstance(found, Price)
    assert found.key == FeedKey("NSE_FNO", 55_796)
    assert (round(found.ltp, 2), found.quantity) == (152.3, 75)


def test_the_small_packets_are_read() -> None:
    frame = (
        INTEREST
        + struct.pack("<BHBIfI", 6, 16, 0, 13, 25_600.5, 0)
        + struct.pack("<BHBI", 7, 8, 2, 0)
        + struct.pack("<BHBIH", 50, 10, 0, 0, 805)
    )
    found = read_frame(frame)
    assert found.packets == [
        OpenInterest(OPTION, 3_786_445),
        PreviousClose(FeedKey("IDX_I", 13), 25_600.5, 0),
        MarketStatus(FeedKey("NSE_FNO", 0)),
        Disconnect(805),
    ]
    assert (found.unknown, found.damage) == ([], "")


def test_packets_of_one_frame_are_walked_by_their_own_length() -> None:
    longer = struct.pack("<BHBIfI", 2, 20, 2, 42_528, 134.05, 1_781_084_997) + bytes(4)
    found = read_frame(longer + INTEREST + full())
    assert [type(one) for one in found.packets] == [Price, OpenInterest, Price]


def test_unknown_codes_are_counted_and_passed_over() -> None:
    strange = struct.pack("<BHBI", 99, 24, 2, 1) + bytes(16)
    beat = struct.pack("<BHBI", 0, 8, 2, 0)
    found = read_frame(strange + beat + TICKER)
    assert (len(found.packets), found.unknown, found.damage) == (1, [99], "")


@pytest.mark.parametrize("cut", [1, 5, 12, 15, 17, 27])
def test_what_is_cut_off_is_damage_and_the_rest_is_read(cut: int) -> None:
    found = read_frame((TICKER + INTEREST)[:cut])
    assert len(found.packets) == (1 if cut >= 16 else 0)
    assert found.damage


def test_a_known_code_that_is_too_short_is_damage_and_its_length_is_believed() -> None:
    found = read_frame(struct.pack("<BHBII", 8, 12, 2, 1, 7) + TICKER)
    assert (len(found.packets), bool(found.damage)) == (1, True)


def test_a_length_of_nothing_ends_the_walk() -> None:
    found = read_frame(struct.pack("<BHBI", 2, 0, 2, 1) + TICKER)
    assert (found.packets, bool(found.damage)) == ([], True)


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_not_sound(price: float) -> None:
    assert not Price(OPTION, price, 1).sound


def test_ten_thousand_random_frames_break_nothing() -> None:
    rng = random.Random(20_261_119)
    whole = [TICKER, INTEREST, full(), struct.pack("<BHBIH", 50, 10, 0, 0, 805), struct.pack("<BHBI", 7, 8, 2, 0)]
    for _ in range(10_000):
        frame = bytearray(b"".join(rng.choices(whole, k=rng.randint(0, 4))) + rng.randbytes(rng.randint(0, 40)))
        for _ in range(rng.randint(0, 6)):
            if frame:
                frame[rng.randrange(len(frame))] = rng.randrange(256)
        found = read_frame(bytes(frame[: rng.randint(0, len(frame))]))
        assert len(found.packets) <= len(frame) // 8


@given(st.binary(max_size=400))
def test_no_bytes_raise(frame: bytes) -> None:
    read_frame(frame)


PAISE = st.integers(0, 9_000_000)
UNITS = st.integers(0, 2**32 - 1)


@given(PAISE, PAISE, UNITS, UNITS, st.integers(1_000_000_000, 2_000_000_000))
def test_what_the_exchange_writes_is_what_the_desk_reads(
    price: int, bid: int, volume: int, interest: int, second: int
) -> None:
    depth = tuple(Level(130, 65, 2, 1, bid, bid + 5) for _ in range(5))
    book = Book(
        bid, bid + 5, 130, 65, price, 65, second * 1000, volume, price, interest, interest, interest,
        price, price, price, price, 7, 8, depth,
    )  # fmt: skip
    target = wire.Target(wire.SEGMENTS["NSE_FNO"], 42_528)
    (found,) = read_frame(wire.packet("full", target, book)).packets
    assert isinstance(found, Price)
    assert found.day is not None
    assert found.touch is not None
    assert (found.key, found.traded_at, found.day.volume, found.open_interest) == (OPTION, second, volume, interest)
    assert (round(found.ltp * 20), found.day.total_buy_quantity) == (round(price / 5), 7) or price % 5
    assert abs(found.touch.bid * 100 - bid) <= 0.4
    assert (found.touch.bid_quantity, found.touch.ask_quantity) == (130, 65)
