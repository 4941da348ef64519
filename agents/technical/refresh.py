"""Between two analysis candles: what the last closed minutes did to the zones and to the session's profile."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import numpy as np
from pydantic import AwareDatetime

from agents.domain.candles import Candles, moment
from agents.domain.values import Frozen, Probability, Rupees, to_rupees, to_ticks
from agents.domain.zones import Zone, ZoneAnalysis, confidence_after
from agents.settings import Settings
from agents.technical.levels import levels_of
from agents.technical.profile import ProfileCandles
from agents.technical.zones import BREAK_TICKS
from analytics_ext import Lifecycle, Progress, Zones, zone_lifecycle

_NO_LIMIT = 2**40  # of visits and of age: within one candle of fifteen minutes neither ends a zone


class LiveState(StrEnum):
    """A zone after the last closed minute."""

    FRESH = "fresh"
    TOUCHED = "touched"
    BROKEN = "broken"


class LiveZone(Frozen):
    """A zone of the last analysis, brought up to the last closed minute.

    `touches` and `confidence` include the visits of those minutes. `broken_at` is when a minute closed beyond the far
    edge by more than a tick; such a zone must not be traded.
    """

    zone: Zone
    state: LiveState
    touches: int
    confidence: Probability
    broken_at: AwareDatetime | None = None

    @property
    def live(self) -> bool:
        """Whether the zone still stands."""
        return self.state is not LiveState.BROKEN


class LiveAnalysis(Frozen):
    """The last analysis as of the last closed minute, `as_of`.

    `close` is the price then. `poc`, `val` and `vah` are those of the session's profile up to then, None where no
    profile was given; `profile_source` says whose volume it counts.
    """

    instrument: str
    as_of: AwareDatetime
    close: Rupees
    zones: tuple[LiveZone, ...]
    poc: Rupees | None = None
    val: Rupees | None = None
    vah: Rupees | None = None
    profile_source: str | None = None

    @property
    def live_zones(self) -> tuple[LiveZone, ...]:
        """The zones that still stand, in the order of the analysis."""
        return tuple(zone for zone in self.zones if zone.live)


def refresh(
    analysis: ZoneAnalysis, minutes: Candles, session_profile: ProfileCandles | None, settings: Settings
) -> LiveAnalysis:
    """Bring an analysis up to the last closed minute with the kernels that made it.

    Parameters
    ----------
    analysis : ZoneAnalysis
        The last analysis.
    minutes : Candles
        Candles of one minute of the same instrument, oldest first; those that closed by `analysis.bar_at` are
        ignored, so passing more than needed does no harm. May be empty.
    session_profile : ProfileCandles, optional
        All candles of the session's profile up to the last closed minute: `profile_candles` of the session's minutes,
        or of its analysis candles ``.then`` those of the minutes since.
    settings : Settings
        `row_ticks` and `value_fraction`.

    Returns
    -------
    LiveAnalysis
        Every zone of the analysis, in its order. A visit counts when a minute inside a zone follows one outside;
        whether price was inside at `analysis.bar_at` is taken from its close.

    Raises
    ------
    ValueError
        If `minutes` belongs to another instrument, or a price is off its ticks.
    """
    if minutes.instrument != analysis.instrument:
        raise ValueError(f"minutes: are of {minutes.instrument}, the analysis is of {analysis.instrument}")
    later = minutes.after(analysis.bar_at)
    zones = _refreshed(analysis, later) if len(later) and analysis.zones else [_as_it_was(z) for z in analysis.zones]
    poc, val, vah, source = None, None, None, None
    if session_profile is not None and len(session_profile):
        poc, val, vah, source = _developing(session_profile, minutes, settings)
    return LiveAnalysis(
        instrument=analysis.instrument,
        as_of=moment(int(later.closed_at[-1])) if len(later) else analysis.bar_at,
        close=to_rupees(int(later.close[-1]), minutes.tick_size) if len(later) else analysis.close,
        zones=tuple(zones),
        poc=poc,
        val=val,
        vah=vah,
        profile_source=source,
    )


def _developing(profile: ProfileCandles, minutes: Candles, settings: Settings) -> tuple[Rupees, Rupees, Rupees, str]:
    """Return poc, val and vah of the session so far in rupees, and whose volume they count."""
    poc, val, vah = (to_rupees(mark, minutes.tick_size) for mark in levels_of(profile, settings))
    return poc, val, vah, profile.names[int(profile.source[-1])]


def _as_it_was(zone: Zone) -> LiveZone:
    state = LiveState.TOUCHED if zone.touches else LiveState.FRESH
    return LiveZone(zone=zone, state=state, touches=zone.touches, confidence=zone.confidence)


def _refreshed(analysis: ZoneAnalysis, minutes: Candles) -> list[LiveZone]:
    """Return the zones after `minutes`, of which there is at least one."""
    bands = _bands(analysis.zones, minutes)
    close = to_ticks(analysis.close, minutes.tick_size)
    no = np.zeros(len(analysis.zones), dtype=np.bool_)
    before = Progress(
        touches=np.array([zone.touches for zone in analysis.zones], dtype=np.int64),
        inside=(bands.bottom <= close) & (close <= bands.top),
        mitigated=no,
        reason=np.zeros(no.shape, dtype=np.int8),
        breaker=no,
    )
    life = zone_lifecycle(
        minutes.high,
        minutes.low,
        minutes.close,
        bands,
        max_touches=_NO_LIMIT,
        max_age=_NO_LIMIT,
        break_ticks=BREAK_TICKS,
        before=before,
    )
    return [_live_zone(zone, life, number, minutes) for number, zone in enumerate(analysis.zones)]


def _bands(zones: Sequence[Zone], minutes: Candles) -> Zones:
    """Return the zones in ticks, known before the first of `minutes`."""
    tick = minutes.tick_size
    return Zones(
        np.array([zone.side.sign for zone in zones], dtype=np.int8),
        np.array([to_ticks(zone.low, tick) for zone in zones], dtype=np.int64),
        np.array([to_ticks(zone.high, tick) for zone in zones], dtype=np.int64),
        np.full(len(zones), -1, dtype=np.int64),
    )


def _live_zone(zone: Zone, life: Lifecycle, number: int, minutes: Candles) -> LiveZone:
    touches, broken = int(life.touches[number]), int(life.invalidated[number])
    broken_at: datetime | None = None
    state = LiveState.TOUCHED if touches else LiveState.FRESH
    if broken >= 0:
        state, broken_at = LiveState.BROKEN, moment(int(minutes.closed_at[broken]))
    return LiveZone(
        zone=zone,
        state=state,
        touches=touches,
        confidence=confidence_after(zone.formation_confidence, touches),
        broken_at=broken_at,
    )
