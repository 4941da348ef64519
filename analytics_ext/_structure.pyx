"""The loops of swings and structure breaks. ``structure.py`` checks the inputs and states the definitions."""

import numpy as np

from libc.stdint cimport INT64_MAX, INT64_MIN, int8_t, int64_t, uint64_t

# The rows of the swings found.
cdef enum:
    INDEX
    LEVEL
    CONFIRMED
    SWING_COLUMNS

# The rows of the breaks found.
cdef enum:
    BROKEN_LEVEL
    SWING
    AT
    BREAK_COLUMNS


cdef inline bint _tops_all(int64_t sign, const int64_t[::1] prices, Py_ssize_t bar, Py_ssize_t half) noexcept nogil:
    """Say whether the bar's price is above those of `half` bars before and not below those of `half` bars after.

    By sign bits, which vectorise on every x86-64 where a comparison of 64-bit integers does not.
    """
    cdef int64_t price = sign * prices[bar]
    cdef uint64_t flags = 0
    cdef Py_ssize_t i

    for i in range(bar - half, bar):
        flags |= <uint64_t>(price - 1 - sign * prices[i])
    for i in range(bar + 1, bar + half + 1):
        flags |= <uint64_t>(price - sign * prices[i])
    return flags >> 63 == 0


def find(const int64_t[::1] high, const int64_t[::1] low, Py_ssize_t half):
    """Return the kind of every swing, and one row for each of INDEX to CONFIRMED.

    Two swing highs lie more than `half` bars apart. So a block of half + 1 bars has at most one, and that can only be
    the first of its highest: one look at each bar finds it, one at each bar of its neighbourhood confirms it.
    """
    cdef Py_ssize_t n = high.shape[0], count = 0, start, bar, top, bottom, first, second
    cdef Py_ssize_t most = 2 * (max(n - 2 * half, 0) // (half + 1) + 1)
    kind_out = np.empty(most, dtype=np.int8)
    columns_out = np.empty((SWING_COLUMNS, most), dtype=np.int64)
    cdef int8_t[::1] kind = kind_out
    cdef int64_t[:, ::1] columns = columns_out
    cdef int64_t highest, lowest
    cdef bint is_high, is_low, low_first

    with nogil:
        start = half
        while start < n - half:
            top = bottom = start
            highest = high[start]
            lowest = low[start]
            for bar in range(start + 1, min(start + half + 1, n - half)):
                top = bar if high[bar] > highest else top
                highest = max(highest, high[bar])
                bottom = bar if low[bar] < lowest else bottom
                lowest = min(lowest, low[bar])
            is_high = _tops_all(1, high, top, half)
            is_low = _tops_all(-1, low, bottom, half)
            # Both are written and only swings are counted: a branch here would often be mispredicted.
            low_first = bottom < top
            columns[INDEX, count] = bottom if low_first else top
            columns[LEVEL, count] = lowest if low_first else highest
            kind[count] = -1 if low_first else 1
            count += is_low if low_first else is_high
            columns[INDEX, count] = top if low_first else bottom
            columns[LEVEL, count] = highest if low_first else lowest
            kind[count] = 1 if low_first else -1
            count += is_high if low_first else is_low
            start += half + 1
        for bar in range(count):
            columns[CONFIRMED, bar] = columns[INDEX, bar] + half
    return kind_out[:count], columns_out[:, :count]


def breaks(
    const int64_t[::1] close, const int8_t[::1] kind, const int64_t[::1] level, const int64_t[::1] confirmed,
):
    """Return direction and kind of every break, and one row for each of BROKEN_LEVEL to AT.

    A level that has been broken is put out of reach until the next swing of its kind is known.
    """
    cdef Py_ssize_t n = close.shape[0], swings = kind.shape[0], bar, swing = 0, count = 0
    direction_out = np.empty(swings, dtype=np.int8)
    change_out = np.empty(swings, dtype=np.int8)
    columns_out = np.empty((BREAK_COLUMNS, swings), dtype=np.int64)
    cdef int8_t[::1] direction = direction_out
    cdef int8_t[::1] change = change_out
    cdef int64_t[:, ::1] columns = columns_out
    cdef int64_t ceiling = INT64_MAX, floor = INT64_MIN
    cdef Py_ssize_t high_swing = -1, low_swing = -1
    cdef int8_t trend = 0

    with nogil:
        for bar in range(n):
            if close[bar] > ceiling:
                direction[count] = 1
                change[count] = trend < 0
                columns[BROKEN_LEVEL, count] = ceiling
                columns[SWING, count] = high_swing
                columns[AT, count] = bar
                count += 1
                trend = 1
                ceiling = INT64_MAX
            if close[bar] < floor:
                direction[count] = -1
                change[count] = trend > 0
                columns[BROKEN_LEVEL, count] = floor
                columns[SWING, count] = low_swing
                columns[AT, count] = bar
                count += 1
                trend = -1
                floor = INT64_MIN
            while swing < swings and confirmed[swing] <= bar:
                if kind[swing] > 0:
                    ceiling = level[swing]
                    high_swing = swing
                else:
                    floor = level[swing]
                    low_swing = swing
                swing += 1
    return direction_out[:count], change_out[:count], columns_out[:, :count]
