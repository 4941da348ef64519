"""CPU time, memory bandwidth and random candles for the benchmarks."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Work = Callable[[], Any]  # Any: what is measured returns what it likes

TICK = 0.05
# A cheap piece of work is repeated until this much CPU time has gone, an expensive one is not.
ENOUGH_SECONDS = 0.5
LEAST_REPEATS = 5
MOST_REPEATS = 50
EXPENSIVE_SECONDS = 0.3


@dataclass(frozen=True, eq=False)
class Market:
    """Candles of a random walk, in ticks, and the same in rupees as the peers want them."""

    open: Int64s
    high: Int64s
    low: Int64s
    close: Int64s
    volume: Int64s

    @property
    def length(self) -> int:
        """Number of candles."""
        return int(self.high.shape[0])

    @cached_property
    def rupees(self) -> dict[str, NDArray[np.float64]]:
        """Each column as float64, prices in rupees."""
        prices = {name: np.round(getattr(self, name) * TICK, 2) for name in ("open", "high", "low", "close")}
        return {**prices, "volume": self.volume.astype(np.float64)}

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The same as a frame with a clock: 25 candles of 15 minutes a session."""
        number = np.arange(self.length)
        start = np.datetime64("2000-01-03T09:15", "ns")
        stamps = start + (number // 25) * np.timedelta64(1, "D") + (number % 25) * np.timedelta64(15, "m")
        index = pd.DatetimeIndex(stamps, name="datetime").tz_localize("Asia/Kolkata")
        return pd.DataFrame(self.rupees, index=index)


def random_market(n: int, seed: int = 7) -> Market:
    """Return `n` distinct candles that move like 15 minutes of an index: bodies of 20 ticks, wicks of 10."""
    generator = np.random.default_rng(seed)
    body = np.rint(generator.normal(0, 20, n)).astype(np.int64)
    gap = np.rint(generator.normal(0, 6, n)).astype(np.int64)
    close = 480_000 + np.cumsum(body + gap)
    open_ = close - body
    wicks = np.rint(generator.exponential(10, (2, n))).astype(np.int64)
    high, low = np.maximum(open_, close) + wicks[0], np.minimum(open_, close) - wicks[1]
    return Market(open_, high, low, close, generator.integers(1_000, 100_000, n))


def cpu_seconds(work: Work) -> float:
    """Return the least CPU time of several runs, of two if it is expensive."""
    least = spent = 0.0
    for run in range(MOST_REPEATS):
        start = time.process_time()
        work()
        seconds = time.process_time() - start
        least = seconds if run == 0 else min(least, seconds)
        spent += seconds
        if least > EXPENSIVE_SECONDS and run > 0:
            break
        if spent > ENOUGH_SECONDS and run + 1 >= LEAST_REPEATS:
            break
    return least


def copy_seconds(n_bytes: int) -> float:
    """Return the CPU time of moving `n_bytes` through memory: half of them read, half of them written."""
    source = np.ones(max(n_bytes // 16, 1))
    target = np.empty_like(source)
    target.fill(0)
    return cpu_seconds(lambda: np.copyto(target, source))


def bytes_of(result: Any) -> int:
    """Return the bytes of all arrays in a result. Any: an array, a number, or a tuple of results."""
    if isinstance(result, tuple):
        return sum(bytes_of(part) for part in result)
    return int(getattr(result, "nbytes", 0))


def speed_up_of_two_threads(left: Work, right: Work) -> float:
    """Return how much sooner two pieces of work are done in two threads than one after the other (wall time)."""

    def wall(run: Callable[[], object]) -> float:
        times = []
        for _ in range(LEAST_REPEATS):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        return min(times)

    with ThreadPoolExecutor(2) as pool:
        apart = wall(lambda: (left(), right()))
        together = wall(lambda: [task.result() for task in [pool.submit(left), pool.submit(right)]])
    return apart / together
