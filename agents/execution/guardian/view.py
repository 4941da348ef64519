"""What the broker showed in one look, and how its rows are matched with our cases.

The rule: a row belongs to a case by our correlation id, else by the broker's order id, and a row that is not there is
no news: lists lag behind, and only a query that is made after the grace may speak of absence.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from agents.domain.errors import BrokerUnavailableError
from agents.execution.gateway import FillRow, Funds, OrderGateway, OrderRow, PositionRow, SuperRow
from agents.execution.guardian.case import Case, Exit

Found = TypeVar("Found")


@dataclass(frozen=True)
class View:
    """One look. `fills`, `positions` and `funds` are None where they were not read; `taken` is by the stopwatch."""

    taken: float
    supers: tuple[SuperRow, ...]
    orders: tuple[OrderRow, ...] = ()
    fills: tuple[FillRow, ...] | None = None
    positions: tuple[PositionRow, ...] | None = None
    funds: Funds | None = None
    _by_name: dict[str, SuperRow] = field(init=False, repr=False, compare=False)
    _by_id: dict[str, SuperRow] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {row.correlation_id: row for row in self.supers})
        object.__setattr__(self, "_by_id", {row.order_id: row for row in self.supers})

    def row_of(self, case: Case) -> SuperRow | None:
        """Return the super order of a case, None where the look did not show it."""
        return self._by_name.get(case.correlation_id) or self._by_id.get(case.order_id)

    def exit_row(self, one: Exit) -> OrderRow | None:
        """Return the row of a plain exit order, None where the look did not show it."""
        for row in self.orders:
            if row.correlation_id == one.correlation_id or (one.order_id and row.order_id == one.order_id):
                return row
        return None

    def net(self, contract: str) -> int:
        """Return what the account holds of a contract; 0 where it is not listed."""
        return sum(row.net_quantity for row in self.positions or () if row.contract == contract)


def heard(read: Callable[[], Found]) -> Found:
    """Return what a read gives, asked once more at once if it fails: one lost reply in five must not cost the look."""
    try:
        return read()
    except BrokerUnavailableError:
        return read()


def glance(gateway: OrderGateway, elapsed: float, *, orders: bool) -> View:
    """Read what protects a position: the super orders, and the plain orders if there are exits among them."""
    return View(elapsed, tuple(heard(gateway.super_orders)), tuple(heard(gateway.orders)) if orders else ())


def survey(gateway: OrderGateway, elapsed: float) -> View:
    """Read everything. Positions come last: what they lack against the other rows was sold in between."""
    supers, orders = tuple(heard(gateway.super_orders)), tuple(heard(gateway.orders))
    return View(elapsed, supers, orders, *executed(gateway), heard(gateway.funds))


def executed(gateway: OrderGateway) -> tuple[tuple[FillRow, ...], tuple[PositionRow, ...]]:
    """Read the executions, and then what they left the account with."""
    fills = tuple(heard(gateway.trades))
    return fills, tuple(heard(gateway.positions))


def own_ids(cases: Iterable[Case]) -> frozenset[str]:
    """Return every order id that is known to belong to a case: super orders, legs and exits."""
    found: set[str] = set()
    for case in cases:
        found.update(leg.order_id for leg in case.legs)
        found.update(one.order_id for one in case.exits)
        found.add(case.order_id)
    return frozenset(found - {""})
