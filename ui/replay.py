"""A past session as it was known at each of its moments. Pure: `ui.replay_reader` reads, this cuts."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from agents.data.ledger.ledger import DESK_STATE
from agents.domain.cycle import DeskState
from agents.domain.market import Session
from ui.candles import last_price, moved, with_unfinished
from ui.orders import KINDS, Event, folded
from ui.snapshot import ChartCandle, DeskView, Picture, Snapshot

SPEEDS = (1, 5, 15, 60)


class Happened(NamedTuple):
    """What an order's fold needs of an event, where no ledger kept one."""

    kind: str
    at: datetime
    payload: Mapping[str, Any]  # Any: whatever JSON can hold


class Print(NamedTuple):
    """A price in rupees that was shown for an instrument at a moment."""

    at: datetime
    instrument: str
    price: Decimal


class Again(NamedTuple):
    """Rows of one table that were recorded after the desk had decided on them, and when the last of them was."""

    what: str
    rows: int
    recorded_at: datetime


@dataclass(frozen=True)
class Past:
    """What one session left behind.

    `ends_at` is the last moment that can be shown. `turns` are the moments at which more than a price changed, the
    first of them the opening. `minutes` are the session's one-minute candles. `finished` holds when each of its stored
    candles of 15 minutes closed, by when it opened (seconds since 1970 UTC). `events` are the ledger's, in the order in
    which they were written.
    """

    session: Session
    ends_at: datetime
    turns: tuple[datetime, ...]
    minutes: tuple[ChartCandle, ...]
    finished: Mapping[int, int]
    events: tuple[Event, ...]
    brokerage: Decimal
    again: tuple[Again, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """What holds from one turn of a session to the next: the snapshot of the first, and the prices shown meanwhile."""

    since: datetime
    until: datetime
    snapshot: Snapshot
    prints: tuple[Print, ...]


def bounds(past: Past, at: datetime) -> tuple[datetime, datetime]:
    """Return the last turn at or before a moment, and the next one (or the end)."""
    number = max(bisect_right(past.turns, at) - 1, 0)
    following = past.turns[number + 1] if number + 1 < len(past.turns) else max(past.ends_at, past.turns[number])
    return past.turns[number], following


def within(past: Past, at: datetime) -> datetime:
    """Return a moment of the session: the one given, or the nearest that can be shown."""
    return min(max(at, past.session.open_at), past.ends_at)


def known(past: Past, chapter: Chapter, at: datetime) -> Picture:
    """Return market and desk as they were known at a moment of a chapter, and nothing that came later.

    Raises
    ------
    ValueError
        If the moment lies before the chapter.
    """
    if at < chapter.since:
        msg = f"{at.isoformat()} lies before the chapter, which begins at {chapter.since.isoformat()}"
        raise ValueError(msg)
    shown = chapter.snapshot
    end = at.timestamp()
    rows = {minute.opened_at: minute for minute in shown.minutes}
    rows |= {minute.opened_at: minute for minute in past.minutes if minute.closed_at <= end}
    minutes = tuple(rows[opened] for opened in sorted(rows))
    prices = dict(shown.prices)
    for seen in chapter.prints:
        if seen.at > at:
            break
        if seen.instrument == shown.instrument:
            minutes = moved(minutes, float(seen.price), int(seen.at.timestamp()))
        else:
            prices[seen.instrument] = seen.price
    opened = past.session.open_at.timestamp()
    finished = [
        each
        for each in shown.candles
        if each.opened_at < opened or past.finished.get(each.opened_at, end + 1) <= chapter.since.timestamp()
    ]
    market = replace(
        shown,
        **last_price(finished, minutes, at),
        now=at,
        is_open=past.session.is_open(at),
        candles=with_unfinished(finished, minutes, at),
        minutes=minutes,
        prices=prices,
    )
    return Picture(market, _desk(past, at), at, 0)


def candle_closes(past: Past, minutes: int) -> list[datetime]:
    """Return the moments at which stepping halts: each candle's close, between the opening and the end."""
    closes = [close for close in past.session.closes(minutes) if close < past.ends_at]
    return [past.session.open_at, *closes, past.ends_at]


def stepped(past: Past, at: datetime, minutes: int, candles: int) -> datetime:
    """Return the moment so many candle closes later, or earlier where `candles` is below zero; within the session."""
    stops = candle_closes(past, minutes)
    number = bisect_right(stops, at) - 1 + candles if candles > 0 else bisect_left(stops, at) + candles
    return stops[min(max(number, 0), len(stops) - 1)]


def played(past: Past, began_at: datetime, passed: timedelta, speed: int) -> datetime:
    """Return where a replay has come to that began at a moment and ran for a time of this machine's clock."""
    return within(past, began_at + max(passed, timedelta(0)) * speed)


def orders_to_trade(past: Past) -> Sequence[str]:
    """Return the contracts of all orders of the session: whose prices a reader must fetch, never to be shown early."""
    return sorted({order.contract for order in folded(past.events, past.brokerage).orders()})


def _desk(past: Past, at: datetime) -> DeskView:
    """Return the desk with the orders and the state that the events up to a moment tell of."""
    told = [event for event in past.events if event.at <= at]
    fold = folded((event for event in told if event.kind in KINDS), past.brokerage)
    last = next((event for event in reversed(told) if event.kind == DESK_STATE), None)
    return DeskView(
        state=DeskState(last.payload["state"]) if last else None,
        reason=str(last.payload.get("reason", "")) if last else "",
        since=last.at if last else None,
        orders=fold.orders(),
        refusals=fold.refusals(),
    )
