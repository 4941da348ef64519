"""See ``_ahead.pxd``."""

import numpy as np

from libc.stdint cimport int64_t


def starts_of_levels(Py_ssize_t n):
    """Return where each level of a pyramid over `n` candles starts, and where the last one ends."""
    cdef Py_ssize_t end = 0
    starts = [0]
    while n > 1:
        n = (n + FAN - 1) // FAN
        end += n
        starts.append(end)
    return np.array(starts, dtype=np.intp)


def pyramid(
    const int64_t[::1] high, const int64_t[::1] low, const int64_t[::1] close, const Py_ssize_t[::1] starts,
):
    """Return the extremes of every block, one row for each of LOWEST_LOW to HIGHEST_CLOSE."""
    cdef Py_ssize_t n = high.shape[0], levels = starts.shape[0] - 1, level, block, place, i
    out = np.empty((ROWS, starts[levels]), dtype=np.int64)
    cdef int64_t[:, ::1] blocks = out
    cdef int64_t lowest, highest, lowest_close, highest_close

    with nogil:
        for block in range(starts[1] if levels > 0 else 0):
            place = block * FAN
            lowest = low[place]
            highest = high[place]
            lowest_close = highest_close = close[place]
            for i in range(place + 1, min(place + FAN, n)):
                lowest = min(lowest, low[i])
                highest = max(highest, high[i])
                lowest_close = min(lowest_close, close[i])
                highest_close = max(highest_close, close[i])
            blocks[LOWEST_LOW, block] = lowest
            blocks[HIGHEST_HIGH, block] = highest
            blocks[LOWEST_CLOSE, block] = lowest_close
            blocks[HIGHEST_CLOSE, block] = highest_close
        for level in range(1, levels):
            for block in range(starts[level], starts[level + 1]):
                place = starts[level - 1] + (block - starts[level]) * FAN
                blocks[LOWEST_LOW, block] = blocks[LOWEST_LOW, place]
                blocks[HIGHEST_HIGH, block] = blocks[HIGHEST_HIGH, place]
                blocks[LOWEST_CLOSE, block] = blocks[LOWEST_CLOSE, place]
                blocks[HIGHEST_CLOSE, block] = blocks[HIGHEST_CLOSE, place]
                for i in range(place + 1, min(place + FAN, starts[level])):
                    blocks[LOWEST_LOW, block] = min(blocks[LOWEST_LOW, block], blocks[LOWEST_LOW, i])
                    blocks[HIGHEST_HIGH, block] = max(blocks[HIGHEST_HIGH, block], blocks[HIGHEST_HIGH, i])
                    blocks[LOWEST_CLOSE, block] = min(blocks[LOWEST_CLOSE, block], blocks[LOWEST_CLOSE, i])
                    blocks[HIGHEST_CLOSE, block] = max(blocks[HIGHEST_CLOSE, block], blocks[HIGHEST_CLOSE, i])
    return out
