"""Findings and zones in the store: written by session, read as they were known at a moment."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from agents.data.store import Row, Store
from agents.data.tables import MergeCounts, as_arrow, insert_arrow, merge_arrow
from agents.domain.candles import moment
from agents.domain.errors import MissingDataError
from agents.domain.values import Side, to_rupees
from agents.domain.zones import (
    ComponentKind,
    ConfidencePart,
    Outcome,
    Zone,
    ZoneAnalysis,
    ZoneComponent,
    ZoneVerdict,
    ZoneVerdictWord,
    confidence_after,
    in_order_of_price,
    in_order_of_weight,
    range_in_rupees,
)

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_ZONE_KEYS = {"zones": "id", "zone_components": "zone_id", "zone_parts": "zone_id", "lifecycle_events": "id"}

_CANDLE = """
    select epoch(a.known_at)::bigint, a.close, a.atr, a.poc, a.val, a.vah, a.profile_source, a.trend, a.candle,
           a.session_share, a.live_zones, i.tick_size
    from analysis_candles a join instruments i using (instrument)
    where a.instrument = ? and a.known_at <= ?
    order by a.known_at desc limit 1
"""
_ZONES = """
    with events as (
        select id, count(*) filter (event = 'touched') as touches, bool_or(event <> 'touched') as ended
        from lifecycle_events
        where subject = 'zones' and instrument = $instrument and known_at <= $bar
        group by id
    )
    select z.id, z.side, z.low, z.high, epoch(z.event_at)::bigint, epoch(z.known_at)::bigint, z.candle,
           z.formation_confidence, coalesce(e.touches, 0)
    from zones z left join events e using (id)
    where z.instrument = $instrument and z.known_at <= $bar and not coalesce(e.ended, false)
"""
_COMPONENTS = "select zone_id, kind, id, low, high from zone_components where zone_id in (select unnest($zones))"
_PARTS = "select zone_id, name, value, weight from zone_parts where zone_id in (select unnest($zones))"
_VERDICTS = """
    select zone_id, judge, verdict, probability, reason, outcome, call_key, prompt_sha, epoch(known_at)::bigint
    from verdicts where zone_id in (select unnest($zones)) and known_at <= $now
    order by known_at, recorded_at
"""


class StoredAnalysis(NamedTuple):
    """An analysis as the store has it. `expected` zones lived then; fewer are stored where sessions were left out."""

    analysis: ZoneAnalysis
    expected: int

    @property
    def complete(self) -> bool:
        """Whether every zone that lived then is stored."""
        return len(self.analysis.zones) == self.expected


class _Evidence(NamedTuple):
    """What belongs to zones, by zone id."""

    components: Mapping[str, Sequence[Row]]
    parts: Mapping[str, Sequence[Row]]
    verdicts: Mapping[str, Sequence[Row]]


class StoreAnalyses:
    """The analyses that were stored: implements `agents.ports.Analyses`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def latest(self, instrument: str, now: datetime) -> ZoneAnalysis | None:
        """Return the last analysis known by `now`, with its verdicts; None before the first.

        Raises
        ------
        MissingDataError
            If zones that lived then are not stored, because their sessions were never analysed.
        """
        found = zones_at(self._store, instrument, now)
        if found is None:
            return None
        if not found.complete:
            raise MissingDataError(
                f"{instrument}: {len(found.analysis.zones)} of the {found.expected} zones that lived at "
                f"{found.analysis.bar_at.isoformat()} are stored; materialise that session and those before it again"
            )
        return found.analysis


def zones_at(store: Store, instrument: str, at: datetime) -> StoredAnalysis | None:
    """Return what was known of an instrument's zones at a moment, or None if nothing was analysed by then.

    Parameters
    ----------
    store : Store
        Where the analysis is.
    instrument : str
        Such as "NIFTY".
    at : datetime
        Aware. The zones are those that lived at the last analysis candle that had closed by then; verdicts are those
        known by `at`, the last of each zone.

    Raises
    ------
    MissingDataError
        If there is no store.
    """
    with store.read() as connection:
        candle = connection.execute(_CANDLE, [instrument, at]).fetchone()
        if candle is None:
            return None
        bar = moment(candle[0])
        zones = connection.execute(_ZONES, {"instrument": instrument, "bar": bar}).fetchall()
        evidence = _evidence(connection, [zone[0] for zone in zones], at)
    tick = Decimal(candle[11]).normalize()
    return StoredAnalysis(_analysis(instrument, candle, zones, evidence, tick), int(candle[10]))


def keep_carried(store: Store, carried: "Mapping[str, pd.DataFrame]", instrument: str, since: datetime) -> None:
    """Store the zones that lived before a range of sessions, where the sessions before were never analysed.

    Parameters
    ----------
    store : Store
        Where the analysis is kept.
    carried : mapping of str to DataFrame
        Rows of `zones`, `zone_components`, `zone_parts` and `lifecycle_events`, all known by `since`; rows that are
        stored already stay as they are.
    instrument : str
        Whose zones.
    since : datetime
        Where the range begins.
    """
    ids = [str(zone) for zone in carried["zones"]["id"]]
    if not ids:
        return
    tables = {name: as_arrow(frame) for name, frame in carried.items()}
    with store.write() as connection:
        for name, rows in tables.items():
            scope: dict[str, object] = {"instrument": instrument, _ZONE_KEYS[name]: ids}
            merge_arrow(connection, name, rows, scope=scope, until=since, stamp=store.now())


def merge_findings(
    store: Store,
    frames: "Mapping[str, pd.DataFrame]",
    *,
    scope: Mapping[str, object],
    until: datetime | None = None,
) -> dict[str, MergeCounts]:
    """Make the rows of several tables inside one scope equal to `frames`, all in one transaction.

    Parameters
    ----------
    store : Store
        Where the analysis is kept.
    frames : mapping of str to DataFrame
        Rows by table, without ``recorded_at``. Rows of `lifecycle_events` replace those of the subjects that `scope`
        names, or of all where it names none.
    scope : mapping
        Such as ``{"instrument": "NIFTY", "session": [date(2024, 6, 5)]}``; `subject` counts for events only.
    until : datetime, optional
        Only rows known by then.

    Returns
    -------
    dict of str to MergeCounts
    """
    tables = {name: as_arrow(frame) for name, frame in frames.items()}
    common = {name: value for name, value in scope.items() if name != "subject"}
    stamp = store.now()
    with store.write() as connection:
        return {
            name: merge_arrow(
                connection,
                name,
                rows,
                scope=scope if name == "lifecycle_events" else common,
                until=until,
                stamp=stamp,
            )
            for name, rows in tables.items()
        }


def store_certificates(store: Store, certificates: "pd.DataFrame") -> None:
    """Add rows to the table `certificates`; earlier certificates stay."""
    rows = as_arrow(certificates)
    with store.write() as connection:
        insert_arrow(connection, "certificates", rows, stamp=store.now())


def _evidence(connection: "duckdb.DuckDBPyConnection", zones: list[str], now: datetime) -> _Evidence:
    """Fetch what belongs to `zones`, while the connection is open."""
    if not zones:
        return _Evidence({}, {}, {})
    components = connection.execute(_COMPONENTS, {"zones": zones}).fetchall()
    parts = connection.execute(_PARTS, {"zones": zones}).fetchall()
    verdicts = connection.execute(_VERDICTS, {"zones": zones, "now": now}).fetchall()
    return _Evidence(_by_zone(components), _by_zone(parts), _by_zone(verdicts))


def _by_zone(rows: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[str(row[0])].append(row)
    return found


def _analysis(instrument: str, candle: Row, zones: Sequence[Row], evidence: _Evidence, tick: Decimal) -> ZoneAnalysis:
    bar, close, atr, poc, val, vah, source, trend, number, share = candle[:10]
    ordered = sorted(zones, key=lambda zone: (zone[2], zone[3], zone[0]))
    return ZoneAnalysis(
        instrument=instrument,
        bar_at=moment(bar),
        close=to_rupees(close, tick),
        atr=range_in_rupees(atr, tick),
        poc=_rupees(poc, tick),
        val=_rupees(val, tick),
        vah=_rupees(vah, tick),
        profile_source=source,
        trend=trend,
        candle=number,
        session_share=share,
        zones=tuple(_zone(instrument, zone, number, evidence, tick) for zone in ordered),
    )


def _zone(instrument: str, row: Row, candle: int, evidence: _Evidence, tick: Decimal) -> Zone:
    zone_id, side, low, high, event_at, known_at, known, formed, touches = row
    verdicts = evidence.verdicts.get(zone_id, ())
    return Zone(
        id=zone_id,
        instrument=instrument,
        side=Side(side),
        low=to_rupees(low, tick),
        high=to_rupees(high, tick),
        event_at=moment(event_at),
        known_at=moment(known_at),
        confidence=confidence_after(formed, touches),
        formation_confidence=formed,
        parts=in_order_of_weight(
            ConfidencePart(name=name, value=value, weight=weight)
            for _, name, value, weight in evidence.parts.get(zone_id, ())
        ),
        components=in_order_of_price(
            ZoneComponent(kind=ComponentKind(kind), id=part, low=to_rupees(bottom, tick), high=to_rupees(top, tick))
            for _, kind, part, bottom, top in evidence.components.get(zone_id, ())
        ),
        touches=touches,
        age_candles=candle - known,
        verdict=_verdict(verdicts[-1]) if verdicts else None,
    )


def _verdict(row: Row) -> ZoneVerdict:
    zone_id, judge, verdict, probability, reason, outcome, call_key, prompt_sha, known_at = row
    return ZoneVerdict(
        zone_id=zone_id,
        judge=judge,
        verdict=ZoneVerdictWord(verdict),
        probability=probability,
        reason=reason,
        outcome=Outcome(outcome),
        call_key=call_key,
        prompt_sha=prompt_sha,
        known_at=moment(known_at),
    )


def _rupees(ticks: int | None, tick: Decimal) -> Decimal | None:
    return None if ticks is None else to_rupees(ticks, tick)
