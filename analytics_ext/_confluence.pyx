"""The sweep over the edges of zones that finds where families agree."""

import numpy as np

from libc.stdint cimport int64_t


cdef inline int push(int64_t[::1] heap, Py_ssize_t base, Py_ssize_t size, const double[::1] weight,
                     int64_t zone) except -1 nogil:
    """Put a zone on a family's heap, heaviest first, that holds `size` zones from `base` on."""
    cdef Py_ssize_t child = size, parent
    while child > 0:
        parent = (child - 1) // 2
        if weight[heap[base + parent]] >= weight[zone]:
            break
        heap[base + child] = heap[base + parent]
        child = parent
    heap[base + child] = zone
    return 0


cdef inline int pop(int64_t[::1] heap, Py_ssize_t base, Py_ssize_t size, const double[::1] weight) except -1 nogil:
    """Take the heaviest of `size` zones off a family's heap."""
    cdef Py_ssize_t parent = 0, child
    cdef int64_t moved = heap[base + size - 1]
    while True:
        child = 2 * parent + 1
        if child >= size - 1:
            break
        if child + 1 < size - 1 and weight[heap[base + child + 1]] > weight[heap[base + child]]:
            child += 1
        if weight[heap[base + child]] <= weight[moved]:
            break
        heap[base + parent] = heap[base + child]
        parent = child
    heap[base + parent] = moved
    return 0


cdef inline double score_at(int64_t level, int64_t[::1] heap, const int64_t[::1] bases, int64_t[::1] sizes,
                            const int64_t[::1] open_count, const int64_t[::1] top,
                            const double[::1] weight) except? -1.0 nogil:
    """Sum, over the families, of their heaviest zone at this level. Zones that have ended leave when they surface."""
    cdef double score = 0.0
    cdef Py_ssize_t family
    for family in range(sizes.shape[0]):
        if open_count[family] == 0:
            continue
        while top[heap[bases[family]]] < level:
            pop(heap, bases[family], sizes[family], weight)
            sizes[family] -= 1
        score += weight[heap[bases[family]]]
    return score


cdef inline Py_ssize_t leave(int64_t level, Py_ssize_t ended, const int64_t[::1] family, const int64_t[::1] top,
                             const int64_t[::1] by_top, int64_t[::1] open_count, int64_t* distinct) except -1 nogil:
    """Count the zones below this level out; return how many have ended."""
    cdef Py_ssize_t f
    while ended < top.shape[0] and top[by_top[ended]] < level:
        f = family[by_top[ended]]
        open_count[f] -= 1
        distinct[0] -= open_count[f] == 0
        ended += 1
    return ended


def sweep(const int64_t[::1] family, const int64_t[::1] bottom, const int64_t[::1] top, const double[::1] weight,
          const int64_t[::1] by_bottom, const int64_t[::1] by_top, const int64_t[::1] bases, Py_ssize_t min_families):
    """Return rows (bottom, top, families) and scores of the intervals on which `min_families` families lie.

    `by_bottom` and `by_top` order the zones; `bases` are the running counts of zones per family, the room of its heap.
    """
    cdef Py_ssize_t k = bottom.shape[0], started = 0, ended = 0, found = -1, f
    cdef int64_t level, distinct = 0
    cdef bint within = False
    intervals = np.zeros((3, k), dtype=np.int64)
    best = np.zeros(k)
    cdef int64_t[:, ::1] interval = intervals
    cdef double[::1] scores = best
    cdef int64_t[::1] heap = np.zeros(k, dtype=np.int64)
    cdef int64_t[:, ::1] counts = np.zeros((2, bases.shape[0]), dtype=np.int64)
    cdef int64_t[::1] sizes = counts[0], open_count = counts[1]

    with nogil:
        while ended < k:
            level = top[by_top[ended]] + 1
            if started < k:
                level = min(level, bottom[by_bottom[started]])
            ended = leave(level, ended, family, top, by_top, open_count, &distinct)
            while started < k and bottom[by_bottom[started]] == level:
                f = family[by_bottom[started]]
                push(heap, bases[f], sizes[f], weight, by_bottom[started])
                sizes[f] += 1
                distinct += open_count[f] == 0
                open_count[f] += 1
                started += 1
            if distinct < min_families:
                if within:
                    interval[1, found] = level - 1
                within = False
                continue
            if not within:
                found += 1
                interval[0, found] = level
                within = True
            scores[found] = max(scores[found], score_at(level, heap, bases, sizes, open_count, top, weight))
            interval[2, found] = max(interval[2, found], distinct)
    return intervals[:, :found + 1].copy(), best[:found + 1].copy()
