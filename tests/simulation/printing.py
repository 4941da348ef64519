"""How the simulated broker prints its book.

A session speaks one of several dialects, since it is not known which the real broker speaks: legs may be printed under
their own ids or their parent's, may or may not be named as children in the order list, and the entry's own state may
or may not be printed.
"""

from dataclasses import dataclass

from agents.execution.gateway import FillRow, OrderRow, SuperRow, TradeSide
from tests.simulation import book
from tests.simulation.rows import LegKey, fill_row, order_row, super_row
from tests.simulation.world import World


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


class Printer:
    """Prints what can be seen, in one dialect."""

    def __init__(self, world: World, dialect: Dialect) -> None:
        self._world = world
        self._dialect = dialect

    def seen(self) -> list[book.Bracket]:
        """Return the super orders that can be seen."""
        second = self._world.second
        return [bracket for bracket in self._world.venue.brackets.values() if bracket.visible_at <= second]

    def super_row(self, bracket: book.Bracket) -> SuperRow:
        """Return a super order as the broker lists it."""
        state, legs = bracket.state, tuple(self._leg_key(bracket, leg) for leg in bracket.legs)
        if bracket.filled and state != "CLOSED" and any(leg.state == "TRIGGERED" for leg in bracket.legs):
            state = "TRIGGERED"
        entry = ("TRADED" if bracket.state == "CLOSED" else bracket.state) if self._dialect.entry_state else ""
        key = (bracket.order_id, bracket.correlation_id, bracket.contract, state, bracket.quantity, bracket.filled)
        return super_row(key, (bracket.value, bracket.price), bracket.message, entry, legs)

    def _leg_key(self, bracket: book.Bracket, leg: book.Leg) -> LegKey:
        printed = leg.order_id if self._dialect.own_leg_ids else bracket.order_id
        return (leg.name, printed, leg.state, bracket.filled, leg.filled, leg.price, leg.trigger or None, leg.value)

    def order_rows(self) -> list[OrderRow]:
        """Return the order list: plain orders, and entries and legs where the dialect lists them."""
        second = self._world.second
        rows = [
            order_row(
                (plain.order_id, plain.correlation_id, plain.contract, plain.state, plain.quantity, plain.filled),
                (plain.value, plain.price),
                None,
                plain.message,
                TradeSide.BUY if plain.side > 0 else TradeSide.SELL,
            )
            for plain in self._world.venue.plains.values()
            if plain.visible_at <= second
        ]
        if self._dialect.legs_listed:
            rows += [self._leg_order(bracket, leg) for bracket in self.seen() for leg in bracket.legs]
            rows += [self._entry_order(bracket) for bracket in self.seen()]
        return rows

    def _leg_order(self, bracket: book.Bracket, leg: book.Leg) -> OrderRow:
        parent = bracket.order_id if self._dialect.parents_named else None
        key = (leg.order_id, "NA", bracket.contract, leg.state, bracket.filled, leg.filled)
        return order_row(key, (leg.value, leg.price), parent, "")

    def _entry_order(self, bracket: book.Bracket) -> OrderRow:
        state = "TRADED" if bracket.state == "CLOSED" else bracket.state
        key = (bracket.order_id, bracket.correlation_id, bracket.contract, state, bracket.quantity, bracket.filled)
        return order_row(key, (bracket.value, bracket.price), None, bracket.message, TradeSide.BUY)

    def fill_rows(self) -> list[FillRow]:
        """Return the executions of orders that can be seen."""
        venue, base = self._world.venue, self._world.plan.opens_at
        hidden = venue.hidden(self._world.second)
        return [fill_row(deal, base) for deal in venue.deals if deal.order_id not in hidden]
