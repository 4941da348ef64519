"""Rules of the account and the session: R5 losses, R6 counts and pauses, R10 hours."""

from collections.abc import Iterator
from datetime import time

from agents.domain.checks import Check
from agents.domain.orders import OrderState
from agents.domain.values import IST
from agents.execution.orders import flat_at
from agents.execution.risk.question import Question, at_least, at_most, below, unknown


def loss_rules(question: Question) -> Iterator[Check]:
    """R5: the session's loss with this trade at its stop stays within the limit, and no limit was passed before."""
    account = question.account
    allowed = question.share(question.limits.daily_loss_share)
    at_risk = account.open_risk + question.risk - account.realised
    text = "the session's loss with this trade at its stop would pass the limit"
    yield at_most("R5.loss", at_risk, allowed, text)
    yield below("R5.lock", -account.realised, allowed, "the session has lost its limit; it is over")


def count_rules(question: Question) -> Iterator[Check]:
    """R6: how often, how many at once, and each zone and setup once."""
    setup, account, limits = question.setup, question.account, question.limits
    unresolved = sum(order.state is OrderState.PLANNED for order in account.orders)
    in_zone = sum(order.zone_id == setup.zone_id for order in account.entries)
    sent = sum(order.setup_id == setup.setup_id for order in account.orders)
    yield below("R6.trades", len(account.entries), limits.max_trades, "the session has had its number of trades")
    yield below("R6.open", len(account.open_orders), limits.max_open, "a position or entry is open")
    yield below("R6.unresolved", unresolved, 1, "an earlier order has no answer yet")
    yield below("R6.zone", in_zone, 1, "the zone was traded in this session")
    yield below("R6.setup", sent, 1, "the setup was ordered before")
    losses = account.losses_in_a_row
    yield below("R6.losses", losses, limits.stop_after_losses, "too many losses in a row for this session")


def pause_rules(question: Question) -> Iterator[Check]:
    """R6: time passes after an exit, and more of it after losses in a row."""
    account, limits = question.account, question.limits
    if not account.trades:
        yield unknown("R6.cool_down", "nothing was sold in this session")
        return
    passed = (question.now - account.trades[-1].exit_at).total_seconds()
    yield at_least("R6.cool_down", passed, limits.cool_down.total_seconds(), "the last exit was moments ago")
    if account.losses_in_a_row >= limits.pause_after_losses:
        yield at_least("R6.pause", passed, limits.pause.total_seconds(), "losses in a row call for a pause")


def protection_rules(question: Question) -> Iterator[Check]:
    """R6: too many stops, too deep a drawdown, and trades that no longer pay close the desk until a person looks."""
    account, limits = question.account, question.limits
    stops = account.stops_since(limits.stop_guard_sessions)
    yield below("R6.stop_guard", stops, limits.stop_guard_stops, "too many stops in these sessions")
    allowed = question.share(limits.drawdown_share)
    yield below(
        "R6.drawdown", account.drawdown(limits.drawdown_sessions), allowed, "the account is too far below its best"
    )
    net = account.last_net(limits.low_profit_trades)
    if net is None:
        yield unknown("R6.low_profit", f"fewer than {limits.low_profit_trades} round trips are known")
    else:
        least = -question.share(limits.low_profit_share)
        yield at_least("R6.low_profit", net, least, f"the last {limits.low_profit_trades} round trips lost too much")


def time_rules(question: Question) -> Iterator[Check]:
    """R10: entries have their hours, and everything is sold before the close."""
    setup, limits, session = question.setup, question.limits, question.session
    local = question.now.astimezone(IST)
    expires_today = setup.expiry_at.astimezone(IST).date() == session.on
    last = limits.last_entry_on_expiry if expires_today else limits.last_entry
    at = _minutes(local.time())
    yield at_least("R10.early", at, _minutes(limits.first_entry), "before the first entry time")
    yield at_most("R10.late", at, _minutes(last), "after the last entry time")
    flat = _minutes(flat_at(session).astimezone(IST).time())
    yield below("R10.flat", at, flat, "positions are being sold by now")


def _minutes(at: time) -> float:
    return at.hour * 60 + at.minute + at.second / 60
