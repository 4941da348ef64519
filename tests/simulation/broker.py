"""Implements the guardian's order gateway on the simulated network: our words here, the venue's on the other side."""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from agents.domain.errors import OrderRejectedError, OrderUnknownError
from agents.domain.orders import SuperOrder
from agents.execution.gateway import Ack, BrokerState, Leg
from tests.simulation import book
from tests.simulation.network import LostError
from tests.simulation.printing import Dialect
from tests.simulation.reading import SimulatedReads
from tests.simulation.rows import TICK
from tests.simulation.venue import RefusedError
from tests.simulation.world import Life

T = TypeVar("T")


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


class SimulatedGateway(SimulatedReads):
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
        super().__init__(life, dialect)
        self._before_entry = before_entry

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
