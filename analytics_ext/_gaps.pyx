"""The loops of fair value gaps. ``gaps.py`` checks the inputs and states the definitions."""

import numpy as np

from analytics_ext import _ahead
from analytics_ext._ahead cimport HIGHEST_CLOSE, HIGHEST_HIGH, LOWEST_CLOSE, LOWEST_LOW, seek, seek_after
from libc.stdint cimport INT64_MAX, INT64_MIN, int8_t, int64_t

# The rows of the result.
cdef enum:
    BOTTOM
    TOP
    ORIGIN
    CONFIRMED
    TOUCHED
    HALF_FILLED
    FILLED
    INVERTED
    COLUMNS


def find(
    const int64_t[::1] high, const int64_t[::1] low, const int64_t[::1] open_, const int64_t[::1] close,
    bint directional_middle,
):
    """Return the confirming bar of every gap, negative if the gap is bearish."""
    cdef Py_ssize_t n = high.shape[0], k, count = 0
    out = np.empty(n, dtype=np.int64)
    cdef int64_t[::1] signed_bar = out
    cdef bint up, down

    with nogil:
        for k in range(2, n):
            up = low[k] > high[k - 2]
            down = high[k] < low[k - 2]
            if directional_middle:
                up &= close[k - 1] > open_[k - 1]
                down &= close[k - 1] < open_[k - 1]
            # Written at every bar and kept only at gaps: a branch here would be mispredicted at every fifth bar.
            signed_bar[count] = k if up else -k
            count += up | down
    return out[:count]


cdef inline int _follow_one(
    bint falling, int64_t near, int64_t far, Py_ssize_t gap, Py_ssize_t begin, const int64_t[::1] edge,
    const int64_t[::1] close, const int64_t[::1] edge_blocks, const int64_t[::1] close_blocks,
    const Py_ssize_t[::1] starts, int64_t[:, ::1] columns,
) except -1 nogil:
    """Stamp the events of one gap. Each needs the one before, so the search only ever goes on.

    `near` and `far` are the gap's edges as price comes to them; `edge` holds the lows if that is from above.
    """
    cdef int64_t inward = -1 if falling else 1
    cdef int64_t height = (far - near) * inward
    cdef Py_ssize_t touched, half_filled = -1, filled = -1, inverted = -1

    touched = seek_after(falling, edge, edge_blocks, starts, begin, near + inward)
    if touched >= 0:
        half_filled = seek(falling, edge, edge_blocks, starts, touched, near + inward * ((height + 1) // 2))
    if half_filled >= 0:
        filled = seek(falling, edge, edge_blocks, starts, half_filled, far)
    if filled >= 0:
        inverted = seek_after(falling, close, close_blocks, starts, filled, far + inward)
    columns[TOUCHED, gap] = touched
    columns[HALF_FILLED, gap] = half_filled
    columns[FILLED, gap] = filled
    columns[INVERTED, gap] = inverted
    return 0


def follow(
    const int64_t[::1] high, const int64_t[::1] low, const int64_t[::1] close, const int64_t[::1] signed_bar,
):
    """Return the gaps' directions, and one row for each of BOTTOM to INVERTED, -1 where an event has not come."""
    cdef Py_ssize_t count = signed_bar.shape[0], gap, k
    direction_out = np.empty(count, dtype=np.int8)
    # One block: a row of its own for each column would be given back to the system and fetched again at each call.
    columns_out = np.empty((COLUMNS, count), dtype=np.int64)
    cdef int8_t[::1] direction = direction_out
    cdef int64_t[:, ::1] columns = columns_out
    cdef const Py_ssize_t[::1] starts = _ahead.starts_of_levels(high.shape[0])
    cdef const int64_t[:, ::1] blocks = _ahead.pyramid(high, low, close, starts)
    cdef const int64_t[::1] lows = blocks[LOWEST_LOW], highs = blocks[HIGHEST_HIGH]
    cdef const int64_t[::1] falls = blocks[LOWEST_CLOSE], rises = blocks[HIGHEST_CLOSE]

    with nogil:
        for gap in range(count):
            k = signed_bar[gap] if signed_bar[gap] > 0 else -signed_bar[gap]
            columns[ORIGIN, gap] = k - 2
            columns[CONFIRMED, gap] = k
            if signed_bar[gap] > 0:
                direction[gap] = 1
                columns[BOTTOM, gap] = high[k - 2]
                columns[TOP, gap] = low[k]
                _follow_one(True, low[k], high[k - 2], gap, k + 1, low, close, lows, falls, starts, columns)
            else:
                direction[gap] = -1
                columns[BOTTOM, gap] = high[k]
                columns[TOP, gap] = low[k - 2]
                _follow_one(False, high[k], low[k - 2], gap, k + 1, high, close, highs, rises, starts, columns)
    return direction_out, columns_out


def deepest(
    const int64_t[::1] high, const int64_t[::1] low, const int8_t[::1] direction, const int64_t[::1] bottom,
    const int64_t[::1] top, const int64_t[::1] confirmed, Py_ssize_t at,
):
    """Return how much of each gap the bars after its confirmation, up to and including `at`, have filled.

    The gaps are ordered by confirmation, so one walk back from `at` meets each with the extremes of all later bars.
    """
    cdef Py_ssize_t gap, bar = at + 1
    cdef int64_t reach, lowest = INT64_MAX, highest = INT64_MIN
    filled_out = np.zeros(confirmed.shape[0])
    cdef double[::1] filled = filled_out

    with nogil:
        for gap in range(confirmed.shape[0] - 1, -1, -1):
            if confirmed[gap] >= at:
                continue
            while bar > confirmed[gap] + 1:
                bar -= 1
                lowest = min(lowest, low[bar])
                highest = max(highest, high[bar])
            reach = top[gap] - lowest if direction[gap] > 0 else highest - bottom[gap]
            reach = min(max(reach, 0), top[gap] - bottom[gap])
            filled[gap] = <double>reach / <double>(top[gap] - bottom[gap])
    return filled_out
