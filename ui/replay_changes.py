"""What is known today of a past moment and was not what the desk saw then. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from agents.domain.zones import Zone, ZoneAnalysis
from ui.chart import is_confirmed
from ui.format import rupees
from ui.snapshot import CycleRow

_PLACES = 2


def changes(cycle: CycleRow | None, analysis: ZoneAnalysis | None) -> list[str] | None:
    """Return in words how the zones of an analysis differ from those that a cycle saw.

    Parameters
    ----------
    cycle : CycleRow or None
        The last decision before the moment that is shown.
    analysis : ZoneAnalysis or None
        What the store says today of that moment.

    Returns
    -------
    list of str or None
        Empty where both are the same; None where they cannot be compared: there is no decision, it saw no zones, or it
        was made on another candle's analysis.
    """
    if cycle is None or analysis is None or not cycle.record.get("analysis_bar_at"):
        return None
    seen = {str(view["zone_id"]): view for view in cycle.record.get("zones", ())}
    if not seen or not _is_same_bar(str(cycle.record["analysis_bar_at"]), analysis):
        return None
    now = {zone.id: zone for zone in analysis.zones}
    gone = [f"{_place(view)} was seen then and is not there any more" for name, view in seen.items() if name not in now]
    price = float(cycle.record.get("price") or analysis.close)
    far = max(_gap(*_bounds(view), price) for view in seen.values())  # a decision notes down the nearest zones only
    new = [zone for name, zone in now.items() if name not in seen and _gap(zone.low, zone.high, price) < far]
    came = [f"{_zone(zone)} is there now and was not seen then" for zone in new]
    both = [(view, now[name]) for name, view in seen.items() if name in now]
    return [*gone, *came, *(said for view, zone in both for said in _differs(view, zone))]


def _differs(view: Mapping[str, Any], zone: Zone) -> list[str]:  # Any: JSON
    found = []
    if _bounds(view) != (round(float(zone.low), _PLACES), round(float(zone.high), _PLACES)):
        found.append(f"{_place(view)} is now {rupees(zone.low)} to {rupees(zone.high)}")
    if bool(view.get("confirmed")) != is_confirmed(zone):
        before, after = ("confirmed", "is not") if view.get("confirmed") else ("not confirmed", "is")
        found.append(f"{_place(view)} was {before} then and {after} now")
    return found


def _gap(low: float | Decimal, high: float | Decimal, price: float) -> float:
    return max(float(low) - price, price - float(high), 0.0)


def _bounds(view: Mapping[str, Any]) -> tuple[float, float]:  # Any: JSON
    return round(float(view["low"]), _PLACES), round(float(view["high"]), _PLACES)


def _place(view: Mapping[str, Any]) -> str:  # Any: JSON
    low, high = _bounds(view)
    return f"the zone {rupees(low)} to {rupees(high)}"


def _zone(zone: Zone) -> str:
    return f"the {zone.side.value} zone {rupees(zone.low)} to {rupees(zone.high)}"


def _is_same_bar(text: str, analysis: ZoneAnalysis) -> bool:
    return datetime.fromisoformat(text) == analysis.bar_at
