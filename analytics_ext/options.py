"""European options on a forward after Black (1976): values and greeks, implied volatility, and max pain."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analytics_ext import _options
from analytics_ext._inputs import Float64s, Int8s, Int64s, directions, float64s, int64s, same_length

# No sum of strikes times contracts may pass what 64 bits hold.
LARGEST_PAIN = 2**62


class OptionValues(NamedTuple):
    """One entry per option. `price` and `delta` are for one unit; delta and gamma per rupee of forward.

    `vega` is per point of volatility (0.01), `theta` per calendar day of 1/365 year with the forward standing still.
    """

    price: Float64s
    delta: Float64s
    gamma: Float64s
    vega: Float64s
    theta: Float64s


class MaxPain(NamedTuple):
    """`strike` in the units given; `pain` is what holders would be paid at each strike, in strike units times units."""

    strike: int
    pain: Int64s


def black76(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    *,
    discount: ArrayLike,
    sign: ArrayLike,
) -> OptionValues:
    """Value European options on a forward.

    Parameters
    ----------
    forward, strike : array_like of float, shape (n,) or scalar
        Rupees, ``> 0``.
    years : array_like of float, shape (n,) or scalar
        Time to expiry, ``> 0``.
    volatility : array_like of float, shape (n,) or scalar
        A decimal a year, ``>= 0``; at 0 the option is worth its intrinsic value. NaN makes NaN of the whole row.
    discount : array_like of float, shape (n,) or scalar
        Present value of one rupee paid at expiry, ``> 0``.
    sign : array_like of int, shape (n,) or scalar
        +1 for calls, -1 for puts.

    Returns
    -------
    OptionValues
        Arrays of float64, shape (n,).

    Raises
    ------
    ValueError
        If a value is refused, or lengths differ.

    References
    ----------
    .. [1] Fischer Black, "The pricing of commodity contracts", Journal of Financial Economics 3, 1976.
    """
    vol = np.atleast_1d(np.asarray(volatility, dtype=np.float64))
    if np.any(vol < 0.0) or np.any(np.isinf(vol)):
        raise ValueError("volatility: must be 0 or more, or NaN where there is none")
    columns, signs = _terms(vol, forward, strike, years, discount, sign)
    vol, forwards, strikes, time, discounts = columns
    return OptionValues(*_options.black76(forwards, strikes, time, vol, discounts, signs))


def implied_volatility(
    premium: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    *,
    discount: ArrayLike,
    sign: ArrayLike,
) -> Float64s:
    """Return the volatility at which `black76` gives `premium`.

    The option out of the money at the same strike is solved (put-call parity), from a first guess that is right to the
    second order, by Householder's method of the third order inside a bracket.

    Parameters
    ----------
    premium : array_like of float, shape (n,)
        Rupees; NaN where there is no price.
    forward, strike, years, discount, sign
        As `black76` takes them.

    Returns
    -------
    ndarray of float64, shape (n,)
        A decimal a year; NaN where the premium is NaN, not positive, at or below the intrinsic value, or at or above
        the most an option can be worth.

    Raises
    ------
    ValueError
        If a value other than the premium is refused, or lengths differ.

    References
    ----------
    .. [1] A. S. Householder, *The Numerical Treatment of a Single Nonlinear Equation*, 1970.
    """
    asked = np.atleast_1d(np.asarray(premium, dtype=np.float64))
    if np.any(np.isinf(asked)):
        raise ValueError("premium: must be finite, or NaN where there is none")
    columns, signs = _terms(asked, forward, strike, years, discount, sign)
    asked, forwards, strikes, time, discounts = columns
    return _options.implied_volatility(asked, forwards, strikes, time, discounts, signs)


def max_pain(strike: ArrayLike, calls: ArrayLike, puts: ArrayLike, *, forward: float) -> MaxPain | None:
    """Find the strike at which option holders would be paid least at expiry.

    Parameters
    ----------
    strike : array_like of int, shape (n,)
        Ascending, in ticks or another whole unit.
    calls, puts : array_like of int, shape (n,)
        Open interest at each strike, in units.
    forward : float
        In the unit of `strike`; of two strikes with the same pain the one nearest to it wins, then the lower one.

    Returns
    -------
    MaxPain or None
        None without open interest.

    Raises
    ------
    ValueError
        If strikes do not ascend, interest is negative, lengths differ, or the sums do not fit 64 bits.
    """
    names = ("strike", "calls", "puts")
    columns = [int64s(name, values) for name, values in zip(names, (strike, calls, puts), strict=True)]
    same_length(names, columns)
    strikes, ces, pes = columns
    if np.any(np.diff(strikes) <= 0) or strikes[0] < 0:
        raise ValueError("strike: must ascend from 0 or more, each strike once")
    for name, interest in (("calls", ces), ("puts", pes)):
        if np.any(interest < 0):
            raise ValueError(f"{name}[{int(np.argmax(interest < 0))}]: open interest is negative")
    if int(strikes[-1]) * (_total(ces) + _total(pes)) >= LARGEST_PAIN:
        raise ValueError("calls, puts: open interest times strike is beyond 2**62; count strikes in a larger unit")
    if not np.isfinite(forward):
        raise ValueError(f"forward: must be a number, got {forward!r}")
    if not (ces.any() or pes.any()):
        return None
    best, pain = _options.max_pain(strikes, ces, pes, float(forward))
    return MaxPain(int(strikes[best]), pain)


def _total(interest: Int64s) -> int:
    return sum(interest.tolist())


def _terms(first: Float64s, *others: ArrayLike) -> tuple[list[Float64s], Int8s]:
    """Return `first`, forward, strike, years and discount, each as long as the longest, and the signs."""
    *numbers, sign = others
    given: list[Float64s] = [first]
    for name, values in zip(("forward", "strike", "years", "discount"), numbers, strict=True):
        column = float64s(name, np.atleast_1d(values))
        bad = np.flatnonzero(column <= 0.0)
        if bad.size:
            raise ValueError(f"{name}[{bad[0]}]: must be above 0, got {column[bad[0]]}")
        given.append(column)
    signs = directions("sign", np.atleast_1d(sign))
    try:
        shape = np.broadcast_shapes(*(column.shape for column in given), signs.shape)
    except ValueError as error:
        lengths = ", ".join(str(size) for size in (*(column.size for column in given), signs.size))
        raise ValueError(f"options: lengths {lengths} differ; pass equal lengths or single values") from error
    columns = [np.ascontiguousarray(np.broadcast_to(column, shape)) for column in given]
    return columns, np.ascontiguousarray(np.broadcast_to(signs, shape))
