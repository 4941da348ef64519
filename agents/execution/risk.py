"""What forbids a trade, and how large it may be. Pure: every number it looks at is an argument.

Rules carry ids: R1 risk of one trade, R2 premium paid, R3 the exchange's freeze quantity, R5 loss of the session, R6
counts and pauses, R10 time of day. A rule can only forbid or shrink; none adds size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import ROUND_FLOOR, Decimal

from agents.domain.cycle import Veto
from agents.domain.market import Session
from agents.domain.orders import OPEN_STATES, SuperOrder, Trade, TradeSetup
from agents.domain.values import IST

STOP_SLIP_RUPEES = Decimal(1)
FREEZE_QUANTITY = 1_800


@dataclass(frozen=True)
class Limits:
    """What one account may risk. Shares are of equity; times are of the clock in India."""

    risk_per_trade: float = 0.01
    premium_share: float = 0.25
    open_premium_share: float = 0.40
    daily_loss_share: float = 0.03
    half_size_share: float = 0.02
    max_trades: int = 5
    max_open: int = 1
    cool_down: timedelta = timedelta(minutes=15)
    pause_after_losses: int = 2
    pause: timedelta = timedelta(minutes=60)
    stop_after_losses: int = 3
    first_entry: time = time(9, 30)
    last_entry: time = time(14, 45)
    last_entry_on_expiry: time = time(13, 30)


@dataclass(frozen=True)
class Account:
    """The account as it stands: equity in rupees, and the session's orders and round trips, oldest first."""

    equity: Decimal
    orders: Sequence[SuperOrder]
    trades: Sequence[Trade]

    @property
    def realised(self) -> Decimal:
        """Rupees won or lost in the session, after costs."""
        return sum((trade.net for trade in self.trades), Decimal(0))

    @property
    def open_orders(self) -> list[SuperOrder]:
        """Orders that hold or may still open a position."""
        return [order for order in self.orders if order.state in OPEN_STATES]

    @property
    def entries(self) -> list[SuperOrder]:
        """Orders that opened a position or may still open one."""
        return [order for order in self.orders if order.entry is not None or order.state in OPEN_STATES]

    @property
    def losses_in_a_row(self) -> int:
        """How many round trips in a row ended in a loss, up to now."""
        count = 0
        for trade in reversed(self.trades):
            if trade.net >= 0:
                break
            count += 1
        return count


def affordable_lots(budget: Decimal, stop_distance: Decimal, lot_size: int, costs: Decimal = Decimal(0)) -> int:
    """Return the whole lots whose loss at the stop fits the budget, never rounded up.

    Parameters
    ----------
    budget : Decimal
        Rupees that may be lost.
    stop_distance : Decimal
        Rupees of premium from entry to stop; one rupee of slippage is added.
    lot_size : int
        Units in a lot.
    costs : Decimal
        Rupees for each lot.
    """
    loss = lot_size * (stop_distance + STOP_SLIP_RUPEES) + costs
    if loss <= 0:
        raise ValueError(f"a lot cannot lose {loss} rupees; the stop must lie below the entry")
    return max(0, int((budget / loss).to_integral_value(ROUND_FLOOR)))


def size(setup: TradeSetup, account: Account, limits: Limits) -> int:
    """Return the lots to buy under R1, R2, R3 and the halving of R5; 0 when not even one fits."""
    equity = account.equity
    budget = equity * Decimal(str(limits.risk_per_trade))
    if account.realised <= -equity * Decimal(str(limits.half_size_share)):
        budget /= 2
    by_risk = affordable_lots(
        budget, setup.premium_entry - setup.premium_stop, setup.lot_size, setup.costs_per_unit * setup.lot_size
    )
    premium = setup.premium_entry * setup.lot_size
    by_premium = int(equity * Decimal(str(limits.premium_share)) // premium)
    room = equity * Decimal(str(limits.open_premium_share)) - _open_premium(account)
    by_open_premium = max(0, int(room // premium))
    return min(by_risk, by_premium, by_open_premium, FREEZE_QUANTITY // setup.lot_size)


def vetoes(
    setup: TradeSetup, lots: int, account: Account, limits: Limits, *, now: datetime, session: Session
) -> tuple[Veto, ...]:
    """Return every rule that forbids the trade, empty when none does.

    Parameters
    ----------
    setup : TradeSetup
        What is about to be bought.
    lots : int
        Its size, from `size`.
    account, limits : Account, Limits
        As they stand.
    now : datetime
        Aware.
    session : Session
        Today's session.
    """
    return (
        *_loss_vetoes(setup, lots, account, limits),
        *_count_vetoes(setup, account, limits),
        *_pause_vetoes(account, limits, now),
        *_time_vetoes(setup, limits, now, session),
    )


def _open_premium(account: Account) -> Decimal:
    return sum((order.entry_limit * order.quantity for order in account.open_orders), Decimal(0))


def _loss_vetoes(setup: TradeSetup, lots: int, account: Account, limits: Limits) -> Iterator[Veto]:
    open_risk = sum(
        ((order.entry_limit - order.stop_trigger) * order.quantity for order in account.open_orders), Decimal(0)
    )
    risk = (setup.premium_entry - setup.premium_stop + setup.costs_per_unit) * setup.lot_size * lots
    allowed = account.equity * Decimal(str(limits.daily_loss_share))
    at_risk = open_risk + risk - account.realised
    if at_risk > allowed:
        yield _veto("R5.loss", allowed, at_risk, "the session's loss with this trade at its stop would pass the limit")


def _count_vetoes(setup: TradeSetup, account: Account, limits: Limits) -> Iterator[Veto]:
    entries, opened = len(account.entries), len(account.open_orders)
    in_zone = sum(order.zone_id == setup.zone_id for order in account.entries)
    sent = sum(order.setup_id == setup.setup_id for order in account.orders)
    if entries >= limits.max_trades:
        yield _veto("R6.trades", limits.max_trades, entries, "the session has had its number of trades")
    if opened >= limits.max_open:
        yield _veto("R6.open", limits.max_open, opened, "a position or entry is open")
    if in_zone:
        yield _veto("R6.zone", 1, in_zone, "the zone was traded in this session")
    if sent:
        yield _veto("R6.setup", 1, sent, "the setup was ordered before")
    losses = account.losses_in_a_row
    if losses >= limits.stop_after_losses:
        yield _veto("R6.losses", limits.stop_after_losses, losses, "too many losses in a row for this session")


def _pause_vetoes(account: Account, limits: Limits, now: datetime) -> Iterator[Veto]:
    if not account.trades:
        return
    passed = (now - account.trades[-1].exit_at).total_seconds()
    if passed < limits.cool_down.total_seconds():
        yield _veto("R6.cool_down", limits.cool_down.total_seconds(), passed, "the last exit was moments ago")
    if account.losses_in_a_row >= limits.pause_after_losses and passed < limits.pause.total_seconds():
        yield _veto("R6.pause", limits.pause.total_seconds(), passed, "losses in a row call for a pause")


def _time_vetoes(setup: TradeSetup, limits: Limits, now: datetime, session: Session) -> Iterator[Veto]:
    local = now.astimezone(IST)
    expires_today = setup.expiry_at.astimezone(IST).date() == session.on
    last = limits.last_entry_on_expiry if expires_today else limits.last_entry
    if local.time() < limits.first_entry:
        yield _veto("R10.early", _minutes(limits.first_entry), _minutes(local.time()), "before the first entry time")
    if local.time() > last:
        yield _veto("R10.late", _minutes(last), _minutes(local.time()), "after the last entry time")


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _veto(rule: str, limit: float | Decimal, value: float | Decimal, text: str) -> Veto:
    return Veto(rule=rule, limit=round(float(limit), 2), value=round(float(value), 2), text=text)
