"""What must hold of the broker's book in every second, whoever trades. Names follow the execution rules.

I1 one live super order for a setup. I2 nothing is ever sold short. I3 no more is bought than was approved. I4 no
position without a stop for longer than the bound. I5 the rate of order requests. I6 the loss realised. I7 after
recovery every order is known to the journal. I8 what a person holds besides is never sold by the agent. L1 flat, with
nothing working, once faults have ended and it is time to be flat. Units that the broker sold twice, because both exits
filled, are excused to the piece.
"""

from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.disk import Disk
from tests.simulation.naked import STAMP, Naked, cause_of
from tests.simulation.world import World

NAKED_BOUND = 180
"""Seconds without a stop in which the agent lived and could reach everything: six times the grace of a lost exit."""
MAX_PER_SECOND = 2
FLAT_WITHIN = 120
TICKS_IN_RUPEE = 20


@dataclass
class BookWatch:
    """Checks I1 to I5 each second.

    Attributes
    ----------
    naked : int
        Seconds so far in which something is held that no stop covers and the agent could act.
    longest : int
        The largest `naked` of the session.
    stretches : list of Naked
        Those that were longer than the bound, with their causes.
    """

    world: World
    naked: int = 0
    longest: int = 0
    stretches: list[Naked] = field(default_factory=list)
    _begin: int = 0
    _checked: int = 0
    _seen: int = -1
    _held: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Check everything that can be seen in the broker's book alone."""
        if self.world.venue.changes != self._seen:
            self._seen = self.world.venue.changes
            self._look_for_doubles()
            for lone in self.world.venue.lone:
                self.world.violate("P13", f"{lone} was cancelled alone")
            self._look_for_shorts_and_excess()
            owed = self.world.venue.owed
            self._held = {name: owed(name) for name in self.world.venue.net if owed(name) > 0}
        self._look_for_naked()
        if len(self.world.requests_sent) > self._checked:
            self._look_at_rate()

    def _look_for_doubles(self) -> None:
        live = Counter(b.correlation_id for b in self.world.venue.brackets.values() if b.live)
        for correlation_id, count in live.items():
            if count > 1:
                self.world.violate("I1", f"{count} live super orders of {correlation_id}")

    def _look_for_shorts_and_excess(self) -> None:
        world = self.world
        for contract, held in world.venue.net.items():
            ours = world.venue.owed(contract)
            if ours < 0:
                name = "I2" if held < 0 else "I8"
                world.violate(name, f"{-ours} {contract} were sold that no setup had; {held} are left")
        bought: Counter[str] = Counter()
        for bracket in world.venue.brackets.values():
            bought[bracket.correlation_id] += bracket.filled
            approved = world.approved.get(bracket.correlation_id)
            if approved is None:
                world.violate("P0", f"super order {bracket.order_id} {bracket.correlation_id} was never approved")
            elif bracket.quantity > approved.terms.quantity or bracket.contract != approved.terms.contract:
                world.violate("I3", f"ordered {bracket.quantity} {bracket.contract}, approved {approved}")
        for correlation_id, quantity in bought.items():
            if correlation_id in world.approved and quantity > world.approved[correlation_id].terms.quantity:
                world.violate("I3", f"bought {quantity} for {correlation_id}")

    def _look_for_naked(self) -> None:
        if not self._held:
            self.end_stretch()
            return
        held = dict(self._held)
        for bracket in self.world.venue.brackets.values():
            if bracket.contract in held and bracket.stop is not None and bracket.stop.state == "PENDING":
                held[bracket.contract] -= max(bracket.filled - bracket.sold, 0)
        if all(left <= 0 for left in held.values()):
            self.end_stretch()
            return
        self._begin = self._begin or self.world.second
        if self.world.able():
            self.naked += 1
            self.longest = max(self.longest, self.naked)
            if self.naked > NAKED_BOUND:
                self.world.violate("I4", f"no stop for {self.naked} s: {dict(held)}")

    def end_stretch(self) -> None:
        """Note for how long something was held without a stop, and why, if that was longer than the bound."""
        if self.naked > NAKED_BOUND:
            begin, end = self._begin, self.world.second
            lines = (line for line in self.world.trace if int(line[:STAMP]) >= begin - 1)
            idle = end - begin - self.naked
            self.stretches.append(Naked(begin, end, self.naked, cause_of(lines, idle)))
        self.naked = self._begin = 0

    def _look_at_rate(self) -> None:
        sent = self.world.requests_sent
        fresh = Counter(second for second, _ in sent[self._checked :])
        for second, count in fresh.items():
            if count > MAX_PER_SECOND:
                self.world.violate("I5", f"{count} order requests in second {second}")
        self._checked = len(sent)


@dataclass
class EndWatch:
    """Checks L1 when it is time and I6 and I7 at the end."""

    world: World
    disk: Disk

    def look(self) -> None:
        """Check that the account is flat in time, before the broker squares off."""
        plan = self.world.plan
        if self.world.second == plan.flat + FLAT_WITHIN or self.world.second == plan.end:
            self._look_for_flat()
        if self.world.second == plan.end:
            self._look_at_loss()
            self._look_for_unknown()

    def _look_for_flat(self) -> None:
        venue = self.world.venue
        held = {name: venue.owed(name) for name in venue.net if venue.owed(name)}
        if held:
            self.world.violate("L1", f"holds {held}")
        live = [b.order_id for b in venue.brackets.values() if b.live]
        live += [p.order_id for p in venue.plains.values() if p.state in {"TRANSIT", "PENDING"}]
        if live:
            self.world.violate("L1", f"still working: {live}")

    def _look_at_loss(self) -> None:
        venue = self.world.venue
        risks = [approved.risk for approved in self.world.approved.values()]
        allowed = self.world.loss_limit * TICKS_IN_RUPEE + max(risks, default=0) + venue.jumped + self._unprotected()
        if -venue.result() > allowed:
            self.world.violate("I6", f"lost {-venue.result()}, allowed {allowed}")

    def _unprotected(self) -> int:
        """Return what may be lost besides: each sale may slip by the stop's slack and by an exit's concession."""
        return sum(deal.quantity * deal.price // 10 for deal in self.world.venue.deals if deal.side < 0)

    def _look_for_unknown(self) -> None:
        text = {str(value) for row in self.disk.rows for value in _leaves(row.payload)}
        keys = {row.key for row in self.disk.rows}
        for bracket in self.world.venue.brackets.values():
            if bracket.order_id not in text | keys:
                self.world.violate(
                    "I7", f"super order {bracket.order_id} {bracket.correlation_id} is not in the journal"
                )
        for plain in self.world.venue.plains.values():
            if plain.correlation_id != "NA" and plain.order_id not in text | keys:
                self.world.violate("I7", f"sell order {plain.order_id} {plain.correlation_id} is not in the journal")


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in _leaves(each)] + list(value)
    if isinstance(value, (list, tuple)):
        return [leaf for each in value for leaf in _leaves(each)]
    return [value]
