"""The reads of the guardian's order gateway on the simulated network: lists may fail, and may be old."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar, cast

from agents.domain.errors import BrokerUnavailableError
from agents.execution.gateway import BrokerState, FillRow, Funds, OrderRow, PositionRow, SuperRow
from tests.simulation.network import Network, UnreadableError
from tests.simulation.printing import Dialect, Printer
from tests.simulation.rows import position_row, rupees
from tests.simulation.world import Life

T = TypeVar("T")

STALE = 10
FUNDS = Funds(available=Decimal(1_000_000), start_of_day=Decimal(1_000_000))


class SimulatedReads:
    """What one incarnation can read of the broker's book, in one dialect."""

    def __init__(self, life: Life, dialect: Dialect) -> None:
        self._world = life.world
        self._network = Network(life)
        self._printer = Printer(life.world, dialect)
        self._lists: dict[str, tuple[tuple[int, int, int], list[Any]]] = {}  # Any: rows of each list

    def super_orders(self) -> Sequence[SuperRow]:
        """Return the super orders that can be seen."""
        return self._list("super orders", lambda: [self._printer.super_row(b) for b in self._printer.seen()])

    def orders(self) -> Sequence[OrderRow]:
        """Return plain orders, and legs where the dialect lists them."""
        return self._list("orders", self._printer.order_rows)

    def trades(self) -> Sequence[FillRow]:
        """Return the executions of orders that can be seen."""
        return self._list("trades", self._printer.fill_rows)

    def positions(self) -> Sequence[PositionRow]:
        """Return what is held; this read never lags."""
        return self._read("positions", lambda: [position_row(*held) for held in self._world.venue.net.items()])

    def funds(self) -> Funds:
        """Return plenty."""
        return self._read("funds", lambda: FUNDS)

    def find(self, correlation_id: str) -> SuperRow | OrderRow | None:
        """Return the order of a correlation id once it can be seen."""

        def look() -> SuperRow | OrderRow | None:
            for bracket in self._printer.seen():
                if bracket.correlation_id == correlation_id and bracket.state != "TRANSIT":
                    return self._printer.super_row(bracket)
            rows = (row for row in self._printer.order_rows() if row.correlation_id == correlation_id)
            return next((row for row in rows if row.state is not BrokerState.TRANSIT), None)

        return self._read(f"order {correlation_id}", look)

    def loss_exit(self) -> Decimal | None:
        """Return the armed loss."""

        def look() -> Decimal | None:
            armed = self._world.venue.loss_exit
            return None if armed is None else rupees(armed)

        return self._read("loss exit", look)

    def _read(self, what: str, act: Callable[[], T]) -> T:
        try:
            return self._network.read(what, act)
        except UnreadableError as error:
            raise BrokerUnavailableError(str(error)) from error

    def _list(self, what: str, act: Callable[[], list[T]]) -> list[T]:
        """Read a list; a lagging server may show one that it showed before, up to `STALE` seconds old."""
        world, second = self._world, self._world.second
        rows = self._read(what, lambda: self._kept(what, act))
        kept = [(at, old) for at, old in world.earlier.get(what, ()) if at > second - STALE]
        world.earlier[what] = [*kept, (second, rows)]
        if kept and world.chance(world.network_rng, world.faults.stale_read):
            return list(world.network_rng.choice(kept)[1])
        return rows

    def _kept(self, what: str, act: Callable[[], list[T]]) -> list[T]:
        """Make a list anew only when something has changed, or has become visible, since it was made last."""
        venue = self._world.venue
        mark = (venue.changes, venue.edits, min(venue.second, venue.visible_at))
        known = self._lists.get(what)
        if known is None or known[0] != mark:
            known = self._lists[what] = (mark, act())
        return cast("list[T]", known[1])
