"""Orders as the dashboard shows them: their steps, legs and executions, and what became no order."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agents.domain.profit import DayResult


@dataclass(frozen=True)
class Executed:
    """One execution: units at rupees a unit. `side` is "buy" or "sell"."""

    order_id: str
    trade_id: str
    contract: str
    side: str
    quantity: int
    price: Decimal
    at: datetime


@dataclass(frozen=True)
class Step:
    """One step of an order's life: the state that it led to, and why."""

    at: datetime
    state: str
    why: str


@dataclass(frozen=True)
class LegView:
    """One leg as the broker lists it, in units and rupees. `listed_at` is when the guardian first saw it."""

    name: str
    state: str
    order_id: str
    quantity: int
    filled: int
    price: Decimal
    listed_at: datetime | None
    filled_at: datetime | None


@dataclass(frozen=True)
class Order:
    """One setup's order with what was bought and sold, in rupees a unit; open while `held` is above zero.

    `result` is what its executions have brought, None where they do not show all of it yet. `unpriced` are units that
    were sold at a price that nobody has told.
    """

    setup_id: str
    contract: str
    state: str
    bought: int
    held: int
    spent: Decimal
    earned: Decimal
    limit: Decimal
    stop: Decimal
    target: Decimal
    placed_at: datetime
    filled_at: datetime | None
    closed_at: datetime | None
    why: str
    cycle_id: str = ""
    order_id: str = ""
    asked_at: datetime | None = None
    sent_at: datetime | None = None
    acked_at: datetime | None = None
    steps: tuple[Step, ...] = ()
    legs: tuple[LegView, ...] = ()
    result: DayResult | None = None
    unpriced: int = 0

    @property
    def ended_at(self) -> datetime:
        """When it was left; of one that is not, when it was asked for."""
        return self.closed_at or (self.steps[-1].at if self.bought and not self.held and self.steps else self.placed_at)


@dataclass(frozen=True)
class Refusal:
    """A request that became no order, with the words of every rule that forbade it."""

    setup_id: str
    contract: str
    at: datetime
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Agreement:
    """Whether the ledger and the broker's book agree, as the guardian last compared them; None: it does not say."""

    agrees: bool | None = None
    differences: tuple[str, ...] = ()
    at: datetime | None = None
