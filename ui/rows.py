"""Rows of the store as values of the dashboard: ticks become rupees, seconds become moments."""

import json
from decimal import Decimal

from agents.data.store import Row
from agents.domain.candles import moment
from agents.domain.cycle import REASON_TEXT, Reason
from agents.domain.values import to_rupees
from ui.snapshot import Band, ChartCandle, CycleRow, VerdictRow


def money(price: float) -> Decimal:
    """Return a price in rupees and paise."""
    return Decimal(str(round(price, 2)))


def candle(row: Row, tick: Decimal) -> ChartCandle:
    """Return a candle from opened, closed, four prices in ticks and the volume."""
    opened_at, closed_at, *prices, volume = row
    opens, high, low, close = (float(to_rupees(price, tick)) for price in prices)
    return ChartCandle(opened_at, closed_at, opens, high, low, close, volume or 0)


def band(row: Row, tick: Decimal) -> Band:
    """Return an order block or a gap."""
    kind, side, low, high, known_at = row
    return Band(kind, side, float(to_rupees(low, tick)), float(to_rupees(high, tick)), known_at)


def cycle(row: Row) -> CycleRow:
    """Return a cycle with its reason in words."""
    cycle_id, decided_at, decision, reason, record = row
    said = json.loads(record)
    return CycleRow(cycle_id, moment(decided_at), decision, REASON_TEXT[Reason(reason)], said.get("detail", ""), said)


def verdict(row: Row, tick: Decimal) -> VerdictRow:
    """Return a verdict with what became of its zone."""
    zone_id, at, side, low, high, judge, verdict, probability, reason, outcome, since, call = row
    bottom, top = float(to_rupees(low, tick)), float(to_rupees(high, tick))
    return VerdictRow(
        zone_id=zone_id,
        at=moment(at),
        side=side,
        low=bottom,
        high=top,
        judge=judge,
        verdict=verdict,
        probability=probability,
        reason=reason,
        outcome=outcome,
        since=since,
        call=json.loads(call) if call else {},
    )
