"""A simulated NSE: an index, its near future with volume, and option chains; no network, no recorded data.

A session depends on nothing but the seed, its date and hours, and the state that the session before it left. It is made
whole and may then be shown minute by minute: no value of a minute depends on a later one.
Prices are whole ticks of `TICK` rupees, times whole seconds since 1970 UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from exchange import premiums
from exchange.chains import CANDLED_EXPIRIES, chain_columns, option_candles, some_candles
from exchange.columns import (
    TICK,
    ChainColumns,
    Expiry,
    Hours,
    MinuteCandles,
    OptionCandles,
    Walk,
    candles,
)
from exchange.contracts import future_step
from exchange.paths import Float64s, Int64s, MarketState, PathMaker, first_state, minute_candles, next_volatility

__all__ = [
    "TICK",
    "ChainColumns",
    "Expiry",
    "Hours",
    "MarketState",
    "MinuteCandles",
    "OptionCandles",
    "SimulatedPast",
    "SimulatedSession",
    "first_state",
    "next_state",
    "options_of",
    "simulate",
    "simulate_past",
]


@dataclass(frozen=True)
class SimulatedSession:
    """Everything that happens on one date, and the state it leaves to the next."""

    on: date
    expiries: tuple[Expiry, ...]
    index: MinuteCandles
    future: MinuteCandles
    options: tuple[OptionCandles, ...]
    chain: ChainColumns
    state: MarketState


def simulate(
    seed: int,
    on: date,
    state: MarketState,
    hours: Hours,
    *,
    future_expiry: Expiry,
    expiries: Sequence[Expiry],
    lot_size: int = 75,
) -> SimulatedSession:
    """Return the session of `on` in the market numbered `seed`, following `state`.

    Parameters
    ----------
    seed : int
        Which market, ``>= 0``.
    on : date
        The session.
    state : MarketState
        What the previous session left; `first_state` before the first.
    hours : Hours
        The session's minutes.
    future_expiry : Expiry
        End of the near-month future.
    expiries : sequence of Expiry
        Ends of the option chains, nearest first; the candles of contracts belong to the first two.
    lot_size : int
        Contracts in a lot.

    Raises
    ------
    ValueError
        If the hours are empty, there is no expiry or one before the session, or the lot size is not positive.
    """
    _refuse(on, hours, [future_expiry, *expiries], lot_size)
    if not expiries:
        raise ValueError(f"no expiry for the options of {on}; pass at least the nearest one")
    walk, after = _walked(seed, on, state, hours, lot_size)
    ends = tuple(expiries)
    return SimulatedSession(
        on,
        ends,
        _index(walk, hours),
        _future(walk, future_expiry, _generator(seed, on, 3)),
        option_candles(walk, seed, ends[:CANDLED_EXPIRIES], _generator(seed, on, 5)),
        chain_columns(walk, seed, ends, _generator(seed, on, 4)),
        after,
    )


@dataclass(frozen=True)
class SimulatedPast:
    """What is kept of a session that is over: the walk that options hang on, the index, and the future."""

    walk: Walk
    index: MinuteCandles
    future: MinuteCandles

    @property
    def on(self) -> date:
        """The session."""
        return self.walk.on


def simulate_past(
    seed: int, on: date, state: MarketState, hours: Hours, *, future_expiry: Expiry, lot_size: int
) -> SimulatedPast:
    """Return index and future of a session, the same as `simulate` makes them, without its options.

    Parameters
    ----------
    seed, on, state, hours, future_expiry, lot_size
        Those of `simulate`.

    Raises
    ------
    ValueError
        If the hours are empty, the future's expiry lies before the session, or the lot size is not positive.
    """
    _refuse(on, hours, [future_expiry], lot_size)
    walk, _ = _walked(seed, on, state, hours, lot_size)
    return SimulatedPast(walk, _index(walk, hours), _future(walk, future_expiry, _generator(seed, on, 3)))


def options_of(
    past: SimulatedPast, seed: int, expiries: Sequence[Expiry], number: int, strikes: Int64s
) -> tuple[OptionCandles, ...]:
    """Return candles of some contracts of one expiry, the same as `simulate` makes them, with their open interest.

    Parameters
    ----------
    past : SimulatedPast
        The session.
    seed : int
        Which market.
    expiries : sequence of Expiry
        Those that `simulate` was given.
    number : int
        Which of them: 0 or 1, since contracts of later ones have no candles of every minute.
    strikes : ndarray of int64, shape (n_strikes,)
        Index points; those without candles of every minute are left out.
    """
    return some_candles(past.walk, seed, expiries, number, strikes, _generator(seed, past.walk.on, 5))


def next_state(seed: int, on: date, state: MarketState, hours: Hours) -> MarketState:
    """Return the state that the session of `on` leaves, without making its future or its options."""
    _refuse(on, hours, [], 1)
    return _walked(seed, on, state, hours, 1)[1]


def _refuse(on: date, hours: Hours, expiries: Sequence[Expiry], lot_size: int) -> None:
    if len(hours.opened_at) == 0:
        raise ValueError(f"the session of {on} has no minutes; ask the calendar for its hours")
    late = [expiry.on for expiry in expiries if expiry.on < on]
    if late:
        raise ValueError(f"the expiry {late[0]} lies before the session {on}; pass expiries on or after it")
    if lot_size < 1:
        raise ValueError(f"lot_size is {lot_size}; it must be at least 1")


def _generator(seed: int, on: date, what: int) -> np.random.Generator:
    """Return the stream of one purpose, so that making more of one thing does not change another."""
    return np.random.default_rng([seed, on.toordinal(), what])


def _walked(seed: int, on: date, state: MarketState, hours: Hours, lot_size: int) -> tuple[Walk, MarketState]:
    """Draw the walk of a session, on which everything else hangs, and the state it leaves."""
    draw = _generator(seed, on, 1)
    prices, gap, levels = PathMaker(draw, state, len(hours.opened_at)).walk()
    sigma = np.abs(np.diff(np.log(prices))) * 0.6 + state.volatility / np.sqrt(375.0) * 0.5
    ohlc = minute_candles(draw, prices, sigma)
    basis = _basis_noise(_generator(seed, on, 2), state.basis_noise, len(hours.opened_at))
    after = MarketState(float(prices[-1]), next_volatility(draw, state, gap), float(basis[-1]), levels)
    return Walk(on, hours.opened_at, state.close, state.volatility, prices, ohlc, basis, lot_size), after


def _basis_noise(draw: np.random.Generator, last: float, n_minutes: int) -> Float64s:
    """Return the future's distance from fair value in points: it wanders and comes back."""
    noise = []
    for step in draw.normal(0.0, 0.45, n_minutes).tolist():
        last = 0.97 * last + step
        noise.append(last)
    return np.array(noise)


def _index(walk: Walk, hours: Hours) -> MinuteCandles:
    """Return the index while it moves; it has no volume."""
    n_index = int(np.searchsorted(hours.opened_at, hours.index_until))
    nothing = np.zeros(n_index, dtype=np.int64)
    return candles(walk.opened_at[:n_index], walk.ohlc[:n_index], nothing, nothing)


def _future(walk: Walk, expiry: Expiry, draw: np.random.Generator) -> MinuteCandles:
    """Return the near future: carry, noise, volume that follows the clock and the size of the moves."""
    n_minutes = len(walk.opened_at)
    carry = np.exp(premiums.RATE * np.maximum(expiry.at - walk.opened_at, 0) / premiums.SECONDS_PER_YEAR)
    ohlc = walk.ohlc * carry[:, None] + walk.basis[:, None] + draw.normal(0.0, 0.35, (n_minutes, 4))
    ohlc[:, 1], ohlc[:, 2] = ohlc.max(axis=1), ohlc.min(axis=1)
    volume = walk.lots_traded(draw, 260.0) * walk.lot_size
    drift = np.cumsum(draw.normal(0.0, 12.0, n_minutes)).astype(np.int64)
    start = int(140_000 + 40_000 * draw.random())
    interest = (start + drift) * walk.lot_size
    return candles(walk.opened_at, ohlc, volume, interest, step=future_step(walk.on))
