"""What the simulated market asks for options: Black's 1976 formula on arrays, a skew, spreads and open interest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]

SECONDS_PER_YEAR = 365.0 * 86_400.0
RATE = 0.055


@dataclass(frozen=True)
class Surface:
    """Implied volatility on a grid of moments by strikes, with the forward and the time left at each moment.

    `forward` and `years` have shape (n_moments, 1), `strike` shape (n_strikes,), `iv` shape (n_moments, n_strikes).
    """

    forward: Float64s
    years: Float64s
    strike: Float64s
    iv: Float64s


def normal_cdf(x: Float64s) -> Float64s:
    """Return the standard normal distribution function, absolute error below 1e-7 (Abramowitz and Stegun 26.2.17)."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    tail = np.exp(-0.5 * x * x) * 0.3989422804014327 * poly
    return np.asarray(np.where(x >= 0.0, 1.0 - tail, tail), dtype=np.float64)


def surface(forward: Float64s, strike: Float64s, seconds_left: Float64s, atm_iv: Float64s) -> Surface:
    """Return the volatility of each strike at each moment: puts dearer than calls, wings up, steeper near expiry.

    Parameters
    ----------
    forward, seconds_left, atm_iv : ndarray of float64, shape (n_moments,)
        Forward in index points, seconds to expiry (at least one minute is used), volatility at the money.
    strike : ndarray of float64, shape (n_strikes,)
        Index points.
    """
    years = np.maximum(seconds_left, 60.0)[:, None] / SECONDS_PER_YEAR
    moneyness = np.log(strike[None, :] / forward[:, None])
    # The smile is drawn in moneyness of at least a week, so that an expiry afternoon stays free of arbitrage.
    spread = atm_iv[:, None] * np.sqrt(np.maximum(years, 7.0 / 365.0))
    scaled = np.clip(moneyness / spread, -4.0, 4.0)
    iv = atm_iv[:, None] * (1.0 - 0.035 * scaled + 0.012 * scaled * scaled)
    return Surface(forward[:, None], years, strike, iv)


def call_values(on: Surface) -> Float64s:
    """Return the value of a call at each moment and strike, shape (n_moments, n_strikes)."""
    deviation = on.iv * np.sqrt(on.years)
    d1 = np.log(on.forward / on.strike) / deviation + 0.5 * deviation
    discount = np.exp(-RATE * on.years)
    value = discount * (on.forward * normal_cdf(d1) - on.strike * normal_cdf(d1 - deviation))
    return np.asarray(np.maximum(value, discount * np.maximum(on.forward - on.strike, 0.0)), dtype=np.float64)


def put_values(on: Surface, calls: Float64s) -> Float64s:
    """Return the value of a put by parity with `calls`, shape (n_moments, n_strikes)."""
    discount = np.exp(-RATE * on.years)
    return np.asarray(np.maximum(calls - discount * (on.forward - on.strike), 0.0), dtype=np.float64)


def bid_and_ask(draw: np.random.Generator, value: Float64s, distance: Float64s) -> tuple[Int64s, Int64s]:
    """Return bid and ask in ticks of 0.05 around `value`, wider for dear and for far contracts; bid 0 means no buyer.

    Parameters
    ----------
    draw : Generator
        Where the width comes from.
    value : ndarray of float64
        Fair value in rupees.
    distance : ndarray of float64, same shape
        Distance of the strike from the forward as a share of it, ``>= 0``.
    """
    half = 0.05 + value * 0.0009 + value * np.minimum(distance, 0.06) * 0.05
    half *= draw.uniform(0.7, 1.6, value.shape)
    bid = np.floor((value - half) / 0.05).astype(np.int64)
    ask = np.ceil((value + half) / 0.05).astype(np.int64)
    return np.maximum(bid, 0), np.maximum(ask, np.maximum(bid, 0) + 1)


def open_interest(
    *, seed: int, strikes: Int64s, calls: NDArray[np.bool_], spot: Float64s, days_left: Float64s, lot_size: int
) -> Int64s:
    """Return open interest in contracts, a pure function of its arguments.

    It gathers on round strikes, calls above and puts below the spot, and grows towards the expiry.

    Parameters
    ----------
    seed : int
        Which market and expiry.
    strikes, calls : ndarray, shape (n_contracts,)
        Strike in index points, and whether the contract is a call.
    spot, days_left : ndarray of float64, shape (n_moments,)
        Index points, and days to the expiry.
    lot_size : int
        Contracts in a lot.

    Returns
    -------
    ndarray of int64, shape (n_moments, n_contracts)
    """
    noise = np.exp(0.45 * np.array([_seat(seed, int(k), bool(call)) for k, call in zip(strikes, calls, strict=True)]))
    away = (strikes - spot[:, None]) / spot[:, None] * np.where(calls, 1.0, -1.0)
    bell = np.exp(-0.5 * ((away - 0.008) / 0.016) ** 2) + 0.04
    round_strike = np.where(strikes % 500 == 0, 2.2, np.where(strikes % 100 == 0, 1.35, 0.8))
    growth = 0.15 + 0.85 / (1.0 + np.maximum(days_left, 0.0)[:, None] / 3.0)
    lots = 60_000.0 * bell * round_strike * noise * growth
    return np.asarray(lots.astype(np.int64) * lot_size, dtype=np.int64)


def _seat(seed: int, strike: int, call: bool) -> float:  # noqa: FBT001 - a contract is a strike and a right
    """Return a number about 0 that belongs to a contract for good."""
    mixed = (seed * 1_000_003 + strike * 7_919 + int(call) * 104_729) & 0xFFFFFFFF
    mixed = (mixed ^ (mixed >> 16)) * 0x45D9F3B & 0xFFFFFFFF
    mixed = (mixed ^ (mixed >> 16)) * 0x45D9F3B & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 16)) / 0xFFFFFFFF - 0.5) * 3.4
