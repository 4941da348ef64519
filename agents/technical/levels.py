"""The levels of a volume profile at every candle: point of control and value area, in ticks."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from agents.domain.candles import Candles, Int64s
from agents.settings import Settings
from agents.technical.frames import Bools, Float64s, rows_known_at
from agents.technical.profile import ProfileCandles
from analytics_ext import rolling_value_area, value_area, volume_profile

ROLLING = "rolling"
SESSION = "session"


class Levels(NamedTuple):
    """One entry per candle from `first` on.

    `poc` is the middle of the fullest row, `val` the lower edge of the value area and `vah` its upper edge, in ticks.
    `total` is the volume counted, `coverage` the share of the window's candles that have the candle's own source.
    """

    first: int
    poc: Int64s
    val: Int64s
    vah: Int64s
    total: Int64s
    coverage: Float64s


def rolling_levels(profile: ProfileCandles, settings: Settings, first: int = 0) -> Levels:
    """Return the levels over the last `settings.window` candles, at candle `first` and each later one."""
    starts = np.maximum(np.arange(len(profile), dtype=np.int64) - settings.window + 1, 0)
    return _levels(profile, starts, settings.window, settings, first)


def session_levels(profile: ProfileCandles, settings: Settings, first: int = 0) -> Levels:
    """Return the levels that develop from the open of each session, at candle `first` and each later one."""
    return _levels(profile, run_starts(profile.session), len(profile), settings, first)


def run_starts(values: Int64s) -> Int64s:
    """Return for each position where its run of equal values began."""
    where = np.arange(values.shape[0], dtype=np.int64)
    changed = np.concatenate((np.ones(1, dtype=np.bool_), values[1:] != values[:-1]))
    return np.maximum.accumulate(np.where(changed, where, 0))


def levels_of(profile: ProfileCandles, settings: Settings) -> tuple[int, int, int]:
    """Return poc, val and vah in ticks of all candles that have the source of the last one.

    Raises
    ------
    ValueError
        If `profile` is empty.
    """
    own = profile.source == profile.source[-1]
    found = volume_profile(profile.high[own], profile.low[own], profile.volume[own], row=settings.row_ticks)
    area = value_area(found.rows, fraction=settings.value_fraction)
    poc, val, vah = (found.first_row + position for position in (area.poc, area.val, area.vah))
    row = settings.row_ticks
    return poc * row + row // 2, val * row, (vah + 1) * row


def _levels(profile: ProfileCandles, starts: Int64s, window: int, settings: Settings, first: int) -> Levels:
    """Return the levels of the windows ``starts[t]`` to t, with the kernel wherever a window has one source only."""
    source = run_starts(profile.source)
    pure = source <= starts
    pure[:first] = False
    table = np.zeros((3, len(profile)), dtype=np.int64)
    for begin, end in _stretches(pure, starts, source):
        slide = rolling_value_area(
            *(column[starts[begin] : end] for column in (profile.high, profile.low, profile.volume)),
            window=window,
            row=settings.row_ticks,
            fraction=settings.value_fraction,
        )
        rows = np.stack((slide.poc, slide.val, slide.vah))
        table[:, begin:end] = _edges(rows[:, begin - starts[begin] :], settings.row_ticks)
    for t in np.flatnonzero(~pure[first:]) + first:
        table[:, t] = levels_of(profile[int(starts[t]) : int(t) + 1], settings)
    total, share = _counts(profile, starts)
    poc, val, vah = table[:, first:]
    return Levels(first, poc, val, vah, total[first:], share[first:])


def _stretches(pure: Bools, starts: Int64s, source: Int64s) -> list[tuple[int, int]]:
    """Return the runs of candles whose windows one call of the kernel can slide over: (first, past the last)."""
    where = np.arange(pure.shape[0], dtype=np.int64)
    # A window that begins at its own candle (a session's open), a new source or an impure window cuts a run.
    cut = np.flatnonzero((starts == where) | (source == where) | (np.diff(pure, prepend=~pure[:1]) != 0))
    ends = np.append(cut[1:], pure.shape[0])
    return [(int(begin), int(end)) for begin, end in zip(cut, ends, strict=True) if pure[begin]]


def _edges(rows: Int64s, row: int) -> Int64s:
    """Return rows of poc, val and vah as ticks: the middle, the lower edge, the upper edge."""
    return rows * row + np.array([[row // 2], [0], [row]], dtype=np.int64)


def _counts(profile: ProfileCandles, starts: Int64s) -> tuple[Int64s, Float64s]:
    """Return the volume counted in each window and the share of its candles that were counted."""
    n = len(profile)
    total = np.zeros(n, dtype=np.int64)
    share = np.zeros(n, dtype=np.float64)
    width = np.arange(1, n + 1) - starts
    for code in range(len(profile.names)):
        own = profile.source == code
        volume = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(np.where(own, profile.volume, 0))))
        count = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(own)))
        total[own] = (volume[1:] - volume[starts])[own]
        share[own] = ((count[1:] - count[starts]) / width)[own]
    return total, share


def profile_frame(candles: Candles, profile: ProfileCandles, settings: Settings, first: int = 0) -> pd.DataFrame:
    """Return the rows of `volume_profile` known at candle `first` or later: both scopes, ordered by candle."""
    at = np.arange(first, len(candles))
    scopes = ((ROLLING, rolling_levels(profile, settings, first)), (SESSION, session_levels(profile, settings, first)))
    basis = pd.array(np.where(profile.mapped()[at], profile.basis[at], 0), dtype="Int64")
    basis[~profile.mapped()[at]] = pd.NA
    sources = np.array(profile.names, dtype=object)[profile.source[at]]
    frames = [
        rows_known_at(
            candles,
            at,
            {
                "scope": np.full(at.shape[0], scope, dtype=object),
                "poc": levels.poc,
                "val": levels.val,
                "vah": levels.vah,
                "row_ticks": np.full(at.shape[0], settings.row_ticks, dtype=np.int64),
                "total_volume": levels.total,
                "source": sources,
                "basis": basis,
                "coverage": levels.coverage,
            },
        )
        for scope, levels in scopes
    ]
    return pd.concat(frames, ignore_index=True).sort_values("known_at", kind="stable", ignore_index=True)


def row_frame(candles: Candles, profile: ProfileCandles, settings: Settings, first: int = 0) -> pd.DataFrame:
    """Return the rows of `volume_profile_rows`: what each candle from `first` on added, by price row.

    The rows of a session's candles up to a moment that have the source of the last of them add up to the session's
    profile then. `price_row` counts rows of `settings.row_ticks` ticks from price 0; the volume is in 1/65536
    contracts.
    """
    at, rows, volumes = [], [], []
    for t in range(first, len(candles)):
        found = volume_profile(
            profile.high[t : t + 1], profile.low[t : t + 1], profile.volume[t : t + 1], row=settings.row_ticks
        )
        some = np.flatnonzero(found.rows)
        rows.append(some + found.first_row)
        volumes.append(found.rows[some])
        at.append(np.full(some.shape[0], t, dtype=np.int64))
    if not at:
        return rows_known_at(candles, np.zeros(0, dtype=np.int64), {"price_row": [], "volume_fixed": []})
    price_row, volume = np.concatenate(rows), np.concatenate(volumes)
    return rows_known_at(candles, np.concatenate(at), {"price_row": price_row, "volume_fixed": volume})
