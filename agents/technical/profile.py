"""Volume at price: whose volume it is, and the levels that it makes.

An index trades no volume of its own, so each candle says where its volume came from:

- ``future:<name>``: the near future's candle of the same close, moved to the index by the basis of that close;
- ``constituents:<name>``: the volume of a basket of the index's members, on the index's own range;
- ``own``: the instrument's own volume;
- ``time_at_price``: none of these has any; each minute counts as one contract.

The first of these that has volume is taken. A profile at a candle uses that candle's source and leaves out the candles
of its window that have another; `coverage` is the share that was left in.
"""

from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Self

import numpy as np

from agents.domain.candles import Candles, Int64s
from agents.technical.frames import Bools, Positions

TIME_AT_PRICE = "time_at_price"
OWN = "own"


@dataclass(frozen=True, eq=False)
class ProfileCandles:
    """The candles that a volume profile is computed from, oldest first, all columns of one length.

    Prices in ticks of the index, volume in contracts (minutes for time at price), times in seconds since 1970 UTC.
    `basis` is the future's close less the index's, in ticks, 0 for other sources. `source` counts `names`.
    """

    closed_at: Int64s
    session: Int64s
    high: Int64s
    low: Int64s
    volume: Int64s
    basis: Int64s
    source: Int64s
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of candles."""
        return int(self.closed_at.shape[0])

    def __getitem__(self, part: slice) -> Self:
        """Return the candles of a slice as views."""
        cut = {f.name: getattr(self, f.name)[part] for f in fields(self) if f.name != "names"}
        return type(self)(**cut, names=self.names)

    def then(self, later: "ProfileCandles") -> Self:
        """Return these candles followed by `later`, which may be of another interval."""
        names = tuple(dict.fromkeys((*self.names, *later.names)))
        moved = np.array([names.index(name) for name in later.names], dtype=np.int64)
        columns = {
            f.name: np.concatenate((getattr(self, f.name), getattr(later, f.name)))
            for f in fields(self)
            if f.name not in {"names", "source"}
        }
        ours = np.array([names.index(name) for name in self.names], dtype=np.int64)
        source = np.concatenate((ours[self.source], moved[later.source]))
        return type(self)(**columns, source=source, names=names)

    def source_names(self) -> list[str]:
        """Return the source of each candle in words."""
        return [self.names[code] for code in self.source]

    def mapped(self) -> Bools:
        """Return which candles were moved by a basis."""
        moved = np.array([name.startswith("future:") for name in self.names], dtype=np.bool_)
        return moved[self.source]


def profile_candles(index: Candles, future: Candles | None = None, basket: Candles | None = None) -> ProfileCandles:
    """Return the candles of an instrument's volume profile, with the best source of volume for each.

    Parameters
    ----------
    index : Candles
        The instrument itself.
    future : Candles, optional
        The near future, same interval; candles are matched by `closed_at`.
    basket : Candles, optional
        Volume of the members, same interval; only `closed_at` and `volume` are read.

    Returns
    -------
    ProfileCandles
        One per candle of `index`; depends on that candle only, so it never changes when candles are added.
    """
    minutes = np.maximum((index.closed_at - index.opened_at) // 60, 1)
    names = [TIME_AT_PRICE, OWN]
    traded = index.volume > 0
    columns = {
        "high": index.high.copy(),
        "low": index.low.copy(),
        "volume": np.where(traded, index.volume, minutes),
        "basis": np.zeros(len(index), dtype=np.int64),
        "source": traded.astype(np.int64),
    }
    if basket is not None:
        here, there = _matched(index, basket)
        columns["volume"][here] = basket.volume[there]
        columns["source"][here] = len(names)
        names.append(f"constituents:{basket.instrument}")
    if future is not None:
        here, there = _matched(index, future)
        scale = Fraction(future.tick_size) / Fraction(index.tick_size)
        basis = _rescaled(future.close[there], scale) - index.close[here]
        columns["high"][here] = _rescaled(future.high[there], scale) - basis
        columns["low"][here] = _rescaled(future.low[there], scale) - basis
        columns["volume"][here] = future.volume[there]
        columns["basis"][here] = basis
        columns["source"][here] = len(names)
        names.append(f"future:{future.instrument}")
    return ProfileCandles(closed_at=index.closed_at, session=index.session, **columns, names=tuple(names))


def _matched(index: Candles, other: Candles) -> tuple[Positions, Positions]:
    """Return the positions, in both, of the candles that close together and have volume in `other`."""
    _, here, there = np.intersect1d(index.closed_at, other.closed_at, assume_unique=True, return_indices=True)
    traded = other.volume[there] > 0
    return here[traded], there[traded]


def _rescaled(ticks: Int64s, scale: Fraction) -> Int64s:
    """Return prices in ticks of another size, ties up."""
    top, bottom = scale.numerator, scale.denominator
    return (2 * ticks * top + bottom) // (2 * bottom)
