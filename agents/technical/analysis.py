"""Everything the technical agent knows of one instrument's history, computed in one pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd

from agents.domain.candles import Candles, epoch, moment
from agents.domain.errors import MissingDataError
from agents.domain.values import to_rupees
from agents.domain.zones import ComponentKind, ZoneAnalysis, range_in_rupees
from agents.settings import Settings
from agents.technical.book import ZoneBook
from agents.technical.confidence import Context
from agents.technical.explosive import explosive_zones
from agents.technical.findings import Findings
from agents.technical.frames import Float64s, rows_known_at
from agents.technical.gaps import fair_value_gaps
from agents.technical.levels import profile_frame, rolling_levels, row_frame, run_starts
from agents.technical.order_blocks import order_blocks, trend
from agents.technical.profile import ProfileCandles
from agents.technical.zones import Components, zone_runs
from analytics_ext import average_true_range

# A regular session of the exchange; `session_share` is a share of it.
REGULAR_MINUTES = 375


@dataclass(frozen=True, eq=False)
class Analysis:
    """The findings and zones of one history, as rows of the store and as values.

    Rows are those that became known at candle `first` or later; the frames have the columns of their tables except
    ``recorded_at``, in the order in which things became known. Build it with `analyse`.
    """

    candles: Candles
    profile: ProfileCandles
    settings: Settings
    first: int
    findings: Mapping[ComponentKind, Findings]
    book: ZoneBook

    @cached_property
    def order_blocks(self) -> pd.DataFrame:
        """Rows of the table `order_blocks`."""
        return self.findings[ComponentKind.ORDER_BLOCK].frame(self.first)

    @cached_property
    def fair_value_gaps(self) -> pd.DataFrame:
        """Rows of the table `fair_value_gaps`."""
        return self.findings[ComponentKind.FAIR_VALUE_GAP].frame(self.first)

    @cached_property
    def explosive_zones(self) -> pd.DataFrame:
        """Rows of the table `explosive_zones`."""
        return self.findings[ComponentKind.EXPLOSIVE_ZONE].frame(self.first)

    @cached_property
    def zones(self) -> pd.DataFrame:
        """Rows of the table `zones`."""
        return self.book.zone_frame(self.book.known_since(self.first))

    @cached_property
    def zone_components(self) -> pd.DataFrame:
        """Rows of the table `zone_components`."""
        return self.book.component_frame(self.book.known_since(self.first))

    @cached_property
    def zone_parts(self) -> pd.DataFrame:
        """Rows of the table `zone_parts`."""
        return self.book.part_frame(self.book.known_since(self.first))

    @cached_property
    def lifecycle_events(self) -> pd.DataFrame:
        """Rows of the table `lifecycle_events`: of the three families of findings, and of the zones."""
        frames = [found.event_frame(self.first) for found in self.findings.values()]
        return pd.concat([*frames, self.zone_events], ignore_index=True)

    @cached_property
    def zone_events(self) -> pd.DataFrame:
        """Rows of the table `lifecycle_events` of the zones alone."""
        return self.book.event_frame(range(len(self.book.runs)), self.first, len(self.candles))

    @cached_property
    def carried(self) -> Mapping[str, pd.DataFrame]:
        """Rows that became known before candle `first`, by table, of the zones that lived right before it.

        A store that holds these beside the rows since then knows every zone that lives, also where the sessions
        before were never analysed.
        """
        numbers = self.book.living(self.first - 1) if self.first else []
        return {
            "zones": self.book.zone_frame(numbers),
            "zone_components": self.book.component_frame(numbers),
            "zone_parts": self.book.part_frame(numbers),
            "lifecycle_events": self.book.event_frame(numbers, 0, self.first),
        }

    @cached_property
    def analysis_candles(self) -> pd.DataFrame:
        """Rows of the table `analysis_candles`."""
        at, context = np.arange(self.first, len(self.candles)), self.book.context
        offset = self.first - context.levels.first
        poc, val, vah = (level[offset:] for level in context.levels[1:4])
        own = {
            "candle": at,
            "close": self.candles.close[at],
            "atr": context.atr[at],
            "trend": context.trend[at],
            "poc": poc,
            "val": val,
            "vah": vah,
            "profile_source": np.array(self.profile.names, dtype=object)[self.profile.source[at]],
            "session_share": session_share(self.candles)[at],
            "live_zones": self.book.counts(self.first),
        }
        return rows_known_at(self.candles, at, own)

    @cached_property
    def volume_profile(self) -> pd.DataFrame:
        """Rows of the table `volume_profile`."""
        return profile_frame(self.candles, self.profile, self.settings, self.first)

    @cached_property
    def volume_profile_rows(self) -> pd.DataFrame:
        """Rows of the table `volume_profile_rows`."""
        return row_frame(self.candles, self.profile, self.settings, self.first)

    def analysis_at(self, now: datetime) -> ZoneAnalysis:
        """Return what was known at the last candle that had closed by `now`, without verdicts.

        Raises
        ------
        MissingDataError
            If no candle had closed by `now`, or the analysis was asked to begin after it.
        """
        at = int(np.searchsorted(self.candles.closed_at, epoch(now), side="right")) - 1
        if at < max(self.first - 1, 0):
            raise MissingDataError(
                f"{self.candles.instrument}: the analysis begins after {now.isoformat()}; "
                "import earlier candles, or analyse from an earlier moment"
            )
        tick, context = self.candles.tick_size, self.book.context
        here = at - context.levels.first
        atr = float(context.atr[at])
        poc, val, vah = (to_rupees(int(level[here]), tick) for level in context.levels[1:4])
        return ZoneAnalysis(
            instrument=self.candles.instrument,
            bar_at=moment(int(self.candles.closed_at[at])),
            close=to_rupees(int(self.candles.close[at]), tick),
            atr=None if np.isnan(atr) else range_in_rupees(atr, tick),
            poc=poc,
            val=val,
            vah=vah,
            profile_source=self.profile.names[int(self.profile.source[at])],
            trend=int(context.trend[at]),
            candle=at,
            session_share=float(session_share(self.candles)[at]),
            zones=tuple(self.book.zone(number, at) for number in self.book.living(at)),
        )


def analyse(
    candles: Candles, profile: ProfileCandles, settings: Settings, *, since: datetime | None = None
) -> Analysis:
    """Find everything in a history: order blocks, gaps, explosive zones, zones, and what became of them.

    Parameters
    ----------
    candles : Candles
        The whole history up to the moment, candles of 15 minutes. Nothing later than its last close is looked at, and
        nothing that became known by a close depends on later candles.
    profile : ProfileCandles
        One for each candle, from `profile_candles`.
    settings : Settings
        `half_length`, `window`, `row_ticks`, `value_fraction` and `min_families`.
    since : datetime, optional
        Return only rows that became known later than this; the zones before it are then looked back for only as far
        as one can live. Without it, all rows.

    Returns
    -------
    Analysis

    Raises
    ------
    MissingDataError
        If there is no candle.
    ValueError
        If `profile` belongs to other candles.
    """
    if len(candles) == 0:
        raise MissingDataError(f"{candles.instrument}: there are no candles to analyse; import or simulate some first")
    if not np.array_equal(candles.closed_at, profile.closed_at):
        raise ValueError(f"profile: belongs to other candles than those of {candles.instrument}; make it from them")
    first = 0 if since is None else int(np.searchsorted(candles.closed_at, epoch(since), side="right"))
    start = max(0, first - settings.window - 1)
    findings = {
        ComponentKind.ORDER_BLOCK: order_blocks(candles, settings),
        ComponentKind.FAIR_VALUE_GAP: fair_value_gaps(candles, settings),
        ComponentKind.EXPLOSIVE_ZONE: explosive_zones(candles, settings),
    }
    components = Components.of(tuple(findings.values()), start)
    context = Context(
        candles=candles,
        atr=average_true_range(candles.high, candles.low, candles.close),
        trend=trend(candles, settings),
        levels=rolling_levels(profile, settings, start),
    )
    book = ZoneBook(zone_runs(components, candles, settings, start), components, context)
    return Analysis(candles, profile, settings, first, findings, book)


def session_share(candles: Candles) -> Float64s:
    """Return the part of a regular session that has passed since the session's first candle opened, at most 1."""
    opened = candles.opened_at[run_starts(candles.session)]
    return np.minimum((candles.closed_at - opened) / (60.0 * REGULAR_MINUTES), 1.0)
