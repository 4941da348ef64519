"""What must be said above every page, and only while it is true."""

from datetime import datetime
from typing import NamedTuple

from agents.domain.cycle import DeskState
from ui.format import age, clock_time
from ui.snapshot import Picture

SILENT_SECONDS = 5.0
GUARDIAN_SECONDS = 6.0
UNHEARD_SECONDS = 5.0


class Banner(NamedTuple):
    """A sentence, and how much it matters: "error", "warning" or "info"."""

    level: str
    text: str


def banners(seen: Picture, wall: datetime) -> list[Banner]:
    """Return what holds for a picture at a moment of this machine's clock, the gravest first."""
    unread = [Banner("error", seen.desk.problem)] if seen.desk.problem and seen.desk.state else []
    found = [*_picture(seen, wall), *unread, *_state(seen), *_feed(seen), *_guardian(seen), *_market(seen)]
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda banner: order[banner.level])


def _picture(seen: Picture, wall: datetime) -> list[Banner]:
    old = (wall - seen.as_of).total_seconds()
    if old <= SILENT_SECONDS:
        return []
    return [Banner("error", f"STALE: this page was last read {old:.0f} s ago; the store or the ledger is busy.")]


def _state(seen: Picture) -> list[Banner]:
    desk = seen.desk
    why = f" Reason: {desk.reason}." if desk.reason else ""
    if desk.state is DeskState.HALTED:
        return [Banner("error", f"HALTED: nothing new is bought and open positions are closed.{why}")]
    if desk.state is DeskState.REDUCING:
        return [Banner("warning", f"ENTRIES PAUSED: open positions keep their stops and targets.{why}")]
    return [Banner("warning", desk.problem)] if desk.problem and desk.state is None else []


def _feed(seen: Picture) -> list[Banner]:
    feed = seen.desk.feed
    if feed is None or not seen.market.is_open:
        return []
    why = f": {feed.trouble}" if feed.trouble else ""
    if feed.silent > SILENT_SECONDS:
        return [Banner("error", f"STALE: the feed has been silent for {feed.silent:.0f} s; prices here are old{why}.")]
    if not feed.connected:
        return [Banner("error", f"STALE: the feed is not connected{why}.")]
    return []


def _guardian(seen: Picture) -> list[Banner]:
    found = []
    silent = seen.desk.guardian_age
    if silent is not None and silent > GUARDIAN_SECONDS:
        said = f"the guardian has given no sign of life for {silent:.0f} s; nothing is sent or guarded by it"
        found.append(Banner("error", f"NO GUARDIAN: {said}."))
    for command in seen.desk.commands:
        waited = (seen.as_of - command.asked_at).total_seconds()
        if command.done_at is None and waited > UNHEARD_SECONDS:
            cure = "look at Health, and use the broker's own app if positions are open"
            found.append(Banner("error", f"{command.kind} was asked {waited:.0f} s ago and not acknowledged; {cure}."))
    return found


def _market(seen: Picture) -> list[Banner]:
    market = seen.market
    found = [Banner("warning", market.problem)] if market.problem else []
    if not market.is_open and not market.problem:
        opens = f"; it opens on {clock_time(market.next_open)}" if market.next_open else ""
        found.append(Banner("info", f"The market is closed{opens}."))
    if market.is_open and market.last_price_at and (market.now - market.last_price_at).total_seconds() > 180:  # noqa: PLR2004 - two candles and a half
        found.append(Banner("warning", f"The last price is {age(market.now - market.last_price_at)} old."))
    return found
