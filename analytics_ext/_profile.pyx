"""Loops of the volume profile. Volumes are fixed point, so adding, removing and any order give the same bits."""

import numpy as np

from libc.stdint cimport int64_t

cdef extern from *:
    """
    #include <stdint.h>
    /* floor(units * part / whole) for non-negative numbers whose product needs more than 63 bits */
    static inline int64_t wide_share(int64_t units, int64_t part, int64_t whole) {
        return (int64_t)((unsigned __int128)units * (unsigned __int128)part / (unsigned __int128)whole);
    }
    /* the least whole number that is at least units * part / whole */
    static inline int64_t wide_share_up(int64_t units, int64_t part, int64_t whole) {
        unsigned __int128 product = (unsigned __int128)units * (unsigned __int128)part;
        return (int64_t)((product + (unsigned __int128)(whole - 1)) / (unsigned __int128)whole);
    }
    """
    int64_t wide_share(int64_t units, int64_t part, int64_t whole) noexcept nogil
    int64_t wide_share_up(int64_t units, int64_t part, int64_t whole) noexcept nogil

# Rows of nothing kept on both sides of the counted ones, so that the walk may look past an edge.
cdef enum:
    MARGIN = 4
    # A contract is this many units of volume.
    UNITS = 65536
    # Two numbers below this multiply to less than 2**62.
    NARROW = 2147483648


cdef struct Spread:
    int64_t first
    int64_t last
    int64_t lowest
    int64_t full
    int64_t highest


cdef inline int64_t share(double units, double part, double whole) noexcept nogil:
    """floor(units * part / whole). Below 2**52 the product is exact and a rounded quotient cannot reach the next whole."""
    cdef double product = units * part
    if product < 4503599627370496.0:
        return <int64_t>(product / whole)
    return wide_share(<int64_t>units, <int64_t>part, <int64_t>whole)


cdef inline Spread spread_candle(double high, double low, int64_t volume, double row, double per_row,
                                 bint by_touch) noexcept nogil:
    """What a candle gives to its lowest row, to its highest, and to each between.

    Prices are counted from half a tick below row 0: that keeps their quotients away from whole numbers by more than
    the rounding error, so that truncation is floor. They, the rows and the volumes are exact as float64. No branch asks
    how many rows the candle covers: that is a coin toss the processor would lose.
    """
    cdef Spread s
    cdef double height, units = <double>volume * UNITS
    cdef int64_t steps
    s.first = <int64_t>(low * per_row)
    s.last = <int64_t>(high * per_row)
    steps = s.last - s.first
    if by_touch:
        s.full = share(units, 1.0, <double>(steps + 1))
        s.highest = s.full
        s.lowest = volume * UNITS - s.full * steps
    else:
        height = max(high - low, 1.0)
        s.full = share(units, min(row, height), height) & -<int64_t>(steps > 1)
        s.highest = share(units, min(high - 0.5 - <double>s.last * row, height), height) & -<int64_t>(steps > 0)
        s.lowest = volume * UNITS - s.full * (steps - 1) - s.highest
    return s


def volume_profile(const int64_t[::1] high, const int64_t[::1] low, const int64_t[::1] volume, int64_t row,
                   int64_t floor, Py_ssize_t n_rows, bint by_touch):
    """Lay each candle down as a slab of equal height and two corrections; slabs add up as a running sum of steps."""
    out = np.empty(n_rows, dtype=np.int64)
    # A line of eight numbers per row: four steps and four corrections. Neighbouring candles share rows; taking turns
    # keeps one candle's store out of the next one's load.
    table = np.zeros(8 * (n_rows + 1), dtype=np.int64)
    cdef int64_t[::1] rows = out, lines = table
    cdef double per_row = 1.0 / <double>row, below = <double>floor - 0.5
    cdef Py_ssize_t i, k, first, last
    cdef int64_t running = 0
    cdef Spread s

    with nogil:
        for i in range(high.shape[0]):
            s = spread_candle(high[i] - below, low[i] - below, volume[i], row, per_row, by_touch)
            first = 8 * s.first + (i & 3)
            last = 8 * s.last + (i & 3)
            lines[first] += s.full
            lines[first + 4] += s.lowest - s.full
            lines[last + 8] -= s.full
            if not by_touch:
                lines[last + 4] += s.highest - s.full
        for i in range(n_rows):
            for k in range(4):
                running += lines[8 * i + k]
            rows[i] = running
            for k in range(4, 8):
                rows[i] += lines[8 * i + k]
    return out


cdef inline int64_t wanted(int64_t total, int64_t numerator, int64_t denominator) noexcept nogil:
    """The least number of units that is at least total * numerator / denominator."""
    cdef int64_t rest = total % denominator
    cdef int64_t whole = total / denominator * numerator
    if denominator < NARROW:
        return whole + (rest * numerator + denominator - 1) / denominator
    return whole + wide_share_up(rest, numerator, denominator)


cdef inline Py_ssize_t peak(const int64_t[::1] padded, Py_ssize_t first, Py_ssize_t last) except -1 nogil:
    """The lowest of the fullest rows."""
    cdef Py_ssize_t row, poc = first
    cdef int64_t most = padded[first]
    for row in range(first + 1, last + 1):
        if padded[row] > most:
            most = padded[row]
            poc = row
    return poc


cdef inline int grow(const int64_t[::1] padded, Py_ssize_t last, Py_ssize_t poc, int64_t target, bint two_row,
                     Py_ssize_t* val, Py_ssize_t* vah) except -1 nogil:
    """Walk out from the fullest row until the target is held.

    Rows beyond the edges are empty. While the target is not held there is volume outside, so a side that compares as
    greater is never exhausted; only a tie of two empty sides has to be told that nothing is left above. The last step
    of two rows may pass an edge by one; the caller clamps.
    """
    cdef Py_ssize_t low = poc, high = poc
    cdef int64_t held = padded[poc], above, below
    if two_row:
        above = padded[high + 1] + padded[high + 2]
        below = padded[low - 1] + padded[low - 2]
        while held < target:
            if above >= below and high < last:
                held += above
                high += 2
                above = padded[high + 1] + padded[high + 2]
            else:
                held += below
                low -= 2
                below = padded[low - 1] + padded[low - 2]
    else:
        while held < target:
            above = padded[high + 1]
            below = padded[low - 1]
            if above >= below and high < last:
                held += above
                high += 1
            else:
                held += below
                low -= 1
    val[0] = low
    vah[0] = high
    return 0


def value_area(const int64_t[::1] rows, int64_t numerator, int64_t denominator, bint two_row):
    padded_rows = np.zeros(rows.shape[0] + 2 * MARGIN, dtype=np.int64)
    cdef int64_t[::1] padded = padded_rows
    cdef Py_ssize_t i, poc, val = 0, vah = 0
    cdef Py_ssize_t first = MARGIN, last = rows.shape[0] + MARGIN - 1
    cdef int64_t total = 0

    with nogil:
        for i in range(rows.shape[0]):
            padded[MARGIN + i] = rows[i]
            total += rows[i]
        poc = peak(padded, first, last)
        grow(padded, last, poc, wanted(total, numerator, denominator), two_row, &val, &vah)
    return max(val, first) - MARGIN, poc - MARGIN, min(vah, last) - MARGIN


cdef inline int move(int64_t[::1] padded, int64_t[:, ::1] edges, Spread s, int sign) except -1 nogil:
    """Put a candle into the window, or take it out."""
    cdef Py_ssize_t row
    edges[0, s.first + MARGIN] += sign
    edges[1, s.last + MARGIN] += sign
    padded[s.first + MARGIN] += sign * s.lowest
    if s.last > s.first:
        for row in range(s.first + 1, s.last):
            padded[row + MARGIN] += sign * s.full
        padded[s.last + MARGIN] += sign * s.highest
    return 0


cdef inline Py_ssize_t challenge(const int64_t[::1] padded, Py_ssize_t poc, Spread s) except -1 nogil:
    """Let the rows that a new candle has filled challenge the fullest row."""
    cdef Py_ssize_t row
    for row in range(s.first + MARGIN, s.last + MARGIN + 1):
        if padded[row] > padded[poc] or (padded[row] == padded[poc] and row < poc):
            poc = row
    return poc


def rolling_value_area(const int64_t[::1] high, const int64_t[::1] low, const int64_t[::1] volume, Py_ssize_t window,
                       int64_t row, int64_t floor, Py_ssize_t n_rows, bint by_touch, int64_t numerator,
                       int64_t denominator, bint two_row):
    """Slide the window: put the new candle, take the old one, and search again only if the fullest row has lost."""
    out = np.empty((3, high.shape[0]), dtype=np.int64)
    padded_rows = np.zeros(n_rows + 2 * MARGIN, dtype=np.int64)
    # How many candles of the window have their low (high) in each row: these bound the rows of the window.
    edge_counts = np.zeros((2, n_rows + 2 * MARGIN), dtype=np.int64)
    cdef int64_t[:, ::1] areas = out, edges = edge_counts
    cdef int64_t[::1] padded = padded_rows
    cdef double per_row = 1.0 / <double>row, below = <double>floor - 0.5
    cdef Py_ssize_t t, gone, poc = MARGIN, first = n_rows + MARGIN, last = 0, val = 0, vah = 0
    cdef int64_t total = 0, most
    cdef Spread s

    with nogil:
        for t in range(high.shape[0]):
            s = spread_candle(high[t] - below, low[t] - below, volume[t], row, per_row, by_touch)
            move(padded, edges, s, 1)
            total += volume[t] * UNITS
            first = min(first, s.first + MARGIN)
            last = max(last, s.last + MARGIN)
            poc = challenge(padded, poc, s)
            most = padded[poc]
            gone = t - window
            if gone >= 0:
                s = spread_candle(high[gone] - below, low[gone] - below, volume[gone], row, per_row, by_touch)
                move(padded, edges, s, -1)
                total -= volume[gone] * UNITS
                while edges[0, first] == 0:
                    first += 1
                while edges[1, last] == 0:
                    last -= 1
            if most == 0 or padded[poc] < most:
                poc = peak(padded, first, last)
            grow(padded, last, poc, wanted(total, numerator, denominator), two_row, &val, &vah)
            areas[0, t] = poc - MARGIN
            areas[1, t] = max(val, first) - MARGIN
            areas[2, t] = min(vah, last) - MARGIN
    return out
