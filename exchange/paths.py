"""How the simulated index moves inside a session: regimes, levels that price remembers, and minutes made of steps.

Everything is a function of the random generator and the state at the last close, so that a session can be made whole
and shown minute by minute.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]

STEPS_PER_MINUTE = 12
FAIR_VALUE = 24_000.0
MEMORY_SESSIONS = 15
NEWS = 0.08  # share of nights that bring news
IMPULSES, TRENDS = 0.30, 0.30  # share of regimes; the rest is balance
HOLDS = 0.68  # how often a remembered band turns price
FADED = 0.08  # a push smaller than this, in minute deviations, is over
MAX_LEVELS = 14


@dataclass(frozen=True)
class Level:
    """A band where a fast move began, in index points. Price that comes back to it often turns.

    `side` is +1 where buyers acted and -1 where sellers did; `age` counts sessions.
    """

    low: float
    high: float
    side: int
    age: int = 0


@dataclass(frozen=True)
class MarketState:
    """What one session leaves to the next: last prices in index points and the mood of the market.

    `volatility` is the standard deviation of a session's return; `basis_noise` the future's distance from fair value.
    """

    close: float
    volatility: float
    basis_noise: float
    levels: tuple[Level, ...] = ()


@dataclass(frozen=True)
class Regime:
    """What the market does for a while: `drift` in minute deviations, or a pull to `anchor` when it is balanced."""

    kind: Literal["trend", "impulse", "balance"]
    drift: float
    minutes: int
    anchor: float


def first_state(seed: int) -> MarketState:
    """Return the state before the first session of the market numbered `seed`."""
    draw = np.random.default_rng([seed, 0])
    return MarketState(
        close=float(FAIR_VALUE * np.exp(draw.normal(0.0, 0.03))), volatility=0.0062, basis_noise=float(draw.normal())
    )


def minute_shape(n_minutes: int) -> Float64s:
    """Return the intraday pattern of volatility: high at the open, low at noon, higher into the close; mean 1.

    Returns
    -------
    ndarray of float64, shape (n_minutes,)
    """
    place = np.linspace(0.0, 1.0, n_minutes)
    shape = 0.72 + 1.25 * np.exp(-place * 14.0) + 0.42 * (2.0 * place - 1.0) ** 4
    return np.asarray(shape / shape.mean(), dtype=np.float64)


class PathMaker:
    """Walks one session minute by minute. Build one for each session, call `walk` once."""

    def __init__(self, draw: np.random.Generator, state: MarketState, n_minutes: int) -> None:
        self._draw = draw
        self._state = state
        self._usual = state.volatility / float(np.sqrt(375.0))
        self._sigma = self._usual * minute_shape(n_minutes)
        self._levels = [Level(x.low, x.high, x.side, x.age + 1) for x in state.levels if x.age < MEMORY_SESSIONS]
        self._rejecting = 0.0
        self._touched: Level | None = None

    def walk(self) -> tuple[Float64s, float, tuple[Level, ...]]:
        """Return the price before the first minute and after each, the gap taken at the open, and the levels left.

        Returns
        -------
        prices : ndarray of float64, shape (n_minutes + 1,)
            Index points; entry 0 is the opening price.
        gap : float
            Return between the previous close and the open.
        levels : tuple of Level
            What the next session remembers.
        """
        gap = self._opening_gap()
        prices = [self._state.close * float(np.exp(gap))]
        shocks = self._shocks(len(self._sigma))
        regime, left = self._next_regime(prices[0], None), 0
        left = regime.minutes
        for sigma, shock in zip(self._sigma.tolist(), shocks.tolist(), strict=True):
            if left == 0:
                regime = self._next_regime(prices[-1], regime)
                left = regime.minutes
                if regime.kind == "impulse":
                    self._remember(prices, regime)
            left -= 1
            move = sigma * shock + self._usual * (self._pull(regime, prices[-1]) + self._rejection(prices[-1]))
            prices.append(prices[-1] * float(np.exp(move)))
        return np.array(prices), gap, self._kept(prices[-1])

    def _opening_gap(self) -> float:
        """Return the overnight return: usually small, now and then news."""
        wide = self._draw.random() < NEWS
        gap = self._draw.standard_t(4) * self._state.volatility * (0.9 if wide else 0.28)
        return float(np.clip(gap, -0.03, 0.03))

    def _shocks(self, n_minutes: int) -> Float64s:
        """Return standardised minute shocks with rare jumps."""
        shocks = self._draw.standard_normal(n_minutes)
        jumps = self._draw.random(n_minutes) < 1.2 / n_minutes
        shocks[jumps] += self._draw.normal(0.0, 3.0, int(jumps.sum()))
        return np.asarray(shocks * 0.85, dtype=np.float64)

    def _next_regime(self, price: float, last: Regime | None) -> Regime:
        """Draw what the market does next; the long-run fair value tilts the coin."""
        away = np.log(price / FAIR_VALUE)
        up = 1 if self._draw.random() < 0.5 - float(np.clip(away * 3.0, -0.25, 0.25)) else -1
        chance = self._draw.random()
        if last is not None and last.kind == "impulse":  # a fast move pauses before anything else
            return Regime("balance", 0.0, int(self._draw.integers(12, 45)), price)
        if chance < IMPULSES:
            return Regime("impulse", up * float(self._draw.uniform(0.6, 1.25)), int(self._draw.integers(4, 11)), price)
        if chance < IMPULSES + TRENDS:
            return Regime("trend", up * float(self._draw.uniform(0.08, 0.30)), int(self._draw.integers(25, 90)), price)
        return Regime("balance", 0.0, int(self._draw.integers(20, 90)), price)

    def _pull(self, regime: Regime, price: float) -> float:
        """Return the regime's drift in usual minute deviations."""
        if regime.kind != "balance":
            return regime.drift
        return float(np.clip(0.05 * np.log(regime.anchor / price) / self._usual, -0.8, 0.8))

    def _remember(self, prices: list[float], regime: Regime) -> None:
        """Keep the band that a fast move left, as where price may turn later."""
        base = prices[-12:]
        self._levels.append(Level(min(base), max(base), 1 if regime.drift > 0 else -1))

    def _rejection(self, price: float) -> float:
        """Return the push away from a remembered band that price has come back to."""
        if self._touched is not None:
            inside = self._touched.low <= price <= self._touched.high
            self._rejecting *= 1.0 if inside else 0.93
            if abs(self._rejecting) < FADED:
                self._touched = None
            return self._rejecting
        for level in self._levels:
            if level.low <= price <= level.high and level.age > 0:
                self._levels.remove(level)
                holds = self._draw.random() < HOLDS
                self._touched = level
                self._rejecting = level.side * (0.75 if holds else -0.45)
                return self._rejecting
        return 0.0

    def _kept(self, close: float) -> tuple[Level, ...]:
        """Return the levels nearest to the close, in a stable order."""
        nearest = sorted(self._levels, key=lambda x: abs(x.low + x.high - 2.0 * close))[:MAX_LEVELS]
        return tuple(sorted(nearest, key=lambda x: (x.low, x.high, x.side)))


def minute_candles(draw: np.random.Generator, prices: Float64s, sigma: Float64s) -> Float64s:
    """Return open, high, low and close of each minute by filling the walk with small steps.

    Parameters
    ----------
    draw : Generator
        Where the steps come from.
    prices : ndarray of float64, shape (n_minutes + 1,)
        Price before the first minute and after each.
    sigma : ndarray of float64, shape (n_minutes,)
        Standard deviation of each minute's return.

    Returns
    -------
    ndarray of float64, shape (n_minutes, 4)
    """
    n_minutes = len(prices) - 1
    steps = draw.standard_normal((n_minutes, STEPS_PER_MINUTE)) / np.sqrt(STEPS_PER_MINUTE)
    walk = np.concatenate([np.zeros((n_minutes, 1)), steps.cumsum(axis=1)], axis=1)
    part = np.linspace(0.0, 1.0, STEPS_PER_MINUTE + 1)
    bridge = walk - part * walk[:, -1:]  # pinned to 0 at both ends
    inside = np.log(prices[:-1, None]) * (1.0 - part) + np.log(prices[1:, None]) * part + bridge * sigma[:, None] * 0.9
    inside = np.exp(inside)
    return np.column_stack([inside[:, 0], inside.max(axis=1), inside.min(axis=1), inside[:, -1]])


def next_volatility(draw: np.random.Generator, state: MarketState, gap: float) -> float:
    """Return the next session's volatility: it clusters, and large gaps raise it."""
    calm = np.log(0.0062)
    shock = 0.12 * draw.standard_normal() + 6.0 * max(abs(gap) - 0.004, 0.0)
    return float(np.clip(np.exp(calm + 0.93 * (np.log(state.volatility) - calm) + shock), 0.004, 0.022))
