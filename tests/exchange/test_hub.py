import hashlib
import json
import struct
from collections.abc import Iterator, Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange import packets
from exchange.accounts import Account, Accounts
from exchange.channels import Channel, FeedRules, Instrument
from exchange.clock import MarketClock, at_ist
from exchange.core import Core
from exchange.faults import FaultBox, Script
from exchange.hub import Hub
from exchange.market import Market
from exchange.simulated import simulated_market

ON = date(2026, 11, 19)
START = at_ist(ON, 11, 0)
CLIENT, OTHER = "1000000001", "1000000002"
PATIENT = FeedRules(behind=10**9)  # time passes in large steps here, and that is no lateness
INDEX, FUTURE = ("IDX_I", 13), ("NSE_FNO", 53_230)


@pytest.fixture(scope="module")
def market() -> Market:
    return simulated_market(7, date(2026, 11, 18))


class Stage:
    """A hub on a clock that stands where it was put."""

    def __init__(self, market: Market, rules: FeedRules | None = None) -> None:
        self.real = START
        clock = MarketClock(lambda: self.real)
        clock.set(START)
        self.box = FaultBox(5)
        accounts = Accounts(5, [Account(CLIENT), Account(OTHER)])
        self.tokens = {one: accounts.issue(one, START) for one in (CLIENT, OTHER)}
        self.core = Core(market, accounts, clock, faults=self.box, seed=5)
        self.hub = Hub(self.core, rules or PATIENT)

    def connect(self, client_id: str = CLIENT) -> Channel:
        return self.hub.connect(client_id, self.tokens[client_id], self.core.settle())

    def ask(self, channel: Channel, code: int, *instruments: tuple[str, int]) -> list[bytes]:
        rows = [{"ExchangeSegment": segment, "SecurityId": str(number)} for segment, number in instruments]
        message = {"RequestCode": code, "InstrumentCount": len(rows), "InstrumentList": rows}
        self.hub.request(channel, json.dumps(message), self.core.settle())
        return channel.take(self.core.now)

    def pass_time(self, channel: Channel, seconds: float, steps: int = 12) -> list[bytes]:
        found: list[bytes] = []
        for _ in range(steps):
            self.real += round(seconds * 1000 / steps)
            self.hub.advance(self.core.settle())
            found += channel.take(self.core.now)
        return found


@pytest.fixture
def stage(market: Market) -> Stage:
    return Stage(market)


def codes(frames: Sequence[bytes]) -> list[int]:
    return [packet[0] for packet in walked(frames)]


def walked(frames: Sequence[bytes]) -> Iterator[bytes]:
    for frame in frames:
        yield from packets.walk(frame)


def ended(channel: Channel) -> int | None:
    last = channel.outbox[-1][1] if channel.outbox else b""
    return struct.unpack("<BHBIH", last)[4] if last[:1] == bytes([packets.DISCONNECT]) else None


def test_an_index_begins_with_its_previous_close(stage: Stage) -> None:
    assert codes(stage.ask(stage.connect(), 15, INDEX)) == [packets.PREVIOUS_CLOSE, packets.TICKER]


def test_quotes_of_derivatives_come_with_open_interest_when_it_changed(stage: Stage) -> None:
    channel = stage.connect()
    assert codes(stage.ask(channel, 17, FUTURE)) == [packets.QUOTE, packets.OPEN_INTEREST]
    seen = codes(stage.pass_time(channel, 120))
    assert seen.count(packets.QUOTE) >= 60
    assert 1 <= seen.count(packets.OPEN_INTEREST) <= 3


def test_the_last_trade_is_india_s_wall_clock_as_if_utc(stage: Stage) -> None:
    channel = stage.connect()
    stage.ask(channel, 15, INDEX)
    last = stage.pass_time(channel, 5)[-1]
    at = struct.unpack("<BHBIfI", last)[5]
    assert at in range(START // 1000 + 19_800, START // 1000 + 19_800 + 6)


def test_packets_of_an_instrument_are_a_window_apart_and_miss_no_extreme(stage: Stage, market: Market) -> None:
    channel = stage.connect()
    stage.ask(channel, 15, INDEX)
    seen = [struct.unpack("<BHBIfI", packet) for packet in walked(stage.pass_time(channel, 60))]
    assert 100 < len(seen) <= 240
    candle = market.candles(13, "IDX_I", START, START + 60_000, START + 60_000)[0]
    prices = [round(packet[4] * 100) for packet in seen]
    assert (max(prices), min(prices), prices[-1]) == (candle.high, candle.low, candle.close)


def test_the_latest_mode_wins_and_only_its_own_unsubscribe_ends_it(stage: Stage) -> None:
    channel = stage.connect()
    stage.ask(channel, 15, FUTURE)
    assert codes(stage.ask(channel, 21, FUTURE)) == [packets.FULL]
    stage.ask(channel, 16, FUTURE)
    assert set(codes(stage.pass_time(channel, 30))) == {packets.FULL}
    stage.ask(channel, 22, FUTURE)
    assert stage.pass_time(channel, 30) == []


def test_an_index_can_be_kept_to_tickers(market: Market) -> None:
    stage = Stage(market, FeedRules(index_mode="ticker"))
    assert codes(stage.ask(stage.connect(), 21, INDEX)) == [packets.PREVIOUS_CLOSE, packets.TICKER]


def test_unknown_instruments_are_passed_over_in_silence(stage: Stage) -> None:
    channel = stage.connect()
    assert stage.ask(channel, 15, ("NSE_FNO", 1), ("MOON", 2)) == []
    assert ended(channel) is None


def test_a_request_may_name_a_hundred_instruments(stage: Stage, market: Market) -> None:
    listed = [(one.segment, one.security_id) for one in market.contracts(ON)]
    channel = stage.connect()
    stage.ask(channel, 15, *listed[:100])
    assert len(channel.modes) == 100
    assert struct.unpack("<BHBIH", stage.ask(channel, 15, *listed[:101])[-1])[4] == 804
    assert channel.closing


def test_many_packets_of_a_window_share_frames(stage: Stage, market: Market) -> None:
    channel = stage.connect()
    frames = stage.ask(channel, 15, *[(one.segment, one.security_id) for one in market.contracts(ON)][:100])
    assert [len(list(packets.walk(frame))) for frame in frames] == [50, 50, 1]


def test_the_sixth_connection_ends_the_oldest_of_that_client_only(stage: Stage) -> None:
    other = stage.connect(OTHER)
    channels = [stage.connect() for _ in range(6)]
    assert [ended(one) for one in (other, *channels)] == [None, 805, None, None, None, None, None]


@pytest.mark.parametrize(
    ("what", "reason"), [("expired", 807), ("replaced", 808), ("malformed", 809), ("client", 810), ("plan", 806)]
)
def test_a_connection_that_may_not_be_is_told_why(stage: Stage, what: str, reason: int) -> None:
    client_id, token = CLIENT, stage.tokens[CLIENT]
    if what == "expired":
        stage.real += 86_400_000
    elif what == "replaced":
        stage.core.accounts.issue(CLIENT, stage.real + 1000)
    elif what == "malformed":
        token = "eyJ.x.y"
    elif what == "client":
        client_id = OTHER
    else:
        account = stage.core.accounts.find(CLIENT)
        assert account is not None
        account.data_plan = False
    channel = stage.hub.connect(client_id, token, stage.core.settle())
    assert (ended(channel), channel.closing) == (reason, True)


def test_a_token_that_dies_ends_the_connection(stage: Stage) -> None:
    channel = stage.connect()
    stage.core.accounts.issue(CLIENT, stage.real + 1000)
    stage.hub.check(stage.core.now)
    assert ended(channel) == 808


@pytest.mark.parametrize(
    "message", ["", "{", "[]", "7", '{"RequestCode":15,"InstrumentList":[7]}', '{"RequestCode":{}}']
)
def test_a_request_nobody_understands_ends_the_connection(stage: Stage, message: str) -> None:
    channel = stage.connect()
    stage.hub.request(channel, message, stage.core.now)
    assert ended(channel) == 814


def test_the_header_of_the_older_version_is_ignored(stage: Stage) -> None:
    channel = stage.connect()
    stage.hub.request(channel, bytes(83), stage.core.now)
    assert not channel.closing


@given(
    st.one_of(
        st.binary(max_size=100),
        st.text(max_size=60),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["RequestCode", "InstrumentList", "ExchangeSegment", "SecurityId"]),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=8,
        ).map(json.dumps),
    )
)
@settings(max_examples=300, deadline=None)
def test_no_request_breaks_the_hub(message: str | bytes) -> None:
    stage = Stage(simulated_market(7, date(2026, 11, 18)))
    stage.hub.request(stage.connect(), message, stage.core.now)


def script(market: Market, steps: int) -> str:
    """Return a digest of what two connections get in a minute of requests and faults."""
    stage = Stage(market)
    stage.box.add(Script("feed_unknown", probability=0.05, times=None))
    stage.box.add(Script("feed_lag", probability=0.02, times=None, parameters={"seconds": 2}))
    first, second = stage.connect(), stage.connect(OTHER)
    digest = hashlib.sha256()
    for number in range(6):
        sent = stage.ask(first, (15, 17, 21)[number % 3], INDEX, FUTURE)
        sent += stage.ask(second, 21, *[(one.segment, one.security_id) for one in market.contracts(ON)][:40])
        for channel in (first, second):
            sent += stage.pass_time(channel, 10, steps) if channel is first else channel.take(stage.core.now)
        digest.update(b"".join(sent))
    return digest.hexdigest()


def test_the_same_seed_and_script_send_the_same_bytes(market: Market) -> None:
    assert script(market, 4) == script(simulated_market(7, date(2026, 11, 18)), 4)


def test_how_often_the_hub_is_looked_at_changes_nothing(market: Market) -> None:
    def sent(steps: int) -> bytes:
        stage = Stage(market)
        channel = stage.connect()
        stage.ask(channel, 21, INDEX, FUTURE)
        return b"".join(stage.pass_time(channel, 60, steps))

    assert sent(4) == sent(7) == sent(240)


def test_a_clock_that_is_set_back_goes_on_from_there(stage: Stage) -> None:
    channel = stage.connect()
    stage.ask(channel, 15, INDEX)
    stage.core.clock.set(START - 3_600_000)
    stage.core.restart(START - 3_600_000)
    stage.hub.advance(stage.core.settle())
    channel.outbox.clear()
    assert stage.pass_time(channel, 5)


def test_a_leap_of_the_clock_sends_the_end_before_and_the_beginning_after(market: Market) -> None:
    stage = Stage(market, FeedRules())
    channel = stage.connect()
    stage.ask(channel, 15, INDEX)
    stage.core.clock.set(START + 7_200_000)
    stage.hub.advance(stage.core.settle())
    times = [struct.unpack("<BHBIfI", one)[5] - START // 1000 - 19_800 for one in channel.take(stage.core.now)]
    early, late = [at for at in times if at <= 10], [at for at in times if at >= 7_189]
    assert early
    assert late
    assert len(early) + len(late) == len(times)


def test_a_feed_that_is_behind_sends_the_newest_state_and_nothing_before_it(market: Market) -> None:
    stage = Stage(market, FeedRules())
    channel = stage.connect()
    stage.ask(channel, 21, INDEX, FUTURE)
    found = list(walked(stage.pass_time(channel, 30, 1)))
    assert [packet[0] for packet in found] == [packets.FULL, packets.FULL]
    newest = START + 30_000
    for packet, (segment, number) in zip(found, (INDEX, FUTURE), strict=True):
        book = market.top_of_book(number, segment, newest)
        assert packet == channel.packet_of(Instrument(segment, number), book)
    assert len(stage.pass_time(channel, 4, 4)) > 8  # in time again: window by window


def test_a_feed_that_falls_behind_while_it_sends_leaves_the_rest_out(market: Market) -> None:
    stage = Stage(market, FeedRules(one_a_frame=1))
    channel = stage.connect()
    stage.ask(channel, 21, INDEX, FUTURE)
    stage.real += 1_900
    steps = stage.hub.steps(stage.core.settle())
    next(steps)
    stage.real += 5_000
    for _ in steps:
        pass
    found = list(walked(channel.take(stage.core.now)))
    assert len(found) == 2
    assert found[0] == channel.packet_of(Instrument(*INDEX), market.top_of_book(13, "IDX_I", START + 1_750))


def test_an_opening_that_was_late_is_still_announced(market: Market) -> None:
    hours = market.hours(ON)
    assert hours is not None
    stage = Stage(market, FeedRules())
    stage.core.clock.set(hours.open_at - 1_000)
    stage.core.restart(hours.open_at - 1_000)
    stage.hub.advance(stage.core.settle())
    channel = stage.connect()
    stage.ask(channel, 15, INDEX)
    assert codes(stage.pass_time(channel, 5, 1)).count(packets.STATUS) == 1


FAULTS = {
    "feed_together": lambda frames: max(len(list(packets.walk(frame))) for frame in frames) > 1,
    "feed_unknown": lambda frames: 99 in codes(frames),
    "feed_zero_code": lambda frames: 0 in codes(frames),
    "feed_zero_prices": lambda frames: 0.0 in [struct.unpack_from("<f", one, 8)[0] for one in walked(frames)],
    "feed_nan_prices": lambda frames: any(
        struct.unpack_from("<f", one, 8)[0] != struct.unpack_from("<f", one, 8)[0] for one in walked(frames)
    ),
    "feed_truncated": lambda frames: any(len(one) not in {16, 162} for one in walked(frames)),
}


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_faults_of_packets_show_on_the_wire(stage: Stage, name: str) -> None:
    channel = stage.connect()
    stage.ask(channel, 21, INDEX, FUTURE)
    assert not FAULTS[name](stage.pass_time(channel, 10))
    stage.box.add(Script(name, times=None))
    assert FAULTS[name](stage.pass_time(channel, 10))


def test_lag_delays_and_loses_nothing(stage: Stage) -> None:
    channel = stage.connect()
    stage.ask(channel, 15, INDEX)
    stage.box.add(Script("feed_lag", times=None, parameters={"seconds": 30}))
    assert stage.pass_time(channel, 29) == []
    assert len(stage.pass_time(channel, 30)) > 45


def test_stale_packets_repeat_price_and_time(stage: Stage) -> None:
    channel = stage.connect()
    stage.ask(channel, 15, INDEX)
    stage.box.add(Script("feed_stale", times=None))
    assert len({packet[8:] for packet in stage.pass_time(channel, 10)}) == 1


def test_times_step_back_when_packets_are_disordered(stage: Stage) -> None:
    channel = stage.connect()
    stage.ask(channel, 15, INDEX)
    stage.box.add(Script("feed_disordered", times=1, skip=5, parameters={"seconds": 9}))
    times = [struct.unpack("<BHBIfI", one)[5] for one in stage.pass_time(channel, 10)]
    assert times != sorted(times)


def test_silence_keeps_the_connection_and_sends_nothing(stage: Stage) -> None:
    channel = stage.connect()
    stage.ask(channel, 15, INDEX)
    stage.box.add(Script("feed_silent"))
    assert stage.pass_time(channel, 10) == []
    assert not channel.closing


def test_a_kick_and_a_reset_end_the_connection(stage: Stage) -> None:
    kicked, cut = stage.connect(), stage.connect(OTHER)
    for channel in (kicked, cut):
        stage.ask(channel, 15, INDEX)
    stage.box.add(Script("feed_disconnect", where=CLIENT, parameters={"code": 807}))
    stage.box.add(Script("feed_reset", where=OTHER))
    stage.pass_time(cut, 5)
    assert (ended(kicked), kicked.closing, cut.closing, cut.resetting) == (807, True, True, True)


def test_opening_and_close_are_announced_once(market: Market) -> None:
    stage = Stage(market)
    hours = market.hours(ON)
    assert hours is not None
    for bell in (hours.open_at, hours.close_at):
        stage.core.clock.set(bell - 1_000)
        stage.core.restart(bell - 1_000)
        stage.hub.advance(stage.core.settle())
        channel = stage.connect()
        assert codes(stage.pass_time(channel, 3, 30)) == [packets.STATUS]
        stage.hub.leave(channel)
