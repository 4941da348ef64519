"""The simulated broker's account: what it knows, and what an execution changes. Prices are whole ticks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.simulation.book import Bracket, Deal, Plain, Race
from tests.simulation.faults import Faults
from tests.simulation.market import Price

JUMP = 0.015
"""The share of a price by which it must fall in a second to count as a jump."""


@dataclass
class Account:
    """The book of one account: orders, executions, what is held and what it came to.

    Attributes
    ----------
    net : dict of str to int
        Units held of each contract; below zero is a short position.
    foreign : dict of str to int
        How much of `net` is not the setups': a person bought it, or bought back what was sold twice.
    races : list of Race
        What the broker sold twice because both exits filled.
    lone : list of str
        Exit legs that were cancelled by themselves.
    cash : int
        Ticks times units received less paid, before costs.
    shrinks : bool
        Whether an entry may be made as small as what it has bought. It is not known of the real broker.
    incoming : int
        Plain exits under way. The account's owner and the broker's risk desk wait for them: nobody can call back a sale
        that will arrive after them, so it would prove nothing.
    changes : int
        Grows with whatever changes in the book, but for the edits.
    edits : int
        Grows with changed prices, and with states that change quietly.
    visible_at : int
        From this second on every order can be seen.
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
    foreign: dict[str, int] = field(default_factory=dict)
    races: list[Race] = field(default_factory=list)
    lone: list[str] = field(default_factory=list)
    cash: int = 0
    foreign_cash: int = 0
    raced_cash: int = 0
    jumped: int = 0
    loss_exit: int | None = None
    killed: bool = False
    healed: bool = False
    hints: list[str] = field(default_factory=list)
    shrinks: bool = True
    incoming: int = 0
    changes: int = 0
    edits: int = 0
    visible_at: int = 0
    _serial: int = 0
    _was: dict[str, int] = field(default_factory=dict)

    def worth(self) -> int:
        """Return realised and open profit in ticks times units, before costs."""
        worth = self.cash
        for name, held in self.net.items():
            if held:
                worth += held * self.prices[name].last
        return worth

    def owed(self, contract: str) -> int:
        """Return what the setups hold: neither a person's units nor what a race sold twice are counted."""
        ours = self.net.get(contract, 0) - self.foreign.get(contract, 0)
        if not self.races:
            return ours
        return ours + sum(race.quantity for race in self.races if race.contract == contract)

    def result(self) -> int:
        """Return the setups' realised and open profit in ticks times units, without what a race sold twice."""
        held = sum(self.owed(name) * self.prices[name].last for name in self.net)
        return self.cash - self.foreign_cash - self.raced_cash + held

    def _move_prices(self) -> None:
        for contract, price in self.prices.items():
            before = self._was.get(contract)
            price.move(self.second)
            now = self._was[contract] = price.last
            if before is not None and before - now > before * JUMP and self.owed(contract) > 0:
                self.jumped += (before - now) * self.owed(contract)

    def _deal(self, order: tuple[str, str, int], quantity: int, price: int, foreign: int = 0) -> None:
        order_id, contract, side = order
        name, own = f"T{len(self.deals) + 1}", quantity - foreign
        self.deals.append(Deal(name, order_id, contract, side, quantity, price, self.second, own))
        self.net[contract] = self.net.get(contract, 0) + side * quantity
        self.foreign[contract] = self.foreign.get(contract, 0) + side * foreign
        self.cash -= side * quantity * price
        self.foreign_cash -= side * foreign * price
        self._hint(order_id)
        verb = "buys" if side > 0 else "sells"
        self.say(f"market  {order_id} {verb} {quantity} {contract} at {price}; holds {self.net[contract]}")

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
