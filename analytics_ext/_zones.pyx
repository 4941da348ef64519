"""Loops of the true range and of the zones that explosive candles leave behind."""

import numpy as np

from libc.stdint cimport int8_t, int64_t


def average_true_range(const int64_t[::1] high, const int64_t[::1] low, const int64_t[::1] close, Py_ssize_t length):
    out = np.full(high.shape[0], np.nan)
    cdef double[::1] ranges = out
    cdef Py_ssize_t t
    cdef int64_t first = 0
    cdef double smooth

    if high.shape[0] <= length:
        return out
    with nogil:
        for t in range(1, length + 1):
            first += max(high[t], close[t - 1]) - min(low[t], close[t - 1])
        smooth = <double>first / length
        ranges[length] = smooth
        for t in range(length + 1, high.shape[0]):
            smooth = smooth * (length - 1) + (max(high[t], close[t - 1]) - min(low[t], close[t - 1]))
            smooth = smooth / length
            ranges[t] = smooth
    return out


cdef struct Base:
    Py_ssize_t origin
    int64_t body_top
    int64_t body_bottom
    int64_t high
    int64_t low


cdef inline Base widened(Base base, Py_ssize_t t, int64_t opened, int64_t high, int64_t low,
                         int64_t closed) noexcept nogil:
    """The base with candle t in it; a base without origin starts there."""
    if base.origin < 0:
        return Base(t, max(opened, closed), min(opened, closed), high, low)
    base.body_top = max(base.body_top, max(opened, closed))
    base.body_bottom = min(base.body_bottom, min(opened, closed))
    base.high = max(base.high, high)
    base.low = min(base.low, low)
    return base


def explosive_zones(const int64_t[::1] open, const int64_t[::1] high, const int64_t[::1] low,
                    const int64_t[::1] close, const double[::1] ranges, double body_atr):
    """Return (direction, kind), (bottom, top, origin, confirmed) and strength, cut to the zones found."""
    cdef Py_ssize_t t, n = high.shape[0], found = 0
    # Between two zones lie a base and a leg, so there are at most half as many zones as candles.
    signs = np.empty((2, n // 2 + 1), dtype=np.int8)
    levels = np.empty((4, n // 2 + 1), dtype=np.int64)
    strengths = np.empty(n // 2 + 1)
    cdef int8_t[:, ::1] sign = signs
    cdef int64_t[:, ::1] level = levels
    cdef double[::1] strength = strengths
    cdef int64_t body
    cdef int leg_in = 0, leg_out
    cdef Base base
    base.origin = -1

    with nogil:
        for t in range(n):
            body = close[t] - open[t]
            leg_out = (body > 0) - (body < 0)
            # Written so that an unknown range makes the candle part of a base.
            if leg_out == 0 or not (leg_out * body >= body_atr * ranges[t]):
                if leg_in != 0:
                    base = widened(base, t, open[t], high[t], low[t], close[t])
                continue
            if base.origin >= 0:
                sign[0, found] = leg_out
                sign[1, found] = (leg_in < 0) if leg_out > 0 else 2 + (leg_in > 0)
                level[0, found] = base.low if leg_out > 0 else base.body_bottom
                level[1, found] = base.body_top if leg_out > 0 else base.high
                level[2, found] = base.origin
                level[3, found] = t
                strength[found] = leg_out * body / ranges[t]
                found += 1
                base.origin = -1
            leg_in = leg_out
    return signs[:, :found].copy(), levels[:, :found].copy(), strengths[:found].copy()
