"""Everything known about one setup's order, and the event that changes it.

A case is a fold of its events and nothing else: a guardian that starts anew reads the events and knows what the last
one knew. Facts about fills only grow; what the broker once called finished stays so, however old the next answer is.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from agents.domain.lifecycle import TradeState
from agents.domain.orders import SuperOrder
from agents.domain.values import Frozen, Rupees
from agents.execution.gateway import DEAD_STATES, DONE_STATES, BrokerState, FillRow, Leg, LegRow

ZERO = Decimal(0)


class ExitState(StrEnum):
    """Where a plain exit order stands. INTENT and UNKNOWN: it may have been sent."""

    INTENT = "intent"
    UNKNOWN = "unknown"
    WORKING = "working"
    DONE = "done"
    REJECTED = "rejected"
    ABANDONED = "abandoned"


class Reading(Frozen):
    """What both clocks showed when something was done: the stopwatch called `counter` in seconds, and the clock `at`.

    Stopwatches count on while a process is started anew, but not when its machine is: then `counter` is another.
    """

    counter: str
    seconds: float
    at: AwareDatetime


class Exit(Frozen):
    """One plain order that sells what a setup holds, sent when its legs are gone.

    `sent` is when its one request had ended, None while it is under way and for what was written without it.
    """

    correlation_id: str
    quantity: int
    limit: Rupees
    state: ExitState = ExitState.INTENT
    order_id: str = ""
    filled: int = 0
    sent: Reading | None = None

    @property
    def is_unresolved(self) -> bool:
        """Whether nobody knows if the broker has it."""
        return self.state in {ExitState.INTENT, ExitState.UNKNOWN}

    @property
    def may_sell(self) -> bool:
        """Whether it may still sell something."""
        return self.is_unresolved or self.state is ExitState.WORKING


class Case(Frozen):
    """One setup's order from intent to close. Quantities in units, money in rupees.

    `number` counts its events and `why` is the reason of the last one. `earned` and `priced` cover the sales that the
    trade book has shown, `fills` are its rows. `late` marks an order that turned up after it had been given up.
    `flatten_why` is why the position must go, "" while it may stay.
    """

    setup_id: str
    order: SuperOrder
    cycle_id: str
    equity: Rupees
    opened_at: AwareDatetime
    state: TradeState = TradeState.PLANNED
    number: int = 0
    why: str = ""
    order_id: str = ""
    late: bool = False
    entry_state: BrokerState = BrokerState.UNKNOWN
    bought: int = 0
    spent: Rupees = ZERO
    legs: tuple[LegRow, ...] = ()
    exits: tuple[Exit, ...] = ()
    sold_elsewhere: int = 0
    earned: Rupees = ZERO
    priced: int = 0
    trade_ids: tuple[str, ...] = ()
    fills: tuple[FillRow, ...] = ()
    flatten_why: str = ""
    moves: int = 0
    refusals: int = 0
    shrinks: int = 0
    parked: bool = False
    withdrawn: bool = False
    stop_raised: bool = False
    filled_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None

    @property
    def correlation_id(self) -> str:
        """Our name of the super order."""
        return self.order.correlation_id

    @property
    def contract(self) -> str:
        """What it trades."""
        return self.order.contract

    @property
    def sold(self) -> int:
        """Units sold by its legs, by its exits, and by others on its behalf."""
        by_legs = sum(leg.filled for leg in self.legs)
        return by_legs + sum(one.filled for one in self.exits) + self.sold_elsewhere

    @property
    def remaining(self) -> int:
        """Units that this setup still holds: what it bought less what it sold, never the account's net."""
        return self.bought - self.sold

    @property
    def entry_is_open(self) -> bool:
        """Whether the entry may still buy."""
        return self.entry_state not in DONE_STATES

    @property
    def average(self) -> Decimal:
        """What a unit cost on average, the entry's limit while that is unknown."""
        return self.spent / self.bought if self.bought and self.spent else self.order.entry_limit

    @property
    def legs_are_gone(self) -> bool:
        """Whether neither exit leg can sell any more."""
        return bool(self.legs) and all(leg.state in DONE_STATES for leg in self.legs)

    def leg(self, name: Leg) -> LegRow | None:
        """Return an exit leg as last seen, None before it was."""
        return next((row for row in self.legs if row.leg is name), None)

    def leg_is_alive(self, name: Leg) -> bool:
        """Whether an exit leg may still sell."""
        row = self.leg(name)
        return row is not None and row.state not in DONE_STATES

    def leg_is_dead(self, name: Leg) -> bool:
        """Whether an exit leg was seen to have ended without selling everything."""
        row = self.leg(name)
        return row is not None and row.state in DEAD_STATES

    @property
    def open_exit(self) -> Exit | None:
        """Return the exit order that may still sell, None when there is none."""
        return next((one for one in self.exits if one.may_sell), None)


class OrderEvent(Frozen):
    """One step of a case: the payload of an event `ORDER_EVENT` whose key is ``setup_id/number``.

    `changes` holds the new values of the case's fields as JSON; the first event holds all of them.
    """

    setup_id: str
    number: int
    at: AwareDatetime
    was: TradeState
    state: TradeState
    why: str
    changes: dict[str, Any]  # Any: the JSON of a Case's fields

    @property
    def key(self) -> str:
        """Return the event's identity: no two writers can both write it with different contents."""
        return f"{self.setup_id}/{self.number:03d}"
