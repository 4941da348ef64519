"""What must be said above every page, and only while it is true."""

import shlex
from datetime import datetime
from typing import NamedTuple

from agents.domain.cycle import DeskState
from agents.settings import Settings
from ui.desk import GUARDIAN
from ui.format import age, clock_time
from ui.snapshot import DeskView, Feed, Picture

FEED = "feed"
# A page looks once a second at a picture that is up to a second old: what ends is said within six seconds.
SILENT_SECONDS = 4.0
GUARDIAN_SECONDS = 4.0
STALE_SECONDS = 5.0
UNHEARD_SECONDS = 5.0
NOTHING_SECONDS = 1e8
_MOST_DRAWN_ON = 2.0


class Banner(NamedTuple):
    """A sentence, and how much it matters: "error", "warning" or "info".

    A banner is spoken whenever its words change, so that what grows by the second stands apart, in `counted`.
    """

    level: str
    text: str
    counted: str = ""


def banners(seen: Picture, wall: datetime, resume: str = "") -> list[Banner]:
    """Return what holds for a picture at a moment of this machine's clock, the gravest first.

    Parameters
    ----------
    seen : Picture
        What is known.
    wall : datetime
        This machine's present, aware.
    resume : str
        What a person types to let the desk trade again, see `resumption`; not said where it is empty.
    """
    unread = [Banner("error", seen.desk.problem)] if seen.desk.problem and seen.desk.state else []
    processes = [*_feed(seen, wall), *_guardian(seen, wall)]
    found = [*_picture(seen, wall), *unread, *_state(seen, resume), *processes, *_market(seen)]
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda banner: order[banner.level])


def silence(seen: Picture, feed: Feed, wall: datetime) -> float:
    """Return for how many seconds the feed has been silent at a moment of this machine's clock."""
    return feed.silent + _passed(seen, wall)


def resumption(settings: Settings) -> str:
    """Return what a person types into a terminal to let a desk trade again; nothing on a page can."""
    words = ["zonedesk", "resume", "--data-dir", str(settings.data_dir.resolve()), "--mode", settings.mode]
    return shlex.join([*words, "--confirm", f"resume {settings.mode}"])


def _passed(seen: Picture, wall: datetime) -> float:
    """Return the seconds since the picture's ages were measured; an old picture tells its own age and of no other."""
    return min(max((wall - (seen.desk.read_at or seen.as_of)).total_seconds(), 0.0), _MOST_DRAWN_ON)


def _picture(seen: Picture, wall: datetime) -> list[Banner]:
    old = (wall - seen.as_of).total_seconds()
    if old <= STALE_SECONDS:
        return []
    text = "STALE: this page is old; the store or the ledger is busy."
    return [Banner("error", text, f"this page was last read {old:.0f} s ago")]


def _state(seen: Picture, resume: str) -> list[Banner]:
    desk = seen.desk
    why = f" Reason: {desk.reason}." if desk.reason else ""
    cure = f" To let it trade again, type in a terminal: {resume}" if resume else ""
    if desk.state is DeskState.HALTED:
        return [Banner("error", f"HALTED: nothing new is bought; what is held keeps its stop and target.{why}{cure}")]
    if desk.state is DeskState.REDUCING:
        return [Banner("warning", f"ENTRIES PAUSED: open positions keep their stops and targets.{why}{cure}")]
    return [Banner("warning", desk.problem)] if desk.problem and desk.state is None else []


def _feed(seen: Picture, wall: datetime) -> list[Banner]:
    feed = seen.desk.feed
    if feed is None or not seen.market.is_open:
        return []
    silent = silence(seen, feed, wall)
    said = _of_feed(seen, feed, silent)
    why = f": {feed.trouble}" if feed.trouble else ""
    counted = f"feed silent for {silent:.0f} s" if SILENT_SECONDS < silent < NOTHING_SECONDS else ""
    return [Banner("error", f"STALE: {said}; prices here are old{why}.", counted)] if said else []


def _of_feed(seen: Picture, feed: Feed, silent: float) -> str:
    """Return what is wrong with the feed, "" where nothing is."""
    ended = _ended(seen.desk, FEED, feed.facts.get("pid"))
    if ended:
        return f"the feed's process {ended}"
    if not feed.connected and silent < SILENT_SECONDS:
        return "the feed is not connected"
    if silent >= NOTHING_SECONDS:
        return "the feed has brought nothing since it was started"
    if silent > SILENT_SECONDS:
        return "the feed has been silent for too long"
    if feed.expected and feed.facts.get("stale") is True:
        return "the feed brings prices, but no new trades"
    return ""


def _guardian(seen: Picture, wall: datetime) -> list[Banner]:
    found = []
    beat = next((one for one in seen.desk.heartbeats if one.name == GUARDIAN), None)
    ended = _ended(seen.desk, GUARDIAN, beat.facts.get("pid") if beat else None)
    silent = seen.desk.guardian_age
    missed = None if silent is None else silent + _passed(seen, wall)
    meanwhile = "nothing is sent or guarded by it, stops and targets at the broker stand"
    if ended:
        found.append(Banner("error", f"NO GUARDIAN: its process {ended}; meanwhile {meanwhile}."))
    elif missed is not None and missed > GUARDIAN_SECONDS:
        text = f"NO GUARDIAN: it has given no sign of life for too long; {meanwhile}."
        found.append(Banner("error", text, f"no sign of the guardian for {missed:.0f} s"))
    for command in seen.desk.commands:
        waited = (seen.as_of - command.asked_at).total_seconds()
        if command.done_at is None and waited > UNHEARD_SECONDS:
            cure = "look at Health, and use the broker's own app if positions are open"
            text = f"{command.kind} was asked and not acknowledged; {cure}."
            found.append(Banner("error", text, f"{command.kind} asked {waited:.0f} s ago"))
    return found


def _ended(desk: DeskView, name: str, said_by: object) -> str:
    """Return what became of a process, "" while the one whose word is shown lives, or where nobody supervises it.

    The supervisor notices an end at once; a word of the process that ended may look fresh for seconds.
    """
    service = next((one for one in desk.services if one.get("name") == name), None)
    if service is None or said_by is None or service.get("pid") == said_by:
        return ""
    if service.get("state") == "failed":
        return "keeps ending and stays down; Health names its log"
    return "has ended and is being started again"


def _market(seen: Picture) -> list[Banner]:
    market = seen.market
    found = [Banner("warning", market.problem)] if market.problem else []
    if not market.is_open and not market.problem:
        opens = f"; it opens on {clock_time(market.next_open)}" if market.next_open else ""
        found.append(Banner("info", f"The market is closed{opens}."))
    if market.is_open and market.last_price_at and (market.now - market.last_price_at).total_seconds() > 180:  # noqa: PLR2004 - two candles and a half
        old = age(market.now - market.last_price_at)
        found.append(Banner("warning", "The last price is old.", f"last price {old} ago"))
    return found
