"""Some recorded minutes through the feed: its packets make the recorded candles, and its bytes are the seed's."""

import hashlib
import json
import struct
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from exchange.accounts import Account, Accounts
from exchange.clock import IST_OFFSET_SECONDS, MarketClock, at_ist
from exchange.core import Core
from exchange.hub import Hub
from exchange.recorded import Recording, recorded_market
from exchange.tape_market import TapeMarket

ON = date(2022, 11, 10)
STARTS, ENDS = at_ist(ON, 13, 0), at_ist(ON, 13, 8)
CLIENT = "1000000001"
STEP = 15_000  # at sixty times real time the server looks four times a second
TICKER, QUOTE = 2, 4

Candles = dict[tuple[int, int], list[int]]


@pytest.fixture(scope="module")
def recording(shared: Path) -> Recording:
    begin = pd.Timestamp(STARTS, unit="ms", tz="UTC")
    days = [("ts", ">=", begin - pd.Timedelta(hours=6)), ("ts", "<", begin + pd.Timedelta(hours=6))]
    read = [
        pd.read_parquet(shared / "data" / f"dev_{name}_1m.parquet", filters=days)
        for name in ("index", "futures", "options")
    ]
    return Recording(*read)


def frames(market: TapeMarket, ends: int = ENDS) -> Iterator[bytes]:
    """Yield what one client that subscribes to everything receives."""
    accounts = Accounts(1, [Account(CLIENT)])
    token = accounts.issue(CLIENT, STARTS)
    clock = MarketClock(lambda: STARTS)
    clock.set(STARTS - 1, speed=0.0)
    core = Core(market, accounts, clock, seed=1)
    hub = Hub(core)
    channel = hub.connect(CLIENT, token, core.settle())
    listed = market.contracts(ON)
    for start in range(0, len(listed), 100):
        rows = [
            {"ExchangeSegment": one.segment, "SecurityId": str(one.security_id)} for one in listed[start : start + 100]
        ]
        hub.request(
            channel, json.dumps({"RequestCode": 17, "InstrumentCount": len(rows), "InstrumentList": rows}), core.now
        )
    yield from channel.take(core.now)
    while core.now < ends:
        clock.move(STEP)
        hub.advance(core.settle())
        yield from channel.take(core.now)


def packets(received: Iterator[bytes]) -> Iterator[bytes]:
    for frame in received:
        at = 0
        while at < len(frame):
            (length,) = struct.unpack_from("<H", frame, at + 1)
            yield frame[at : at + length]
            at += length


def candles(received: Iterator[bytes]) -> Candles:
    """Return open, high, low, close and volume at the end by id and minute, from the packets alone."""
    found: Candles = {}
    for packet in packets(received):
        if packet[0] not in {TICKER, QUOTE}:
            continue
        (security_id,) = struct.unpack_from("<I", packet, 4)
        (price,) = struct.unpack_from("<f", packet, 8)
        volume = 0
        if packet[0] == QUOTE:
            traded_at, _, volume = struct.unpack_from("<IfI", packet, 14)
        else:
            (traded_at,) = struct.unpack_from("<I", packet, 12)
        paise = round(price * 100)
        minute = (traded_at - IST_OFFSET_SECONDS) // 60
        row = found.setdefault((security_id, minute), [paise, paise, paise, paise, volume])
        row[1], row[2], row[3], row[4] = max(row[1], paise), min(row[2], paise), paise, max(row[4], volume)
    return found


@pytest.mark.data
def test_candles_made_of_the_feed_are_those_recorded(recording: Recording) -> None:
    market = recorded_market(recording, 3)
    seen = candles(frames(market))
    wrong = total = 0
    for one in market.contracts(ON):
        before = sum(x.volume for x in market.candles(one.security_id, one.segment, 0, STARTS, ENDS))
        for candle in market.candles(one.security_id, one.segment, STARTS, ENDS - 60_000, ENDS):
            before += candle.volume
            total += 1
            wrong += seen.get((one.security_id, candle.opened_at // 60_000)) != [*candle[1:5], before]
    assert total > 500
    assert wrong <= total // 1_000


@pytest.mark.data
def test_the_same_seed_sends_the_same_bytes(recording: Recording) -> None:
    def digest(seed: int) -> str:
        sent = hashlib.sha256()
        for frame in frames(recorded_market(recording, seed), STARTS + 120_000):
            sent.update(frame)
        return sent.hexdigest()

    assert digest(3) == digest(3) != digest(4)
