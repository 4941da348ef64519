"""Whether it is time: pure functions of the market clock, the calendar and what has run already.

The schedule and the sensor ask these and do nothing else, so that every answer can be tested without Dagster. A reason
not to run is a sentence that a person reads on the schedule's or the sensor's page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from agents.domain.market import ANALYSIS_MINUTES, TRADE_MINUTES, Session
from agents.domain.values import IST

if TYPE_CHECKING:
    from agents.ports import Calendar

CANDLE_CRONS = ("30,45 9 * * 1-5", "*/15 10-14 * * 1-5", "0,15,30 15 * * 1-5")
EVERY_MINUTE = "* * * * *"
CHAIN_LEAD = timedelta(minutes=1)
_LOOK_BACK = timedelta(days=15)
_TRADE_STEP = timedelta(minutes=TRADE_MINUTES)


@dataclass(frozen=True)
class DueCandle:
    """The analysis candle that closed last, and the session it belongs to."""

    session: date
    closed_at: datetime

    @property
    def key(self) -> str:
        """The candle's name among runs, such as 2026-11-20T1015."""
        return f"{self.session}T{self.closed_at.astimezone(IST):%H%M}"

    @property
    def label(self) -> str:
        """The close as people say it, such as 10:15."""
        return f"{self.closed_at.astimezone(IST):%H:%M}"


@dataclass(frozen=True)
class Slot:
    """One evaluation of the trade cycle: the three minutes that began at `at`."""

    session: date
    at: datetime

    @property
    def key(self) -> str:
        """The slot's name among runs, such as 2026-11-20T1018."""
        return f"{self.session}T{self.at.astimezone(IST):%H%M}"


@dataclass(frozen=True)
class TradeFacts:
    """What the trade clock knows when it decides.

    Attributes
    ----------
    now : datetime
        Market time.
    session : Session or None
        The calendar's session of that date.
    last_slot : str or None
        Key of the slot that was requested last.
    runs_in_flight : int
        Trade runs that are queued or running.
    zones_known_at : datetime or None
        Candle of the last finished analysis.
    patience : timedelta
        How long after a candle's close its zones are waited for, in market time.
    chain_runs : int
        Runs that record an option chain and are queued or running.
    """

    now: datetime
    session: Session | None
    last_slot: str | None
    runs_in_flight: int
    zones_known_at: datetime | None
    patience: timedelta
    chain_runs: int = 0


@dataclass(frozen=True)
class ChainFacts:
    """What the chain clock knows when it decides: as `TradeFacts`, of the runs that record chains."""

    now: datetime
    session: Session | None
    last_slot: str | None
    runs_in_flight: int


def analysis_closes(session: Session) -> list[datetime]:
    """Return when each analysis candle of `session` closes; none inside the closing auction's freeze."""
    frozen = session.index_frozen_from
    return [
        closes
        for opens, closes in session.windows(ANALYSIS_MINUTES)
        if frozen is None or opens.timestamp() < frozen.timestamp()
    ]


def due_candle(now: datetime, calendar: "Calendar", *, after_hours: bool = False) -> DueCandle | str:
    """Return the candle whose analysis is due, or why there is none.

    Parameters
    ----------
    now : datetime
        Market time.
    calendar : Calendar
        Knows the sessions.
    after_hours : bool
        Whether a day without a session may still ask for the last candle before it. The simulated market jumps from
        one close to the next open, so its last candle is only seen from the following session.

    Returns
    -------
    DueCandle or str
        The last candle that closed at or before `now`; otherwise a sentence.
    """
    today = now.astimezone(IST).date()
    session = calendar.session(today)
    if session is None and not after_hours:
        return f"{today:%A %d %B %Y} is not a trading day."
    if session is not None and (closed := [c for c in analysis_closes(session) if c <= now]):
        return DueCandle(today, closed[-1])
    earlier = calendar.sessions(today - _LOOK_BACK, today - timedelta(days=1))
    if not earlier:
        return f"The calendar knows no session in the {_LOOK_BACK.days} days before {today}."
    return DueCandle(earlier[-1].on, analysis_closes(earlier[-1])[-1])


def trade_slot(now: datetime, session: Session | None) -> Slot | str:
    """Return the trade slot that `now` lies in, or why there is none."""
    if session is None:
        return f"{now.astimezone(IST):%A %d %B %Y} is not a trading day."
    step = timedelta(minutes=TRADE_MINUTES)
    for segment in session.segments:
        if segment.open_at <= now < segment.close_at:
            slot_at = segment.open_at + (now - segment.open_at) // step * step
            if slot_at == segment.open_at:
                return f"The market has just opened; the first slot is {_hour(slot_at + step)}."
            return Slot(session.on, slot_at)
    if now < session.open_at:
        return f"The market opens at {_hour(session.open_at)}."
    if now >= session.close_at:
        return f"The market closed at {_hour(session.close_at)}."
    return f"The market pauses until {_hour(next(s.open_at for s in session.segments if s.open_at > now))}."


def trade_decision(facts: TradeFacts) -> Slot | str:
    """Return the slot to request now, or why none is requested.

    A slot is requested once, never while another trade run is queued or running (runs would pile up and trade late),
    and at a candle's close not before the zones of that candle are there or `patience` has passed.
    """
    slot = trade_slot(facts.now, facts.session)
    if isinstance(slot, str) or facts.session is None:
        return str(slot)
    if facts.last_slot is not None and slot.key <= facts.last_slot:
        return f"The slot of {_hour(slot.at)} is done; the next begins at {_hour(slot.at + _TRADE_STEP)}."
    if facts.runs_in_flight:
        return f"A trade run is still in progress, so the slot of {_hour(slot.at)} waits."
    closed = [closes for closes in analysis_closes(facts.session) if closes <= facts.now]
    behind = bool(closed) and (facts.zones_known_at is None or facts.zones_known_at < closed[-1])
    if behind and facts.now < closed[-1] + facts.patience:
        return f"Waiting for the zones of the {_hour(closed[-1])} candle."
    if facts.chain_runs and facts.now < slot.at + min(facts.patience, CHAIN_LEAD):
        return "Waiting for the option chain that is being recorded."
    return slot


def chain_slot(now: datetime, session: Session | None) -> Slot | str:
    """Return the last chain that is due in the session, or why none is.

    Chains are due a minute before each trade slot, so that the cycle finds one that is fresh, and once more a minute
    before the close.
    """
    if session is None:
        return f"{now.astimezone(IST):%A %d %B %Y} is not a trading day."
    for segment in session.segments:
        if segment.open_at <= now < segment.close_at:
            count = (now - segment.open_at + CHAIN_LEAD) // _TRADE_STEP
            if not count:
                first = segment.open_at + _TRADE_STEP - CHAIN_LEAD
                return f"The market has just opened; the first chain is recorded at {_hour(first)}."
            return Slot(session.on, segment.open_at + count * _TRADE_STEP - CHAIN_LEAD)
    return str(trade_slot(now, session))


def chain_decision(facts: ChainFacts) -> Slot | str:
    """Return the chain to record now, or why none is: each is asked for once, and never two at a time."""
    slot = chain_slot(facts.now, facts.session)
    if isinstance(slot, str):
        return slot
    if facts.last_slot is not None and slot.key <= facts.last_slot:
        return f"The chain of {_hour(slot.at)} is done; the next is due at {_hour(slot.at + _TRADE_STEP)}."
    if facts.runs_in_flight:
        return f"A chain is still being recorded, so the one of {_hour(slot.at)} waits."
    return slot


def too_old(slot_at: datetime, now: datetime, limit: timedelta) -> str | None:
    """Return why a slot may not be traded any more, None if it may."""
    age = now - slot_at
    if age <= limit:
        return None
    seconds, most = age.total_seconds(), limit.total_seconds()
    return f"The slot of {_hour(slot_at)} is {seconds:.0f} s old; at most {most:.0f} s may pass."


def chunks(keys: Sequence[str], size: int) -> list[list[str]]:
    """Return `keys` in order, in runs of at most `size`."""
    edges = [*range(0, len(keys), size), len(keys)]
    return [list(keys[first:last]) for first, last in pairwise(edges)]


def _hour(moment: datetime) -> str:
    return f"{moment.astimezone(IST):%H:%M}"
