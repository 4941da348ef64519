"""Between which prices a contract was traded since some moment: what sets off stops, and what trailing stops follow."""

from exchange.clock import Millis
from exchange.contracts import Contract
from exchange.services import Services


class Ranges:
    """Lowest and highest trades up to the present, each looked for once however many orders ask.

    Parameters
    ----------
    services : Services
        The market and the present.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known_at: Millis | None = None
        self._known: dict[tuple[int, str, Millis], tuple[int, ...]] = {}

    def since(self, contract: Contract, after: Millis) -> tuple[int, ...]:
        """Return the lowest and highest trade after a moment until now, in paise; nothing if there was none."""
        now = self._services.now
        if now != self._known_at:
            self._known.clear()
            self._known_at = now
        key = (contract.security_id, contract.segment, after)
        if key not in self._known:
            prices = [traded.price for traded in self._services.market.prints(*key, now)]
            self._known[key] = (min(prices), max(prices)) if prices else ()
        return self._known[key]
