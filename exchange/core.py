"""The exchange without its wires: one object that holds every part, told the time, the same for the same seed.

Commands are applied at a moment after everything due before it has been settled, so how often the servers call makes
no difference to what happens. Nothing here reads a clock of its own, waits, or draws from chance without a seed.

A server handles a request with ``now = core.settle()`` and then asks the parts. Between requests it calls `settle`
again when `next_due` has come (``core.clock.real_delay(core.next_due - now)`` seconds), so that orders fill and
listeners hear of it while nobody asks.

Events: ``order`` with an `Order` as it stands, ``trade`` with a `Trade`, ``oco_race`` with the two legs' ids and the
quantity that both have closed, ``pnl_exit`` with a `PnlExit`, ``session_closed`` with a date, ``restarted``.
"""

from exchange.accounts import Accounts
from exchange.checks import Checks
from exchange.clock import MarketClock, Millis
from exchange.counter import Counter, Gate
from exchange.days import Days
from exchange.floor import Floor
from exchange.ledgers import Ledgers
from exchange.limits import Limits
from exchange.market import Market
from exchange.orderbook import OrderBook
from exchange.rules import Rules
from exchange.safeguards import Safeguards
from exchange.services import Bus, Chance, Event, Faults, Listener, NoFaults, Parameters, Services, Timeline
from exchange.supercounter import SuperCounter
from exchange.superorders import SuperOrders
from exchange.trailing import Trail
from exchange.venue import Venue

__all__ = ["Bus", "Chance", "Core", "Event", "Faults", "Listener", "NoFaults", "Parameters", "Timeline"]


class Core(Services):
    """Every part of the exchange, and the present.

    The constructor is that of `Services`. Parts: `orders` and `supers` hold the day's orders, `counter` and
    `super_counter` take requests about them, `venue` sends orders of others, `ledgers` holds money and positions,
    `checks` says what is available, `safeguards` closes positions.
    """

    def __init__(
        self,
        market: Market,
        accounts: Accounts,
        clock: MarketClock | None = None,
        limits: Limits | None = None,
        faults: Faults | None = None,
        *,
        rules: Rules | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(market, accounts, clock, limits, faults, rules=rules, seed=seed)
        self.ledgers = Ledgers(accounts)
        self.orders = OrderBook(self)
        self.checks = Checks(self, self.orders, self.ledgers.of)
        self.floor = Floor(self, self.orders, self.ledgers.of)
        self.venue = Venue(self, self.orders, self.floor, self.checks)
        self.supers = SuperOrders(self, self.orders, self.venue)
        Trail(self, self.supers, self.floor)
        self.safeguards = Safeguards(self, self.orders, self.venue, self.ledgers)
        gate = Gate(self, self.safeguards.killed)
        self.counter = Counter(self, self.orders, self.venue, self.supers, gate)
        self.super_counter = SuperCounter(self, gate, self.venue, self.supers)
        self.days = Days(
            self,
            book=self.orders,
            supers=self.supers,
            ledgers=self.ledgers,
            venue=self.venue,
            safeguards=self.safeguards,
            checks=self.checks,
        )
        self.days.begin()

    def restart(self, now: Millis) -> None:
        """Begin anew at a moment, which may be in the past: no orders, no positions, opening balances."""
        self.timeline.clear(now)
        self.orders.clear()
        self.supers.clear()
        self.floor.forget(orders=True)
        self.ledgers.clear()
        self.safeguards.clear()
        self.days.begin()
        self.publish("restarted", "", now)
