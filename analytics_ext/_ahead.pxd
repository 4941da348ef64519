"""The first candle from which a price is reached, without looking at every candle on the way.

Most levels are reached within a few candles or not for thousands. So the candles up to the end of the next block are
looked at one by one, and after them a pyramid of block extremes: of 32 candles, of 32 such blocks, and so on. A search
costs O(log n).
"""

from libc.stdint cimport int64_t

cdef extern from *:
    int trailing_zeros "__builtin_ctz"(unsigned int) nogil

cdef enum:
    BLOCKS_FIRST = 2
    FAN = 32

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
    """Do the same from the start of a block on, with the pyramid."""
    cdef Py_ssize_t n = prices.shape[0], place, level = 0, end = begin

    # Up, while the rest of a block of blocks holds nothing. All before `end` is done.
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
    cdef Py_ssize_t n = prices.shape[0], bar, end = min((begin // FAN + BLOCKS_FIRST) * FAN, n)

    for bar in range(begin, end):
        if reached(falling, prices[bar], key):
            return bar
    return climb(falling, prices, blocks, starts, end, key) if end < n else -1


cdef inline Py_ssize_t seek_after(
    bint falling, const int64_t[::1] prices, const int64_t[::1] blocks, const Py_ssize_t[::1] starts, Py_ssize_t begin,
    int64_t key,
) except -2 nogil:
    """Do the same, eight bars at once: where any of them may be it, a branch at each would often be mispredicted."""
    cdef unsigned int hits = 0
    cdef int i

    if begin + 8 > prices.shape[0]:
        return seek(falling, prices, blocks, starts, begin, key)
    for i in range(8):
        hits |= <unsigned int>reached(falling, prices[begin + i], key) << i
    if hits:
        return begin + trailing_zeros(hits)
    return seek(falling, prices, blocks, starts, begin + 8, key)
