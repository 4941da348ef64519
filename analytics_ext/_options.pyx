"""Loops of Black-76 values, implied volatilities and max pain."""

import numpy as np

from libc.math cimport INFINITY, NAN, erfc, exp, fabs, isfinite, isnan, log, sqrt
from libc.stdint cimport int8_t, int64_t

cdef double ROOT_HALF = sqrt(0.5)
cdef double ROOT_TWO_PI = sqrt(2.0 * 3.14159265358979323846)
# The last step that is taken on trust: convergence is of the fourth order, so what is left is far below 1e-12.
cdef double CLOSE_ENOUGH = 1e-4
cdef int MOST_STEPS = 100
cdef double DAYS_PER_YEAR = 365.0
# First guesses by the logarithm of price over distance, which spans all prices that a double can tell apart.
cdef enum:
    GUESSES = 1041
cdef double GUESSES_FROM = -60.0
cdef double GUESS_STEP = 0.0625
cdef double[GUESSES] guesses


cdef inline double normal_cdf(double x) noexcept nogil:
    return 0.5 * erfc(-x * ROOT_HALF)


def black76(const double[::1] forward, const double[::1] strike, const double[::1] years,
            const double[::1] volatility, const double[::1] discount, const int8_t[::1] sign):
    """Return price, delta, gamma, vega and theta as the rows of one array."""
    cdef Py_ssize_t i, n = forward.shape[0]
    out = np.empty((5, n))
    cdef double[:, ::1] value = out
    cdef double deviation, d1, root, above, below, density, price

    with nogil:
        for i in range(n):
            if isnan(volatility[i]):
                value[0, i] = value[1, i] = value[2, i] = value[3, i] = value[4, i] = NAN
                continue
            root = sqrt(years[i])
            deviation = volatility[i] * root
            if deviation == 0.0:
                # Nothing can change any more: the option is worth what exercising it pays.
                value[0, i] = discount[i] * max(sign[i] * (forward[i] - strike[i]), 0.0)
                value[1, i] = discount[i] * sign[i] if sign[i] * (forward[i] - strike[i]) > 0.0 else 0.0
                value[2, i] = value[3, i] = value[4, i] = 0.0
                continue
            d1 = log(forward[i] / strike[i]) / deviation + 0.5 * deviation
            above = normal_cdf(sign[i] * d1)
            below = normal_cdf(sign[i] * (d1 - deviation))
            density = exp(-0.5 * d1 * d1) / ROOT_TWO_PI
            price = discount[i] * sign[i] * (forward[i] * above - strike[i] * below)
            value[0, i] = price
            value[1, i] = discount[i] * sign[i] * above
            value[2, i] = discount[i] * density / (forward[i] * deviation)
            value[3, i] = discount[i] * forward[i] * density * root / 100.0
            value[4, i] = (-discount[i] * forward[i] * density * volatility[i] / (2.0 * root)
                           - log(discount[i]) / years[i] * price) / DAYS_PER_YEAR
    return out


cdef inline double worth(double x, double deviation) noexcept nogil:
    """The undiscounted option out of the money over sqrt(forward * strike); x = -|log(forward / strike)|."""
    cdef double h = x / deviation, t = 0.5 * deviation
    return exp(0.5 * x) * normal_cdf(h + t) - exp(-0.5 * x) * normal_cdf(h - t)


cdef void fill_guesses() noexcept nogil:
    """Tabulate log(z) over log((density(z) - z * cdf(-z)) / z): the distance of the strike in deviations, by price."""
    cdef double low = 1e-4, high = 20.0, wanted, z
    cdef int i, k

    for i in range(GUESSES):
        wanted = exp(GUESSES_FROM + i * GUESS_STEP)
        low, high = 1e-4, 20.0
        for k in range(60):
            z = 0.5 * (low + high)
            if exp(-0.5 * z * z) / ROOT_TWO_PI - z * normal_cdf(-z) > wanted * z:
                low = z
            else:
                high = z
        guesses[i] = log(z)


fill_guesses()


cdef inline double first_guess(double x, double target) noexcept nogil:
    """The deviation if prices moved by amounts instead of shares: right but for its square over 24."""
    cdef double place
    cdef int i

    if x == 0.0:
        return target * ROOT_TWO_PI
    place = (log(-target / x) - GUESSES_FROM) / GUESS_STEP
    if place <= 0.0:
        return -x / sqrt(-2.0 * log(-target / x))
    if place >= GUESSES - 1:
        return target * ROOT_TWO_PI
    i = <int>place
    return -x * exp(-(guesses[i] + (place - i) * (guesses[i + 1] - guesses[i])))


cdef inline double deviation_of(double x, double target) noexcept nogil:
    """The deviation (volatility times root of time) at which `worth` is `target`; NaN if none is found.

    Householder's third-order step inside a bracket that every step narrows; a step that leaves it is replaced by half
    the bracket.
    """
    cdef double guess = first_guess(x, target), low = 0.0, high = INFINITY
    cdef double value, slope, second, third, newton, step, h
    cdef int k

    for k in range(MOST_STEPS):
        value = worth(x, guess)
        h = x / guess
        if value > target:
            high = min(high, guess)
        else:
            low = max(low, guess)
        slope = exp(-0.5 * (h * h + 0.25 * guess * guess)) / ROOT_TWO_PI
        step = NAN
        if slope > 0.0:
            newton = (target - value) / slope
            second = h * h / guess - 0.25 * guess
            third = second * second - 3.0 * h * h / (guess * guess) - 0.25
            step = newton * (1.0 + 0.5 * second * newton) / (1.0 + newton * (second + third * newton / 6.0))
        if isfinite(step) and low <= guess + step <= high:
            guess = guess + step
            if fabs(step) <= CLOSE_ENOUGH * guess:
                return guess
        else:
            step = 0.5 * (low + high) if isfinite(high) else 2.0 * guess + 0.1
            if fabs(step - guess) <= 1e-15 * step:
                return step
            guess = step
    return NAN


def implied_volatility(const double[::1] premium, const double[::1] forward, const double[::1] strike,
                       const double[::1] years, const double[::1] discount, const int8_t[::1] sign):
    """Return the volatility of each premium; NaN where the premium is NaN or outside the no-arbitrage bounds."""
    cdef Py_ssize_t i, n = premium.shape[0]
    out = np.empty(n)
    cdef double[::1] found = out
    cdef double value, x, middle

    with nogil:
        for i in range(n):
            found[i] = NAN
            if not (premium[i] > 0.0 and years[i] > 0.0):
                continue
            value = premium[i] / discount[i]
            # By parity the option out of the money at the same strike has the same volatility, and no intrinsic value.
            if sign[i] * (forward[i] - strike[i]) > 0.0:
                value = value - fabs(forward[i] - strike[i])
            middle = sqrt(forward[i] * strike[i])
            x = -fabs(log(forward[i] / strike[i]))
            value = value / middle
            if value > 0.0 and value < exp(0.5 * x):
                found[i] = deviation_of(x, value) / sqrt(years[i])
    return out


def max_pain(const int64_t[::1] strike, const int64_t[::1] calls, const int64_t[::1] puts, double forward):
    """Return the position of the strike with the least pain; strikes ascend."""
    cdef Py_ssize_t i, best = 0, n = strike.shape[0]
    # Sums reach strikes * interest * strikes, beyond 64 bits only for amounts that the caller refuses.
    pains = np.empty(n, dtype=np.int64)
    cdef int64_t[::1] pain = pains
    cdef int64_t held = 0, weighted = 0

    with nogil:
        for i in range(n):
            pain[i] = strike[i] * held - weighted
            held += calls[i]
            weighted += strike[i] * calls[i]
        held = 0
        weighted = 0
        for i in range(n - 1, -1, -1):
            pain[i] += weighted - strike[i] * held
            held += puts[i]
            weighted += strike[i] * puts[i]
        for i in range(1, n):
            if pain[i] < pain[best] or (pain[i] == pain[best]
                                        and fabs(strike[i] - forward) < fabs(strike[best] - forward)):
                best = i
    return best, pains
