import dataclasses
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange import simulation as sim

FIRST = date(2024, 1, 1)


def hours(on: date, minutes: int = 375) -> sim.Hours:
    opens = int(datetime(on.year, on.month, on.day, 3, 45, tzinfo=UTC).timestamp())
    return sim.Hours.between(opens, opens + minutes * 60)


def expiry(on: date) -> sim.Expiry:
    return sim.Expiry(on, int(datetime(on.year, on.month, on.day, 10, tzinfo=UTC).timestamp()))


def session(seed: int = 7, on: date = FIRST, state: sim.MarketState | None = None) -> sim.SimulatedSession:
    return sim.simulate(
        seed,
        on,
        state or sim.first_state(seed),
        hours(on),
        future_expiry=expiry(on + timedelta(days=20)),
        expiries=[expiry(on), expiry(on + timedelta(days=7))],
    )


def candles_of(made: sim.SimulatedSession) -> Iterator[sim.MinuteCandles]:
    yield made.index
    yield made.future
    yield from (contract.candles for contract in made.options)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 3000))
def test_candles_are_whole_ticks_and_high_and_low_hold_open_and_close(seed: int, days: int) -> None:
    for candles in candles_of(session(seed, FIRST + timedelta(days=days))):
        assert np.all(candles.low >= 1)
        assert np.all(candles.low <= np.minimum(candles.open, candles.close))
        assert np.all(candles.high >= np.maximum(candles.open, candles.close))
        assert np.all(candles.volume >= 0)
        assert candles.open.dtype == np.int64


def test_the_same_seed_and_date_give_the_same_bytes() -> None:
    one, two = session(), session()
    for mine, other in zip(candles_of(one), candles_of(two), strict=True):
        for field in dataclasses.fields(mine):
            assert getattr(mine, field.name).tobytes() == getattr(other, field.name).tobytes()
    for field in dataclasses.fields(one.chain):
        assert getattr(one.chain, field.name).tobytes() == getattr(two.chain, field.name).tobytes()
    assert one.state == two.state


def test_another_seed_is_another_market() -> None:
    assert not np.array_equal(session(1).index.close, session(2).index.close)


def test_the_next_state_is_the_one_of_the_whole_session() -> None:
    assert sim.next_state(7, FIRST, sim.first_state(7), hours(FIRST)) == session().state


def test_sixty_sessions_move_like_an_index() -> None:
    state, on, returns, gaps, last = sim.first_state(7), FIRST, [], [], 0.0
    for _ in range(60):
        made = session(on=on, state=state)
        if last:
            gaps.append(abs(np.log(made.index.open[0] / last)))
            returns.append(np.log(made.index.close[-1] / last))
        last, state, on = float(made.index.close[-1]), made.state, on + timedelta(days=1)
    assert 0.005 < np.std(returns) < 0.02
    assert max(gaps) > 0.004
    assert len(state.levels) > 0


def test_the_open_moves_more_than_noon_and_the_future_trades_more() -> None:
    made = [session(seed) for seed in range(20)]
    ranges = np.mean([m.index.high - m.index.low for m in made], axis=0)
    volume = np.mean([m.future.volume for m in made], axis=0)
    assert ranges[:20].mean() > 1.2 * ranges[150:220].mean()
    assert volume[:20].mean() > 1.5 * volume[150:220].mean()
    assert volume[-20:].mean() > 1.2 * volume[150:220].mean()


def test_the_future_stays_near_the_index_plus_carry() -> None:
    made = session()
    basis = (made.future.close - made.index.close) * sim.TICK
    carry = made.index.close * sim.TICK * 0.055 * 20 / 365
    assert np.all(np.abs(basis - carry) < 15)


def test_the_index_stands_still_in_the_closing_auction_while_the_future_trades() -> None:
    whole = hours(FIRST, 385)
    frozen = sim.Hours(whole.opened_at, int(whole.opened_at[0]) + 360 * 60)
    made = sim.simulate(7, FIRST, sim.first_state(7), frozen, future_expiry=expiry(FIRST), expiries=[expiry(FIRST)])
    assert (len(made.index), len(made.future)) == (360, 385)


def test_the_chain_has_a_snapshot_every_three_minutes_with_bid_below_ask() -> None:
    chain = session().chain
    moments = np.unique(chain.at)
    assert len(moments) == 125
    assert set(np.diff(moments).tolist()) == {180}
    assert np.all(chain.bid < chain.ask)
    assert np.all((chain.bid <= chain.ltp) & (chain.ltp <= chain.ask))
    assert np.all(chain.open_interest > 0)
    assert np.all(chain.open_interest % 75 == 0)


def test_the_chain_offers_no_free_lunch() -> None:
    chain = session().chain
    for moment in np.unique(chain.at)[::25]:
        for number in (0, 1):
            rows = (chain.at == moment) & (chain.expiry == number)
            call_ask, put_ask = chain.ask[rows & (chain.call == 1)], chain.ask[rows & (chain.call == 0)]
            call_bid, put_bid = chain.bid[rows & (chain.call == 1)], chain.bid[rows & (chain.call == 0)]
            assert np.all(call_bid[1:] < call_ask[:-1])  # a call never pays more than one with a lower strike costs
            assert np.all(put_bid[:-1] < put_ask[1:])
            assert np.all(call_ask[:-2] + call_ask[2:] >= 2 * call_bid[1:-1])  # a butterfly is never paid for
            assert np.all(put_ask[:-2] + put_ask[2:] >= 2 * put_bid[1:-1])


def test_chain_volume_only_grows_and_snapshots_agree_with_candles() -> None:
    made = session()
    chain = made.chain
    contract = next(c for c in made.options if c.option_type == "CE" and c.expiry_on == made.expiries[1].on)
    rows = (chain.strike == contract.strike) & (chain.call == 1) & (chain.expiry == 1)
    assert np.all(np.diff(chain.volume[rows]) >= 0)
    closes = contract.candles.close[np.isin(contract.candles.opened_at + 60, chain.at[rows])]
    assert np.all(np.abs(closes - chain.ltp[rows]) <= 1)


def test_asking_for_fewer_chains_changes_nothing_else() -> None:
    whole, half = (
        session(),
        sim.simulate(
            7,
            FIRST,
            sim.first_state(7),
            hours(FIRST),
            future_expiry=expiry(FIRST + timedelta(days=20)),
            expiries=[expiry(FIRST)],
        ),
    )
    assert np.array_equal(whole.index.close, half.index.close)
    assert np.array_equal(whole.future.volume, half.future.volume)
    assert whole.state == half.state


def test_an_expiry_before_the_session_is_named() -> None:
    with pytest.raises(ValueError, match="2023-12-01 lies before the session 2024-01-01"):
        sim.simulate(
            7,
            FIRST,
            sim.first_state(7),
            hours(FIRST),
            future_expiry=expiry(FIRST),
            expiries=[expiry(date(2023, 12, 1))],
        )


def test_a_session_without_minutes_is_named() -> None:
    with pytest.raises(ValueError, match="2024-01-01 has no minutes"):
        sim.next_state(7, FIRST, sim.first_state(7), hours(FIRST, 0))


def test_a_session_without_expiries_is_refused() -> None:
    with pytest.raises(ValueError, match="no expiry for the options of 2024-01-01"):
        sim.simulate(7, FIRST, sim.first_state(7), hours(FIRST), future_expiry=expiry(FIRST), expiries=[])
