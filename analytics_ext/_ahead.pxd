"""The first candle from which a price is reached, without looking at every candle on the way.

Most levels are reached within a few candles or not for thousands. So the next candles are looked at one by one, and
after them a pyramid of block extremes: of 16 candles, of 16 such blocks, and so on. A search costs O(log n).
"""

from libc.stdint cimport int64_t

cdef enum:
    CANDLES_FIRST = 32
    FAN = 16

# The rows of a pyramid.
cdef enum:
    LOWEST_LOW
    HIGHEST_HIGH
    LOWEST_CLOSE
    HIGHEST_CLOSE
    ROWS


cdef inline bint reached(bint falling, int64_t price, int64_t key) noexcept nogil:
    """Say whether a price that is awaited from above (`falling`) or from below has come."""
    return price <= key if falling else price >= key


cdef inline Py_ssize_t climb(
    bint falling, const int64_t[::1] prices, const int64_t[::1] blocks, const Py_ssize_t[::1] starts, Py_ssize_t begin,
    int64_t key,
) except -2 nogil:
    """Return the first bar from `begin` on whose price has fallen (or risen) to `key`, or -1."""
    cdef Py_ssize_t n = prices.shape[0], place = begin, level = 0
    cdef Py_ssize_t end = min((begin // FAN + 1) * FAN, n)

    # The rest of the first block, candle by candle.
    while place < end and not reached(falling, prices[place], key):
        place += 1
    if place < end:
        return place
    # Up, while the rest of a block of blocks holds nothing. All before `place` is done.
    while end < n:
        level += 1
        n = starts[level] - starts[level - 1]
        place = end // FAN
        end = min((place // FAN + 1) * FAN, n)
        while place < end and not reached(falling, blocks[starts[level - 1] + place], key):
            place += 1
        if place < end:
            break
    else:
        return -1
    # Down: the first block of the block that holds it, until a block is a candle.
    while level > 1:
        level -= 1
        place *= FAN
        while not reached(falling, blocks[starts[level - 1] + place], key):
            place += 1
    place *= FAN
    while not reached(falling, prices[place], key):
        place += 1
    return place


cdef inline Py_ssize_t seek(
    bint falling, const int64_t[::1] prices, const int64_t[::1] blocks, const Py_ssize_t[::1] starts, Py_ssize_t begin,
    int64_t key,
) except -2 nogil:
    """Return the first bar from `begin` on whose price has fallen (or risen) to `key`, or -1."""
    cdef Py_ssize_t n = prices.shape[0], bar, end = min(begin + CANDLES_FIRST, n)

    for bar in range(begin, end):
        if reached(falling, prices[bar], key):
            return bar
    return climb(falling, prices, blocks, starts, end, key) if end < n else -1
