"""Prints a digest of every kernel's output, so that two builds can be compared.

``python -m tests.analytics_ext.kernel_digest [--checked] [FILE.parquet ...]`` prints one JSON object, from the name
of a run of candles and of a kernel to the SHA-256 of the bytes it returned. The files add recorded candles.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.analytics_ext import checked_kernels
from tests.analytics_ext.strategies import Candles, random_candles

LARGEST = 20_000


def digest(result: Any) -> str:
    """Hash a result. Any: an array, a number, or a tuple of results; their types and shapes count."""
    if isinstance(result, tuple):
        return hashlib.sha256("".join(digest(part) for part in result).encode()).hexdigest()
    array = np.asarray(result)
    described = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(described + array.tobytes()).hexdigest()


def recorded(path: Path) -> Candles:
    """Read the first candles of a file, on a grid of 0.05; a candle that contradicts itself is widened."""
    frame = pd.read_parquet(path).head(LARGEST)
    prices = np.rint(frame[["open", "high", "low", "close"]].to_numpy(dtype=np.float64) / 0.05).astype(np.int64)
    volume = frame["volume"].to_numpy().astype(np.int64)
    return Candles(prices[:, 0], prices.max(axis=1), prices.min(axis=1), prices[:, 3], volume)


def option_results(close: Any) -> Iterator[tuple[str, Any]]:
    """Yield the results of the option kernels on strikes made of closes. Any: as in `results`."""
    import analytics_ext as kernels  # noqa: PLC0415 - as in `results`

    strike = np.abs(close).astype(np.float64) + 1.0
    sign = np.where(np.arange(close.size) % 2, 1, -1)
    volatility = 0.05 + (np.arange(close.size) % 97) / 100.0
    terms = (float(np.median(strike)), strike, 0.02)
    values = kernels.black76(*terms, volatility, discount=0.999, sign=sign)
    yield "black76", values
    yield "implied_volatility", kernels.implied_volatility(values.price, *terms, discount=0.999, sign=sign)
    strikes, counts = np.unique(np.abs(close), return_counts=True)
    pain = kernels.max_pain(strikes, counts, counts[::-1], forward=terms[0])
    yield "max_pain", (pain.strike, pain.pain) if pain else None


def results(candles: Candles) -> Iterator[tuple[str, Any]]:
    """Yield the name and the result of every kernel. Any: they differ in type."""
    import analytics_ext as kernels  # noqa: PLC0415 - only now is it settled which build is imported

    open_, high, low, close, volume = candles
    gaps = kernels.fair_value_gaps(high, low, close)
    directional = kernels.fair_value_gaps(high, low, close, open=open_, directional_middle=True)
    yield "fair_value_gaps", gaps
    yield "fair_value_gaps directional", directional
    yield "fill_fraction", kernels.fill_fraction(gaps, high, low, candles.length // 2)
    for half_length in (1, 2, 5, 50):
        found = kernels.swings(high, low, half_length=half_length)
        yield f"swings {half_length}", found
        yield f"structure_breaks {half_length}", kernels.structure_breaks(close, found)
    blocks = kernels.order_blocks(*candles, half_length=5)
    yield "order_blocks", blocks
    yield "order_blocks split", kernels.order_blocks(*candles, half_length=2, boundary="split")
    yield "average_true_range", kernels.average_true_range(high, low, close)
    yield from option_results(close)
    zones = kernels.explosive_zones(open_, high, low, close)
    yield "explosive_zones", zones
    for name, family in (("gaps", gaps), ("blocks", blocks), ("zones", zones)):
        life = kernels.zone_lifecycle(high, low, close, family)
        yield f"zone_lifecycle {name}", life
        death = life.invalidated
        yield f"live_at {name}", kernels.live_at(family.confirmed, death, family.origin, candles.length // 2, 750)
    yield "confluence", kernels.confluence({"gaps": gaps, "blocks": blocks, "zones": zones})
    for spread in ("overlap", "touch"):
        profile = kernels.volume_profile(high, low, volume, row=20, spread=spread)
        yield f"volume_profile {spread}", profile
        yield f"profile_nodes {spread}", kernels.profile_nodes(profile.rows)
        for rule in ("two_row", "one_row"):
            yield f"value_area {spread} {rule}", kernels.value_area(profile.rows, rule=rule)
            yield (
                f"rolling_value_area {spread} {rule}",
                kernels.rolling_value_area(high, low, volume, window=100, row=20, spread=spread, rule=rule),
            )


def main(arguments: list[str]) -> None:
    """Print the digests."""
    if "--checked" in arguments:
        checked_kernels.install()
    runs = {f"walk {seed}": random_candles(4000, seed, step=1 + 3 * seed, wick=seed) for seed in range(3)}
    runs |= {f"few {n}": random_candles(n, n) for n in (1, 2, 3, 30)}
    runs |= {Path(name).name: recorded(Path(name)) for name in arguments if name.endswith(".parquet")}
    digests = {
        f"{run}: {kernel}": digest(result) for run, candles in runs.items() for kernel, result in results(candles)
    }
    print(json.dumps(digests))  # noqa: T201 - its output


if __name__ == "__main__":
    main(sys.argv[1:])
