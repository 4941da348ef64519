"""Stops that trail: each time orders are about to meet the market, they follow a price that has gone the right way."""

from exchange.floor import Floor
from exchange.services import Services
from exchange.superorders import SuperOrder, SuperOrders


class Trail:
    """Moves trailing stops by a jump for every jump that the price has gone the right way, and never back.

    Parameters
    ----------
    services : Services
        What every part shares.
    supers : SuperOrders
        The super orders of the day.
    floor : Floor
        Says when to look.
    """

    def __init__(self, services: Services, supers: SuperOrders, floor: Floor) -> None:
        self._services = services
        self._supers = supers
        self._floor = floor
        floor.before_pass.append(self.look)

    def look(self) -> None:
        """Look at the trades since the last look."""
        for order in self._supers.all():
            stop = order.exits.get("STOP_LOSS_LEG")
            if stop is not None and stop.is_open and not stop.triggered and order.terms.jump:
                self._follow(order, stop.trigger)

    def _follow(self, order: SuperOrder, stop_at: int) -> None:
        contract, sign, jump = order.entry.contract, order.entry.sign, order.terms.jump
        traded = self._floor.ranges.since(contract, order.watched_from)
        order.watched_from = self._services.now
        best = max((sign * price for price in traded), default=sign * order.reference)
        steps = (best - sign * order.reference) // jump
        if steps > 0:
            order.reference += sign * steps * jump
            self._supers.move(order, "STOP_LOSS_LEG", stop_at + sign * steps * jump)
