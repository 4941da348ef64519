"""Matches the simulated broker's book against the price, once a second. Prices are whole ticks.

Nothing here knows the guardian. What this book says is the truth that invariants are checked against.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.simulation.book import LIVE, Bracket, Deal, Leg, Plain
from tests.simulation.faults import Faults
from tests.simulation.market import Price

STOP_SLACK = 0.03
JUMP = 0.015
"""The share of a price by which it must fall in a second to count as a jump."""


@dataclass
class MatchedBook:
    """The book of one account, and what time does to it.

    Attributes
    ----------
    net : dict of str to int
        Units held of each contract; below zero is a short position.
    cash : int
        Ticks times units received less paid, before costs.
    shrinks : bool
        Whether an entry may be made as small as what it has bought. It is not known of the real broker.
    incoming : int
        Plain exits under way. The account's owner and the broker's risk desk wait for them: nobody can call back a sale
        that will arrive after them, so it would prove nothing.
    changes : int
        Grows with whatever changes in the book.
    jumped : int
        Ticks times units lost to jumps while a position was held: what no stop can prevent.
    """

    rng: Random
    faults: Faults
    prices: dict[str, Price]
    say: Callable[[str], None]
    lot: int = 65
    second: int = 0
    brackets: dict[str, Bracket] = field(default_factory=dict)
    plains: dict[str, Plain] = field(default_factory=dict)
    deals: list[Deal] = field(default_factory=list)
    net: dict[str, int] = field(default_factory=dict)
    cash: int = 0
    jumped: int = 0
    loss_exit: int | None = None
    killed: bool = False
    healed: bool = False
    hints: list[str] = field(default_factory=list)
    shrinks: bool = True
    incoming: int = 0
    changes: int = 0
    _serial: int = 0
    _was: dict[str, int] = field(default_factory=dict)
    _listed: int = -1
    _working: list[Bracket] = field(default_factory=list)
    _resting: list[Plain] = field(default_factory=list)

    def advance(self, second: int) -> None:
        """Match every live order against the prices of `second`."""
        self.second = second
        for contract, price in self.prices.items():
            before = self._was.get(contract, price.last)
            fall = before - price.last
            if fall > before * JUMP and self.net.get(contract, 0) > 0:
                self.jumped += fall * self.net[contract]
            self._was[contract] = price.last
        if self.changes != self._listed:
            self._listed = self.changes
            self._working = [bracket for bracket in self.brackets.values() if bracket.live]
            self._resting = [plain for plain in self.plains.values() if plain.state in LIVE]
        for bracket in self._working:
            if bracket.live:
                self._match(bracket)
        for plain in self._resting:
            if plain.state in LIVE and second >= plain.live_at:
                plain.state = "PART_TRADED" if plain.filled else "PENDING"
                if self.prices[plain.contract].bid >= plain.price:
                    quantity = self._part_of(plain.quantity - plain.filled)
                    self._sell_plain(plain, self.prices[plain.contract].bid, quantity)
        limit = None if self.killed or self.incoming else self.loss_exit
        if limit is not None and self.worth() <= -limit:
            self.killed = True
            self.exit_all("loss limit")

    def worth(self) -> int:
        """Return realised and open profit in ticks times units, before costs."""
        return self.cash + sum(held * self.prices[name].last for name, held in self.net.items())

    def _match(self, bracket: Bracket) -> None:
        price = self.prices[bracket.contract]
        if bracket.state == "TRANSIT" and self.second >= bracket.live_at:
            bracket.state = "REJECTED" if bracket.dies else "PENDING"
            bracket.message = "rejected by the exchange" if bracket.dies else ""
            self._hint(bracket.order_id)
        if bracket.state in {"PENDING", "PART_TRADED"} and price.ask <= bracket.price:
            self._enter(bracket, price.ask)
        left = bracket.filled - bracket.sold
        if left <= 0:
            return
        target, stop = bracket.target, bracket.stop
        if stop is not None and stop.state == "PENDING" and price.last <= stop.trigger:
            stop.state = "TRIGGERED"
            self._hint(bracket.order_id)
        if target is not None and target.live and price.bid >= target.price:
            self._sell_leg(bracket, target, price.bid, left)
        elif stop is not None and stop.state in {"TRIGGERED", "PART_TRADED"} and price.bid >= stop.price:
            self._sell_leg(bracket, stop, price.bid, left)

    def _enter(self, bracket: Bracket, price: int) -> None:
        quantity = self._part_of(bracket.quantity - bracket.filled)
        bracket.filled += quantity
        bracket.value += quantity * price
        bracket.state = "TRADED" if bracket.filled == bracket.quantity else "PART_TRADED"
        self._deal(bracket.order_id, bracket.contract, 1, quantity, price)
        if bracket.target is None:
            bracket.target = Leg("TARGET", self._id(), bracket.target_price)
            limit = int(bracket.stop_trigger * (1 - STOP_SLACK))
            bracket.stop = Leg("STOP", self._id(), limit, bracket.stop_trigger)
            for leg in (bracket.target, bracket.stop):
                if self._refused(self.faults.leg_reject):
                    leg.state = "REJECTED"
                    self.say(f"broker  rejects {leg.name} of {bracket.order_id}")

    def _sell_leg(self, bracket: Bracket, leg: Leg, price: int, left: int) -> None:
        quantity = self._part_of(left)
        leg.filled += quantity
        leg.value += quantity * price
        leg.state = "PART_TRADED"
        if quantity == left:
            leg.state = "TRADED"
            for other in bracket.legs:
                if other is not leg and other.live:
                    other.state = "CANCELLED"
            bracket.state = "CLOSED"
        self._deal(leg.order_id, bracket.contract, -1, quantity, price)
        self._hint(bracket.order_id)

    def _sell_plain(self, plain: Plain, price: int, quantity: int) -> None:
        plain.filled += quantity
        plain.value += quantity * price
        plain.state = "TRADED" if plain.filled == plain.quantity else "PART_TRADED"
        self._deal(plain.order_id, plain.contract, -1, quantity, price)

    def _deal(self, order_id: str, contract: str, side: int, quantity: int, price: int) -> None:
        self.deals.append(Deal(f"T{len(self.deals) + 1}", order_id, contract, side, quantity, price, self.second))
        self.net[contract] = self.net.get(contract, 0) + side * quantity
        self.cash -= side * quantity * price
        self._hint(order_id)
        verb = "buys" if side > 0 else "sells"
        self.say(f"market  {order_id} {verb} {quantity} {contract} at {price}; holds {self.net[contract]}")

    def exit_all(self, why: str) -> None:
        """Cancel everything and sell what is held at the bid, as the broker's own risk desk does."""
        for bracket in self.brackets.values():
            if bracket.live:
                for leg in bracket.legs:
                    leg.state = "CANCELLED" if leg.live else leg.state
                bracket.state = "CANCELLED" if bracket.buying else bracket.state
        for plain in self.plains.values():
            plain.state = "CANCELLED" if plain.state in LIVE else plain.state
        for contract, held in sorted(self.net.items()):
            if held > 0:
                order = Plain(self._id(), "NA", contract, held, 0, self.second, self.second, "PENDING", message=why)
                self.plains[order.order_id] = order
                self.say(f"broker  squares off {held} {contract}: {why}")
                self._sell_plain(order, self.prices[contract].bid, held)

    def _refused(self, chance: float | None = None) -> bool:
        chance = self.faults.reject / 3 if chance is None else chance
        return self.rng.random() < chance and not self.healed

    def _part_of(self, quantity: int) -> int:
        """Return how much of `quantity` fills at once."""
        lots = quantity // self.lot
        if lots > 1 and self.rng.random() < self.faults.partial_fill and not self.healed:
            return self.lot * self.rng.randint(1, lots - 1)
        return quantity

    def _hint(self, order_id: str) -> None:
        self.hints.append(order_id)
        self.changes += 1

    def _id(self) -> str:
        self._serial += 1
        self.changes += 1
        return f"2{self._serial:05d}"
