"""Loops of a zone's life: each zone walks its own candles and passes quickly over those that stay away from it."""

import numpy as np

from libc.stdint cimport int8_t, int64_t, uint8_t

cdef enum:
    ALIVE = 0
    CLOSED_THROUGH = 1
    TOUCHED_OUT = 2
    AGED = 3


cdef struct Life:
    Py_ssize_t touched
    Py_ssize_t mitigated
    Py_ssize_t invalidated
    Py_ssize_t breaker
    int64_t touches
    bint inside
    bint filled
    int reason


cdef struct Rules:
    int64_t max_touches
    int64_t max_age
    int64_t break_ticks


cdef inline Py_ssize_t approach(const int64_t[::1] high, const int64_t[::1] low, int64_t bottom, int64_t top,
                                int sign, Py_ssize_t t, Py_ssize_t stop) except -1 nogil:
    """The first candle from t on that reaches the near edge; a candle that does not can neither touch nor break."""
    if sign > 0:
        while t < stop and low[t] > top:
            t += 1
    else:
        while t < stop and high[t] < bottom:
            t += 1
    return t


cdef inline int walk(const int64_t[::1] high, const int64_t[::1] low, const int64_t[::1] close, int64_t bottom,
                     int64_t top, int sign, Rules rules, Py_ssize_t t, Py_ssize_t stop, int64_t[::1] log,
                     Py_ssize_t* logged, Life* life) except -1 nogil:
    """Walk a living zone over candles t to stop - 1, or to its end."""
    cdef Py_ssize_t near
    cdef int64_t beyond
    while t < stop:
        near = approach(high, low, bottom, top, sign, t, stop)
        if near > t:
            life.inside = False
            t = near
            if t == stop:
                break
        beyond = bottom - close[t] if sign > 0 else close[t] - top
        if beyond > rules.break_ticks:
            life.invalidated = t
            life.reason = CLOSED_THROUGH
            break
        if low[t] <= top and high[t] >= bottom:
            if not life.inside:
                life.inside = True
                if life.touches == 0:
                    life.touched = t
                life.touches += 1
                if logged[0] < log.shape[0]:
                    log[logged[0]] = t
                logged[0] += 1
            if not life.filled and (low[t] <= bottom if sign > 0 else high[t] >= top):
                life.filled = True
                life.mitigated = t
            if life.touches > rules.max_touches:
                life.invalidated = t
                life.reason = TOUCHED_OUT
                break
        else:
            life.inside = False
        t += 1
    return 0


cdef inline Py_ssize_t reentry(const int64_t[::1] high, const int64_t[::1] low, int64_t bottom, int64_t top,
                               Py_ssize_t t, Py_ssize_t stop) except -2 nogil:
    """The first candle from t on inside the zone, or -1."""
    while t < stop:
        if low[t] <= top and high[t] >= bottom:
            return t
        t += 1
    return -1


cdef inline int live(const int64_t[::1] high, const int64_t[::1] low, const int64_t[::1] close, int64_t bottom,
                     int64_t top, int64_t confirmed, int sign, Rules rules, bint broken, int64_t[::1] log,
                     Py_ssize_t* logged, Life* life) except -1 nogil:
    """Lead a zone through all its states that fall on these candles."""
    cdef Py_ssize_t n = high.shape[0]
    cdef int64_t last = confirmed + rules.max_age
    cdef Py_ssize_t start = max(confirmed + 1, 0), stop = max(min(n, last + 1), 0)
    if life.reason == ALIVE:
        walk(high, low, close, bottom, top, sign, rules, start, stop, log, logged, life)
        if life.reason == ALIVE and max(last, start) < n:
            life.reason = AGED
            life.invalidated = max(last, start)
    if life.reason == CLOSED_THROUGH and not broken:
        life.breaker = reentry(high, low, bottom, top, max(start, life.invalidated + 1), stop)
    return 0


def zone_lifecycle(const int64_t[::1] high, const int64_t[::1] low, const int64_t[::1] close,
                   const int8_t[::1] direction, const int64_t[::1] bottom, const int64_t[::1] top,
                   const int64_t[::1] confirmed, int64_t max_touches, int64_t max_age, int64_t break_ticks,
                   const int64_t[::1] touches, const uint8_t[::1] inside, const uint8_t[::1] filled,
                   const int8_t[::1] reason, const uint8_t[::1] broken, Py_ssize_t room):
    """Return rows (touched, mitigated, invalidated, breaker, touches), reasons, inside, log ends and the log itself.

    The log holds the candles of all touches, zone after zone; if `room` is too small for them the walk is done again.
    """
    cdef Py_ssize_t z, k = direction.shape[0], logged = 0
    cdef Rules rules = Rules(max_touches, max_age, break_ticks)
    cdef Life life
    table = np.empty((5, k), dtype=np.int64)
    reasons = np.empty(k, dtype=np.int8)
    insides = np.empty(k, dtype=np.uint8)
    ends_of = np.zeros(k + 1, dtype=np.int64)
    logs = np.empty(room, dtype=np.int64)
    cdef int64_t[:, ::1] rows = table
    cdef int8_t[::1] why = reasons
    cdef uint8_t[::1] within = insides
    cdef int64_t[::1] ends = ends_of, log = logs

    with nogil:
        for z in range(k):
            life = Life(-1, -1, -1, -1, touches[z], inside[z], filled[z], reason[z])
            live(high, low, close, bottom[z], top[z], confirmed[z], direction[z], rules, broken[z], log, &logged, &life)
            rows[0, z] = life.touched
            rows[1, z] = life.mitigated
            rows[2, z] = life.invalidated
            rows[3, z] = life.breaker
            rows[4, z] = life.touches
            why[z] = life.reason
            within[z] = life.inside
            ends[z + 1] = logged
    if logged > room:
        return zone_lifecycle(high, low, close, direction, bottom, top, confirmed, max_touches, max_age, break_ticks,
                              touches, inside, filled, reason, broken, logged)
    return table, reasons, insides, ends_of, logs[:logged].copy()


def live_at(const int64_t[::1] confirmed, const int64_t[::1] death, const int64_t[::1] origin, int64_t at,
            int64_t window):
    out = np.empty(confirmed.shape[0], dtype=np.uint8)
    cdef uint8_t[::1] alive = out
    cdef Py_ssize_t z

    with nogil:
        for z in range(confirmed.shape[0]):
            alive[z] = confirmed[z] <= at and (death[z] < 0 or at < death[z]) and at - origin[z] < window
    return out
