"""How the wire between exchange and desk is, and what is wrong with it in words."""

from datetime import datetime
from typing import Any

from agents.data.dhan.connect import address_of
from agents.domain.errors import ConfigError
from agents.settings import Settings
from zonedesk.health import FeedHealth, read_health
from zonedesk.home import DeskHome
from zonedesk.ports import is_reachable

MOST_SILENT = 3.0  # seconds without a word from the feed's process, or without a packet while trades must be coming
Facts = dict[str, Any]  # Any: JSON
_COUNTS = ("feed_packets", "feed_unknown", "feed_connected", "gaps_filled", "gaps_empty", "rows_written")


def wire_facts(settings: Settings, now: datetime) -> Facts:
    """Return the feed's and the exchange's state as JSON, with `problems` in words.

    Parameters
    ----------
    settings : Settings
        In paper mode.
    now : datetime
        The machine's present, aware.
    """
    health = read_health(DeskHome.of(settings).feed_path)
    problems = _feed_problems(health, now)
    try:
        rest = address_of(settings).rest
        reachable = is_reachable(rest)
    except ConfigError as error:
        return {"feed": _feed(health, now), "exchange": None, "problems": [*problems, str(error)]}
    if not reachable:
        problems.insert(0, f"the exchange at {rest} does not answer")
    return {"feed": _feed(health, now), "exchange": {"address": rest, "reachable": reachable}, "problems": problems}


def _feed(health: FeedHealth | None, now: datetime) -> Facts | None:
    """Return the feed's ages in real seconds since the last packet, and in market seconds since the newest trade."""
    if health is None:
        return None
    counts = {name: count for name, count in health.counts.items() if name.startswith(_COUNTS)}
    return {
        "connected": health.connected,
        "expected": health.expected,
        "stale": health.stale,
        "silent_seconds": _since(health.heard_at, now),
        "age_seconds": None if health.age_seconds is None else round(health.age_seconds, 2),
        "reported_seconds": _since(health.written_at, now),
        "newest_trade_at": health.newest_trade_at.isoformat() if health.newest_trade_at else None,
        "instruments": health.instruments,
        "unanswered": list(health.unanswered),
        "open_minutes": health.open_minutes,
        "trouble": health.trouble,
        "counts": counts,
    }


def _feed_problems(health: FeedHealth | None, now: datetime) -> list[str]:
    if health is None:
        return ["the feed has not said anything yet"]
    reported = (now - health.written_at).total_seconds()
    if reported > MOST_SILENT:
        return [f"the feed has not said anything for {reported:.0f} s"]
    why = f": {health.trouble}" if health.trouble else ""
    if not health.connected:
        return [f"the feed is not connected{why}"]
    silent = _since(health.heard_at, now)
    if health.expected and (silent is None or silent > MOST_SILENT):
        return [f"the feed is connected and has been silent for {silent or 0:.0f} s{why}"]
    if health.stale:
        return [f"the feed is {health.age_seconds or 0:.0f} s behind the market{why}"]
    return [f"the feed has trouble{why}"] if why else []


def _since(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round(max((now - at).total_seconds(), 0.0), 2)


def feed_text(feed: Facts | None) -> str:
    """Return the feed's state in one line."""
    if feed is None:
        return "has not reported"
    if not feed["connected"]:
        return "not connected"
    age = "no trade yet" if feed["age_seconds"] is None else f"{feed['age_seconds']:.1f} s behind the market"
    packets = "no packet yet" if feed["silent_seconds"] is None else f"last packet {feed['silent_seconds']:.1f} s ago"
    gaps = f", {feed['open_minutes']} minutes to fill" if feed["open_minutes"] else ""
    return f"{packets}, {age}, {feed['instruments']} instruments{gaps}"
