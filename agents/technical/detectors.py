"""Each detector as prefix replay asks it: what it says on the first n candles."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from agents.domain.candles import Candles, Int64s, moment
from agents.settings import Settings
from agents.technical.analysis import Analysis, analyse
from agents.technical.explosive import explosive_zones
from agents.technical.findings import EVENT_ORDER, NEVER, Findings
from agents.technical.gaps import fair_value_gaps
from agents.technical.levels import rolling_levels, run_starts, session_levels
from agents.technical.order_blocks import order_blocks, trend
from agents.technical.prefixes import Column, Detector, Rows
from agents.technical.profile import ProfileCandles
from analytics_ext import average_true_range, structure_breaks, swings


def detectors(candles: Candles, profile: ProfileCandles, settings: Settings, first: int = 0) -> Mapping[str, Detector]:
    """Return every detector below the zones, by name; each reports what it knew at candle `first` and later."""

    def gaps(n: int) -> Rows:
        return _finding_rows(fair_value_gaps(candles[:n], settings), first)

    def blocks(n: int) -> Rows:
        return _finding_rows(order_blocks(candles[:n], settings), first)

    def explosive(n: int) -> Rows:
        return _finding_rows(explosive_zones(candles[:n], settings), first)

    def turning(n: int) -> Rows:
        found = swings(candles.high[:n], candles.low[:n], half_length=settings.half_length)
        return _since(first, Rows(found.confirmed, (found.index, found.kind), (found.level,)))

    def breaks(n: int) -> Rows:
        part = candles[:n]
        found = structure_breaks(part.close, swings(part.high, part.low, half_length=settings.half_length))
        return _since(first, Rows(found.at, (found.at, found.direction), (found.kind, found.level, found.swing)))

    def ranges(n: int) -> Rows:
        part = candles[:n]
        found = average_true_range(part.high, part.low, part.close)
        at = np.arange(n, dtype=np.int64)
        return _since(first, Rows(at, (at,), (_bits(found), trend(part, settings))))

    def levels(n: int) -> Rows:
        # The profile of a candle is asked for while its session is the last one, which is when it is made.
        begin = max(first, int(run_starts(profile.session[:n])[-1])) if n < len(profile) else first
        return _level_rows(profile[:n], settings, begin)

    return {
        "fair_value_gaps": gaps,
        "order_blocks": blocks,
        "explosive_zones": explosive,
        "swings": turning,
        "structure_breaks": breaks,
        "true_range_and_trend": ranges,
        "volume_profile": levels,
    }


def zone_detector(
    candles: Candles, profile: ProfileCandles, settings: Settings, prefixes: Int64s, first: int = 0
) -> Detector:
    """Return the zones as a detector: the rows that became known since the prefix before, as the store gets them.

    `prefixes` are the lengths it will be asked for, ascending. So each row known at candle `first` or later is
    computed on a history that ends soon after it, and compared with the same row computed on everything.
    """
    known_before = np.concatenate((np.array([first], dtype=np.int64), prefixes))
    whole: list[Rows] = []

    def zones(n: int) -> Rows:
        if not whole:  # the harness asks for everything first
            whole.append(rows_of(len(candles), first))
            return whole[0]
        return rows_of(n, int(known_before[np.searchsorted(prefixes, n)]))

    def rows_of(n: int, begin: int) -> Rows:
        since = moment(int(candles.closed_at[begin - 1])) if begin else None
        return _analysis_rows(analyse(candles[:n], profile[:n], settings, since=since), begin)

    return zones


def _since(first: int, rows: Rows) -> Rows:
    """Return the rows known at candle `first` or later."""
    part = rows.known >= first
    return Rows(rows.known[part], [c[part] for c in rows.key], [c[part] for c in rows.fields], first)


def _finding_rows(found: Findings, first: int) -> Rows:
    """Return findings and the events of their lives; an event is known at its own candle."""
    known, who, code = [found.known], [np.arange(len(found))], [np.full(len(found), NEVER)]
    for event, at in found.events.items():
        part = np.flatnonzero(at != NEVER)
        known.append(at[part])
        who.append(part)
        code.append(np.full(part.shape[0], EVENT_ORDER[event]))
    finding = np.concatenate(who)
    key = (found.direction, found.low, found.high, found.origin, found.known)
    extra = (*found.extra.values(), *found.moments.values())
    rows = Rows(
        np.concatenate(known),
        [column[finding] for column in key],
        [np.concatenate(code), *(column[finding] for column in extra)],
    )
    return _since(first, rows)


def _level_rows(profile: ProfileCandles, settings: Settings, first: int) -> Rows:
    at = np.arange(first, len(profile), dtype=np.int64)
    columns: list[Column] = []
    for found in (rolling_levels(profile, settings, first), session_levels(profile, settings, first)):
        columns += [found.poc, found.val, found.vah, found.total, _bits(found.coverage)]
    return Rows(at, (at,), (*columns, profile.source[first:], profile.basis[first:]), first)


def _bits(values: Column) -> Int64s:
    """Return floats as the integers that have their bits, so that NaN equals itself."""
    return np.ascontiguousarray(values, dtype=np.float64).view(np.int64)


def _analysis_rows(analysis: Analysis, first: int) -> Rows:
    """Return the rows of every table of the zones, one string a row."""
    tables = {
        "id": (analysis.zones, analysis.zone_events),
        "zone_id": (analysis.zone_components, analysis.zone_parts),
    }
    known, key, text = [], [], []
    for name, frames in tables.items():
        for frame in frames:
            known.append(_candles_of(analysis.candles, frame))
            key += [str(value) for value in frame[name].tolist()]
            text += [repr(row) for row in frame.itertuples(index=False, name=None)]
    return Rows(np.concatenate(known), [np.array(key, dtype=object)], [np.array(text, dtype=object)], first)


def _candles_of(candles: Candles, frame: pd.DataFrame) -> Int64s:
    """Return the candle at whose close each row became known."""
    seconds = frame["known_at"].to_numpy(dtype="datetime64[s]").astype(np.int64)
    return np.searchsorted(candles.closed_at, seconds).astype(np.int64)
