"""The account that a trade is held against. Pure: whoever asks says how the account stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

from agents.domain.orders import OPEN_STATES, OrderState, SuperOrder, Trade
from agents.domain.values import IST


@dataclass(frozen=True)
class Account:
    """Equity in rupees; the session's orders and round trips, oldest first; and the round trips of earlier sessions.

    `earlier` reaches as far back as whoever made this could see.
    """

    equity: Decimal
    orders: Sequence[SuperOrder]
    trades: Sequence[Trade]
    earlier: Sequence[Trade] = ()

    @property
    def is_sound(self) -> bool:
        """Whether every figure is a number and the equity is positive."""
        money = (self.equity, *(trade.net for trade in (*self.earlier, *self.trades)))
        return all(rupees.is_finite() for rupees in money) and self.equity > 0

    @property
    def realised(self) -> Decimal:
        """Rupees won or lost in the session, after costs."""
        return sum((trade.net for trade in self.trades), Decimal(0))

    @property
    def open_orders(self) -> list[SuperOrder]:
        """Orders that hold or may still open a position."""
        return [order for order in self.orders if order.state in OPEN_STATES]

    @property
    def open_premium(self) -> Decimal:
        """Rupees paid, or about to be paid, for what is open."""
        return sum((order.entry_limit * order.quantity for order in self.open_orders), Decimal(0))

    @property
    def open_risk(self) -> Decimal:
        """Rupees that the open orders lose at their stops."""
        risks = ((order.entry_limit - order.stop_trigger) * order.quantity for order in self.open_orders)
        return sum(risks, Decimal(0))

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

    def drawdown(self, sessions: int) -> Decimal:
        """Return rupees from the best that this session and the `sessions` traded before it added up to, to now."""
        course = [Decimal(0), *accumulate(trade.net for trade in self._since(sessions))]
        return max(course) - course[-1]

    def stops_since(self, sessions: int) -> int:
        """Return how many round trips lost at their stop in this session and the `sessions` traded before it."""
        return sum(trade.exit_reason is OrderState.STOP_DONE and trade.net < 0 for trade in self._since(sessions))

    def last_net(self, trades: int) -> Decimal | None:
        """Return the rupees of the last so many round trips, None before there are as many."""
        last = (*self.earlier, *self.trades)[-trades:]
        return sum((trade.net for trade in last), Decimal(0)) if trades and len(last) == trades else None

    def _since(self, sessions: int) -> list[Trade]:
        days = sorted({trade.exit_at.astimezone(IST).date() for trade in self.earlier})[-sessions:] if sessions else []
        return [*(trade for trade in self.earlier if trade.exit_at.astimezone(IST).date() in days), *self.trades]
