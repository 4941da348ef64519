"""One pass over the candles that says whether all of them are sound. See ``_inputs.py`` for the words."""

from libc.stdint cimport int64_t, uint64_t

# Sign bits instead of comparisons: the sum of two wrapped differences vectorises on every x86-64, a comparison of
# 64-bit integers does not. A difference that wraps is flagged, and only prices far beyond the limits wrap.


cdef inline uint64_t _below(int64_t left, int64_t right) noexcept nogil:
    """Set the top bit if left < right."""
    return <uint64_t>left - <uint64_t>right


def sound_range(const int64_t[::1] high, const int64_t[::1] low, int64_t limit):
    cdef Py_ssize_t i
    cdef uint64_t flags = 0

    with nogil:
        for i in range(high.shape[0]):
            flags |= _below(high[i], low[i]) | _below(limit, high[i]) | _below(low[i], -limit)
    return flags >> 63 == 0


def sound_inside(const int64_t[::1] values, const int64_t[::1] high, const int64_t[::1] low):
    cdef Py_ssize_t i
    cdef uint64_t flags = 0

    with nogil:
        for i in range(values.shape[0]):
            flags |= _below(high[i], values[i]) | _below(values[i], low[i])
    return flags >> 63 == 0


def sound_amounts(const int64_t[::1] values, int64_t limit):
    cdef Py_ssize_t i
    cdef uint64_t flags = 0

    with nogil:
        for i in range(values.shape[0]):
            flags |= <uint64_t>values[i] | _below(limit, values[i])
    return flags >> 63 == 0
