"""The broker's order desk: super orders with Dhan's rules.

Requests arrive through `tests.simulation.network`, which may lose, delay or answer wrongly.
"""

from dataclasses import dataclass

from tests.simulation.book import LIVE, Bracket, Plain, Terms
from tests.simulation.matching import STOP_SLACK, MatchedBook

BAND = 0.40


class RefusedError(Exception):
    """The broker says no, with its words."""


@dataclass
class Venue(MatchedBook):
    """Takes requests into the book, or refuses them."""

    def place_super(self, correlation_id: str, terms: Terms) -> Bracket:
        """Take a super order into the book. A repeated correlation id is a second order, as at the real broker."""
        self._gate(terms.contract, terms.price)
        whole = terms.quantity > 0 and terms.quantity % self.lot == 0
        if not whole or not 0 < terms.stop < terms.price < terms.target:
            raise RefusedError(f"DH-905 {terms} makes no sense")
        live_at, visible_at = self._appears()
        bracket = Bracket(
            self._id(),
            correlation_id,
            terms.contract,
            terms.quantity,
            terms.price,
            terms.target,
            terms.stop,
            live_at,
            visible_at,
            dies=self._refused(),
        )
        self.brackets[bracket.order_id] = bracket
        self.say(f"broker  accepts super order {bracket.order_id} ({correlation_id}) {terms}")
        return bracket

    def place_plain(self, correlation_id: str, contract: str, quantity: int, price: int) -> Plain:
        """Take a plain sell order into the book."""
        self._gate(contract, price, selling=True)
        if quantity <= 0:
            raise RefusedError(f"DH-905 quantity {quantity}")
        plain = Plain(self._id(), correlation_id, contract, quantity, price, *self._appears())
        self.plains[plain.order_id] = plain
        self.say(f"broker  accepts sell order {plain.order_id} ({correlation_id}) {quantity} {contract} at {price}")
        return plain

    def modify_entry(self, order_id: str, price: int | None, quantity: int | None) -> None:
        """Change what an entry still wants; a total that is bought already ends it and leaves its exits alone."""
        bracket = self._bracket(order_id)
        if not bracket.buying:
            raise RefusedError("DH-906 entry is not pending")
        if quantity is not None and (quantity < bracket.filled + (not self.shrinks) or quantity <= 0):
            raise RefusedError(f"DH-905 quantity {quantity} is too small, {bracket.filled} are bought")
        self.say(f"broker  modifies ENTRY of {order_id} to {quantity} at {price}")
        self.edits += 1
        if quantity is not None:
            bracket.quantity = quantity
            if quantity == bracket.filled:
                bracket.state = "TRADED"
                self._hint(order_id)
        bracket.price = bracket.price if price is None else price

    def modify(self, order_id: str, leg_name: str, price: int | None, trigger: int | None) -> None:
        """Change the price or trigger of an exit that still works."""
        bracket = self._bracket(order_id)
        leg = bracket.target if leg_name == "TARGET" else bracket.stop
        if leg is None or not leg.live:
            raise RefusedError(f"DH-906 {leg_name} leg of {order_id} is not pending")
        self.edits += 1
        if price is not None:
            self._band(bracket.contract, price)
            leg.price = price
        if trigger is not None and leg.state == "PENDING":
            leg.trigger, leg.price = trigger, int(trigger * (1 - STOP_SLACK))
        self.say(f"broker  modifies {leg_name} of {order_id} to {price if price is not None else trigger}")

    def cancel_super(self, order_id: str, leg_name: str = "ENTRY") -> None:
        """Cancel a super order with all its legs, or one exit leg for good: a cancelled leg never comes back."""
        bracket = self._bracket(order_id)
        if bracket.state == "TRANSIT":
            raise RefusedError("DH-906 Order is in Transit state")
        if not bracket.live:
            raise RefusedError(f"DH-906 {order_id} is closed")
        self.say(f"broker  cancels {leg_name} of {order_id}")
        if leg_name != "ENTRY":
            self.lone.append(f"the {leg_name} of {order_id}")
            leg = bracket.target if leg_name == "TARGET" else bracket.stop
            if leg is not None and leg.live:
                leg.state = "CANCELLED"
            self._hint(order_id)
            return
        for each in bracket.legs:
            if each.live:
                each.state = "CANCELLED"
        if bracket.buying:
            bracket.state = "CANCELLED"
        self._hint(order_id)

    def modify_plain(self, order_id: str, price: int) -> None:
        """Move the limit of a plain order that still rests."""
        plain = self.plains.get(order_id)
        if plain is None or plain.state not in LIVE:
            raise RefusedError(f"DH-906 {order_id} is not pending")
        self._band(plain.contract, price)
        self.say(f"broker  modifies {order_id} to {price}")
        plain.price = price
        self.edits += 1

    def cancel_plain(self, order_id: str) -> None:
        """Cancel a plain order."""
        plain = self.plains.get(order_id)
        if plain is None or plain.state not in LIVE or plain.state == "TRANSIT":
            raise RefusedError(f"DH-906 {order_id} cannot be cancelled")
        plain.state = "CANCELLED"
        self._hint(order_id)

    def _gate(self, contract: str, price: int, *, selling: bool = False) -> None:
        if self.killed and not selling:
            raise RefusedError("DH-906 kill switch is active")
        if contract not in self.prices:
            raise RefusedError(f"DH-905 unknown security {contract}")
        self._band(contract, price)

    def _band(self, contract: str, price: int) -> None:
        last = self.prices[contract].last
        if price < last * (1 - BAND):
            raise RefusedError(f"DH-906 price {price} is outside the band around {last}")

    def _bracket(self, order_id: str) -> Bracket:
        if order_id not in self.brackets:
            raise RefusedError(f"DH-906 no order {order_id}")
        return self.brackets[order_id]

    def hidden(self, second: int) -> set[str]:
        """Return the ids of the orders and legs that no list showed in a second."""
        found = {plain.order_id for plain in self.plains.values() if plain.visible_at > second}
        for bracket in self.brackets.values():
            if bracket.visible_at > second:
                found |= {bracket.order_id, *(leg.order_id for leg in bracket.legs)}
        return found

    def _appears(self) -> tuple[int, int]:
        lag = 0.0 if self.healed else self.rng.uniform(0, self.faults.visibility_lag)
        live_at, visible_at = self.second + self.rng.randint(0, 1), self.second + round(lag)
        self.visible_at = max(self.visible_at, visible_at)
        return live_at, visible_at
