"""The exchange without its wires: one object that holds every part, told the time, the same for the same seed.

Commands are applied at a moment after everything due before it has been settled, so how often the servers call makes
no difference to what happens. Nothing here reads a clock of its own, waits, or draws from chance without a seed.

A server handles a request with ``now = core.settle()`` and then asks the parts, passing `now`. Between requests it
calls `settle` again when `next_due` has come (``core.clock.real_delay(core.next_due - now)`` seconds), so that orders
fill and listeners hear of it while nobody asks.
"""

from collections.abc import Callable, Sequence

from exchange.accounts import Accounts
from exchange.clock import MarketClock, Millis
from exchange.limits import Limits
from exchange.market import Market
from exchange.services import Bus, Chance, Event, Faults, Listener, NoFaults, Parameters, Timeline

__all__ = ["Bus", "Chance", "Core", "Event", "Faults", "Listener", "NoFaults", "Parameters", "Timeline"]


class Core:
    """Every part of the exchange, and the present.

    Parameters
    ----------
    market : Market
        Where prices come from.
    accounts : Accounts
        The clients and their tokens.
    clock : MarketClock, optional
        Read by `settle` only. Real time unless given.
    limits : Limits, optional
        Rate limits; Dhan's own unless given.
    faults : Faults, optional
        Which faults strike; none unless given. May be replaced at any time.
    seed : int, optional
        Decides latencies, ids and every other draw.
    """

    def __init__(
        self,
        market: Market,
        accounts: Accounts,
        clock: MarketClock | None = None,
        limits: Limits | None = None,
        faults: Faults | None = None,
        *,
        seed: int = 0,
    ) -> None:
        self.market = market
        self.accounts = accounts
        self.clock = clock or MarketClock()
        self.limits = limits or Limits()
        self.faults: Faults = faults or NoFaults()
        self.chance = Chance(seed)
        self.bus = Bus()
        self.timeline = Timeline(self.clock.now())

    @property
    def now(self) -> Millis:
        """The moment up to which everything has been settled."""
        return self.timeline.now

    @property
    def next_due(self) -> Millis | None:
        """When something will happen by itself next, or None."""
        return self.timeline.next_due

    @property
    def events(self) -> Sequence[Event]:
        """The latest events, oldest first."""
        return self.bus.events

    def advance(self, now: Millis) -> Millis:
        """Settle everything due up to a moment and return the present, which never runs backwards."""
        self.timeline.settle(now)
        return self.timeline.now

    def settle(self) -> Millis:
        """Advance to the clock's time."""
        return self.advance(self.clock.now())

    def subscribe(self, kind: str, listener: Listener) -> Callable[[], None]:
        """Tell a listener of every event of a kind; call what is returned to stop that."""
        return self.bus.subscribe(kind, listener)

    def publish(self, kind: str, client_id: str, detail: object) -> None:
        """Make an event of the present known."""
        self.bus.publish(Event(kind, self.now, client_id, detail))
