"""Implements the guardian's order gateway on the simulated network: our words on this side, the venue's on the other.

A session speaks one of several dialects, since it is not known which the real broker speaks: legs may be printed under
their own ids or their parent's, may or may not be named as children in the order list, and the entry's own state may
or may not be printed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar, cast

from agents.domain.errors import BrokerUnavailableError, OrderRejectedError, OrderUnknownError
from agents.domain.orders import SuperOrder
from agents.execution.gateway import (
    Ack,
    BrokerState,
    FillRow,
    Funds,
    Leg,
    OrderRow,
    PositionRow,
    SuperRow,
    TradeSide,
)
from tests.simulation import book
from tests.simulation.network import LostError, Network, UnreadableError
from tests.simulation.rows import TICK, LegKey, fill_row, order_row, position_row, rupees, super_row
from tests.simulation.venue import RefusedError
from tests.simulation.world import Life, World

T = TypeVar("T")

STALE = 10
FUNDS = Funds(available=Decimal(1_000_000), start_of_day=Decimal(1_000_000))


def ticks(price: Decimal) -> int:
    """Return a price in ticks.

    Raises
    ------
    RefusedError
        If the broker would refuse it: it is no whole number of ticks.
    """
    whole, rest = divmod(price, TICK)
    if rest or price <= 0:
        raise RefusedError(f"DH-905 price {price} is not a multiple of the tick")
    return int(whole)


@dataclass(frozen=True)
class Dialect:
    """How this session's broker prints what its documents leave open."""

    own_leg_ids: bool
    legs_listed: bool
    parents_named: bool
    entry_state: bool

    @classmethod
    def drawn(cls, world: World) -> "Dialect":
        """Draw the dialect of a seed."""
        rng = world.rng("dialect")
        own = rng.random() < 0.5
        return cls(own, rng.random() < 0.7, rng.random() < 0.5, rng.random() < 0.5)


class SimulatedGateway:
    """Implements `agents.execution.gateway.OrderGateway` for one incarnation.

    Parameters
    ----------
    life : Life
        The incarnation.
    dialect : Dialect
        How the broker prints.
    before_entry : callable
        Called with each super order that is about to be sent.
    """

    def __init__(self, life: Life, dialect: Dialect, before_entry: Callable[[SuperOrder], None]) -> None:
        self._world = life.world
        self._network = Network(life)
        self._dialect = dialect
        self._before_entry = before_entry
        self._lists: dict[str, tuple[tuple[int, int, int], list[Any]]] = {}  # Any: rows of each list

    # ---- requests -------------------------------------------------------------------------------------------------

    def place_super(self, order: SuperOrder) -> Ack:
        """Send a super order."""
        self._before_entry(order)

        def act() -> str:
            prices = ticks(order.entry_limit), ticks(order.target_limit), ticks(order.stop_trigger)
            terms = book.Terms(order.contract, order.quantity, *prices)
            return self._world.venue.place_super(order.correlation_id, terms).order_id

        unanswered = self._world.unanswered
        unanswered.add(order.correlation_id)
        try:
            ack = Ack(order_id=self._sent(f"super order {order.correlation_id}", act), state=BrokerState.TRANSIT)
        except OrderRejectedError:
            unanswered.discard(order.correlation_id)
            raise
        unanswered.discard(order.correlation_id)
        return ack

    def place_exit(self, correlation_id: str, contract: str, quantity: int, limit: Decimal) -> Ack:
        """Send a plain sell order."""

        def act() -> str:
            return self._world.venue.place_plain(correlation_id, contract, quantity, ticks(limit)).order_id

        return Ack(order_id=self._sent(f"exit {correlation_id} {quantity} at {limit}", act), state=BrokerState.TRANSIT)

    def modify_leg(
        self,
        order_id: str,
        leg: Leg,
        *,
        price: Decimal | None = None,
        trigger: Decimal | None = None,
        quantity: int | None = None,
    ) -> None:
        """Change a leg."""
        venue = self._world.venue

        def act() -> None:
            moved = None if price is None else ticks(price)
            fires = None if trigger is None else ticks(trigger)
            if leg is Leg.ENTRY:
                venue.modify_entry(order_id, moved, quantity)
            else:
                venue.modify(order_id, leg.name, moved, fires)

        self._sent(f"change of {leg.name} of {order_id} to {price} {trigger} {quantity}", act)

    def modify_exit(self, order_id: str, limit: Decimal) -> None:
        """Move a plain exit."""
        self._sent(f"change of {order_id} to {limit}", lambda: self._world.venue.modify_plain(order_id, ticks(limit)))

    def cancel_entry(self, order_id: str) -> None:
        """Cancel a super order."""
        self._sent(f"cancel of super order {order_id}", lambda: self._world.venue.cancel_super(order_id))

    def cancel_leg(self, order_id: str, leg: Leg) -> None:
        """Cancel one exit leg: the broker can, the guardian's port cannot. For mutations only."""
        self._sent(f"cancel {leg.name} of {order_id}", lambda: self._world.venue.cancel_super(order_id, leg.name))

    def cancel_order(self, order_id: str) -> None:
        """Cancel a plain order."""
        self._sent(f"cancel of {order_id}", lambda: self._world.venue.cancel_plain(order_id))

    def arm_loss_exit(self, loss: Decimal) -> None:
        """Arm the broker's own exit."""

        def act() -> None:
            self._world.venue.loss_exit = int(loss / TICK)

        self._sent(f"loss exit at {loss}", act, counted=False)

    def exit_all(self) -> None:
        """Have the broker leave everything."""
        self._sent("exit of everything", lambda: self._world.venue.exit_all("asked to exit all"))

    # ---- reads ----------------------------------------------------------------------------------------------------

    def super_orders(self) -> Sequence[SuperRow]:
        """Return the super orders that can be seen."""
        return self._list("super orders", lambda: [self._super_row(b) for b in self._seen_brackets()])

    def orders(self) -> Sequence[OrderRow]:
        """Return plain orders, and legs where the dialect lists them."""
        return self._list("orders", self._order_rows)

    def trades(self) -> Sequence[FillRow]:
        """Return the executions of orders that can be seen."""
        return self._list("trades", self._fill_rows)

    def positions(self) -> Sequence[PositionRow]:
        """Return what is held; this read never lags."""
        return self._read("positions", lambda: [position_row(*held) for held in self._world.venue.net.items()])

    def funds(self) -> Funds:
        """Return plenty."""
        return self._read("funds", lambda: FUNDS)

    def find(self, correlation_id: str) -> SuperRow | OrderRow | None:
        """Return the order of a correlation id once it can be seen."""

        def look() -> SuperRow | OrderRow | None:
            for bracket in self._seen_brackets():
                if bracket.correlation_id == correlation_id and bracket.state != "TRANSIT":
                    return self._super_row(bracket)
            rows = (row for row in self._order_rows() if row.correlation_id == correlation_id)
            return next((row for row in rows if row.state is not BrokerState.TRANSIT), None)

        return self._read(f"order {correlation_id}", look)

    def loss_exit(self) -> Decimal | None:
        """Return the armed loss."""

        def look() -> Decimal | None:
            armed = self._world.venue.loss_exit
            return None if armed is None else rupees(armed)

        return self._read("loss exit", look)

    # ---- translation ----------------------------------------------------------------------------------------------

    def _sent(self, what: str, act: Callable[[], T], *, counted: bool = True) -> T:
        if counted and self._world.troubled("lease_loss"):
            self._world.violate("P3", f"{what} was sent without the lease")
        try:
            return self._network.send(what, act, counted=counted)
        except LostError as error:
            raise OrderUnknownError(f"{what}: {error}; look for it before anything else") from error
        except RefusedError as error:
            self._world.say(f"broker  refuses {what}: {error}")
            raise OrderRejectedError(f"{what}: {error}") from error

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

    def _seen_brackets(self) -> list[book.Bracket]:
        second = self._world.second
        return [bracket for bracket in self._world.venue.brackets.values() if bracket.visible_at <= second]

    def _super_row(self, bracket: book.Bracket) -> SuperRow:
        state, legs = bracket.state, tuple(self._leg_key(bracket, leg) for leg in bracket.legs)
        if bracket.filled and state != "CLOSED" and any(leg.state == "TRIGGERED" for leg in bracket.legs):
            state = "TRIGGERED"
        entry = ("TRADED" if bracket.state == "CLOSED" else bracket.state) if self._dialect.entry_state else ""
        average = bracket.value // bracket.filled if bracket.filled else 0
        key = (bracket.order_id, bracket.correlation_id, bracket.contract, state, bracket.quantity, bracket.filled)
        return super_row(key, (average, bracket.price), bracket.message, entry, legs)

    def _leg_key(self, bracket: book.Bracket, leg: book.Leg) -> LegKey:
        printed = leg.order_id if self._dialect.own_leg_ids else bracket.order_id
        average = leg.value // leg.filled if leg.filled else None
        return (leg.name, printed, leg.state, bracket.filled, leg.filled, leg.price, leg.trigger or None, average)

    def _order_rows(self) -> list[OrderRow]:
        second = self._world.second
        rows = [
            order_row(
                (plain.order_id, plain.correlation_id, plain.contract, plain.state, plain.quantity, plain.filled),
                (plain.value // plain.filled if plain.filled else 0, plain.price),
                None,
                plain.message,
                TradeSide.BUY if plain.side > 0 else TradeSide.SELL,
            )
            for plain in self._world.venue.plains.values()
            if plain.visible_at <= second
        ]
        if self._dialect.legs_listed:
            rows += [self._leg_order(bracket, leg) for bracket in self._seen_brackets() for leg in bracket.legs]
            rows += [self._entry_order(bracket) for bracket in self._seen_brackets()]
        return rows

    def _leg_order(self, bracket: book.Bracket, leg: book.Leg) -> OrderRow:
        parent = bracket.order_id if self._dialect.parents_named else None
        key = (leg.order_id, "NA", bracket.contract, leg.state, bracket.filled, leg.filled)
        return order_row(key, (leg.value // leg.filled if leg.filled else 0, leg.price), parent, "")

    def _entry_order(self, bracket: book.Bracket) -> OrderRow:
        state = "TRADED" if bracket.state == "CLOSED" else bracket.state
        key = (bracket.order_id, bracket.correlation_id, bracket.contract, state, bracket.quantity, bracket.filled)
        average = bracket.value // bracket.filled if bracket.filled else 0
        return order_row(key, (average, bracket.price), None, bracket.message, TradeSide.BUY)

    def _fill_rows(self) -> list[FillRow]:
        world, second = self._world, self._world.second
        hidden = {plain.order_id for plain in world.venue.plains.values() if plain.visible_at > second}
        for bracket in world.venue.brackets.values():
            if bracket.visible_at > second:
                hidden |= {bracket.order_id, *(leg.order_id for leg in bracket.legs)}
        base = world.plan.opens_at
        return [fill_row(deal, base) for deal in world.venue.deals if deal.order_id not in hidden]
