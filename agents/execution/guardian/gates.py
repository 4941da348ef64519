"""Whether a request may become an order: pure, and asked before the intent is written.

These are the guardian's own conditions, on top of the desk's risk rules. Every one that fails is named; all must hold:
the desk is active, the book is reconciled and explained, nothing is unresolved or open, the journal is durable, the
clock is steady, prices are fresh, the broker's own loss exit is armed, and the request is whole, recent and confirmed
by a verdict on the same setup.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agents.domain.cycle import DeskState, Veto
from agents.domain.evidence import SetupWord
from agents.domain.market import Session
from agents.domain.orders import OrderState
from agents.domain.values import IST
from agents.domain.zones import Outcome
from agents.execution.guardian.case import Case
from agents.execution.guardian.ports import TradeRequest
from agents.execution.guardian.settings import GuardianSettings

CORRELATION = re.compile(r"[A-Za-z0-9]{1,25}")


@dataclass(frozen=True)
class Ground:
    """What the guardian knows of itself as a request comes. Ages and times in seconds.

    `unread` says that the controls could not be read. `blocks` are unexplained differences with the broker; `trouble`
    is the journal's, "" when it is durable. `looked` is how long ago the broker was last seen, `silence` why it was not
    since, `started` how long ago this process began to act.
    """

    now: datetime
    session: Session | None
    desk: DeskState
    halted: str
    unread: bool
    cases: tuple[Case, ...]
    ordered: frozenset[str]
    unresolved: int
    alive: int
    sent_today: int
    realised: Decimal
    blocks: tuple[str, ...]
    trouble: str
    clock_stepped: bool
    started: float
    looked: float
    armed: bool
    index_age: float
    book_age: float
    silence: str = ""


def vetoes(request: TradeRequest, ground: Ground, settings: GuardianSettings) -> tuple[Veto, ...]:
    """Return every condition that fails, empty when the request may be sent."""
    return (
        *_whole(request),
        *_wanted(request, ground, settings),
        *_hand(ground),
        *_self(ground, settings),
        *_book(request, ground, settings),
        *_time(request, ground, settings),
        *_prices(ground, settings),
    )


def expired(request: TradeRequest, now: datetime, settings: GuardianSettings) -> Iterator[Veto]:
    """Yield the veto of a request that is too old, or of the future."""
    age = (now - request.asked_at).total_seconds()
    if not -settings.clock_step <= age <= settings.request_good_for.total_seconds():
        yield _veto("G.expired", settings.request_good_for.total_seconds(), age, "the request is too old")


def _whole(request: TradeRequest) -> Iterator[Veto]:
    setup, order, verdict = request.setup, request.order, request.verdict
    same = {setup.setup_id, order.setup_id, verdict.setup_id}
    if len(same) > 1:
        yield _veto("G.setup", 1, len(same), "setup, order and verdict do not name the same setup")
    planned = (setup.contract, setup.premium_entry, setup.premium_stop, setup.premium_target, setup.lot_size)
    ordered = (order.contract, order.entry_limit, order.stop_trigger, order.target_limit, order.lot_size)
    if planned != ordered:
        yield _veto("G.order", 0, 1, "the order is not what the setup says")
    if order.state is not OrderState.PLANNED or order.lots < 1 or order.lot_size < 1:
        yield _veto("G.size", 1, order.lots, "the order buys nothing or was sent before")
    prices = (order.stop_trigger, order.entry_limit, order.target_limit)
    if not Decimal(0) < prices[0] < prices[1] < prices[2] or any(price % order.tick_size for price in prices):
        yield _veto("G.prices", 0, 1, "stop, entry and target are not in order or not whole ticks")
    if CORRELATION.fullmatch(order.correlation_id) is None:
        yield _veto("G.name", 25, len(order.correlation_id), "the correlation id is not one the broker accepts")


def _wanted(request: TradeRequest, ground: Ground, settings: GuardianSettings) -> Iterator[Veto]:
    verdict = request.verdict
    if verdict.outcome != Outcome.OK.value or verdict.verdict is not SetupWord.TAKE:
        yield _veto("G.verdict", 1, 0, f"no valid verdict to take it: {verdict.outcome}, {verdict.verdict}")
    yield from expired(request, ground.now, settings)


def _hand(ground: Ground) -> Iterator[Veto]:
    if ground.unread:
        yield _veto("G.controls", 0, 1, ground.halted)
        return
    if ground.halted:
        yield _veto("G.halt", 0, 1, ground.halted)
    if ground.desk is not DeskState.ACTIVE:
        yield _veto("G.desk", 0, 1, f"the desk is {ground.desk}")


def _self(ground: Ground, settings: GuardianSettings) -> Iterator[Veto]:
    if ground.trouble:
        yield _veto("G.journal", 0, 1, f"the journal is not durable: {ground.trouble}")
    if ground.clock_stepped:
        yield _veto("G.clock", settings.clock_step, settings.clock_step, "the clock was set a moment ago")
    if ground.started < settings.start_block:
        yield _veto("G.start", settings.start_block, ground.started, "the guardian has only just started")


def _book(request: TradeRequest, ground: Ground, settings: GuardianSettings) -> Iterator[Veto]:
    for text in ground.blocks:
        yield _veto("G.reconcile", 0, 1, text)
    if ground.looked > settings.query_every * 2:
        text = f"the broker's book was not read just now: {ground.silence or 'it is asked again'}"
        yield _veto("G.broker", settings.query_every * 2, ground.looked, text)
    if ground.unresolved:
        yield _veto("G.unresolved", 0, ground.unresolved, "an earlier request has no answer yet")
    if ground.alive:
        yield _veto("G.open", 0, ground.alive, "a position or entry is open")
    named = [case for case in ground.cases if case.correlation_id == request.order.correlation_id]
    if request.setup.setup_id in ground.ordered or named:
        yield _veto("G.once", 0, 1, "the setup was ordered before")
    if ground.sent_today >= settings.orders_per_day:
        yield _veto("G.rate", settings.orders_per_day, ground.sent_today, "too many order requests today")
    if ground.realised <= -settings.daily_loss:
        yield _veto("G.loss", -settings.daily_loss, ground.realised, "the session has lost its limit")
    if not ground.armed:
        yield _veto("G.loss_exit", 1, 0, "the broker's own loss exit is not armed")


def _time(request: TradeRequest, ground: Ground, settings: GuardianSettings) -> Iterator[Veto]:
    session, local = ground.session, ground.now.astimezone(IST)
    if session is None or not session.is_open(ground.now):
        yield _veto("G.session", 1, 0, "the market is closed")
        return
    expires = request.setup.expiry_at.astimezone(IST).date() == session.on
    last = settings.last_entry_on_expiry if expires else settings.last_entry
    minutes = local.hour * 60 + local.minute
    if not settings.first_entry <= local.time() <= last:
        yield _veto("G.hours", last.hour * 60 + last.minute, minutes, "outside the hours of entry")
    if ground.now >= min(request.order.flatten_at, request.order.cancel_entry_at):
        yield _veto("G.flat", 0, 1, "the order would have to be taken back at once")
    if request.order.placed_at.astimezone(IST).date() != session.on:
        yield _veto("G.day", 0, 1, "the order was planned on another day")


def _prices(ground: Ground, settings: GuardianSettings) -> Iterator[Veto]:
    if ground.index_age > settings.index_entry_age:
        yield _veto("G.index", settings.index_entry_age, ground.index_age, "the index has no fresh price")
    if ground.book_age > settings.quote_entry_age:
        yield _veto("G.quote", settings.quote_entry_age, ground.book_age, "the contract has no fresh price")


def _veto(rule: str, limit: float | Decimal, value: float | Decimal, text: str) -> Veto:
    bounded = min(max(float(value), -1e9), 1e9)
    return Veto(rule=rule, limit=round(float(limit), 2), value=round(bounded, 2), text=text)
