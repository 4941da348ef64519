"""Matches the simulated broker's book against the price, once a second. Prices are whole ticks.

Nothing here knows the guardian. What this book says is the truth that invariants are checked against.
"""

from dataclasses import dataclass, field

from tests.simulation.account import Account
from tests.simulation.book import LIVE, Bracket, Leg, Plain, Race

STOP_SLACK = 0.03
RACE_WITHIN = 3


@dataclass
class MatchedBook(Account):
    """The book of one account, and what time does to it."""

    _listed: int = -1
    _working: list[Bracket] = field(default_factory=list)
    _resting: list[Plain] = field(default_factory=list)

    def advance(self, second: int) -> None:
        """Move the prices to `second` and match every live order against them."""
        self.second = second
        self._move_prices()
        if self.changes != self._listed:
            self._listed = self.changes
            self._working = [bracket for bracket in self.brackets.values() if bracket.live]
            self._resting = [plain for plain in self.plains.values() if plain.state in LIVE]
        for bracket in self._working:
            if bracket.live:
                self._match(bracket)
        for plain in self._resting:
            if plain.state in LIVE and second >= plain.live_at:
                if plain.state == "TRANSIT":
                    plain.state = "PENDING"
                    self.edits += 1
                if self.prices[plain.contract].bid >= plain.price:
                    quantity = self._part_of(plain.quantity - plain.filled)
                    self._fill_plain(plain, self.prices[plain.contract].bid, quantity)
        limit = None if self.killed or self.incoming else self.loss_exit
        if limit is not None and self.net and self.worth() <= -limit:
            self.killed = True
            self.exit_all("loss limit")

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
            if bracket.racing and self.second >= bracket.races_at:
                self._sell_twice(bracket, price.bid)
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
        self._deal((bracket.order_id, bracket.contract, 1), quantity, price)
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
            bracket.state = "CLOSED"
            if self.faults.oco_race and self._refused(self.faults.oco_race):
                bracket.racing, bracket.races_at = quantity, self.second + self.rng.randint(0, RACE_WITHIN)
            for other in bracket.legs:
                if other is not leg and other.live and not bracket.racing:
                    other.state = "CANCELLED"
        self._deal((leg.order_id, bracket.contract, -1), quantity, price)
        self._hint(bracket.order_id)

    def _sell_twice(self, bracket: Bracket, price: int) -> None:
        """Let the exit that was to be cancelled fill as well."""
        quantity, bracket.racing = bracket.racing, 0
        for leg in bracket.legs:
            if leg.live:
                leg.filled += quantity
                leg.value += quantity * price
                leg.state = "TRADED"
                self.races.append(Race(bracket.correlation_id, bracket.contract, quantity, self.second))
                self.raced_cash += quantity * price
                self._deal((leg.order_id, bracket.contract, -1), quantity, price)

    def _fill_plain(self, plain: Plain, price: int, quantity: int, foreign: int = 0) -> None:
        plain.filled += quantity
        plain.value += quantity * price
        plain.state = "TRADED" if plain.filled == plain.quantity else "PART_TRADED"
        self._deal((plain.order_id, plain.contract, plain.side), quantity, price, foreign)

    def exit_all(self, why: str) -> None:
        """Cancel everything and sell what is held at the bid, as the broker's own risk desk does."""
        self.edits += 1
        for bracket in self.brackets.values():
            if bracket.live:
                for leg in bracket.legs:
                    leg.state = "CANCELLED" if leg.live else leg.state
                bracket.state = "CANCELLED" if bracket.buying else bracket.state
        for plain in self.plains.values():
            plain.state = "CANCELLED" if plain.state in LIVE else plain.state
        for contract, held in sorted(self.net.items()):
            if held > 0:
                self.by_hand(contract, -held, min(held, max(self.foreign.get(contract, 0), 0)), why)
            elif held < 0 and self.races:
                self.by_hand(contract, -held, -held, why)

    def by_hand(self, contract: str, units: int, foreign: int, why: str) -> None:
        """Buy units, or sell them where they are below zero, at once; `foreign` of them are not the setups'."""
        side = 1 if units > 0 else -1
        order = Plain(self._id(), "NA", contract, abs(units), 0, self.second, self.second, "PENDING", 0, 0, why, side)
        self.plains[order.order_id] = order
        self.say(f"broker  squares off {-units} {contract}: {why}")
        price = self.prices[contract]
        self._fill_plain(order, price.ask if side > 0 else price.bid, abs(units), foreign)
