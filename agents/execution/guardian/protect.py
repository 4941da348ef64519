"""What to do next for one case: pure, from its state, the time and the last prices.

The rules, in the order in which they are asked:

* an entry that may not go on is cancelled while it has bought nothing, and shrunk to what it bought afterwards,
  because cancelling it would take the exits away; where the broker does not shrink it, its limit goes down to the stop;
* a position is left through its target leg, moved to a price that trades at once: a change that is repeated or late
  does no harm, and the broker keeps the two exits from selling twice;
* a plain sale is sent only when both legs are gone, one at a time, no sooner than the grace after the last that may
  have arrived, and for no more than this setup holds.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agents.domain.lifecycle import TradeState
from agents.execution.gateway import BrokerState, Leg
from agents.execution.guardian.actions import (
    Action,
    CancelEntry,
    MoveExit,
    MoveStop,
    MoveTarget,
    Park,
    Sell,
    Shrink,
    Withdraw,
)
from agents.execution.guardian.case import Case, ExitState
from agents.execution.guardian.chase import selling_price
from agents.execution.guardian.ports import TopOfBook
from agents.execution.guardian.settings import GuardianSettings

REFUSALS_TO_WITHDRAW = 2
REFUSALS_IN_HASTE = 6


@dataclass(frozen=True)
class Sight:
    """What a decision about one case looks at. Times by the stopwatch in seconds.

    `acted` is how long ago something was last asked for this case, `sold` how long ago a plain exit was last sent,
    `lost` how long its legs have been gone, `listed` whether this look showed its row. `entries_stopped` says why no
    entry may go on, "" when it may. `raise_stop_to` is a break-even trigger that the dead-man table asks for.
    """

    now: datetime
    book: TopOfBook | None
    acted: float
    sold: float
    lost: float
    unlisted: float
    entries_stopped: str = ""
    raise_stop_to: Decimal | None = None


def next_action(case: Case, sight: Sight, settings: GuardianSettings) -> Action | None:
    """Return what to ask of the broker for a case, None when there is nothing or it is too soon."""
    if case.state in {TradeState.ACKED, TradeState.ENTRY_PENDING}:
        return _entering(case, sight, settings)
    if case.state is TradeState.PART_FILLED:
        return _part(case, sight, settings)
    return _holding(case, sight, settings) if case.remaining > 0 else None


def why_flatten(case: Case, now: datetime) -> str:
    """Return why a held position must be sold now, "" when it may stay."""
    if case.flatten_why:
        return case.flatten_why
    if now >= case.order.flatten_at:
        return "the time to be flat has come"
    if case.leg_is_dead(Leg.STOP) and case.leg_is_alive(Leg.TARGET):
        return "the stop leg is gone"
    return ""


def why_end_entry(case: Case, now: datetime, entries_stopped: str) -> str:
    """Return why an entry may not go on buying, "" when it may."""
    if case.late:
        return "the order turned up after it had been given up"
    if case.flatten_why:
        return case.flatten_why
    if now >= min(case.order.cancel_entry_at, case.order.flatten_at):
        return "the entry has waited long enough"
    return entries_stopped


def _holding(case: Case, sight: Sight, settings: GuardianSettings) -> Action | None:
    if case.state is TradeState.FLATTENING:
        return _flattening(case, sight, settings)
    if case.state is TradeState.PROTECTED and sight.raise_stop_to is not None and not case.stop_raised:
        return MoveStop(sight.raise_stop_to, "the feed is dead: the stop goes to break-even")
    if case.state in {TradeState.LEG_LOST, TradeState.FILLED}:
        return _lost(case, sight, settings)
    return None


def _entering(case: Case, sight: Sight, settings: GuardianSettings) -> Action | None:
    why = why_end_entry(case, sight.now, sight.entries_stopped)
    # An order that was taken and is not listed cannot be cancelled yet: ask seldom.
    pace = settings.grace if case.state is TradeState.ACKED else settings.reprice_every
    if not why or not case.order_id or sight.acted < pace:
        return None
    return CancelEntry(why)


def _part(case: Case, sight: Sight, settings: GuardianSettings) -> Action | None:
    leave = _must_leave(case, sight)
    why = leave or why_end_entry(case, sight.now, sight.entries_stopped)
    if not why or sight.acted < settings.reprice_every:
        return None
    if case.shrinks < settings.shrink_tries:
        return Shrink(case.bought, why)
    if leave:
        return Withdraw(f"{why}, and the entry cannot be shrunk")
    return None if case.parked else Park(case.order.stop_trigger + case.order.tick_size, why)


def _must_leave(case: Case, sight: Sight) -> str:
    if case.legs_are_gone:
        return "both exit legs are gone"
    stop = case.leg(Leg.STOP)
    if stop is not None and (stop.filled or stop.state is BrokerState.TRIGGERED) and case.remaining > 0:
        return "the stop was set off"
    return why_flatten(case, sight.now)


def _flattening(case: Case, sight: Sight, settings: GuardianSettings) -> Action | None:
    if sight.acted < settings.reprice_every:
        return None
    if case.refusals >= REFUSALS_TO_WITHDRAW or not case.leg_is_alive(Leg.TARGET):
        return Withdraw("the target leg cannot be used to leave")
    target, stop = case.leg(Leg.TARGET), case.leg(Leg.STOP)
    price = _price(case, sight, case.moves, settings)
    if target is not None and target.price <= price and case.moves > len(settings.reprice_steps):
        return None  # it rests as low as may be: the same again would only use up the changes that a broker allows
    trigger = stop.trigger if stop is not None and case.leg_is_alive(Leg.STOP) else None
    in_the_way = trigger is not None and trigger >= price
    below = max(price - case.order.tick_size, case.order.tick_size) if in_the_way else None
    return MoveTarget(price, below, case.flatten_why or "flatten")


def _lost(case: Case, sight: Sight, settings: GuardianSettings) -> Action | None:
    if case.open_exit is not None:
        return _chase_exit(case, sight, settings)
    if not case.legs_are_gone and (case.legs or not case.withdrawn):
        return _take_back(case, sight, settings)
    # Legs that were never listed may yet show up after the order was taken back: that needs the grace.
    bare = sight.lost >= settings.lost_patience if case.legs_are_gone else sight.acted >= settings.grace
    in_haste = bool(case.exits) and case.exits[-1].state is ExitState.REJECTED and case.refusals <= REFUSALS_IN_HASTE
    if not bare or sight.sold < (settings.reprice_every if in_haste else settings.grace):
        return None
    # Nobody tells why a price was refused, so the ladder begins again at its end.
    limit = _price(case, sight, case.refusals % (len(settings.reprice_steps) + 1), settings)
    return Sell(case.remaining, limit, "both exit legs are gone")


def _take_back(case: Case, sight: Sight, settings: GuardianSettings) -> Action | None:
    """Take the order back where its legs were never listed, or one lives that nothing can be left through."""
    unseen_for = settings.grace if case.legs else sight.unlisted
    if min(unseen_for, sight.acted) < settings.grace:
        return None
    return Withdraw("a leg may be alive that nobody can leave through")


def _chase_exit(case: Case, sight: Sight, settings: GuardianSettings) -> Action | None:
    working = case.open_exit
    if working is None or working.is_unresolved or sight.acted < settings.reprice_every:
        return None
    limit = _price(case, sight, case.moves, settings)
    return MoveExit(working, limit, "the exit rests unfilled") if limit < working.limit else None


def _price(case: Case, sight: Sight, tries: int, settings: GuardianSettings) -> Decimal:
    """Return the next selling price; with no book at all, from the stop that was planned."""
    book = sight.book
    if book is None:
        planned = case.order.stop_trigger
        book = TopOfBook(contract=case.contract, at=sight.now, ltp=planned, bid=planned)
    return selling_price(book, tries, case.order.tick_size, settings)
