"""The loop of order blocks. ``blocks.py`` checks the inputs and states the definitions."""

import numpy as np

from analytics_ext import _ahead
from analytics_ext._ahead cimport HIGHEST_CLOSE, HIGHEST_HIGH, LOWEST_CLOSE, LOWEST_LOW, seek
from libc.stdint cimport int8_t, int64_t

# The rows of the result.
cdef enum:
    BOTTOM
    TOP
    SWING
    ORIGIN
    CONFIRMED
    VOLUME
    TOUCHED
    BROKEN
    BREAKER
    COLUMNS


cdef inline Py_ssize_t _last_extreme(
    bint lowest, const int64_t[::1] prices, Py_ssize_t begin, Py_ssize_t end,
) noexcept nogil:
    """Return the last bar of the lowest (or highest) price from `begin` up to, not including, `end`."""
    cdef Py_ssize_t found = begin, bar
    cdef int64_t extreme = prices[begin]

    for bar in range(begin + 1, end):
        if lowest:
            found = bar if prices[bar] <= extreme else found
            extreme = min(extreme, prices[bar])
        else:
            found = bar if prices[bar] >= extreme else found
            extreme = max(extreme, prices[bar])
    return found


cdef inline Py_ssize_t _enter(
    int64_t bottom, int64_t top, Py_ssize_t begin, const int64_t[::1] high, const int64_t[::1] low,
    const int64_t[::1] highs, const int64_t[::1] lows, const Py_ssize_t[::1] starts,
) except -2 nogil:
    """Return the first bar from `begin` on that trades between `bottom` and `top`, or -1.

    Looks for a fall to the zone and, where price has jumped over it, for a rise to it, in turns.
    """
    cdef Py_ssize_t bar = begin

    while True:
        bar = seek(True, low, lows, starts, bar, top)
        if bar < 0 or high[bar] >= bottom:
            return bar
        bar = seek(False, high, highs, starts, bar, bottom)
        if bar < 0 or low[bar] <= top:
            return bar


cdef inline int64_t _sum(const int64_t[::1] values, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Return the sum of `begin` to `end - 1`."""
    cdef int64_t total = 0
    cdef Py_ssize_t i

    for i in range(begin, end):
        total += values[i]
    return total


def form(
    const int64_t[::1] open_, const int64_t[::1] high, const int64_t[::1] low, const int64_t[::1] close,
    const int64_t[::1] volume, const int8_t[::1] direction, const int64_t[::1] swing_bar, const int64_t[::1] at,
    bint split, int64_t break_ticks,
):
    """Return one row for each of BOTTOM to BREAKER, one column for each break, -1 where an event has not come."""
    cdef Py_ssize_t n = high.shape[0], count = at.shape[0], block, x, t, touched, broken
    columns_out = np.empty((COLUMNS, count), dtype=np.int64)
    cdef int64_t[:, ::1] columns = columns_out
    cdef const Py_ssize_t[::1] starts = _ahead.starts_of_levels(n)
    cdef const int64_t[:, ::1] blocks = _ahead.pyramid(high, low, close, starts)
    cdef const int64_t[::1] lows = blocks[LOWEST_LOW], highs = blocks[HIGHEST_HIGH]
    cdef const int64_t[::1] falls = blocks[LOWEST_CLOSE], rises = blocks[HIGHEST_CLOSE]
    cdef int64_t bottom, top

    with nogil:
        for block in range(count):
            t = at[block]
            if direction[block] > 0:
                x = _last_extreme(True, low, swing_bar[block] + 1, t)
                bottom = low[x]
                top = max(open_[x], close[x]) if split else high[x]
                broken = seek(True, close, falls, starts, t + 1, bottom - break_ticks - 1)
            else:
                x = _last_extreme(False, high, swing_bar[block] + 1, t)
                bottom = min(open_[x], close[x]) if split else low[x]
                top = high[x]
                broken = seek(False, close, rises, starts, t + 1, top + break_ticks + 1)
            touched = _enter(bottom, top, t + 1, high, low, highs, lows, starts)
            columns[BOTTOM, block] = bottom
            columns[TOP, block] = top
            columns[SWING, block] = swing_bar[block]
            columns[ORIGIN, block] = x
            columns[CONFIRMED, block] = t
            columns[VOLUME, block] = _sum(volume, x, t + 1)
            columns[TOUCHED, block] = touched if broken < 0 or touched < broken else -1
            columns[BROKEN, block] = broken
            columns[BREAKER, block] = (
                _enter(bottom, top, broken + 1, high, low, highs, lows, starts) if broken >= 0 else -1
            )
    return columns_out
